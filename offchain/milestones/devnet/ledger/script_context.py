"""What a Plutus script is shown of a transaction: its script context, as CBOR of Plutus Data.

Everything is written in the one encoding of `serialise_data`, whatever it came in. Source: Conway's
`Cardano.Ledger.Conway.TxInfo` and the types of `PlutusLedgerApi.V1`, `.V2`, `.V3`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from milestones.cardano.address import Credential, StakeAddress
from milestones.cardano.certificates import Certificate
from milestones.cardano.outputs import OutputReference
from milestones.cardano.parameters import RedeemerPointer
from milestones.cardano.value import Value
from milestones.devnet.ledger.addresses import LedgerAddress
from milestones.devnet.ledger.failures import BadTranslation, ScriptSubject, TransactionRejected
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction, ScriptNeeded
from milestones.devnet.ledger.script_certificates import certificate_v1, certificate_v3
from milestones.devnet.ledger.script_data import (
    constr,
    credential,
    listed,
    mapped,
    normal,
    optional,
    plain,
)
from milestones.devnet.ledger.transaction import Redeemer

BOOTSTRAP_VERSION: Final = 9
"""The protocol version whose Plutus V3 scripts saw no deposits of registrations."""


class TransactionInfo:
    """One transaction, for scripts of one Plutus version (1 to 3). Ledger: `toPlutusTxInfo`.

    Raises `TransactionRejected` with `BadTranslation` where the version can't show the transaction.
    """

    def __init__(self, resolved: ResolvedTransaction, version: int) -> None:
        self._resolved, self._version = resolved, version
        self._check_representable()
        self._encoded = constr(0, *self._fields())

    def arguments(self, needed: ScriptNeeded, redeemer: Redeemer) -> list[bytes]:
        """The arguments that the script is applied to. Ledger: `toPlutusArgs`."""
        if self._version == 3:
            return [constr(0, self._encoded, normal(redeemer.data), self._script_info(needed))]
        context = constr(0, self._encoded, self._purpose(needed.pointer, needed.subject))
        datum = self._datum(needed)
        return [*([] if datum is None else [datum]), normal(redeemer.data), context]

    def _fields(self) -> list[bytes]:
        resolved, version = self._resolved, self._version
        body = resolved.body
        fee = plain(body.fee)
        shared = [
            listed(self._input(reference, resolved.inputs[reference]) for reference in body.inputs),
            listed(map(self._output, body.outputs)),
            fee if version == 3 else _value(Value(body.fee)),
            self._mint(body.mint),
            listed(map(self._certificate, body.certificates)),
            self._withdrawals(),
            self._interval(body.invalid_before, body.invalid_after),
            listed(map(plain, body.required_signers)),
        ]
        if version > 1:
            known = resolved.reference_inputs
            references = (self._input(ref, known[ref]) for ref in body.reference_inputs)
            shared.insert(1, listed(references))
            shared.append(self._redeemer_map())
        shared += [self._datums(), self._identifier(resolved.transaction.id)]
        return (
            shared
            if version < 3
            else [*shared, mapped(()), listed(()), optional(None), optional(None)]
        )

    def _check_representable(self) -> None:
        resolved, version = self._resolved, self._version
        common = set(resolved.body.inputs) & set(resolved.body.reference_inputs)
        if version == 3 and common:
            raise _bad_translation(
                "An output both spent and referenced can't be shown to a Plutus V3 script."
            )
        seen = (
            *resolved.inputs.values(),
            *resolved.reference_inputs.values(),
            *resolved.body.outputs,
        )
        for output in seen:
            _payment_credential(output.address)
        if version == 1 and any(output.datum is not None for output in seen):
            raise _bad_translation("An inline datum can't be shown to a Plutus V1 script.")

    def _purpose(self, pointer: RedeemerPointer, subject: ScriptSubject) -> bytes:
        """Ledger: `transPlutusPurposeV1V2` and `transPlutusPurposeV3`, which counts certificates."""
        if isinstance(subject, OutputReference):
            return constr(1, self._reference(subject))
        if isinstance(subject, StakeAddress):
            return constr(2, self._account(subject))
        if isinstance(subject, Certificate):
            index = [plain(pointer.index)] if self._version == 3 else []
            return constr(3, *index, self._certificate(subject))
        return constr(0, plain(subject))

    def _account(self, address: StakeAddress) -> bytes:
        """Versions 1 and 2 know pointers, too, and wrap what is none in a constructor."""
        who = credential(address.credential)
        return who if self._version == 3 else constr(0, who)

    def _certificate(self, certificate: Certificate) -> bytes:
        """Ledger: `transTxCertV1V2` and `transTxCert`."""
        if self._version == 3:
            version = self._resolved.parameters.protocol_version[0]
            return certificate_v3(certificate, deposits_shown=version != BOOTSTRAP_VERSION)
        shown = certificate_v1(certificate)
        if shown is None:
            raise _bad_translation(
                f"A certificate of Conway's can't be shown to a Plutus V{self._version} script."
            )
        return shown

    def _withdrawals(self) -> bytes:
        """Pairs in version 1, a map in the others. Ledger: `transTxBodyWithdrawals`, of both eras.

        Versions 1 and 2 see them in Plutus' order, keys first; version 3 in the ledger's.
        """
        withdrawals = list(self._resolved.body.withdrawals.items())
        if self._version < 3:
            withdrawals.sort(key=lambda entry: _plutus_order(entry[0].credential))
        entries = [(self._account(address), plain(coin)) for address, coin in withdrawals]
        if self._version == 1:
            return listed(constr(0, *entry) for entry in entries)
        return mapped(entries)

    def _script_info(self, needed: ScriptNeeded) -> bytes:
        """Version 3: the purpose, and for a spend its datum."""
        if isinstance(needed.subject, OutputReference):
            return constr(1, self._reference(needed.subject), optional(self._datum(needed)))
        return self._purpose(needed.pointer, needed.subject)

    def _datum(self, needed: ScriptNeeded) -> bytes | None:
        """The datum of a spent output, wherever it is. Ledger: `getSpendingDatum`."""
        if not isinstance(needed.subject, OutputReference):
            return None
        output = self._resolved.inputs[needed.subject]
        raw = output.datum
        if output.datum_hash is not None:
            raw = self._resolved.transaction.witnesses.datums.get(output.datum_hash)
        return None if raw is None else normal(raw)

    def _identifier(self, transaction_id: bytes) -> bytes:
        """Versions 1 and 2 wrap a transaction's id in a constructor."""
        return plain(transaction_id) if self._version == 3 else constr(0, plain(transaction_id))

    def _reference(self, reference: OutputReference) -> bytes:
        return constr(0, self._identifier(reference.transaction_id), plain(reference.index))

    def _input(self, reference: OutputReference, output: Output) -> bytes:
        return constr(0, self._reference(reference), self._output(output))

    def _output(self, output: Output) -> bytes:
        address, value = _address(output.address), _value(output.value)
        digest = output.datum_hash
        if self._version == 1:
            return constr(0, address, value, optional(None if digest is None else plain(digest)))
        script = None if output.script is None else plain(output.script.hash())
        return constr(0, address, value, _datum_option(output), optional(script))

    def _mint(self, mint: Value) -> bytes:
        """Versions 1 and 2 show a zero amount of lovelace first; version 3 does not."""
        tokens = _tokens(mint)
        return mapped(tokens if self._version == 3 else [_lovelace(0), *tokens])

    def _interval(self, before: int | None, after: int | None) -> bytes:
        """Times in POSIX milliseconds; the upper bound is outside. Ledger: `transValidityInterval`."""
        lower = constr(0) if before is None else constr(1, self._time(before))
        upper = constr(2) if after is None else constr(1, self._time(after))
        closed, opened = constr(1), constr(0)
        return constr(
            0, constr(0, lower, closed), constr(0, upper, closed if after is None else opened)
        )

    def _time(self, slot: int) -> bytes:
        environment = self._resolved.environment
        if environment.horizon_slot is not None and slot >= environment.horizon_slot:
            raise _bad_translation(f"The time of slot {slot} can't be foreseen yet.")
        return plain(environment.start_of(slot))

    def _redeemer_map(self) -> bytes:
        """Redeemers by purpose, in the order of their pointers. Ledger: `transTxRedeemers`."""
        return mapped(
            (
                self._purpose(redeemer.pointer, self._subject(redeemer.pointer)),
                normal(redeemer.data),
            )
            for redeemer in self._resolved.transaction.witnesses.redeemers
        )

    def _subject(self, pointer: RedeemerPointer) -> ScriptSubject:
        """What a redeemer points to, whether or not a script runs there."""
        body = self._resolved.body
        subjects: Sequence[ScriptSubject] = ()
        if pointer.purpose == "spend":
            subjects = body.inputs
        elif pointer.purpose == "mint":
            subjects = tuple(body.mint.policies())
        elif pointer.purpose == "publish":
            subjects = body.certificates
        elif pointer.purpose == "withdraw":
            subjects = tuple(body.withdrawals)
        if pointer.index >= len(subjects):
            raise _bad_translation(
                f"The redeemer {pointer.purpose} #{pointer.index} points to nothing."
            )
        return subjects[pointer.index]

    def _datums(self) -> bytes:
        """The witnesses' datums by hash, sorted: pairs in version 1, a map in the others."""
        datums: Mapping[bytes, bytes] = self._resolved.transaction.witnesses.datums
        entries = [(plain(digest), normal(datums[digest])) for digest in sorted(datums)]
        if self._version == 1:
            return listed(constr(0, *entry) for entry in entries)
        return mapped(entries)


