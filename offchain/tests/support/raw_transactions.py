"""Transactions for tests of the ledger, written by hand with cbor2, so that any part can be wrong.

A `Draft` starts out valid; a test changes one thing and asks what the ledger says. Fee, change, script
integrity hash and signatures are made when it is sealed, unless the test sets them itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import cbor2
from nacl.signing import SigningKey

from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.outputs import Output, decode_output
from milestones.devnet.ledger.parameters import PLUTUS_V1, PLUTUS_V2, PLUTUS_V3
from milestones.devnet.ledger.resolved_transaction import Environment
from milestones.devnet.ledger.rules import check
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.devnet.ogmios.rpc import MISSING, RpcFailure
from tests.support.wire_schemas import WireObserver, directory

ALICE, BOB = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)

YES_V3 = bytes.fromhex("450101002499")
r"""`\ctx -> ()`: 500 memory, 64,100 CPU."""
NO_V3 = bytes.fromhex("450101002601")
r"""`\ctx -> error`."""
NOT_UNIT_V3 = bytes.fromhex("46010100248029")
r"""`\ctx -> 5`: not a unit."""
YES_SPEND = bytes.fromhex("46010000222499")
r"""`\datum redeemer ctx -> ()`, for versions 1 and 2."""
NO_SPEND = bytes.fromhex("46010000222601")
r"""`\datum redeemer ctx -> error`."""
YES_MINT = bytes.fromhex("46010000224981")
r"""`\redeemer ctx -> ()`, for versions 1 and 2."""

MODELS = {1: PLUTUS_V1, 2: PLUTUS_V2, 3: PLUTUS_V3}
SYSTEM_START_MS = 1_700_000_000_000


@dataclass(frozen=True)
class Raw:
    """CBOR that is put into a transaction as it is."""

    cbor: bytes


def dumps(value: Any) -> bytes:
    """CBOR of anything that cbor2 knows, and of `Raw`."""
    return cbor2.dumps(value, default=lambda encoder, raw: encoder.write(raw.cbor))


def hash224(data: bytes) -> bytes:
    return blake2b(data, digest_size=28).digest()


def hash256(data: bytes) -> bytes:
    return blake2b(data, digest_size=32).digest()


def key_hash(key: SigningKey) -> bytes:
    return hash224(key.verify_key.encode())


def key_address(key: SigningKey) -> bytes:
    return b"\x60" + key_hash(key)


def script_hash(version: int, code: bytes) -> bytes:
    """Version 0 is a native script."""
    return hash224(bytes((version,)) + code)


def script_address(version: int, code: bytes) -> bytes:
    return b"\x70" + script_hash(version, code)


def reference(name: str, index: int = 0) -> OutputReference:
    """An output reference whose transaction id is the name's hash."""
    return OutputReference(hash256(name.encode()), index)


def wire(ref: OutputReference) -> list[Any]:
    return [ref.transaction_id, ref.index]


def inline(datum: Any) -> list[Any]:
    """An inline datum, as an output has it."""
    return [1, cbor2.CBORTag(24, dumps(datum))]


def script_ref(version: int, code: bytes) -> cbor2.CBORTag:
    """A reference script, as an output has it."""
    inner = cbor2.loads(code) if version == 0 else code
    return cbor2.CBORTag(24, dumps([version, inner]))


def language_views(versions: set[int]) -> bytes:
    """The language views, made otherwise than the ledger under test makes them."""
    views: dict[bytes, bytes] = {}
    for version in versions:
        if version == 1:
            model = b"".join(dumps(n) for n in MODELS[1])
            views[dumps(b"\x00")] = dumps(b"\x9f" + model + b"\xff")
        else:
            views[dumps(version - 1)] = dumps(list(MODELS[version]))
    ordered = [dumps(n) for n in (1, 2)] + [dumps(b"\x00")]
    return bytes((0xA0 + len(views),)) + b"".join(k + views[k] for k in ordered if k in views)


