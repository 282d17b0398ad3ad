"""Changes that leave one part of a whole unlooked at: no rule of thumb finds them, an attacker does.

By file: a text that is there once, then what stands in its place in one mutant each.
"""

from __future__ import annotations

from typing import Final

BY_HAND: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "lib/ledger.ak": (("range.lower_bound.bound.time", "range.upper_bound.bound.time"),),
    "lib/protocol.ak": (
        (
            "    address,\n    value: output.value,\n",
            "    address: output.address,\n    value: output.value,\n",
        ),
        ("datum: InlineDatum(datum),", "datum: InlineDatum(as_data(output.datum.contents)),"),
        ("reference_script: None,", "reference_script: output.reference_script,"),
        (
            "expect tokens == one_token(policy, builtin.append_bytearray(terms_label, id))",
            "expect builtin.head_list(tokens) == builtin.head_list(\n"
            "    one_token(policy, builtin.append_bytearray(terms_label, id)),\n  )",
            'expect [Pair(_, [Pair(_, 1)])] = tokens\n  expect builtin.slice_bytearray(0, 4, name) == "TERM"',
        ),
    ),
    "lib/vault/payouts.ak": (
        (
            "expect entries == [Pair(policy, [Pair(name, amount)])]",
            "expect builtin.head_list(entries) == Pair(policy, [Pair(name, amount)])",
            "expect builtin.head_list(entries).2nd == [Pair(name, amount)]",
            "expect builtin.head_list(entries).1st == policy",
            "expect builtin.head_list(builtin.head_list(entries).2nd) == Pair(name, amount)",
        ),
    ),
    "lib/vault/holdings.ak": (
        ("own.datum.contents.distribution_id", '""'),
        (
            "first.2nd == [Pair(as_data(vault_token), 1)]",
            "builtin.head_list(first.2nd).1st == as_data(vault_token)",
        ),
    ),
    "lib/vault/release.ak": (
        (
            "      address,\n      value: new_value",
            "      address: continued.address,\n      value: new_value",
        ),
        ("reference_script: None,", "reference_script: continued.reference_script,"),
        (
            "Vault { distribution_id: id, page, remaining, claimed: new_claimed }",
            "Vault {\n distribution_id: new_datum.contents.distribution_id,\n"
            " page,\n remaining,\n claimed: new_claimed,\n }",
            "Vault {\n distribution_id: id,\n page: new_datum.contents.page,\n"
            " remaining,\n claimed: new_claimed,\n }",
            "Vault {\n distribution_id: id,\n page,\n"
            " remaining: new_datum.contents.remaining,\n claimed: new_claimed,\n }",
            "new_datum.contents",
        ),
        ("un_b_data(own_entry.1st)", "un_b_data(asset_entry.1st)"),
        ("if is_lovelace || remaining == 0 {", "if is_lovelace {", "if remaining == 0 {"),
        (
            "expect builtin.head_list(others).1st == Mint(policy)",
            "expect Mint(_) = builtin.head_list(others).1st",
        ),
        ("must_hold([own_entry], protocol", "must_hold([asset_entry], protocol"),
        (
            "blake2b_224(builtin.append_bytearray(id, milestone))",
            "blake2b_224(builtin.append_bytearray(milestone, milestone))",
        ),
        ("ledger.at(pages, page)", "builtin.head_list(pages)"),
    ),
    "lib/registry/attest.ak": (
        ("    source.address,\n", "    output.address,\n"),
        (
            "let is_minted_alone = tx.mint == token",
            "let is_minted_alone = ledger.held(tx.mint, policy) == builtin.head_list(token).2nd",
            "let is_minted_alone = builtin.head_list(tx.mint) == builtin.head_list(token)",
        ),
        (
            "protocol.some_tokens(config.board, proposal, -1)",
            "protocol.some_tokens(policy, proposal, -1)",
        ),
        ("        signers,\n", "        signers: terms.oracles,\n"),
        ("must_consent(tx, terms.creator)", "signs(tx, terms.creator)"),
        (
            "distribution_id: id,",
            "distribution_id: builtin.un_b_data(\n"
            " builtin.head_list(builtin.un_constr_data(as_data(output.datum.contents)).2nd),\n ),",
        ),
    ),
    "lib/registry/burn.ak": (
        (
            "label == protocol.terms_label || protocol.remaining(datum) == 0 || must_be_reclaimable()",
            "protocol.remaining(datum) == 0 || must_be_reclaimable()",
            "label == protocol.terms_label || must_be_reclaimable()",
            "label == protocol.terms_label || protocol.remaining(datum) == 0",
            "must_be_reclaimable()",
        ),
        (
            "            expect Some(time) = terms.reclaim_after\n"
            "            (time <= ledger.valid_from(tx.validity_range))?\n",
            "            when terms.reclaim_after is {\n            None -> True\n"
            "            Some(time) -> time <= ledger.valid_from(tx.validity_range)\n          }\n",
        ),
        (
            "from(burnt, terms_token) == [\n      Pair(as_data(terms_token), -1),",
            "from(burnt, vault_token) == [",
        ),
        ("count_down(terms.pages, 0)", "-1"),
        (
            "builtin.null_list(ledger.held(output.value, policy))",
            "builtin.null_list(ledger.held(output.value, policy)) || output.address == source.address",
        ),
        (
            "let is_by_notice = if authority.signs(tx, terms.creator) {\n    False\n",
            "let is_by_notice = if authority.must_consent(tx, terms.creator) {\n    False\n",
        ),
        (
            "let hash = protocol.board_hash(policy, id)",
            "let hash = id",
            "let hash = builtin.blake2b_224(id)",
        ),
        ("ledger.held(tx.mint, config.board)", "builtin.head_list(tx.mint).2nd"),
    ),
    "lib/quorum.ak": (
        ("after(oracles, signer),", "oracles,", "builtin.tail_list(oracles),"),
        (
            "protocol.one_token(\n        boards,\n"
            "        protocol.board_name(registry, id, board.sequence),\n      )",
            "protocol.one_token(\n        boards,\n"
            "        protocol.board_name(registry, board.distribution_id, board.sequence),\n      )",
            "protocol.one_token(\n        boards,\n"
            "        protocol.board_name(board.registry, id, board.sequence),\n      )",
        ),
        (
            "return(board.oracles, board.quorum_threshold)",
            "return(board.oracles, terms.quorum_threshold)",
        ),
        ("signer, ..signers", '"", ..signers'),
    ),
    "lib/board/birth.ak": (
        ("[Pair(as_data(own), ledger.held(tx.mint, own))] == token", "tx.mint == token"),
        ("        registry,\n", "        registry: own,\n"),
        ("    source.address,\n", "    output.address,\n"),
    ),
    "lib/board/bond.ak": (
        (
            "ledger.tokens(input.output.value) == protocol.one_token(own, name)",
            "ledger.quantity(ledger.held(input.output.value, own), as_data(name)) == 1",
        ),
        ("as_data(output.address) == address", "as_data(proposal.address) == address"),
    ),
    "lib/board/confirm.ak": (
        (
            "tx.mint == ledger.joined(\n      builtin.head_list(attestation),\n"
            "      builtin.head_list(protocol.some_tokens(own, name, -1)),\n    )",
            "ledger.held(tx.mint, own) == builtin.head_list(protocol.some_tokens(own, name, -1)).2nd",
            "ledger.held(tx.mint, proposal.registry) == builtin.head_list(attestation).2nd",
        ),
    ),
    "lib/board/end.ak": (
        ("expect own_entry.1st == as_data(own)", "expect own_entry.1st == as_data(registry)"),
        (
            "as_data(token_name))\n    },",
            'as_data(""))\n    },',
        ),
        (
            "    address: refund.address,\n",
            "    address: home.address,\n",
            "    address: distribution,\n",
        ),
        ("    datum: refund.datum,\n", "    datum: as_data(home.datum),\n"),
        ("    reference_script: None,\n", "    reference_script: home.reference_script,\n"),
        (
            "output.address.payment_credential == script",
            "builtin.null_list(ledger.tokens(output.value)) == False",
        ),
        (
            "ledger.quantity(ledger.held(tx.mint, own), as_data(notice_name)) == 0",
            "notice_name != name",
        ),
    ),
    "lib/board/notify.ak": (
        (
            "expect tx.mint == token",
            "expect ledger.held(tx.mint, own) == builtin.head_list(token).2nd",
        ),
        ("        [\n          as_data(registry),", "        [\n          as_data(own),"),
        ("    source.address,\n", "    output.address,\n"),
    ),
    "lib/board/object.ak": (
        (
            "expect tx.mint == protocol.some_tokens(own, name, -1)",
            "expect ledger.held(tx.mint, own) == builtin.head_list(protocol.some_tokens(own, name, -1)).2nd",
        ),
        ("expect [_, ..] = quorum.must_have_signed(", "let _ = quorum.must_have_signed("),
        ("as_data(address),", "as_data(source.address),"),
        ("as_data(input.output_reference),", "as_data(input.output.address),"),
    ),
    "lib/board/propose.ak": (
        (
            "expect tx.mint == token",
            "expect ledger.held(tx.mint, own) == builtin.head_list(token).2nd",
        ),
        ("    source.address,\n", "    output.address,\n"),
    ),
    "lib/board/retire.ak": (
        (
            "expect tx.mint == protocol.some_tokens(own, name, -1)",
            "expect ledger.held(tx.mint, own) == builtin.head_list(protocol.some_tokens(own, name, -1)).2nd",
        ),
    ),
    "lib/board/rotate.ak": (
        ("    source.address,\n", "    output.address,\n"),
        (
            "    board.oracles,\n    board.quorum_threshold,\n",
            "    oracles,\n    board.quorum_threshold,\n",
            "    board.oracles,\n    quorum_threshold,\n",
        ),
        ("expect [_, ..] = quorum.must_have_signed(", "let _ = quorum.must_have_signed("),
        (
            "ledger.tokens(source.value) == protocol.one_token(own, name)",
            "builtin.head_list(ledger.held(source.value, own)).1st == as_data(name)",
        ),
    ),
    "lib/registry/open.ak": (
        (
            "Address(Script(config.vault), Some(Inline(staking_part)))",
            "Address(Script(config.vault), None)",
            "Address(Script(config.vault), Some(Inline(VerificationKey(id))))",
            "Address(VerificationKey(config.vault), Some(Inline(staking_part)))",
            "output.address",
        ),
        ("      VerificationKey(id)\n", "      Script(id)\n"),
        (
            "protocol.board_name(policy, id, 0)",
            "protocol.board_name(config.board, id, 0)",
            "protocol.board_name(policy, policy, 0)",
        ),
        (
            "+ allowance * leaves",
            "+ allowance",
        ),
        (
            "as_data(Vault { distribution_id: id, page, remaining: sum, claimed }),",
            "as_data(output.datum.contents),",
            "as_data(Vault { distribution_id: id, page: 0, remaining: sum, claimed }),",
        ),
        (
            "        Pair(as_data(vault_token), count),\n",
            "        Pair(as_data(vault_token), 1),\n",
        ),
        ("token_policy_id != policy", "token_policy_id != config.vault"),
    ),
    "lib/signed_message.ak": (
        ("    append_bytearray(prefix, payload)".strip(), "append_bytearray(prefix, prefix)"),
        (
            "        14 + builtin.index_bytearray(prefix, 13),\n"
            "        builtin.length_of_bytearray(prefix),\n        prefix,\n",
            "        builtin.length_of_bytearray(prefix) - builtin.length_of_bytearray(end),\n"
            "        builtin.length_of_bytearray(prefix),\n        prefix,\n",
        ),
    ),
}
