"""Random valid transactions: every part of one that the embedded chain's ledger knows."""

from __future__ import annotations

import zlib
from typing import Any, Final

import cbor2

from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import AssetId
from milestones.devnet.ledger.outputs import Output
from tests.support.proposals import (
    PLAIN,
    Assets,
    Form,
    Proposal,
    add,
    flat,
    value_of,
    with_lovelace,
)
from tests.support.proving_ground import ADA, ProvingGround, lock_of
from tests.support.random_scripts import (
    FAILING_LOCKS,
    KEY_LOCKS,
    KEYS,
    LOCKS,
    MINTING_LOCKS,
    NATIVE_LOCKS,
    SPENDING_LOCKS,
    Lock,
)
from tests.support.random_staking import Staker
from tests.support.raw_transactions import hash256, script_ref

NAMES: Final = (b"", b"GRANT", bytes(range(32)))
STAKING: Final = b"\x5a" * 28
RESERVE_LOVELACE: Final = 45 * ADA
"""What the inputs hold beyond the outputs, so that any fee can be paid and change be given."""
AMPLE_UNITS: Final = (150_000, 2_400_000_000)
"""More than a script whose cost depends on what it is shown ever takes here; four fit a transaction."""
FEW_PURSES: Final = 60
"""Outputs locked by keys, under which more are made."""
CROWD: Final = 250
"""Outputs above which transactions spend more of them."""
MOST_STUCK: Final = 6
"""Outputs that nothing can open, kept for refusals."""


def byron_address(attribute_bytes: int = 0) -> bytes:
    """An address of the Byron era on magic 42, with a derivation path of some length."""
    path = {1: cbor2.dumps(bytes(attribute_bytes))} if attribute_bytes else {}
    attributes = {**path, 2: cbor2.dumps(42)}
    payload = cbor2.dumps([b"\x0b" * 28, attributes, 0])
    return cbor2.dumps([cbor2.CBORTag(24, payload), zlib.crc32(payload)])


