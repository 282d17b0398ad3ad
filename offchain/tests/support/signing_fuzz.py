"""Damaged keys, phrases, envelopes, witnesses and transactions for everything that reads them.

Each ends in a value or in an error of ours that has a hint; and what is read is said in words, checked for
hardware, and put together again, without another error. `PYTHONPATH=offchain:benchmarks python -m
tests.support.signing_fuzz --count N` runs for as long as that takes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import cbor2

from milestones.cardano import cbor, native_script
from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.transaction import Transaction, read_witness_set
from milestones.cardano.value import Value
from milestones.errors import InvalidInput
from milestones.keys.assembling import assemble
from milestones.keys.envelopes import read_signatures, transaction_envelope, witness_envelope
from milestones.keys.key_files import EXTENDED, PAYMENT, SigningKey, read_verification_key
from milestones.keys.phrases import DerivationPath, Phrase
from milestones.protocol.validator_loader import load_contract
from milestones.testing.cast import key_of
from milestones.transactions.hardware import body_alone, hardware_faults
from milestones.transactions.matching import Intent, differences
from milestones.transactions.required import required_signatures
from milestones.transactions.words import in_words
from tests.support.every_kind import every_kind
from tests.support.fuzzing import REPORT_EVERY, Damage, Report
from tests.support.ledger_fuzz import memory_kib

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - files for a moment, a million of them
WORDS: Final = "test walk nut penalty hip pave soap entry language right filter choice"
OWNER: Final = str(Address(0, key_credential(key_of("payer").key_hash)))


@dataclass(frozen=True)
class Target:
    """A reader, and what it reads when nothing is damaged."""

    name: str
    read: Callable[[bytes], object]
    right: tuple[bytes, ...]
    share: float = 1.0


def use_transaction(raw: bytes) -> None:
    """Everything that is done with a transaction of somebody else's."""
    use(Transaction.read(raw))


def use(transaction: Transaction) -> None:
    """No error whatever, once it has been read."""
    try:
        _use(transaction)
    except InvalidInput as error:
        raise AssertionError("it was read, and then refused") from error


def _use(transaction: Transaction) -> None:
    body = transaction.body
    known = [
        Utxo(reference, TransactionOutput(OWNER, Value(5_000_000)))
        for reference in (*body.inputs[:2], *body.collateral, OutputReference(bytes(32), 0))
    ]
    for utxos in ((), known):
        words = in_words(transaction, utxos, CONTRACTS)
        assert words.transaction_hash == str(transaction.id)
        json.dumps(words.summary)
        required = required_signatures(transaction, utxos)
        found = assemble(transaction, [], required)
        assert found.transaction.id == transaction.id
        assert found.transaction.witnesses.redeemers == transaction.witnesses.redeemers
    assert differences(Intent.of_transaction(transaction, 0), transaction) is not None
    assert Transaction.read(body_alone(transaction.raw)).id == transaction.id
    try:
        hardware_faults(transaction.raw)
    except InvalidInput:
        # Votes and certificates are read by nobody else.
        if not body.other:
            raise


CONTRACTS: Final = (load_contract(),)


def use_signatures(content: bytes) -> None:
    """What came back from somewhere."""
    found = read_signatures(content, "file")
    if found.transaction is not None:
        use(found.transaction)
    else:
        base = Transaction.read(every_kind()[0][1].cbor)
        assemble(base, [found], required_signatures(base))


def read_file(folder: Path, read: Callable[[Path], object], content: bytes) -> None:
    """What is read from files alone."""
    file = folder / "file"
    file.write_bytes(content)
    read(file)


def use_phrase(folder: Path, content: bytes) -> None:
    """Without the rounds that make a root key: they take a millisecond, and depend on nothing."""
    read_file(folder, Phrase.load, content)


