"""What oracles sign, and signing with a schedule at hand and no network."""

from __future__ import annotations

import json
import time
from hashlib import blake2b
from pathlib import Path
from typing import Any

import cbor2
import pytest
from nacl.signing import VerifyKey

from milestones.domain.models import OracleSignature
from milestones.errors import InvalidAddress, InvalidInput, InvalidSignature, NotFound
from milestones.protocol.oracle_signatures import witness_of
from milestones.protocol.statements import MilestoneStatement
from milestones.services.backend import Network, Workspace
from milestones.services.commit_milestone import commit_milestone
from milestones.services.oracle import (
    evidence_hash_of,
    notice_payload,
    oracle_import,
    oracle_payload,
    oracle_sign,
)
from milestones.storage.signature_files import read_signature_file
from tests.support.desk import Desk


async def payload(desk: Desk, **options: Any) -> Any:
    usual = {
        "contract_address": desk.distribution.address,
        "milestone_identifier": "milestone-001",
        "verification_timestamp": 1_735_689_600,
    }
    return await oracle_payload(desk.workspace, **{**usual, **options})


async def test_the_payload_is_the_statement_of_the_protocol(desk: Desk) -> None:
    result = await payload(desk, evidence_hash=b"\xab" * 32)
    assert cbor2.loads(bytes.fromhex(result.signed_data)) == [
        desk.workspace.contract.policy_id,
        desk.distribution.id,
        b"milestone-001",
        b"\xab" * 32,
        1_735_689_600_000,
    ]
    assert result.distribution_id == desk.distribution.id.hex()
    assert result.diagnostic.endswith("1735689600000]")
    assert (result.evidence_hash, result.verification_timestamp) == ("ab" * 32, 1_735_689_600)


async def test_an_unknown_schedule_is_a_warning_and_a_known_one_a_check(desk: Desk) -> None:
    assert "could not be checked" in (await payload(desk)).warnings[0]
    desk.know_schedule()
    assert (await payload(desk)).warnings == ()
    with pytest.raises(
        NotFound, match="no allocation of this distribution waits for milestone 'milestone-003'"
    ):
        await payload(desk, milestone_identifier="milestone-003")


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"milestone_identifier": ""}, "milestone_identifier"),
        ({"milestone_identifier": "é" * 33}, "milestone_identifier"),
        ({"verification_timestamp": 1_735_689_600_000}, "verification_timestamp"),
        ({"verification_timestamp": -1}, "verification_timestamp"),
        ({"evidence_hash": bytes(65)}, "evidence_hash"),
    ],
)
async def test_a_wrong_field_is_named(desk: Desk, options: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await payload(desk, **options)
    assert refused.value.path == path


async def test_an_address_of_somebody_is_no_distribution(desk: Desk) -> None:
    with pytest.raises(InvalidAddress) as refused:
        await payload(desk, contract_address=desk.key(0).address(0))
    assert refused.value.path == "contract_address"


def test_evidence_is_hashed_with_blake2b_256(tmp_path: Path) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"reached" * 300_000)
    assert evidence_hash_of(report) == blake2b(b"reached" * 300_000, digest_size=32).digest()
    with pytest.raises(InvalidInput, match="there is no file"):
        evidence_hash_of(tmp_path / "absent.pdf")


async def sign(desk: Desk, number: int, **options: Any) -> Any:
    usual = {
        "signed_data": desk.statement().signed_data,
        "key": desk.key(number),
        "schedule": desk.schedule,
    }
    workspace = options.pop("workspace", desk.workspace)
    return await oracle_sign(workspace, **{**usual, **options})


async def test_the_entry_is_a_genuine_signature_with_the_missions_fields(desk: Desk) -> None:
    result = await sign(desk, 1)
    entry = result.entry.model_dump(mode="json")
    assert list(entry) == [
        "oracle_address",
        "signature",
        "signed_data",
        "signature_timestamp",
        "verification_key",
    ]
    assert entry["oracle_address"] == desk.key(1).address(0).to_bech32()
    VerifyKey(bytes.fromhex(entry["verification_key"])).verify(
        bytes.fromhex(entry["signed_data"]), bytes.fromhex(entry["signature"])
    )


async def test_what_is_signed_is_told_in_words(desk: Desk) -> None:
    told = " ".join((await sign(desk, 1)).statement)
    assert "'milestone-001' was reached at 2025-01-01 00:00:00 UTC" in told
    assert desk.distribution.id.hex() in told
    assert desk.distribution.address.to_bech32() in told


