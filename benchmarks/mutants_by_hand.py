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
            "          address,\n          value",
            "          address: continued.address,\n          value",
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
        ("after(oracles, signer),", "oracles,", "builtin.tail_list(oracles),"),
        (
            "expect ledger.tokens(output.value) == token",
            "expect builtin.head_list(ledger.tokens(output.value)) == builtin.head_list(token)",
        ),
        (
            "expect tx.mint == token",
            "expect ledger.held(tx.mint, policy) == builtin.head_list(token).2nd",
            "expect builtin.head_list(tx.mint) == builtin.head_list(token)",
        ),
        ("        signers,\n", "        signers: terms.oracles,\n"),
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
            "          expect Some(time) = terms.reclaim_after\n"
            "          time <= ledger.valid_from(tx.validity_range)\n",
            "          when terms.reclaim_after is {\n            None -> True\n"
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
            "expect authority.must_authorise(tx, terms.creator)",
            "expect authority.must_authorise(tx, source.address.payment_credential)",
        ),
    ),
    "lib/registry/authority.ak": (
        ("signatory != key", "signatory == key"),
        (
            "input.output.address.payment_credential != creator",
            "input.output.address.payment_credential == creator",
        ),
    ),
    "lib/registry/open.ak": (
        (
            "Address(Script(config.vault), Some(Inline(VerificationKey(id))))",
            "Address(Script(config.vault), None)",
            "Address(Script(config.vault), Some(Inline(Script(id))))",
            "Address(VerificationKey(config.vault), Some(Inline(VerificationKey(id))))",
            "output.address",
        ),
        (
            "as_data(Vault { distribution_id: id, page, remaining: sum, claimed }),",
            "as_data(output.datum.contents),",
            "as_data(Vault { distribution_id: id, page: 0, remaining: sum, claimed }),",
        ),
        ('expect must_ascend(oracles, "", quorum_threshold)', 'expect must_ascend(oracles, "", 1)'),
        (
            "        Pair(as_data(vault_token), count),\n",
            "        Pair(as_data(vault_token), 1),\n",
        ),
        ("token_policy_id != policy", "token_policy_id != config.vault"),
    ),
    "lib/registry/signed_message.ak": (
        ("    append_bytearray(prefix, payload)".strip(), "append_bytearray(prefix, prefix)"),
        (
            "        14 + builtin.index_bytearray(prefix, 13),\n"
            "        builtin.length_of_bytearray(prefix),\n        prefix,\n",
            "        builtin.length_of_bytearray(prefix) - builtin.length_of_bytearray(end),\n"
            "        builtin.length_of_bytearray(prefix),\n        prefix,\n",
        ),
    ),
}
