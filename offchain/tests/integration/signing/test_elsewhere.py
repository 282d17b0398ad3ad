"""A transaction leaves unsigned, is signed in several places, comes back and is sent."""

from __future__ import annotations

from pathlib import Path

import pycardano
import pytest

from milestones.cardano.value import Value
from milestones.errors import InvalidInput, InvalidWitness, SignaturesMissing
from milestones.keys.envelopes import read_transaction, transaction_envelope, witness_envelope
from milestones.protocol.validator_loader import load_contract
from milestones.services.sending.building import BuildContext
from milestones.services.sending.funds import funds_of
from milestones.services.sending.payer import Payer
from milestones.services.transaction import (
    assemble_known_transaction,
    assemble_transaction,
    sign_transaction,
    submit_transaction,
    transaction_status,
)
from milestones.testing.cast import ADA
from milestones.testing.world import World
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.draft import DraftOutput, TransactionDraft
from tests.support.air_gap import air_gapped

PAID_LOVELACE = 5 * ADA


@pytest.fixture
async def unsigned(world: World) -> Path:
    """The creator pays a beneficiary, and a relayer has to agree."""
    draft = TransactionDraft(
        outputs=(DraftOutput(address=world.address("beneficiary-3"), value=Value(PAID_LOVELACE)),),
        required_signers=(world.keys["relayer"].key_hash,),
    )
    async with world.backend() as backend:
        funds = await funds_of(backend, Payer.of(world.keys["creator"]))
        context = await BuildContext.gather(backend, PublishedScripts(load_contract()), funds)
        balanced = await context.build(draft)
    file = world.directory / "unsigned.json"
    file.write_text(transaction_envelope(balanced.assembly.transaction([])))
    return file


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


async def test_it_is_signed_in_two_places_assembled_sent_and_sent_again(
    world: World, unsigned: Path, tmp_path: Path
) -> None:
    """One signs on a machine without network, one with another library; a third, a stranger, need not."""
    vault = tmp_path / "vault"
    vault.mkdir()
    told = air_gapped(
        vault,
        *("transaction", "sign", str(unsigned), "--witness-only"),
        *("--signing-key-path", world.key_file("relayer"), "--output", "relayer.witness"),
    )
    assert told["signed_by"] == [world.keys["relayer"].key_hash.hex()]
    assert [each.name for each in vault.iterdir()] == ["relayer.witness"]

    transaction = read_transaction(unsigned.read_bytes(), "it")
    theirs = pycardano.PaymentSigningKey.load(world.key_file("creator"))
    witness = pycardano.VerificationKeyWitness(
        pycardano.PaymentVerificationKey.from_signing_key(theirs), theirs.sign(transaction.id.raw)
    )
    wallet = written(
        tmp_path / "cip30", pycardano.TransactionWitnessSet(vkey_witnesses=[witness]).to_cbor_hex()
    )
    stranger = world.keys["stranger"].witness_of(transaction.id.raw)
    needless = written(tmp_path / "needless", witness_envelope(stranger))
    wrong = written(
        tmp_path / "wrong", witness_envelope(world.keys["relayer"].witness_of(bytes(32)))
    )

    offered = [needless, wrong, vault / "relayer.witness", wallet]
    async with world.backend() as backend:
        first = await assemble_known_transaction(
            backend, unsigned, offered[:3], output=tmp_path / "half.json"
        )
        assert first.missing == (world.keys["creator"].key_hash.hex(),)
        with pytest.raises(SignaturesMissing) as caught:
            await submit_transaction(backend, tmp_path / "half.json")
        assert caught.value.key_hashes == (world.keys["creator"].key_hash,)
        assert not backend.storage.journal.pending()

        done = await assemble_known_transaction(
            backend, tmp_path / "half.json", [wallet], output=tmp_path / "whole.json"
        )
        assert {(Path(each.file).name, each.reason) for each in first.left_out} == {
            ("needless", "not_needed"),
            ("wrong", "not_of_this_transaction"),
        }
        assert (done.missing, done.left_out, done.unknown_inputs) == ((), (), 0)

        before = world.held_by(world.address("beneficiary-3")).lovelace
        sent = await submit_transaction(backend, tmp_path / "whole.json", wait=True)
        assert (sent.status, sent.resumed) == ("confirmed", False)
        assert world.held_by(world.address("beneficiary-3")).lovelace == before + PAID_LOVELACE
        again = await submit_transaction(backend, tmp_path / "whole.json")
        assert (again.status, again.resumed) == ("confirmed", True)
        report = await transaction_status(backend, sent.transaction_hash)
        assert (report.status, report.command) == ("confirmed", "transaction submit")