class Composer:
    """Composes valid transactions for one proving ground."""

    def __init__(self, ground: ProvingGround) -> None:
        self.ground, self.random = ground, ground.random
        self._old = False

    def compose(self) -> Proposal:
        """A transaction that the chain must accept as it stands."""
        p = Proposal(
            utxo=self.ground.chain.mempool.utxo,
            registrations=self.ground.registrations,
            form=self._form(),
        )
        self._old = self._chance(0.3)
        p.is_valid = not self._chance(0.08)
        self._inputs(p)
        if self._chance(0.45):
            self._mint(p, MINTING_LOCKS, 2 if p.is_valid else 1)
        if self._chance(0.35):
            self._mint(p, NATIVE_LOCKS, 2)
        if not p.is_valid:
            self._mint(p, FAILING_LOCKS, 1)
        if self._chance(0.6):
            Staker(self.ground, p, old_scripts=self._old).add()
        self._outputs(p)
        self._fund(p)
        self._references(p)
        self._interval(p)
        self._scripts(p)
        self._extras(p)
        self._collateral(p)
        self._sign(p)
        if self._chance(0.3):
            p.fee_offset = self.random.randint(1, 50_000)
        return p

    def _chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def _form(self) -> Form:
        if self._chance(0.5):
            return PLAIN
        return Form(self._chance(0.5), self._chance(0.3), self._chance(0.2))

    def _fits(self, lock: Lock) -> bool:
        """A transaction with a version 1 script can show no inline datum, so those stand apart."""
        return self._old or lock.version != 1

    # -- what goes in

    def _held_by(self, locks: tuple[Lock, ...]) -> list[OutputReference]:
        """What can be spent here, of these locks."""
        there = self.ground.held_by([lock for lock in locks if self._fits(lock)])
        return [ref for ref in there if self._opens(self.ground.spendable[ref])]

    def _opens(self, output: Output) -> bool:
        """Before version 3 no script runs without a datum."""
        stuck = lock_of(output).version in (1, 2) and output.resolved_datum_hash is None
        return not stuck and not (self._old and output.datum is not None)

    def _inputs(self, p: Proposal) -> None:
        crowded = len(self.ground.spendable) > CROWD
        for locks, most in (
            (SPENDING_LOCKS, 2),
            (NATIVE_LOCKS, 6 if crowded else 2),
            (KEY_LOCKS, 6 if crowded else 2),
        ):
            there = self._held_by(locks)
            count = self.random.randint(0, most)
            p.inputs += self.random.sample(there, min(count, len(there)))

    def _fund(self, p: Proposal) -> None:
        """Adds inputs until they hold enough."""
        wanted = sum(value_of(each)[0] for each in p.outputs) + RESERVE_LOVELACE
        wanted -= min(0, p.gained())
        held = sum(self.ground.spendable[ref].value.lovelace for ref in p.inputs)
        purses = [ref for ref in self._held_by(KEY_LOCKS) if ref not in p.inputs]
        self.random.shuffle(purses)
        while held < wanted:
            p.inputs.append(purses.pop())
            held += self.ground.spendable[p.inputs[-1]].value.lovelace
        self.random.shuffle(p.inputs)
        p.change_address = self._address(self.random.choice(KEY_LOCKS))

    def _mint(self, p: Proposal, locks: tuple[Lock, ...], most: int) -> None:
        fitting = [lock for lock in locks if self._fits(lock)]
        for lock in self.random.sample(fitting, self.random.randint(1, most)):
            for name in self.random.sample(NAMES, self.random.randint(1, 2)):
                owned = self._owned(p, AssetId(lock.hash, name))
                if owned and self._chance(0.5):
                    add(p.mint, lock.hash, name, -self.random.randint(1, owned))
                else:
                    add(p.mint, lock.hash, name, self.random.choice((1, 7, 10**6, 10**15)))

    def _owned(self, p: Proposal, asset: AssetId) -> int:
        return sum(self.ground.spendable[ref].value.quantity(asset) for ref in p.inputs)

    # -- what comes out

    def _outputs(self, p: Proposal) -> None:
        there: Assets = {}
        for ref in p.inputs:
            for asset, n in self.ground.spendable[ref].value.assets.items():
                add(there, asset.policy_id, asset.asset_name, n)
        for policy, name, n in list(flat(p.mint)):
            add(there, policy, name, n)
        for _ in range(self.random.randint(0, 4)):
            output = self._output(p, there)
            p.outputs.append(with_lovelace(output, max(value_of(output)[0], p.least_in(output))))
        if len(self.ground.held_by(KEY_LOCKS)) < FEW_PURSES:
            p.outputs += [[self._address(lock), 80 * ADA] for lock in KEY_LOCKS]

    def _output(self, p: Proposal, tokens: Assets) -> Any:
        runs = any(lock.is_plutus for _, lock in p.needed_locks())
        if self._chance(0.05) and not runs and not p.mint and p.inputs == self._plain(p):
            return [byron_address(), 5 * ADA]
        kinds = (KEY_LOCKS, KEY_LOCKS, NATIVE_LOCKS, SPENDING_LOCKS, SPENDING_LOCKS)
        lock = self.random.choice(self.random.choice(kinds))
        output: dict[int, Any] = {0: self._address(lock), 1: self._value(tokens)}
        self._datum(p, lock, output)
        if self._chance(0.15):
            shown = self.random.choice((*NATIVE_LOCKS, *SPENDING_LOCKS))
            output[3] = script_ref(shown.version or 0, shown.code)
        if 3 in output or output.get(2, [0])[0] == 1 or self._chance(0.6):
            return output
        return [output[0], output[1], *([output[2][1]] if 2 in output else [])]

    def _plain(self, p: Proposal) -> list[OutputReference]:
        """Those inputs that no Plutus script guards: a Byron address can be shown to none."""
        return [ref for ref in p.inputs if not lock_of(self.ground.spendable[ref]).is_plutus]

    def _value(self, tokens: Assets) -> Any:
        given: Assets = {}
        for policy, name, n in list(flat(tokens)):
            if n > 0 and self._chance(0.3):
                part = self.random.randint(1, n)
                add(given, policy, name, part)
                add(tokens, policy, name, -part)
        lovelace = self.random.choice((5, 8, 20, 60)) * ADA + self.random.randint(0, 10**6)
        return [lovelace, given] if given else lovelace

    def _datum(self, p: Proposal, lock: Lock, output: dict[int, Any]) -> None:
        if lock.version is None and self._chance(0.6):
            return
        kinds = ["hash", "shown"]
        if lock.version != 1 and not self._old:
            kinds.append("inline")
        if lock.version == 3 or (lock.version == 2 and self._stuck() < MOST_STUCK):
            kinds.append("none")
        kind = self.random.choice(kinds)
        if kind == "inline":
            output[2] = [1, cbor2.CBORTag(24, cbor2.dumps(self.random.randint(0, 300)))]
        elif kind != "none":
            datum = cbor2.dumps(self.random.choice((0, 42, b"datum", [1, b"x"], 10**18)))
            self.ground.datums[hash256(datum)] = datum
            output[2] = [0, hash256(datum)]
            p.datums += [datum] if kind == "shown" else []

    def _stuck(self) -> int:
        outputs = self.ground.spendable.values()
        return sum(lock_of(o).version == 2 and o.resolved_datum_hash is None for o in outputs)

    def _address(self, lock: Lock) -> bytes:
        script = 0 if lock.version is None else 0x10
        header, rest = self.random.choice(
            (
                (0x60, b""),
                (0x60, b""),
                (0x00, STAKING),
                (0x20, STAKING),
                (0x40, b"\x81\x02\x03\x04"),
            )
        )
        return bytes((header | script,)) + lock.hash + rest

    # -- what is needed for it

    def _references(self, p: Proposal) -> None:
        """Scripts to refer to, and now and then outputs that nothing needs."""
        for _, lock in list(p.needed_locks()):
            if self._chance(0.5) and lock.hash not in p.brought_scripts():
                p.references.append(self.ground.library[lock.hash])
        if self._chance(0.15):
            p.references += self.random.sample(self.ground.large, self.random.randint(1, 3))
        for ref in self.random.sample(list(self.ground.spendable), 2):
            shown = self.ground.spendable[ref].datum is None or not self._old
            if ref not in p.inputs and shown and self._chance(0.3):
                p.references.append(ref)

    def _interval(self, p: Proposal) -> None:
        slot = self.ground.slot
        locks = [lock for _, lock in p.needed_locks()]
        if any(lock.after for lock in locks) or self._chance(0.4):
            p.fields[8] = slot - self.random.randint(0, 3)
        if any(lock.before for lock in locks) or self._chance(0.4):
            p.fields[3] = slot + self.random.choice((1, 20, 1000, 86_400))

    def _scripts(self, p: Proposal) -> None:
        brought = p.brought_scripts()
        for subject, lock in p.needed_locks():
            if lock.hash not in brought and lock not in p.scripts:
                p.scripts.append(lock)
            if not lock.is_plutus:
                continue
            data = cbor2.dumps(self.random.choice((0, b"", [], 2**40, [b"a" * 60])))
            p.redeemers[subject] = [data, list(lock.units or AMPLE_UNITS)]
            if isinstance(subject, OutputReference):
                digest = self.ground.spendable[subject].datum_hash
                p.datums += [] if digest is None else [self.ground.datums[digest]]
        p.datums = list(dict.fromkeys(p.datums))

    def _extras(self, p: Proposal) -> None:
        if self._chance(0.25):
            p.keys = self.random.sample(KEYS, 2)
            p.fields[14] = [lock.hash for lock in KEY_LOCKS if lock.keys[0] in p.keys]
        if self._chance(0.3):
            p.fields[15] = 0
        if self._chance(0.25):
            number = self.random.randint(-(2**40), 2**40)
            metadata = {674: {"msg": ["random", 1, -5, b"bytes" * 12]}, 0: [number]}
            forms = (metadata, [metadata, []], cbor2.CBORTag(259, {0: metadata}))
            p.auxiliary = self.random.choice(forms)

    def _collateral(self, p: Proposal) -> None:
        """Where scripts run: what is taken if they fail, of which some may be given back."""
        if not p.redeemers:
            return
        there = self.ground.held_by(KEY_LOCKS)
        rich = [ref for ref in there if self.ground.spendable[ref].value.lovelace > 30 * ADA]
        p.collateral = self.random.sample(rich, self.random.randint(1, 3))
        values = [self.ground.spendable[ref].value for ref in p.collateral]
        at_risk, tokens = sum(value.lovelace for value in values), Assets()
        for value in values:
            for asset, n in value.assets.items():
                add(tokens, asset.policy_id, asset.asset_name, n)
        if tokens or self._chance(0.6):
            back = at_risk - self.random.randint(13, 20) * ADA
            at_risk -= back
            p.fields[16] = [self._address(KEY_LOCKS[0]), [back, tokens] if tokens else back]
        if self._chance(0.5):
            p.fields[17] = at_risk

    def _sign(self, p: Proposal) -> None:
        locks = [lock_of(self.ground.spendable[ref]) for ref in (*p.inputs, *p.collateral)]
        locks += [LOCKS[policy] for policy in p.mint]
        locks += [lock for _, lock in p.staking_locks()]
        wanted = [key for lock in locks for key in lock.keys]
        p.keys = list(dict.fromkeys((*p.keys, *wanted)))
