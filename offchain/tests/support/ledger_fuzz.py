"""Random and damaged bytes for the ledger, which must answer each with a failure of its own, or yes.

`PYTHONPATH=offchain python -m tests.support.ledger_fuzz --count N` runs for as long as that takes, and tells
how many of each answer there were and how the memory went.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from random import Random

from milestones.devnet.blocks import UtxoSet
from milestones.devnet.ledger.failures import (
    TransactionRejected,
)
from milestones.devnet.ledger.resolved_transaction import Environment
from milestones.devnet.ledger.rules import check, evaluate
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import PRIORITY, rpc_failure
from tests.support.proving_ground import ProvingGround
from tests.support.random_transactions import Composer
from tests.support.raw_transactions import (
    YES_MINT,
    YES_SPEND,
    YES_V3,
    Draft,
    minting,
    native,
    payment,
    spending,
)

INTERESTING = (
    0x00,
    0x18,
    0x1B,
    0x1F,
    0x3B,
    0x40,
    0x5F,
    0x80,
    0x9F,
    0xA0,
    0xBF,
    0xC2,
    0xD8,
    0xF6,
    0xFF,
)
"""Bytes that start CBOR items where a reader can stumble."""
REPORT_EVERY = 100_000
EVALUATION_CODES = (3010, 3004, 3997)


@dataclass(frozen=True)
class Seed:
    """A valid transaction, and what it is judged against."""

    raw: bytes
    utxo: UtxoSet
    environment: Environment

    @cached_property
    def id(self) -> bytes:
        return decode_transaction(self.raw).id


def seeds(random: Random) -> list[Seed]:
    """Small transactions by hand, and large ones from a chain."""
    drafts = (
        payment(),
        spending(3, YES_V3),
        spending(2, YES_SPEND, "hash"),
        minting(1, YES_MINT),
        native(payment(), [3, 1, [[4, 7], [5, 2000]]]),
    )
    found = [_seed(draft) for draft in drafts]
    ground = ProvingGround(random)
    composer = Composer(ground)
    for _ in range(12):
        raw = composer.compose().seal()
        found.append(Seed(raw, dict(ground.chain.utxo), ground.chain.environment()))
    return found


def _seed(draft: Draft) -> Seed:
    return Seed(draft.seal(), draft.known(), draft.environment)


def damaged(random: Random, known: list[Seed]) -> Iterator[tuple[Seed, bytes]]:
    """Endless: a seed, and bytes made of it, or of nothing."""
    while True:
        seed = random.choice(known)
        if random.random() < 0.15:
            yield seed, noise(random)
            continue
        data = bytearray(seed.raw)
        for _ in range(random.randint(1, 4)):
            _damage(random, data, known)
        yield seed, bytes(data)


def noise(random: Random) -> bytes:
    """Bytes without a model: any, those that CBOR is made of, or deep nesting."""
    match random.randrange(3):
        case 0:
            return random.randbytes(random.randint(0, 300))
        case 1:
            return bytes(random.choices(INTERESTING, k=random.randint(1, 300)))
        case _:
            nest = bytes((random.choice((0x81, 0x9F, 0xA1, 0xC1, 0xD8)),))
            return b"\x84" + nest * random.randint(1, 4000)


def _damage(random: Random, data: bytearray, known: list[Seed]) -> None:
    at = random.randrange(len(data)) if data else 0
    length = random.choice((1, 1, 2, 8, 40))
    match random.randrange(6):
        case 0:
            data[at : at + 1] = bytes((random.randrange(256),))
        case 1:
            data[at : at + 1] = bytes((random.choice(INTERESTING),))
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = random.randbytes(length)
        case 4:
            other = random.choice(known).raw
            start = random.randrange(len(other))
            data[at : at + length] = other[start : start + length]
        case _:
            data[at : at + 1] = bytes((data[at] ^ 1 << random.randrange(8),)) if data else b"\x00"


def answer(seed: Seed, raw: bytes) -> str:
    """What the ledger says to submitting and to evaluating; raises what should never happen."""
    try:
        transaction = decode_transaction(raw)
    except TransactionRejected as rejected:
        _check_answer(rejected, PRIORITY[:1])
        return "not a transaction"
    try:
        evaluate(transaction, seed.utxo, seed.environment)
    except TransactionRejected as rejected:
        _check_answer(rejected, EVALUATION_CODES)
    try:
        check(transaction, seed.utxo, seed.environment)
    except TransactionRejected as rejected:
        return str(_check_answer(rejected, PRIORITY))
    # What is signed is the body: only the rest can have changed.
    assert transaction.id == seed.id
    return "accepted"


def _check_answer(rejected: TransactionRejected, codes: tuple[int, ...]) -> int:
    failure = rpc_failure(rejected)
    assert failure.rpc_code in codes, failure.rpc_code
    assert failure.message
    return failure.rpc_code


def memory_kib() -> int:
    """The most memory this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def fuzz(seed: int, *, count: int) -> tuple[Counter[str], list[int]]:
    """(answers by kind, peak memory at each hundred thousand) of `count` inputs."""
    random = Random(seed)  # noqa: S311  what is random here must be repeatable
    known = seeds(random)
    answers: Counter[str] = Counter()
    peaks: list[int] = []
    for number, (source, raw) in enumerate(damaged(random, known)):
        if number == count:
            break
        if number % REPORT_EVERY == 0:
            peaks.append(memory_kib())
        try:
            answers[answer(source, raw)] += 1
        except Exception:
            _tell(f"seed {seed}, input {number}: {raw.hex()}")
            raise
    return answers, [*peaks, memory_kib()]


def main() -> None:
    parser = argparse.ArgumentParser(description="fuzzes the embedded chain's ledger")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    started = time.monotonic()
    answers, peaks = fuzz(options.seed, count=options.count)
    total = sum(answers.values())
    _tell(f"seed {options.seed}: {total} inputs in {time.monotonic() - started:.0f} s")
    for kind, times in answers.most_common():
        _tell(f"{times:>10}  {kind}")
    _tell(f"peak memory in KiB, after each 100,000: {peaks}")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    main()