@dataclass
class Draft:
    """A transaction in the making, and the outputs that it can see."""

    utxo: dict[OutputReference, Any] = field(default_factory=dict)
    body: dict[int, Any] = field(default_factory=dict)
    witnesses: dict[int, Any] = field(default_factory=dict)
    keys: list[SigningKey] = field(default_factory=lambda: [ALICE])
    languages: set[int] = field(default_factory=set)
    is_valid: bool = True
    auxiliary: Any = None
    fee: int = 300_000
    gained: int = 0
    """Lovelace of withdrawals and refunds, less deposits: what the change has beside the inputs."""
    signed: bool = True
    balanced: bool = True
    environment: Environment = field(
        default_factory=lambda: Environment(slot=1000, system_start_posix_ms=SYSTEM_START_MS)
    )
    last_step: Callable[[dict[int, Any]], None] = lambda _body: None
    """Changes the body after everything but the signatures has been computed."""

    def output_of(self, ref: OutputReference) -> Output:
        return decode_output(dumps(self.utxo[ref]))

    def known(self) -> dict[OutputReference, Output]:
        return {ref: self.output_of(ref) for ref in self.utxo}

    def add_input(self, ref: OutputReference, output: Any, field_number: int = 0) -> None:
        self.utxo[ref] = output
        self.body.setdefault(field_number, []).append(wire(ref))

    def seal(self) -> bytes:
        body = dict(self.body)
        body.setdefault(2, self.fee)
        body[1] = [*body.get(1, []), *([self._change(body)] if self.balanced else [])]
        redeemers, datums = self.witnesses.get(5), self.witnesses.get(4)
        if redeemers is not None or datums is not None:
            hashed = dumps({} if redeemers is None else redeemers)
            hashed += b"" if datums is None else dumps(datums)
            body.setdefault(11, hash256(hashed + language_views(self.languages)))
        if self.auxiliary is not None:
            body.setdefault(7, hash256(dumps(self.auxiliary)))
        self.last_step(body)
        return self.sign(dumps(body))

    def sign(self, body: bytes) -> bytes:
        witnesses = dict(self.witnesses)
        if self.keys and self.signed:
            witnesses.setdefault(
                0,
                [[k.verify_key.encode(), k.sign(hash256(body)).signature] for k in self.keys],
            )
        parts = (dumps(x) for x in (witnesses, self.is_valid, self.auxiliary))
        return b"\x84" + body + b"".join(parts)

    def _change(self, body: dict[int, Any]) -> list[Any]:
        """Everything that is left, back to Alice."""
        refs = [OutputReference(i, n) for i, n in body[0]]
        spent = [self.output_of(ref) for ref in refs if ref in self.utxo]
        left = sum(output.value.lovelace for output in spent) - body[2] + self.gained
        assets: dict[bytes, dict[bytes, int]] = {}

        def add(policy: bytes, name: bytes, quantity: int) -> None:
            names = assets.setdefault(policy, {})
            names[name] = names.get(name, 0) + quantity

        for output in spent:
            for asset, n in output.value.assets.items():
                add(asset.policy_id, asset.asset_name, n)
        for policy, names in (body.get(9) or {}).items():
            for name, n in names.items():
                add(policy, name, n)
        for raw in body.get(1) or []:
            output = decode_output(dumps(raw))
            left -= output.value.lovelace
            for asset, n in output.value.assets.items():
                add(asset.policy_id, asset.asset_name, -n)
        kept = {p: {k: v for k, v in names.items() if v} for p, names in assets.items()}
        kept = {p: names for p, names in kept.items() if names}
        return [key_address(ALICE), [left, kept] if kept else left]

    def judge(self) -> RpcFailure | None:
        """What the ledger says, as Ogmios answers it: None is yes."""
        try:
            check(decode_transaction(self.seal()), self.known(), self.environment)
        except TransactionRejected as rejected:
            return rpc_failure(rejected)
        return None


def payment() -> Draft:
    """Alice pays Bob 2 ADA out of 10, and keeps the change."""
    draft = Draft()
    draft.add_input(reference("alice"), [key_address(ALICE), 10_000_000])
    draft.body[1] = [[key_address(BOB), 2_000_000]]
    return draft


def with_collateral(draft: Draft) -> Draft:
    """Adds 5 ADA of Alice's as collateral."""
    draft.add_input(reference("collateral"), [key_address(ALICE), 5_000_000], 13)
    return draft


def spending(
    version: int, code: bytes, datum: str = "inline", units: tuple[int, int] = (2000, 300_000)
) -> Draft:
    """Alice's payment, which also spends an output locked by a script that comes as a witness."""
    draft = with_collateral(payment())
    output: dict[int, Any] = {0: script_address(version, code), 1: 3_000_000}
    if datum == "inline":
        output[2] = inline(42)
    elif datum == "hash":
        output[2] = [0, hash256(dumps(42))]
        draft.witnesses[4] = [42]
    locked = reference("locked")
    draft.add_input(locked, output)
    draft.witnesses[{1: 3, 2: 6, 3: 7}[version]] = [code]
    index = sorted((reference("alice"), locked)).index(locked)
    draft.witnesses[5] = {(0, index): [7, list(units)]}
    draft.languages = {version}
    return draft


def minting(version: int, code: bytes) -> Draft:
    """Alice's payment, which also mints five tokens under a script that comes as a witness."""
    draft = with_collateral(payment())
    draft.body[9] = {script_hash(version, code): {b"token": 5}}
    draft.witnesses[{1: 3, 2: 6, 3: 7}[version]] = [code]
    draft.witnesses[5] = {(1, 0): [7, [2000, 300_000]]}
    draft.languages = {version}
    return draft


def native(draft: Draft, script: list[Any], *, witness: bool = True) -> Draft:
    """Adds an input locked by a native script."""
    code = dumps(script)
    draft.add_input(reference("native"), [script_address(0, code), 3_000_000])
    if witness:
        draft.witnesses[1] = [script]
    return draft


def check_shape(
    method: str, failure: RpcFailure, versions: tuple[str, ...] = ("6.14.0", "7.0.0")
) -> None:
    """Holds a failure against Ogmios' schemas, where `MILESTONES_WIRE_SCHEMAS` says where they are.

    Ogmios answers a submission with 3004 too, which its schema leaves out.
    """
    if (method, failure.rpc_code) == ("submitTransaction", 3004):
        return
    error = {"code": failure.rpc_code, "message": failure.message}
    if failure.data is not MISSING:
        error["data"] = failure.data
    answer = {"jsonrpc": "2.0", "method": method, "error": error, "id": None}
    observer = WireObserver()
    for version in versions if directory() else ():
        observer.ogmios_answered(version, json.dumps(answer))
    assert observer.complaints == []