async def test_entries_gather_in_a_file(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "new" / "signatures.json"
    for number, expected in ((0, 1), (1, 2), (0, 2)):
        result = await sign(desk, number, output=file)
        assert (result.file, result.file_entries) == (str(file), expected)
    entries = read_signature_file(file)
    assert {entry.oracle for entry in entries} == {desk.key(n).key_hash for n in (0, 1)}
    assert all(witness_of(entry) for entry in entries)


async def test_a_file_that_is_no_signatures_is_left_alone(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "signatures.json"
    file.write_text('{"my": "notes"}', encoding="utf-8")
    with pytest.raises(InvalidSignature, match="oracle_signatures"):
        await sign(desk, 0, output=file)
    assert json.loads(file.read_text(encoding="utf-8")) == {"my": "notes"}


async def test_a_stranger_does_not_sign(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="none of the distribution's 3 oracles") as refused:
        await sign(desk, 3)
    assert refused.value.path == "signing_key_path"


async def test_another_network_is_refused(desk: Desk) -> None:
    mainnet = Workspace(
        contract=desk.workspace.contract,
        network=Network("preprod", 1),
        storage=desk.workspace.storage,
    )
    with pytest.raises(InvalidInput, match="magic 42, but the configuration names preprod"):
        await sign(desk, 0, workspace=mainnet)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"policy_id": b"\x07" * 28}, "for another contract"),
        ({"distribution_id": b"\x07" * 28}, "describes the distribution"),
    ],
)
async def test_another_contract_or_distribution_is_refused(
    desk: Desk, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        await sign(desk, 0, signed_data=desk.statement(**change).signed_data)


async def test_a_milestone_outside_the_schedule_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFound, match="milestone-009"):
        await sign(desk, 0, signed_data=desk.statement("milestone-009").signed_data)


async def test_bytes_that_say_nothing_are_not_signed(desk: Desk) -> None:
    with pytest.raises(InvalidSignature, match="not a statement of an oracle"):
        await sign(desk, 0, signed_data=b"pay me")
    two_ways = cbor2.dumps(cbor2.loads(desk.statement().signed_data))
    assert MilestoneStatement.parse(desk.statement().signed_data)
    with pytest.raises(InvalidSignature, match="encoded in another way"):
        await sign(desk, 0, signed_data=two_ways)


async def test_without_schedule_or_chain_nothing_is_signed(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="terms are not known"):
        await sign(desk, 0, schedule=None)


def answer(desk: Desk, number: int, address: bytes | None = None, **unprotected: Any) -> Any:
    """What a wallet's `signData` returns for the usual statement; `unprotected` is its header."""
    key, signed_data = desk.key(number), desk.statement().signed_data
    named = key.address(0).to_bytes() if address is None else address
    protected = cbor2.dumps({1: -8, "address": named})
    signature = key.sign(cbor2.dumps(["Signature1", protected, b"", signed_data]))
    header = {"hashed": False, **unprotected}
    return {
        "signature": cbor2.dumps([protected, header, signed_data, signature]).hex(),
        "key": cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.verification_key}).hex(),
    }


