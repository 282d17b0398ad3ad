"""A transaction in the making against a chain: balanced, hashed, signed and paid for when it is sealed.

Everything is computed otherwise than the ledger under test does: by hand, from the specification. A
mutation changes one thing in a copy, and sealing mends all that depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor
from typing import Any

import cbor2
from nacl.signing import SigningKey

from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.outputs import Output, decode_output
from tests.support.random_scripts import LOCKS, Code, Lock
from tests.support.raw_transactions import hash224, hash256, language_views, wire
from tests.support.registrations import Registrations, ledger_order, owner_of

Assets = dict[bytes, dict[bytes, int]]
Subject = OutputReference | bytes | tuple[str, Any]
"""What a script guards: an output, a policy, ("withdraw", account) or ("publish", the certificate's place)."""
Step = Callable[[dict[int, Any]], None]

BODY_SETS = (0, 4, 13, 14, 18)
WITNESS_SETS = (0, 1, 3, 4, 6, 7)
WITNESS_FIELD = {0: 1, 1: 3, 2: 6, 3: 7}
"""The field of the witness set that holds scripts of a version."""


@dataclass(frozen=True)
class Form:
    """How CBOR is written, where the standard leaves a choice."""

    tagged_sets: bool = False
    indefinite: bool = False
    wide: bool = False

    def write(self, value: Any) -> bytes:
        """CBOR of anything that transactions are made of."""
        match value:
            case Code():
                written = value.cbor
            case cbor2.CBORTag():
                written = self.head(6, value.tag) + self.write(value.value)
            case bool() | None:
                written = cbor2.dumps(value)
            case int():
                written = self.head(0, value) if value >= 0 else self.head(1, -1 - value)
            case bytes():
                written = self.head(2, len(value)) + value
            case str():
                written = self.head(3, len(value.encode())) + value.encode()
            case dict():
                pairs = (self.write(k) + self.write(v) for k, v in value.items())
                written = self._group(5, len(value), b"".join(pairs))
            case _:
                written = self._group(4, len(value), b"".join(map(self.write, value)))
        return written

    def set_of(self, elements: Any) -> Any:
        return cbor2.CBORTag(258, elements) if self.tagged_sets else elements

    def _group(self, kind: int, count: int, inside: bytes) -> bytes:
        if self.indefinite:
            return bytes((kind << 5 | 31,)) + inside + b"\xff"
        return self.head(kind, count) + inside

    def head(self, kind: int, argument: int) -> bytes:
        if self.wide and argument < 1 << 32:
            return bytes((kind << 5 | 26,)) + argument.to_bytes(4, "big")
        if argument < 24:
            return bytes((kind << 5 | argument,))
        size = next(n for n in (1, 2, 4, 8) if argument < 1 << 8 * n)
        return bytes((kind << 5 | 23 + size.bit_length(),)) + argument.to_bytes(size, "big")


PLAIN = Form()


@dataclass
class Proposal:
    """What a transaction is made of. Redeemers are kept by what they are for, not by their index.

    `fee_offset` is what is paid beyond the least fee. The steps are where mutations reach in: `body_step`
    before hashes and signatures are made, `witness_step` before the script integrity hash is,
    `signature_step` when all is done.
    """

    utxo: Mapping[OutputReference, Output]
    registrations: Registrations = field(default_factory=Registrations)
    certificates: list[Any] = field(default_factory=list)
    withdrawals: dict[bytes, int] = field(default_factory=dict)
    inputs: list[OutputReference] = field(default_factory=list)
    references: list[OutputReference] = field(default_factory=list)
    collateral: list[OutputReference] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    change_address: bytes = b""
    mint: Assets = field(default_factory=dict)
    fields: dict[int, Any] = field(default_factory=dict)
    scripts: list[Lock] = field(default_factory=list)
    datums: list[bytes] = field(default_factory=list)
    redeemers: dict[Subject, list[Any]] = field(default_factory=dict)
    keys: list[SigningKey] = field(default_factory=list)
    is_valid: bool = True
    auxiliary: Any = None
    form: Form = PLAIN
    fee: int = 200_000
    fee_offset: int = 0
    body_step: Step | None = None
    witness_step: Step | None = None
    signature_step: Step | None = None

    def mutable(self) -> Proposal:
        """A copy that can be changed at will."""
        twin = copy(self)
        for name in ("inputs", "references", "collateral", "scripts", "datums", "keys"):
            setattr(twin, name, list(getattr(self, name)))
        for name in ("outputs", "mint", "fields", "redeemers", "auxiliary", "certificates"):
            setattr(twin, name, copied(getattr(self, name)))
        twin.withdrawals = dict(self.withdrawals)
        return twin

    # -- sealing

    def seal(self) -> bytes:
        """The transaction's bytes, with the least fee that pays for them, and `fee_offset`."""
        for _ in range(6):
            raw = self._sealed()
            wanted = self.least_fee(raw) + self.fee_offset
            if wanted == self.fee:
                return raw
            self.fee = wanted
        raise AssertionError("the fee does not settle")

    def _sealed(self) -> bytes:
        witnesses = self._witnesses()
        if self.witness_step:
            self.witness_step(witnesses)
        auxiliary = self.form.write(self.auxiliary)
        body = self._body()
        integrity = self._script_integrity_hash(witnesses)
        if integrity is not None:
            body[11] = integrity
        if self.auxiliary is not None:
            body[7] = hash256(auxiliary)
        if self.body_step:
            self.body_step(body)
        written = self._written(body, BODY_SETS)
        signed = hash256(written)
        if self.keys:
            witnesses[0] = [[k.verify_key.encode(), k.sign(signed).signature] for k in self.keys]
        if self.signature_step:
            self.signature_step(witnesses)
        flag = self.form.write(self.is_valid)
        return b"\x84" + written + self._written(witnesses, WITNESS_SETS) + flag + auxiliary

    def _written(self, fields: dict[int, Any], sets: tuple[int, ...]) -> bytes:
        """A map of fields, those that are sets in the form that sets have here."""
        shown = dict(fields)
        for number in sets:
            if isinstance(shown.get(number), list):
                shown[number] = self.form.set_of(shown[number])
        return self.form.write(shown)

    def _script_integrity_hash(self, witnesses: Mapping[int, Any]) -> bytes | None:
        languages = self._languages(witnesses)
        redeemers, datums = witnesses.get(5), witnesses.get(4)
        if not languages and redeemers is None and datums is None:
            return None
        hashed = b"\xa0" if redeemers is None else redeemers.cbor
        hashed += b"" if datums is None else datums.cbor
        return hash256(hashed + language_views(languages))

    def _body(self) -> dict[int, Any]:
        body: dict[int, Any] = {
            0: [wire(ref) for ref in self.inputs],
            1: [*self.outputs, self._change()],
            2: self.fee,
            **copied(self.fields),
        }
        if self.certificates:
            body[4] = copied(self.certificates)
        if self.withdrawals:
            body[5] = dict(self.withdrawals)
        if self.mint:
            body[9] = self.mint
        if self.collateral:
            body[13] = [wire(ref) for ref in self.collateral]
        if self.references:
            body[18] = [wire(ref) for ref in self.references]
        return body

    def _witnesses(self) -> dict[int, Any]:
        witnesses: dict[int, Any] = {}
        for lock in self.scripts:
            if lock.version is not None:
                witnesses.setdefault(WITNESS_FIELD[lock.version], []).append(lock.witness)
        if self.datums:
            inside = [Code(datum) for datum in self.datums]
            witnesses[4] = Code(self.form.write(self.form.set_of(inside)))
        if self.redeemers:
            witnesses[5] = self.written_redeemers(self.pointers())
        return witnesses

    def written_redeemers(self, redeemers: dict[tuple[int, int], Any]) -> Code:
        """Redeemers as a witness set holds them; plain forms of arrays are used for Plutus Data.

        A redeemer's content is an array of definite length, whatever the form.
        """
        definite = replace(self.form, indefinite=False)
        contents = {
            pointer: Code(definite.head(4, len(content)) + b"".join(map(self.form.write, content)))
            for pointer, content in redeemers.items()
        }
        return Code(self.form.write(contents))

    def pointers(self) -> dict[tuple[int, int], Any]:
        """The redeemers by tag and index."""
        inputs, policies = sorted(set(self.inputs)), sorted(self.mint)
        found: dict[tuple[int, int], Any] = {}
        for subject, (data, units) in self.redeemers.items():
            if isinstance(subject, OutputReference):
                found[0, inputs.index(subject)] = [Code(data), units]
            elif isinstance(subject, tuple) and subject[0] == "publish":
                found[2, subject[1]] = [Code(data), units]
            elif isinstance(subject, tuple):
                accounts = sorted(self.withdrawals, key=ledger_order)
                found[3, accounts.index(subject[1])] = [Code(data), units]
            else:
                found[1, policies.index(subject)] = [Code(data), units]
        return found

    def _change(self) -> Any:
        """Everything that is left."""
        spent = [self.utxo[ref] for ref in dict.fromkeys(self.inputs) if ref in self.utxo]
        left = sum(output.value.lovelace for output in spent) - self.fee + self.gained()
        assets: Assets = {}
        for output in spent:
            for asset, n in output.value.assets.items():
                add(assets, asset.policy_id, asset.asset_name, n)
        for policy, names in self.mint.items():
            for name, n in names.items():
                add(assets, policy, name, n)
        for entry in self.outputs:
            lovelace, tokens = value_of(entry)
            left -= lovelace
            for policy, name, n in flat(tokens):
                add(assets, policy, name, -n)
        kept = {p: {k: v for k, v in names.items() if v} for p, names in assets.items()}
        kept = {policy: names for policy, names in kept.items() if names}
        return [self.change_address, [left, kept] if kept else left]

    def gained(self) -> int:
        """What withdrawals and refunds bring, less what deposits take."""
        return self.registrations.gained({4: self.certificates, 5: self.withdrawals})

    def staking_locks(self) -> Iterator[tuple[Subject, Lock]]:
        """Whoever must consent to withdrawals and certificates, pools' owners too."""
        known = {**LOCKS, **{lock.hash: lock for lock in self.scripts}}
        for account in self.withdrawals:
            if owner_of(account)[1] in known:
                yield ("withdraw", account), known[owner_of(account)[1]]
        for place, (kind, who, *_) in enumerate(self.certificates):
            owner = who if kind in (3, 4) else who[1]
            if kind != 0 and owner in known:
                yield ("publish", place), known[owner]

    # -- what the specification says

    def least_fee(self, raw: bytes) -> int:
        """Mainnet's least fee of these bytes; all but the flag `is_valid` counts."""
        units = [entry[1] for entry in self.redeemers.values()]
        memory, steps = sum(unit[0] for unit in units), sum(unit[1] for unit in units)
        run: int = ceil(memory * Fraction(577, 10_000) + steps * Fraction(721, 10_000_000))
        return 155_381 + 44 * (len(raw) - 1) + run + reference_fee(self.reference_bytes())

    def least_in(self, output: Any) -> int:
        """The least lovelace in an output."""
        return (160 + len(self.form.write(output))) * 4310

    def reference_bytes(self) -> int:
        brought = {*self.inputs, *self.references} & self.utxo.keys()
        return sum(len(script.code) for ref in brought if (script := self.utxo[ref].script))

    def brought_scripts(self) -> set[bytes]:
        """Hashes of the scripts that spent and referenced outputs bring."""
        seen = [
            self.utxo[ref].script for ref in (*self.inputs, *self.references) if ref in self.utxo
        ]
        return {script.hash() for script in seen if script}

    def needed_locks(self) -> Iterator[tuple[Subject, Lock]]:
        """The scripts that must agree, and to what."""
        known = {**LOCKS, **{lock.hash: lock for lock in self.scripts}}
        for ref in self.inputs:
            digest = self.utxo[ref].address.script_hash if ref in self.utxo else None
            if digest is not None and digest in known:
                yield ref, known[digest]
        for policy in self.mint:
            if policy in known:
                yield policy, known[policy]
        yield from (each for each in self.staking_locks() if each[1].version is not None)

    def _languages(self, witnesses: Mapping[int, Any]) -> set[int]:
        """Versions of the Plutus scripts that are needed and at hand."""
        at_hand = self.brought_scripts()
        for version, number in WITNESS_FIELD.items():
            for script in witnesses.get(number, ()):
                code = script.cbor if isinstance(script, Code) else script
                at_hand.add(hash224(bytes((version,)) + code))
        locks = [lock for _, lock in self.needed_locks() if lock.hash in at_hand]
        return {lock.version for lock in locks if lock.version}


def reference_fee(size: int) -> int:
    """15 lovelace a byte, a fifth more after each 25,600."""
    total, price = Fraction(0), Fraction(15)
    while size > 0:
        total += min(size, 25_600) * price
        size, price = size - 25_600, price * Fraction(6, 5)
    return floor(total)


def copied(value: Any) -> Any:
    """A copy down to what can't change."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def add(assets: Assets, policy: bytes, name: bytes, quantity: int) -> None:
    names = assets.setdefault(policy, {})
    names[name] = names.get(name, 0) + quantity


def flat(assets: Assets) -> Iterator[tuple[bytes, bytes, int]]:
    for policy, names in assets.items():
        for name, quantity in names.items():
            yield policy, name, quantity


def value_of(output: Any) -> tuple[int, Assets]:
    """Lovelace and tokens of an output in either form."""
    if isinstance(output, Code):
        decoded = decode_output(output.cbor).value
        assets: Assets = {}
        for asset, n in decoded.assets.items():
            add(assets, asset.policy_id, asset.asset_name, n)
        return decoded.lovelace, assets
    value = output[1]
    return (value, {}) if isinstance(value, int) else (value[0], value[1])


def with_lovelace(output: Any, lovelace: int) -> Any:
    """The output with another amount."""
    changed = copy(output)
    changed[1] = lovelace if isinstance(output[1], int) else [lovelace, output[1][1]]
    return changed
