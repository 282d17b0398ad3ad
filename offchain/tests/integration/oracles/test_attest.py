"""Putting signatures on the chain, which alone decides whether they are genuine."""

from __future__ import annotations

import pytest

from milestones.domain.posix_time import in_words
from milestones.domain.schedule import parse_schedule
from milestones.errors import ChainRejected, InsufficientFunds, NotAllowedYet, NotFound
from milestones.protocol.distribution import Distribution
from milestones.services.attest import attest
from milestones.services.distribution.on_chain import read_on_chain
from milestones.services.distribution.signatures import (
    complete_statements,
    milestones_signed,
)
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution
from milestones.testing.world import World
from tests.support.wallets import wallet_entry


def by_hash(opened: OpenDistribution) -> list[str]:
    """The oracles' names in the order of the terms."""
    return sorted(
        ("oracle-0", "oracle-1", "oracle-2"), key=lambda name: opened.world.keys[name].key_hash
    )


async def test_a_quorum_is_attested_and_seen_on_the_chain(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    result = await opened.attest(wait=True)
    assert (result.status, result.resumed, result.warnings) == ("confirmed", False, ())
    assert result.refused_oracles == ()
    assert 200_000 < result.fee_estimate < 320_000
    on_chain = await read_on_chain(opened.backend, opened.address)
    (live,) = on_chain.attestations[b"milestone-001"]
    assert live.utxo.reference.transaction_id.hex() == result.transaction_hash
    assert live.utxo.output.value.lovelace == result.deposit_lovelace
    assert live.attestation.evidence_hash == result.evidence_hash == b"\x11" * 32
    assert live.attestation.verification_posix_ms == result.verification_timestamp * 1000
    expected = {opened.world.address(name) for name in ("oracle-0", "oracle-1")}
    assert set(result.signers) == expected


async def test_a_wallets_signatures_are_attested(opened: OpenDistribution) -> None:
    await opened.commit(wallet_entry(opened, "oracle-0"), opened.entry("oracle-2"))
    await opened.attest(wait=True)
    on_chain = await read_on_chain(opened.backend, opened.address)
    assert on_chain.attested() == {"milestone-001"}


async def test_no_more_signatures_are_paid_for_than_the_quorum_takes(
    opened: OpenDistribution,
) -> None:
    await opened.commit(*(opened.entry(f"oracle-{number}") for number in range(3)))
    assert len((await opened.attest(dry_run=True)).signers) == 2


@pytest.mark.parametrize("signers", [(), ("oracle-1",)])
async def test_without_a_quorum_nothing_is_signed(
    opened: OpenDistribution, signers: tuple[str, ...]
) -> None:
    if signers:
        await opened.commit(*(opened.entry(name) for name in signers))
    with pytest.raises(NotAllowedYet, match=f"has {len(signers)} of the 2 signatures") as refused:
        await opened.attest()
    assert refused.value.rule == "quorum"
    assert refused.value.details["signature_count"] == len(signers)
    assert opened.backend.storage.journal.pending(command="attest") == []


async def test_signatures_over_several_statements_are_said_to_be_split(
    opened: OpenDistribution,
) -> None:
    first = opened.statement().verification_posix_ms
    other = opened.entry("oracle-1", verification_posix_ms=first + 5_000)
    await opened.commit(opened.entry("oracle-0"), other)
    with pytest.raises(NotAllowedYet) as refused:
        await opened.attest()
    for moment in (first, first + 5_000):
        assert in_words(moment // 1000) in refused.value.message
    assert "no statement has its quorum of 2" in refused.value.message
    assert opened.statement().signed_data.hex() in refused.value.hint
    assert refused.value.details["statement_count"] == 2
    split = f"{FIRST_MILESTONE}: 1 signature for the statement at {in_words(first // 1000)}"
    assert any(each.startswith(split) for each in (await opened.status()).warnings)


async def test_keys_that_are_missing_are_named_and_can_be_given(opened: OpenDistribution) -> None:
    """Signatures with the quickstart's four fields: the chain needs the keys, too."""
    names = ("oracle-0", "oracle-1")
    await opened.commit(
        *(opened.entry(name).model_copy(update={"verification_key": None}) for name in names)
    )
    with pytest.raises(NotAllowedYet, match="0 of the 2 signatures") as refused:
        await opened.attest()
    addresses = sorted(opened.world.address(name).to_bech32() for name in names)
    assert refused.value.details["missing_verification_keys"] == addresses
    assert "--oracle-keys" in refused.value.hint
    keys = [opened.world.keys[name].verification_key for name in names]
    result = await opened.attest(oracle_keys=keys, wait=True)
    assert {str(address) for address in result.signers} == set(addresses)


async def test_a_milestone_is_attested_once(opened: OpenDistribution) -> None:
    await opened.attested("milestone-001")
    with pytest.raises(NotAllowedYet, match="attested already") as refused:
        await opened.attest()
    assert refused.value.rule == "attested"


async def test_one_forged_signature_is_named_by_the_chain(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.forged("oracle-1"))
    with pytest.raises(ChainRejected) as refused:
        await opened.attest()
    culprit = opened.world.address("oracle-1").to_bech32()
    assert refused.value.details["refused_oracles"] == [culprit]
    assert culprit in refused.value.message
    assert opened.backend.storage.journal.pending(command="attest") == []
    record = opened.backend.storage.records.find(opened.distribution.id, "milestone-001")
    assert len(record.oracle_signatures) == 2


async def test_all_forged_signatures_are_named(opened: OpenDistribution) -> None:
    await opened.commit(opened.forged("oracle-0"), opened.forged("oracle-2"))
    with pytest.raises(ChainRejected) as refused:
        await opened.attest()
    expected = {opened.world.address(name).to_bech32() for name in ("oracle-0", "oracle-2")}
    assert set(refused.value.details["refused_oracles"]) == expected


@pytest.mark.parametrize("place", [0, 1])
async def test_good_signatures_make_up_for_a_forged_one(
    opened: OpenDistribution, place: int
) -> None:
    bad = by_hash(opened)[place]
    good = [name for name in by_hash(opened) if name != bad]
    await opened.commit(opened.forged(bad), *(opened.entry(name) for name in good))
    result = await opened.attest(wait=True)
    assert result.refused_oracles == (opened.world.address(bad),)
    assert set(result.signers) == {opened.world.address(name) for name in good}
    assert opened.world.address(bad).to_bech32() in result.warnings[0]


async def test_another_statement_makes_up_for_a_forged_one(opened: OpenDistribution) -> None:
    other = opened.statement().verification_posix_ms + 5_000
    await opened.commit(opened.forged("oracle-0"), opened.entry("oracle-1"))
    await opened.commit(
        opened.entry("oracle-1", verification_posix_ms=other),
        opened.entry("oracle-2", verification_posix_ms=other),
    )
    result = await opened.attest(wait=True)
    assert result.verification_timestamp == other // 1000
    assert result.refused_oracles == (opened.world.address("oracle-0"),)


async def test_a_dry_run_submits_nothing(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    result = await opened.attest(dry_run=True)
    assert result.status == "dry_run"
    assert opened.backend.storage.journal.pending(command="attest") == []
    assert not (await read_on_chain(opened.backend, opened.address)).attestations


async def test_nothing_is_attested_where_nothing_was_deployed(world: World) -> None:
    schedule = parse_schedule(world.schedule())
    async with world.backend() as backend:
        with pytest.raises(NotFound, match="no contract UTxO was found"):
            await attest(
                backend,
                contract_address=Distribution.from_schedule(schedule, world.contract).address,
                milestone_identifier="milestone-001",
                key=world.keys["stranger"],
            )


async def test_signatures_are_at_hand_only_with_a_quorum(opened: OpenDistribution) -> None:
    on_chain = await read_on_chain(opened.backend, opened.address)
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    await opened.commit(opened.entry("oracle-0", "milestone-002"), milestone="milestone-002")
    assert milestones_signed(opened.backend, on_chain) == {"milestone-001"}
    assert complete_statements(opened.backend, on_chain, "milestone-002") == []
    (signed,) = complete_statements(opened.backend, on_chain, "milestone-001")
    attesting = signed.attesting(on_chain.sitting)
    assert attesting.attestation.milestone == b"milestone-001"
    assert len(attesting.witnesses) == 2


async def test_a_transaction_that_waits_for_a_block_is_not_doubled(
    opened: OpenDistribution,
) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    opened.world.devnet.chain.production = "by hand"
    first = await opened.attest()
    again = await opened.attest()
    assert (first.status, first.resumed) == ("submitted", False)
    assert (again.status, again.resumed) == ("submitted", True)
    assert again.transaction_hash == first.transaction_hash
    assert "nothing new was built" in again.warnings[0]
    opened.world.devnet.chain.mine()
    late = await opened.attest()
    assert (late.status, late.resumed) == ("confirmed", True)
    assert late.transaction_hash == first.transaction_hash
    on_chain = await read_on_chain(opened.backend, opened.address)
    assert len(on_chain.attestations[b"milestone-001"]) == 1


async def test_a_transaction_that_was_lost_is_sent_again_as_it_was(
    opened: OpenDistribution,
) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    chain = opened.world.devnet.chain
    before = chain.snapshot()
    first = await opened.attest()
    chain.revert(before)
    assert not (await read_on_chain(opened.backend, opened.address)).attestations
    again = await opened.attest(wait=True)
    assert (again.status, again.resumed) == ("confirmed", True)
    assert again.transaction_hash == first.transaction_hash
    assert (await read_on_chain(opened.backend, opened.address)).attested() == {"milestone-001"}


async def test_a_key_without_funds_can_not_pay(opened: OpenDistribution) -> None:
    await opened.commit(opened.entry("oracle-0"), opened.entry("oracle-1"))
    with pytest.raises(InsufficientFunds):
        await opened.attest(key="beneficiary-1")
