"""Datums and redeemers: what is written is read back, and nothing else is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.domain.models import MilestoneSchedule
from milestones.errors import InvalidEncoding, InvalidInput
from milestones.protocol.datums import (
    Attestation,
    Board,
    Notice,
    Proposal,
    VaultState,
    bitmap_length,
)
from milestones.protocol.distribution import Distribution
from milestones.protocol.redeemers import Attest, Burn, Claim, Close, Open, OracleWitness, Release
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract

HASHES = st.binary(min_size=28, max_size=28)
LONG = st.binary(min_size=1, max_size=200)
MOMENTS = st.integers(0, 10**14)
CLAIMS = st.builds(Claim, st.integers(0, 4095), LONG, MOMENTS, st.integers(-1, 9))
RELEASES = st.builds(Release, st.integers(0, 9), st.lists(CLAIMS, min_size=1).map(tuple), LONG)
ATTESTATIONS = st.builds(Attestation, HASHES, LONG, LONG, MOMENTS, st.lists(HASHES).map(tuple))
VAULTS = st.builds(VaultState, HASHES, st.integers(0, 15), st.integers(0, (1 << 63) - 1), LONG)
WITNESSES = st.builds(
    OracleWitness,
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=64, max_size=64),
    st.binary(max_size=100),
)
ATTESTS = st.builds(
    Attest,
    terms=st.integers(0, 9),
    board=st.integers(-1, 9),
    output=st.integers(0, 9),
    milestone=LONG,
    evidence_hash=LONG,
    verification_posix_ms=MOMENTS,
    witnesses=st.lists(WITNESSES).map(tuple),
)
BOARDS = st.builds(
    Board,
    st.lists(HASHES).map(tuple),
    st.integers(1, 9),
    HASHES,
    HASHES,
    st.integers(0, 65535),
)
NOTICES = st.builds(Notice, HASHES, HASHES, MOMENTS, LONG, st.lists(HASHES).map(tuple))
PROPOSALS = st.builds(
    Proposal,
    *(HASHES, HASHES, LONG, LONG, MOMENTS, MOMENTS),
    st.from_type(Address).map(Address.to_data),
)


def through_bytes(data: PlutusData) -> PlutusData:
    return plutus_data.decode(plutus_data.encode(data))


@given(ATTESTATIONS)
def test_attestations_come_back(attestation: Attestation) -> None:
    assert Attestation.decode(attestation.encode()) == attestation


def test_a_milestone_that_is_no_text_is_shown_all_the_same() -> None:
    attestation = Attestation(b"i" * 28, b"m\xff", b"", 0, ())
    assert attestation.milestone_identifier == "m\\xff"


@given(VAULTS)
def test_vaults_come_back(vault: VaultState) -> None:
    assert VaultState.decode(vault.encode()) == vault


@given(RELEASES)
def test_releases_come_back(release: Release) -> None:
    assert Release.from_data(through_bytes(release.to_data())) == release


@given(ATTESTS)
def test_attests_come_back(attest: Attest) -> None:
    assert Attest.from_data(through_bytes(attest.to_data())) == attest


@given(st.one_of(BOARDS, NOTICES, PROPOSALS))
def test_what_board_keeps_comes_back(datum: Board | Notice | Proposal) -> None:
    assert type(datum).decode(datum.encode()) == datum
    assert len(datum.token_name) == 32


@given(st.from_type(MilestoneSchedule))
def test_terms_come_back(contract: Contract, schedule: MilestoneSchedule) -> None:
    terms = Distribution.from_schedule(schedule, contract).terms
    assert Terms.decode(terms.encode()) == terms
    assert Terms.from_data(terms.to_data()).distribution_id == terms.distribution_id


def test_redeemers_without_much_in_them() -> None:
    assert plutus_data.encode(Open().to_data()).hex() == "d87980"
    assert plutus_data.encode(Close().to_data()).hex() == "d87a80"
    assert plutus_data.encode(Burn(3).to_data()).hex() == "d87b9f03ff"


def test_neighbouring_claims_share_a_run() -> None:
    claims = (
        Claim(1, b"m", 5, 0),
        Claim(2, b"m", 5, 0),
        Claim(4, b"n", 5, 1),
        Claim(6, b"m", 5, 0),
        Claim(7, b"m", 6, 0),
    )
    data = Release(2, claims, b"").to_data()
    assert data == Constr(
        0, (2, ((b"m", 5, 0, 1, 2), (b"n", 5, 1, 4), (b"m", 5, 0, 6), (b"m", 6, 0, 7)), b"")
    )


def test_the_bytes_of_a_release() -> None:
    data = Release(0, (Claim(1, b"m", 5, -1),), b"p" * 36).to_data()
    proof = "5824" + b"p".hex() * 36
    assert plutus_data.encode(data).hex() == f"d8799f009f9f416d052001ffff{proof}ff"


@pytest.mark.parametrize(
    "run",
    [(), (b"m", 5), (b"m", 5, 0, b"x"), (5, 5, 0, 1), (b"m", 5, 0, -1)],
)
def test_releases_of_another_shape_are_refused(run: PlutusData) -> None:
    with pytest.raises(InvalidEncoding):
        Release.from_data(Constr(0, (0, (run,), b"")))


def test_releases_that_only_others_would_write_are_read_as_the_contract_reads_them() -> None:
    """A run without leaves pays nothing, and every negative place means "minted here"."""
    data = Constr(0, (0, ((b"m", 5, 0), (b"n", 6, -9, 3)), b""))
    assert Release.from_data(data).claims == (Claim(3, b"n", 6, -1),)


def test_a_signature_has_three_parts() -> None:
    with pytest.raises(InvalidEncoding, match="three parts"):
        Attest.from_data(Constr(1, (0, -1, 0, b"m", b"e", 1, (b"k" * 32, b"s" * 64))))


GOOD_VAULT = (b"i" * 28, 0, 5, b"\0")


@pytest.mark.parametrize(
    "data",
    [
        Constr(1, GOOD_VAULT),
        Constr(0, GOOD_VAULT[:3]),
        Constr(0, (*GOOD_VAULT, 1)),
        Constr(0, (b"i" * 27, 0, 5, b"\0")),
        Constr(0, (b"i" * 28, -1, 5, b"\0")),
        Constr(0, (b"i" * 28, 0, -5, b"\0")),
        Constr(0, (b"i" * 28, 0, 5, 0)),
        GOOD_VAULT,
        b"",
    ],
)
def test_vaults_of_another_shape_are_refused(data: PlutusData) -> None:
    assert VaultState.from_data(Constr(0, GOOD_VAULT)).remaining == 5
    with pytest.raises(InvalidEncoding):
        VaultState.from_data(data)


@given(st.integers(0, 12), st.data())
def test_claiming_sets_the_bits_and_only_those(depth: int, data: st.DataObject) -> None:
    vault = VaultState.fresh(b"i" * 28, 0, 10**9, depth)
    places = st.integers(0, (1 << depth) - 1)
    first = data.draw(st.sets(places, max_size=9))
    second = data.draw(st.sets(places, max_size=9)) - first
    after = vault.after(first, 5).after(second, 7)
    assert after.claimed_leaves() == first | second
    assert after.remaining == 10**9 - 12
    assert len(after.claimed) == bitmap_length(depth)
    assert all(after.is_claimed(leaf) == (leaf in first | second) for leaf in range(1 << depth))


def test_bits_are_counted_from_the_end() -> None:
    vault = VaultState.fresh(b"i" * 28, 0, 9, 4).after([0, 9], 2)
    assert vault.claimed == bytes((0b10, 0b1))


def test_claiming_twice_is_refused() -> None:
    vault = VaultState.fresh(b"i" * 28, 0, 9, 3).after([5], 1)
    for leaves in ([5], [4, 4]):
        with pytest.raises(InvalidInput, match="claimed already"):
            vault.after(leaves, 1)


@pytest.mark.parametrize(("depth", "length"), [(0, 1), (2, 1), (3, 1), (4, 2), (7, 16), (12, 512)])
def test_length_of_the_bitmap(depth: int, length: int) -> None:
    assert bitmap_length(depth) == length
