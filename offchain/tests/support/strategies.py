"""How random values of the project's own types are made: a test asks for `from_type(Allocation)`.

Importing this registers the strategies by type.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential, StakeAddress
from milestones.domain.models import Allocation, ContractMetadata, MilestoneSchedule
from milestones.domain.posix_time import LATEST_POSIX_SECONDS

HASHES = st.binary(min_size=28, max_size=28)
KEYS = st.builds(Credential, st.just("key"), HASHES)
CREDENTIALS = st.builds(Credential, st.sampled_from(("key", "script")), HASHES)
MILESTONES = st.one_of(
    st.sampled_from(("milestone-001", "milestone-002", "étape")),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=16),
)
MOMENTS = st.one_of(st.sampled_from((0, 1735689600)), st.integers(0, LATEST_POSIX_SECONDS))
AMOUNTS = st.one_of(st.sampled_from((1, 1_000_000)), st.integers(1, 1 << 56))


def key_addresses(network_id: int) -> st.SearchStrategy[Address]:
    """Addresses that a key spends from, on one network."""
    return st.builds(Address, st.just(network_id), KEYS, st.none() | CREDENTIALS)


DATUMS = st.sampled_from(
    (
        {},
        {},
        {"datum": b"\xd8\x79\x80"},
        {"datum": plutus_data.encode(b"x" * 70)},
        {"datum_hash": b"h" * 32},
    )
)
"""What a payout carries beside its value: mostly nothing, as fields of an allocation."""


def allocations(network_id: int) -> st.SearchStrategy[Allocation]:
    """Allocations that keep every rule, on one network."""
    plain = st.builds(
        Allocation,
        beneficiary_address=key_addresses(network_id),
        token_amount=AMOUNTS,
        milestone_identifier=MILESTONES,
        vesting_timestamp=MOMENTS,
    )
    return st.builds(lambda known, datum: known.model_copy(update=datum), plain, DATUMS)


WEEK, DAY, TEN_YEARS = 7 * 86_400, 86_400, 3660 * 86_400
WAIVERS = st.just(10**10)
"""After every time that `MOMENTS` has, and before every time to reclaim."""


@st.composite
def powers(draw: st.DrawFn, quorum_threshold: int) -> dict[str, Any]:
    """The fields of a schedule that are off unless asked for, as far as the rules let them go together."""
    reference = f"{draw(st.binary(min_size=32, max_size=32)).hex()}#{draw(st.integers(0, 9))}"
    cancelling = {
        "cancel_by": draw(st.sampled_from((("creator",), ("quorum",), ("creator", "quorum")))),
        "cancel_grace_seconds": draw(st.just(0) | st.integers(WEEK, TEN_YEARS)),
    }
    reviewing = {
        "objectors": draw(st.integers(1, quorum_threshold)),
        "review_period_seconds": draw(st.just(0) | st.integers(DAY, TEN_YEARS)),
        "review_bond_lovelace": draw(st.integers(0, 10**9)),
    }
    chosen: list[dict[str, Any]] = [
        {"allowance_lovelace": draw(st.integers(0, 10**7))},
        {"staking": StakeAddress(0, draw(CREDENTIALS))},
        {"refund_address": draw(key_addresses(0))},
        {"waiver_after": draw(WAIVERS)},
        {"rotatable": reference},
        cancelling,
        reviewing,
    ]
    return {
        name: value for fields in chosen if draw(st.booleans()) for name, value in fields.items()
    }


@st.composite
def schedules(draw: st.DrawFn) -> MilestoneSchedule:
    """Schedules that keep every rule, on the test network with magic 42, at any time before 2286."""
    oracles = draw(
        st.lists(key_addresses(0), min_size=1, max_size=5, unique_by=lambda a: a.payment.hash)
    )
    policy_id = draw(st.just(b"") | HASHES)
    irrevocable, quorum = draw(st.booleans()), draw(st.integers(1, len(oracles)))
    return MilestoneSchedule(
        token_policy_id=policy_id,
        token_name=draw(st.binary(max_size=32)) if policy_id else b"",
        beneficiary_allocations=tuple(draw(st.lists(allocations(0), min_size=1, max_size=20))),
        oracle_addresses=tuple(oracles),
        quorum_threshold=quorum,
        creator=draw(key_addresses(0)),
        reclaim_after=None if irrevocable else draw(st.integers(10**10 + 1, 10**11)),
        irrevocable=irrevocable,
        contract_metadata=ContractMetadata(
            created_at=draw(MOMENTS), network_magic=42, description=draw(st.text(max_size=60))
        ),
        **(draw(powers(quorum)) if draw(st.booleans()) else {}),
    )


st.register_type_strategy(Credential, CREDENTIALS)
st.register_type_strategy(
    Address, st.builds(Address, st.sampled_from((0, 1)), CREDENTIALS, st.none() | CREDENTIALS)
)
st.register_type_strategy(Allocation, allocations(0))
st.register_type_strategy(MilestoneSchedule, schedules())
