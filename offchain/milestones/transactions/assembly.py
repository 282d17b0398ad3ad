"""A transaction's bytes: body, witness set, metadata, in the order the CDDL numbers them.

Sources of the script data hash: Alonzo's `hashScriptIntegrity` and the CDDL's note on language views.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from milestones.cardano import encoding
from milestones.cardano.address import Address, Credential
from milestones.cardano.cbor import encode_bytes
from milestones.cardano.certificates import consenting, encode_certificate
from milestones.cardano.encoding import LANGUAGE_TAGS, array, integer, mapping, tagged_set
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.native_script import from_cbor, most_signers
from milestones.cardano.outputs import ScriptLanguage, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, RedeemerPointer
from milestones.errors import InvalidInput
from milestones.transactions import fees
from milestones.transactions.draft import DraftOutput, Layout, Redeemer, TransactionDraft

VALID: Final = b"\xf5"
_WITNESS_KEYS: Final[dict[ScriptLanguage, int]] = {
    "native": 1,
    "plutus:v1": 3,
    "plutus:v2": 6,
    "plutus:v3": 7,
}
_REDEEMER_TAGS: Final = {"spend": 0, "mint": 1, "publish": 2, "withdraw": 3}


@dataclass(frozen=True, slots=True)
class Collateral:
    """What is lost if a script fails: inputs less the return output, which may be absent."""

    inputs: tuple[Utxo, ...]
    change: DraftOutput | None
    at_stake_lovelace: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Everything that the bytes depend on but the signatures.

    `inputs` are all of them, sorted; `outputs` the draft's and then change. Scripts missing in `units`
    are declared to need `assumed_units`; None makes that an error.
    """

    draft: TransactionDraft
    parameters: ProtocolParameters
    inputs: tuple[Utxo, ...]
    outputs: tuple[DraftOutput, ...]
    fee_lovelace: int
    collateral: Collateral | None
    units: Mapping[RedeemerPointer, ExecutionUnits]
    assumed_units: ExecutionUnits | None

    @property
    def layout(self) -> Layout:
        """The order of inputs, reference inputs and policies."""
        return Layout(
            tuple(utxo.reference for utxo in self.inputs),
            tuple(sorted({utxo.reference for utxo in self.draft.reference_inputs})),
            tuple(sorted({mint.policy_id for mint in self.draft.mints})),
        )

    def body(self) -> bytes:
        """The transaction body, whose blake2b_256 is the transaction's id."""
        return mapping((integer(key), item) for key, item in self._fields().items())

    def transaction(self, key_witnesses: Sequence[tuple[bytes, bytes]]) -> bytes:
        """The whole transaction with these (verification key, signature) pairs."""
        auxiliary = self._metadata() if self.draft.metadata else b"\xf6"
        return array((self.body(), self.witness_set(key_witnesses), VALID, auxiliary))

    def witness_set(self, key_witnesses: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Signatures, scripts and redeemers."""
        fields: dict[int, bytes] = {}
        if key_witnesses:
            pairs = [array((encode_bytes(key), encode_bytes(sig))) for key, sig in key_witnesses]
            fields[0] = tagged_set(pairs)
        for language, key in _WITNESS_KEYS.items():
            codes = [s.code for s in self.draft.scripts if s.language == language]
            if codes:
                plutus = language != "native"
                fields[key] = tagged_set([encode_bytes(c) if plutus else c for c in codes])
        if self.redeemers():
            fields[5] = self._encoded_redeemers()
        return mapping((integer(key), item) for key, item in fields.items())

    def redeemers(self) -> dict[RedeemerPointer, bytes]:
        """The redeemers' CBOR by the place the ledger gives them."""
        layout = self.layout
        found: dict[RedeemerPointer, Redeemer | None] = {}
        for spend in self.draft.spends:
            place = layout.input_index(spend.utxo.reference)
            found[RedeemerPointer("spend", place)] = spend.redeemer
        for mint in self.draft.mints:
            place = layout.policies.index(mint.policy_id)
            found[RedeemerPointer("mint", place)] = mint.redeemer
        accounts = list(self.draft.withdrawn())
        for withdrawal in self.draft.withdrawals:
            place = accounts.index(withdrawal.account)
            found[RedeemerPointer("withdraw", place)] = withdrawal.redeemer
        for place, each in enumerate(self.draft.certificates):
            found[RedeemerPointer("publish", place)] = each.redeemer
        return {
            pointer: redeemer(layout) if callable(redeemer) else redeemer
            for pointer, redeemer in found.items()
            if redeemer is not None
        }

    def budgets(self) -> dict[RedeemerPointer, ExecutionUnits]:
        """The execution units each script is declared to need."""
        return {pointer: self._budget(pointer) for pointer in self.redeemers()}

    def total_units(self) -> ExecutionUnits:
        """The sum of the budgets."""
        return sum(self.budgets().values(), ExecutionUnits(0, 0))

    def reference_scripts_size(self) -> int:
        """Bytes of reference scripts that the fee is charged for."""
        return fees.reference_scripts_size((*self.inputs, *self.draft.reference_inputs))

    def script_hashes(self) -> dict[RedeemerPointer, bytes]:
        """Which script each redeemer runs; inputs locked by a key are left out."""
        layout, found = self.layout, {}
        for spend in self.draft.spends:
            payment = Address.from_bech32(spend.utxo.output.address).payment
            if spend.redeemer is not None and payment.kind == "script":
                pointer = RedeemerPointer("spend", layout.input_index(spend.utxo.reference))
                found[pointer] = payment.hash
        for mint in self.draft.mints:
            if mint.redeemer is not None:
                pointer = RedeemerPointer("mint", layout.policies.index(mint.policy_id))
                found[pointer] = mint.policy_id
        for pointer, who in _staking_credentials(self.draft).items():
            if who.kind == "script" and pointer in self.redeemers():
                found[pointer] = who.hash
        return found

    def _budget(self, pointer: RedeemerPointer) -> ExecutionUnits:
        units = self.units.get(pointer, self.assumed_units)
        if units is None:
            raise InvalidInput(
                f"no execution units are given for {pointer.purpose} {pointer.index}",
                hint="evaluate the transaction as it was balanced",
            )
        return units

    def _languages(self) -> set[ScriptLanguage]:
        utxos = (*self.inputs, *self.draft.reference_inputs)
        carried = [utxo.output.script for utxo in utxos if utxo.output.script is not None]
        wanted = set(self.script_hashes().values())
        return {s.language for s in (*self.draft.scripts, *carried) if s.hash() in wanted}

    def _fields(self) -> dict[int, bytes]:
        draft = self.draft
        fields: dict[int, bytes] = {
            0: encoding.references(utxo.reference for utxo in self.inputs),
            1: array([output.encoded() for output in self.outputs]),
            2: integer(self.fee_lovelace),
        }
        if draft.valid_until_slot is not None:
            fields[3] = integer(draft.valid_until_slot)
        if draft.certificates:
            certificates = [encode_certificate(each.certificate) for each in draft.certificates]
            fields[4] = tagged_set(certificates)
        if draft.withdrawals:
            fields[5] = mapping(
                (encode_bytes(account.to_bytes()), integer(coin))
                for account, coin in draft.withdrawn().items()
            )
        if draft.valid_from_slot:
            # Slot 0 bounds nothing, and some wallets drop the field where it is 0.
            fields[8] = integer(draft.valid_from_slot)
        if draft.metadata:
            fields[7] = encode_bytes(blake2b_256(self._metadata()))
        if draft.minted().assets:
            fields[9] = encoding.multi_asset(draft.minted())
        if self.redeemers():
            digest = script_data_hash(
                self._encoded_redeemers(), self._languages(), self.parameters.cost_models
            )
            fields[11] = encode_bytes(digest)
        if draft.required_signers:
            fields[14] = tagged_set([encode_bytes(h) for h in sorted(set(draft.required_signers))])
        if draft.reference_inputs:
            fields[18] = encoding.references(self.layout.reference_inputs)
        return fields | self._collateral_fields()

    def _collateral_fields(self) -> dict[int, bytes]:
        if self.collateral is None:
            return {}
        inputs = sorted(utxo.reference for utxo in self.collateral.inputs)
        fields = {13: encoding.references(inputs)}
        if self.collateral.change is not None:
            fields[16] = self.collateral.change.encoded()
            fields[17] = integer(self.collateral.at_stake_lovelace)
        return fields

    def _encoded_redeemers(self) -> bytes:
        budgets = self.budgets()
        return mapping(
            (
                array((integer(_REDEEMER_TAGS[pointer.purpose]), integer(pointer.index))),
                array(
                    (data, array((integer(budgets[pointer].memory), integer(budgets[pointer].cpu))))
                ),
            )
            for pointer, data in self.redeemers().items()
        )

    def _metadata(self) -> bytes:
        return mapping((integer(label), item) for label, item in self.draft.metadata.items())


def _staking_credentials(draft: TransactionDraft) -> dict[RedeemerPointer, Credential]:
    """Who must consent to each withdrawal and certificate."""
    found = {
        RedeemerPointer("withdraw", place): account.credential
        for place, account in enumerate(draft.withdrawn())
    }
    for place, each in enumerate(draft.certificates):
        who = consenting(each.certificate)
        if who is not None:
            found[RedeemerPointer("publish", place)] = who
    return found


def script_data_hash(
    redeemers: bytes,
    languages: Iterable[ScriptLanguage],
    cost_models: Mapping[str, tuple[int, ...]],
) -> bytes:
    """32 bytes over the redeemers as sent and the cost models of the languages that run."""
    return blake2b_256(redeemers + language_views(languages, cost_models))


def language_views(
    languages: Iterable[ScriptLanguage], cost_models: Mapping[str, tuple[int, ...]]
) -> bytes:
    """The cost models as they are hashed: a map in canonical order.

    Plutus V1 keeps an old mistake: its key and its list are wrapped in byte strings, the list is of
    indefinite length.
    """
    return mapping(_view(name, cost_models) for name in set(languages))


def _view(
    language: ScriptLanguage, cost_models: Mapping[str, tuple[int, ...]]
) -> tuple[bytes, bytes]:
    if language not in cost_models:
        raise InvalidInput(
            f"the network's parameters have no cost model for {language}",
            hint="check that the network runs this language",
        )
    return _encoded_view(language, cost_models[language])


@lru_cache(maxsize=16)
def _encoded_view(language: ScriptLanguage, model: tuple[int, ...]) -> tuple[bytes, bytes]:
    costs = [integer(cost) for cost in model]
    key = integer(LANGUAGE_TAGS[language] - 1)
    if language == "plutus:v1":
        return encode_bytes(key), encode_bytes(b"\x9f" + b"".join(costs) + b"\xff")
    return key, array(costs)


def expected_key_hashes(assembly: Assembly) -> frozenset[bytes]:
    """Key hashes that sign: of inputs, collateral, accounts, required signers, as many as scripts take."""
    collateral = assembly.collateral.inputs if assembly.collateral else ()
    addresses = (Address.from_bech32(u.output.address) for u in (*assembly.inputs, *collateral))
    locks = {address.payment.hash for address in addresses if address.payment.kind == "key"}
    owners = _staking_credentials(assembly.draft).values()
    locks |= {each.hash for each in owners if each.kind == "key"}
    expected = frozenset(locks | set(assembly.draft.required_signers))
    for script in assembly.draft.scripts:
        if script.language == "native":
            expected |= most_signers(from_cbor(script.code), expected)
    return expected
