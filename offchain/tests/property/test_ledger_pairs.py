"""Two mutations of one transaction at once: the more urgent of their failures is told.

Urgency is Ogmios' order, in which the failures that the ledger found together are told.
"""

from __future__ import annotations

from collections import Counter
from itertools import permutations
from random import Random

from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.rules import check
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import PRIORITY, rpc_failure
from tests.support.mutation_catalogue import CATALOGUE, OF_BYTES
from tests.support.mutations import Mutation
from tests.support.proposals import Proposal
from tests.support.proving_ground import ProvingGround
from tests.support.random_transactions import Composer

TRANSACTIONS, PAIRS = 8, 120
"""How many transactions, and of each how many ordered pairs."""

STEPS = ("body_step", "witness_step", "signature_step")

ALONE = {
    # Other bytes than those that sealing makes.
    *OF_BYTES,
    "the_same_again",
    # Declares what another mutation may make true; scripts run when all else is well.
    *("declared_to_fail_but_passes", "script_that_fails", "units_one_step_short"),
    *("units_one_memory_short",),
    # Change what the other one counts on: who has to sign, the auxiliary data, the amounts, the interval,
    # the collateral, and whether there is a redeemer, without which nobody asks for collateral.
    *("signature_missing", "signed_by_a_stranger_instead"),
    *("metadata_hash_missing", "metadata_missing", "metadata_hash_of_something_else"),
    *("metadata_with_a_long_text", "auxiliary_script_malformed", "too_long"),
    *("mint_one_more", "token_out_of_nothing", "token_vanishes"),
    *("change_one_lovelace_more", "no_inputs", "input_twice"),
    *("time_beyond_the_horizon_for_scripts", "native_script_before_its_time"),
    *("native_script_after_its_time", "script_missing", "script_without_its_datum"),
    *("collateral_missing", "collateral_return_too_poor", "collateral_with_tokens"),
    *("collateral_one_lovelace_short",),
    *("redeemer_that_points_to_nothing", "redeemer_missing", "redeemer_for_no_certificate"),
    # Take the place of all other certificates, and with them of whose signatures they want.
    *("a_pool_retires", "member_of_the_committee"),
}
"""Kinds that do not stand beside another one: there the two would not be two faults."""


class Stacked(Proposal):
    """A proposal whose steps add up instead of replacing each other."""

    def __setattr__(self, name: str, value: object) -> None:
        before = self.__dict__.get(name)
        if name in STEPS and callable(before) and callable(value):
            value = _both(before, value)
        super().__setattr__(name, value)


def _both(first: object, second: object) -> object:
    def step(fields: object) -> None:
        first(fields)  # type: ignore[operator]
        second(fields)  # type: ignore[operator]

    return step


def answer(ground: ProvingGround, raw: bytes) -> int | None:
    try:
        check(decode_transaction(raw), ground.chain.mempool.utxo, ground.chain.environment())
    except TransactionRejected as rejected:
        return rpc_failure(rejected).rpc_code
    return None


def both_applied(
    proposal: Proposal, ground: ProvingGround, kinds: tuple[Mutation, Mutation]
) -> bytes | None:
    """The transaction with both mutations; None where one takes away what the other changes."""
    stacked = Stacked(**vars(proposal.mutable()))
    try:
        if kinds[0].apply(stacked, ground) is None:
            return None
        return kinds[1].apply(stacked, ground)
    except (IndexError, KeyError, ValueError):
        return None


def test_the_more_urgent_of_two_faults_is_told() -> None:
    random = Random(2026)  # noqa: S311  what is random here must be repeatable
    ground = ProvingGround(random)
    composer = Composer(ground)
    told: Counter[tuple[int, int]] = Counter()
    for _ in range(TRANSACTIONS):
        proposal = composer.compose()
        proposal.seal()
        alone = {}
        for kind in CATALOGUE:
            raw = kind.apply(proposal.mutable(), ground) if kind.name not in ALONE else None
            code = None if raw is None else answer(ground, raw)
            if code is not None and code != -32602:
                alone[kind.name] = code
        kinds = [kind for kind in CATALOGUE if kind.name in alone]
        for pair in random.sample(list(permutations(kinds, 2)), PAIRS):
            raw = both_applied(proposal, ground, pair)
            codes = [alone[kind.name] for kind in pair]
            if raw is not None and len(set(codes)) == 2:
                wanted = min(codes, key=PRIORITY.index)
                assert answer(ground, raw) == wanted, ([kind.name for kind in pair], raw.hex())
                told[min(codes), max(codes)] += 1
        ground.submit(proposal.seal())
    assert len(told) > 150, "too few combinations were tried"