async def test_a_signature_of_another_transaction_is_not_sent(
    world: World, unsigned: Path, tmp_path: Path
) -> None:
    transaction = read_transaction(unsigned.read_bytes(), "it")
    bad = transaction.with_witnesses([world.keys["creator"].witness_of(bytes(32))])
    file = written(tmp_path / "bad.json", transaction_envelope(bad.raw))
    async with world.backend() as backend:
        with pytest.raises(InvalidWitness):
            await submit_transaction(backend, file)
        assert not backend.storage.journal.pending()


async def test_without_a_node_what_verifies_is_taken_and_who_is_named_is_asked(
    world: World, unsigned: Path, tmp_path: Path
) -> None:
    keys = [world.keys["stranger"]]
    signed = sign_transaction(unsigned, keys, output=tmp_path / "signed.json")
    assert signed.still_named == (world.keys["relayer"].key_hash.hex(),)
    found = assemble_transaction(
        unsigned, [tmp_path / "signed.json"], output=tmp_path / "assembled.json"
    )
    assert found.signed_by == (world.keys["stranger"].key_hash.hex(),)
    assert (found.missing, found.unknown_inputs > 0) == (signed.still_named, True)
    with pytest.raises(InvalidInput, match="already there"):
        sign_transaction(unsigned, [world.keys["relayer"]], output=tmp_path / "signed.json")


async def test_the_commands(world: World, unsigned: Path) -> None:
    """Once from outside: signed with both keys, sent, and looked at by either name."""
    key = {name: world.key_file(name) for name in ("creator", "relayer")}
    both = [part for path in key.values() for part in ("--signing-key-path", path)]
    signed = await world.cli("transaction", "sign", str(unsigned), *both, "--output", "signed.json")
    assert signed.exit_code == 0, signed.stderr
    assembled = await world.cli(
        *("transaction", "assemble", str(unsigned), "--witness", "signed.json"),
        *("--output", "assembled.json"),
    )
    assert assembled.json["missing"] == []
    sent = await world.cli("transaction", "submit", "assembled.json", "--wait")
    assert (sent.exit_code, sent.json["status"]) == (0, "confirmed")
    name = sent.json["transaction_hash"]
    for arguments in (("transaction", name), ("transaction", "status", name)):
        assert (await world.cli(*arguments)).json["status"] == "confirmed"


async def test_it_is_shown_before_and_after(world: World, unsigned: Path) -> None:
    """From a file with and without a node, and from the journal by its hash; what devices say of it."""
    shown = (await world.cli("transaction", "show", str(unsigned))).json["transaction"]
    paid = shown["outputs"][0]
    assert (paid["role"], paid["lovelace"]) == ("payment", PAID_LOVELACE)
    assert paid["address"] == world.address("beneficiary-3").to_bech32()
    signers = [world.keys[name].key_hash.hex() for name in ("creator", "relayer")]
    assert (shown["missing"], shown["unknown_inputs"]) == (sorted(signers), 0)

    bare = (await world.cli("transaction", "show", str(unsigned), "--offline")).json["transaction"]
    assert bare["missing"] == [world.keys["relayer"].key_hash.hex()]
    nowhere = await world.cli("transaction", "show", str(unsigned), OGMIOS_URL="ws://127.0.0.1:1")
    assert nowhere.json["transaction"] == bare
    assert "what its inputs hold is not known" in nowhere.json["warnings"][0]

    checked = (await world.cli("transaction", "check-hardware", str(unsigned))).json
    assert (checked["devices_sign"], checked["cardano_hw_cli_takes_it"]) == (True, True)

    both = [
        p for name in ("creator", "relayer") for p in ("--signing-key-path", world.key_file(name))
    ]
    signed = await world.cli("transaction", "sign", str(unsigned), *both, "--output", "signed.json")
    assert f"pays 5.000000 ADA to {world.address('beneficiary-3')}" in signed.stderr
    sent = await world.cli("transaction", "submit", "signed.json", "--wait")
    after = await world.cli("transaction", "show", sent.json["transaction_hash"])
    assert after.json["transaction"]["signed_by"] == sorted(signers)
    assert after.json["transaction"]["outputs"][0] == paid
    unknown = await world.cli("transaction", "show", "00" * 32)
    assert (unknown.exit_code, unknown.error["code"]) == (4, "not_found")
