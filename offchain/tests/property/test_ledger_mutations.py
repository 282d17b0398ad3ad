"""Random valid transactions on a chain, and every kind of mutation of each, with its expected answer.

`MILESTONES_LEDGER_TRANSACTIONS` sets how many transactions are made, `MILESTONES_LEDGER_SEED` which; a
failure names the seed, so that it can be seen again.
"""

from __future__ import annotations

import os
from collections import Counter
from random import Random

import pytest

from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.rules import check
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import rpc_failure
from tests.support.mutation_catalogue import CATALOGUE
from tests.support.mutations import Mutation
from tests.support.proving_ground import ProvingGround
from tests.support.random_transactions import Composer

COUNT = int(os.environ.get("MILESTONES_LEDGER_TRANSACTIONS", "120"))
SEED = int(os.environ.get("MILESTONES_LEDGER_SEED", "2026"))
CHAINS = 2


def code_of(ground: ProvingGround, mutation: Mutation, raw: bytes) -> int | None:
    """The ledger's answer; None is yes. What should be accepted is only judged, not submitted."""
    try:
        if mutation.codes:
            ground.chain.submit(raw)
        else:
            check(decode_transaction(raw), ground.chain.mempool.utxo, ground.chain.environment())
    except TransactionRejected as rejected:
        return rpc_failure(rejected).rpc_code
    return None


@pytest.mark.parametrize("seed", range(SEED, SEED + CHAINS))
def test_every_mutation_is_answered_as_expected(seed: int) -> None:
    """On each chain transactions follow each other, in their own form or as an accepted mutation.

    The ground compares its books with the chain's after every block.
    """
    ground = ProvingGround(Random(seed))  # noqa: S311  what is random here must be repeatable
    composer = Composer(ground)
    tried: Counter[str] = Counter()
    for number in range(COUNT // CHAINS):
        proposal = composer.compose()
        forms = [proposal.seal()]
        for mutation in CATALOGUE:
            raw = mutation.apply(proposal.mutable(), ground)
            if raw is None:
                continue
            code = code_of(ground, mutation, raw)
            assert code in (mutation.codes or {None}), (seed, number, mutation.name, raw.hex())
            tried[mutation.name] += 1
            forms += [raw] if mutation.lasting else []
        ground.submit(ground.random.choice(forms))
        if ground.random.random() < 0.25:
            ground.make_blocks()
    ground.make_blocks()
    assert 25 <= len(tried) == len(CATALOGUE), "some kinds found nothing to change"
    assert ground.chain.tip.height > len(tried) // 8