def targets(folder: Path) -> Iterator[Target]:
    """All readers."""
    transactions = tuple(dict.fromkeys(sent.cbor for _, sent in every_kind()))
    witness = key_of("payer").witness_of(bytes(32))
    witness_set = cbor2.dumps({0: [list(witness)], 2: [[*witness, bytes(32), b"\xa0"]]})
    native = {"type": "atLeast", "required": 1, "scripts": [{"type": "sig", "keyHash": "00" * 28}]}
    code = native_script.script_of(native_script.from_json(native)).code
    envelopes = (
        transaction_envelope(transactions[0]).encode(),
        witness_envelope(witness).encode(),
        witness_set.hex().encode(),
        witness_set,
        cbor2.dumps([0, list(witness)]),
    )
    keys = tuple(
        json.dumps({"type": kind, "description": "", "cborHex": cbor2.dumps(secret).hex()}).encode()
        for kind, secret in (
            (PAYMENT, bytes(32)),
            (
                EXTENDED,
                Phrase.parse(WORDS).key(DerivationPath.parse("m/1852'/1815'/0'/0/0"))._secret,
            ),
            ("PaymentVerificationKeyShelley_ed25519", bytes(32)),
            ("PaymentHWSigningFileShelley_ed25519", bytes(32)),
        )
    )
    yield Target("transaction", use_transaction, transactions, 3.0)
    yield Target("signatures", use_signatures, envelopes, 3.0)
    yield Target("witness set", read_witness_set, (witness_set,))
    yield Target("native script", native_script.from_cbor, (code,))
    yield Target(
        "native script's JSON",
        lambda raw: native_script.from_json(json.loads(raw.decode(errors="replace"))),
        (json.dumps(native).encode(),),
    )
    yield Target(
        "key file", partial(read_file, folder, partial(SigningKey.load, may_stake=True)), keys
    )
    yield Target(
        "verification key",
        partial(read_file, folder, lambda path: read_verification_key(str(path))),
        keys,
    )
    yield Target("phrase", partial(use_phrase, folder), (WORDS.encode(),), 0.3)
    yield Target(
        "path",
        lambda raw: DerivationPath.parse(raw.decode(errors="replace")),
        (b"m/1852'/1815'/0'/0/0",),
    )


ODD_ITEMS: Final = tuple(
    bytes.fromhex(each)
    for each in (
        "00 01 06 07 20 1818 1bffffffffffffffff 3bffffffffffffffff c249010000000000000000 f4 f5 f6 f7 f90000"
        " 40 4100 5f41004100ff 60 80 8100 820000 9f00ff a0 a10000 a1008100 bf0000ff d8184100 d9010280"
        f" 581c{'00' * 28} 5820{'00' * 32} 581d{'e0' * 29} 581d{'60' * 29} 5840{'00' * 64} d87980"
    ).split()
)


def in_structure(raw: bytes, damage: Damage) -> bytes:
    """The same with another item in the place of one: still well-formed, and of another meaning."""
    try:
        waiting = [cbor.read(raw)]
    except InvalidInput:
        return damage.of_bytes(raw)
    items = []
    while waiting:
        item = waiting.pop()
        items.append(item)
        if item.kind in (cbor.ARRAY, cbor.MAP):
            waiting += item.members()
        elif item.kind == cbor.TAG:
            waiting.append(item.value)
    place = damage.random.choice(items)
    other = damage.random.choice((*ODD_ITEMS, damage.random.choice(items).raw))
    return raw[: place.start] + other + raw[place.end :]


def damaged(right: bytes, damage: Damage) -> bytes:
    """An input: noise, accidents to its bytes, or another structure, in an envelope or not."""
    chance = damage.random.random()
    if chance < 0.05:
        return damage.noise()
    if chance < 0.4:
        return damage.of_bytes(right)
    text = right.decode(errors="replace")
    if '"cborHex": "' in text:
        before, _, rest = text.partition('"cborHex": "')
        code, _, after = rest.partition('"')
        code = in_structure(bytes.fromhex(code), damage).hex()
        return f'{before}"cborHex": "{code}"{after}'.encode()
    return in_structure(right, damage)


def outcome(target: Target, raw: bytes) -> str:
    """How it ended; any other error than one of ours is a fault."""
    try:
        target.read(raw)
    except InvalidInput:
        return f"{target.name}: refused"
    except json.JSONDecodeError:
        return f"{target.name}: not JSON"
    return f"{target.name}: read"


def _shown(target: Target, raw: bytes) -> str:
    return f"{target.name} {raw.hex()[:200]}"


def fuzz(seed: int, count: int) -> Report:
    """Inputs of all kinds, damaged in all ways."""
    damage, report = Damage(seed), Report()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        known = list(targets(Path(name)))
        shares = [target.share for target in known]
        for number in range(count):
            if number % REPORT_EVERY == 0:
                report.memory.append(memory_kib())
            (target,) = damage.random.choices(known, shares)
            right = damage.random.choice(target.right)
            raw = damaged(right, damage)
            try:
                report.note(partial(outcome, target, raw), partial(_shown, target, raw))
            except BaseException:
                sys.stderr.write(f"seed {seed}, input {number}, {target.name}: {raw.hex()}\n")
                raise
    report.memory.append(memory_kib())
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description="fuzzes what reads keys, signatures, transactions")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    started = time.monotonic()
    report = fuzz(options.seed, options.count)
    lines = [
        f"seed {options.seed}: {report.outcomes.total()} inputs in {time.monotonic() - started:.0f} s",
        *(f"{times:>10}  {kind}" for kind, times in report.outcomes.most_common()),
        f"slowest: {report.slowest_s:.3f} s, {report.slowest}",
        f"peak memory in KiB, after each 100,000: {report.memory}",
    ]
    sys.stderr.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