def _bad_translation(reason: str) -> TransactionRejected:
    return TransactionRejected(BadTranslation(reason))


def _datum_option(output: Output) -> bytes:
    if output.datum is not None:
        return constr(2, normal(output.datum))
    return constr(0) if output.datum_hash is None else constr(1, plain(output.datum_hash))


def _address(address: LedgerAddress) -> bytes:
    payment, staking = _payment_credential(address), address.staking
    if staking is None:
        return constr(0, credential(payment), optional(None))
    if isinstance(staking, Credential):
        part = constr(0, credential(staking))
    else:
        part = constr(1, *map(plain, staking))
    return constr(0, credential(payment), optional(part))


def _payment_credential(address: LedgerAddress) -> Credential:
    if address.payment is None:
        raise _bad_translation("A Byron address can't be shown to a Plutus script.")
    return address.payment


def _plutus_order(who: Credential) -> tuple[bool, bytes]:
    return who.kind == "script", who.hash


def _value(value: Value) -> bytes:
    return mapped([_lovelace(value.lovelace), *_tokens(value)])


def _lovelace(amount: int) -> tuple[bytes, bytes]:
    return plain(b""), mapped([(plain(b""), plain(amount))])


def _tokens(value: Value) -> list[tuple[bytes, bytes]]:
    """Quantities by policy, then by name, both in order."""
    return [
        (plain(policy_id), mapped((plain(asset.asset_name), plain(n)) for asset, n in group))
        for policy_id, group in groupby(value.assets.items(), key=lambda entry: entry[0].policy_id)
    ]