def test_what_a_wallet_returned_becomes_an_entry(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "signatures.json"
    for number in (0, 1):
        result = oracle_import(desk.workspace, answer(desk, number), output=file)
    assert (result.file, result.file_entries) == (str(file), 2)
    assert "'milestone-001' was reached at" in " ".join(result.statement)
    entries = read_signature_file(file)
    assert [entry.oracle for entry in entries] == [desk.key(n).key_hash for n in (0, 1)]
    for entry in entries:
        witness = witness_of(entry)
        VerifyKey(witness.verification_key).verify(
            witness.prefix + desk.statement().signed_data, witness.signature
        )


def test_a_hash_that_was_signed_is_refused_with_what_helps(desk: Desk) -> None:
    with pytest.raises(InvalidSignature, match="signed a hash") as refused:
        oracle_import(desk.workspace, answer(desk, 0, hashed=True))
    assert refused.value.path == "signature"
    for word in ("Ledger", "Trezor", "short name", "no evidence hash"):
        assert word in refused.value.hint


@pytest.mark.parametrize("given", [{}, [], "signature", {"signature": "00"}, {"key": "00"}])
def test_what_no_wallet_returns_is_not_imported(desk: Desk, given: Any) -> None:
    with pytest.raises(InvalidSignature, match="not what a wallet's signData returns"):
        oracle_import(desk.workspace, given)


def test_a_wallet_that_signed_for_its_reward_address_is_refused(desk: Desk) -> None:
    reward = b"\xe0" + desk.key(0).key_hash
    with pytest.raises(InvalidSignature) as refused:
        oracle_import(desk.workspace, answer(desk, 0, reward))
    assert "not with the reward address" in refused.value.hint


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, False),
        ({"evidence_hash": bytes(13)}, False),
        ({"evidence_hash": bytes(14)}, True),
        ({"evidence_hash": bytes(32)}, True),
    ],
)
async def test_what_a_ledger_cannot_sign_is_a_warning(
    desk: Desk, options: dict[str, Any], warned: bool
) -> None:
    desk.know_schedule()
    result = await payload(desk, **options)
    assert (len(result.signed_data) // 2 > 99) is warned
    assert [w for w in result.warnings if "Ledger" in w and "99" in w] == list(result.warnings)
    assert bool(result.warnings) is warned


async def test_a_notice_warns_of_it_too(desk: Desk) -> None:
    """Every kind of statement is made in one place."""
    notice: dict[str, Any] = {
        "contract_address": desk.distribution.address,
        "said_at_timestamp": 1_735_689_600,
    }
    short = await notice_payload(desk.workspace, **notice)
    long = await notice_payload(desk.workspace, **notice, evidence_hash=bytes(32))
    assert not [w for w in short.warnings if "Ledger" in w]
    assert [w for w in long.warnings if "Ledger" in w]


@pytest.mark.parametrize(("seconds", "warned"), [(300, False), (7_200, True), (86_400, True)])
async def test_a_time_to_come_is_a_warning_with_no_chain_at_hand(
    desk: Desk, seconds: int, warned: bool
) -> None:
    """Clocks may differ by minutes; this machine's is asked."""
    moment = int(time.time()) + seconds
    made = await payload(desk, verification_timestamp=moment)
    signed = await sign(desk, 0, signed_data=bytes.fromhex(made.signed_data))
    for result in (made, signed):
        assert any("still to come" in warning for warning in result.warnings) is warned


async def unsaid(desk: Desk, **options: Any) -> Any:
    """The payload where nobody gives a time."""
    return await payload(desk, verification_timestamp=None, **options)


async def commit(desk: Desk, *entries: OracleSignature) -> None:
    await commit_milestone(
        desk.workspace,
        milestone_identifier="milestone-001",
        oracle_signatures=entries,
        quorum_threshold=2,
        total_oracles=3,
    )


async def test_two_oracles_who_type_the_same_get_the_same_bytes(desk: Desk) -> None:
    """The time is that of what others have signed with the same evidence; the best supported counts."""
    desk.know_schedule()
    later: dict[str, Any] = {"verification_posix_ms": 1_735_700_000_000}
    report: dict[str, Any] = {"evidence_hash": b"r" * 8}
    await commit(desk, desk.entry(0), desk.entry(1, **later), desk.entry(2, **later))
    await commit(desk, desk.entry(0, **report))
    result = await unsaid(desk)
    assert bytes.fromhex(result.signed_data) == desk.statement(**later).signed_data
    assert (result.time_from, result.warnings) == ("signed", ())
    result = await unsaid(desk, evidence_hash=b"r" * 8, ask=lambda: pytest.fail("nobody is asked"))
    assert bytes.fromhex(result.signed_data) == desk.statement(**report).signed_data


async def test_what_others_handed_over_counts_as_what_was_committed(desk: Desk) -> None:
    desk.know_schedule()
    result = await unsaid(desk, collected=[desk.entry(1), desk.entry(1, "milestone-002")])
    assert bytes.fromhex(result.signed_data) == desk.statement().signed_data


async def test_who_says_something_else_than_others_hears_of_it(desk: Desk) -> None:
    desk.know_schedule()
    await commit(desk, desk.entry(0))
    result = await payload(desk, verification_timestamp=1_735_700_000)
    (warning,) = result.warnings
    assert "1 signature for the statement at 2025-01-01 00:00:00 UTC" in warning
    signed = await sign(desk, 1, signed_data=bytes.fromhex(result.signed_data))
    assert warning in signed.warnings
    assert (await sign(desk, 1)).warnings == ()


async def test_without_any_time_somebody_is_asked_or_the_clock_is_taken(desk: Desk) -> None:
    desk.know_schedule()
    asked = await unsaid(desk, ask=lambda: 1_735_700_000)
    assert (asked.verification_timestamp, asked.time_from) == (1_735_700_000, "given")
    assert asked.warnings == ()
    for ask in (None, lambda: None):
        by_clock = await unsaid(desk, ask=ask)
        assert by_clock.time_from == "clock"
        assert "no time was given" in by_clock.warnings[-1]


async def test_nothing_is_signed_that_is_not_approved(desk: Desk, tmp_path: Path) -> None:
    shown: list[str] = []

    def approve() -> None:
        assert any("milestone-001" in line for line in shown)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await sign(desk, 0, show=shown.append, approve=approve, output=tmp_path / "s.json")
    assert not (tmp_path / "s.json").exists()
