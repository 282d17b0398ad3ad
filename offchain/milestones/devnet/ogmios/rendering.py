"""Ogmios' JSON for blocks, transactions and whatever they hold. Source: Ogmios' `cardano.json`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.address import StakeAddress
from milestones.cardano.cbor import Item
from milestones.cardano.certificates import Certificate
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import ExecutionUnits, RedeemerPointer
from milestones.cardano.value import Value
from milestones.devnet.blocks import Block
from milestones.devnet.ledger import scripts
from milestones.devnet.ledger.auxiliary_data import decode_metadata
from milestones.devnet.ledger.failures import ScriptSubject
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.ogmios.staking_json import (
    certificate_json,
    certificates_json,
    lovelace_json,
)


def value_json(value: Value) -> dict[str, Any]:
    """`Value`: lovelace under `ada`, then token quantities by policy and name, in hexadecimal."""
    shown: dict[str, Any] = lovelace_json(value.lovelace)
    for asset, quantity in value.assets.items():
        shown.setdefault(asset.policy_id.hex(), {})[asset.asset_name.hex()] = quantity
    return shown


def reference_json(reference: OutputReference) -> dict[str, Any]:
    """`TransactionOutputReference`."""
    return {"transaction": {"id": reference.transaction_id.hex()}, "index": reference.index}


def references_json(references: Iterable[OutputReference]) -> list[dict[str, Any]]:
    """A list of `TransactionOutputReference`."""
    return [reference_json(reference) for reference in references]


def native_script_json(code: bytes) -> dict[str, Any]:
    """`Script<Native>`."""
    return _clause_json(cbor.read(code))


def _clause_json(item: Item) -> dict[str, Any]:
    kind, argument, clauses = scripts.native_script_parts(item)
    if kind == scripts.SIGNATURE:
        return {"clause": "signature", "from": argument.bytes().hex()}
    if kind == scripts.INVALID_BEFORE:
        return {"clause": "after", "slot": argument.unsigned()}
    if kind == scripts.INVALID_AFTER:
        return {"clause": "before", "slot": argument.unsigned()}
    inner = []
    for clause in clauses:
        inner.append(_clause_json(clause))
    if kind == scripts.AT_LEAST:
        return {"clause": "some", "atLeast": argument.integer(), "from": inner}
    return {"clause": "all" if kind == scripts.ALL else "any", "from": inner}


def script_json(script: Script) -> dict[str, Any]:
    """`Script`: native ones as clauses too."""
    if script.language == "native":
        return {
            "language": "native",
            "json": native_script_json(script.code),
            "cbor": script.code.hex(),
        }
    return {"language": script.language, "cbor": script.code.hex()}


def output_json(output: Output) -> dict[str, Any]:
    """`TransactionOutput`."""
    shown: dict[str, Any] = {"address": str(output.address), "value": value_json(output.value)}
    if output.datum is not None:
        shown["datum"] = output.datum.hex()
    elif output.datum_hash is not None:
        shown["datumHash"] = output.datum_hash.hex()
    if output.script is not None:
        shown["script"] = script_json(output.script)
    return shown


def pointer_json(pointer: RedeemerPointer) -> dict[str, Any]:
    """`RedeemerPointer`."""
    return {"purpose": pointer.purpose, "index": pointer.index}


def subject_json(subject: ScriptSubject) -> dict[str, Any]:
    """`ScriptPurpose`: the output that is spent, the policy that mints, the certificate or the account."""
    if isinstance(subject, OutputReference):
        return {"purpose": "spend", "outputReference": reference_json(subject)}
    if isinstance(subject, StakeAddress):
        return {"purpose": "withdraw", "rewardAccount": str(subject)}
    if isinstance(subject, Certificate):
        return {"purpose": "publish", "certificate": certificate_json(subject)}
    return {"purpose": "mint", "policy": subject.hex()}


def units_json(units: ExecutionUnits) -> dict[str, int]:
    """`ExecutionUnits`."""
    return {"memory": units.memory, "cpu": units.cpu}


def withdrawals_json(withdrawals: Mapping[StakeAddress, int]) -> dict[str, Any]:
    """`Withdrawals`: lovelace by account."""
    return {str(account): lovelace_json(coin) for account, coin in withdrawals.items()}


def hashes_json(hashes: Iterable[bytes]) -> list[str]:
    """A list of digests, sorted, in hexadecimal."""
    return sorted(digest.hex() for digest in hashes)


def point_json(block: Block) -> dict[str, Any]:
    """`Point`: what `queryNetwork/tip` answers."""
    return {"slot": block.slot, "id": block.header_hash.hex()}


def tip_json(block: Block) -> dict[str, Any]:
    """`Tip`: a point with its height."""
    return {**point_json(block), "height": block.height}


def utxo_json(entries: dict[OutputReference, Output]) -> list[dict[str, Any]]:
    """`Utxo`: outputs with where they stand."""
    return [
        {**reference_json(reference), **output_json(output)}
        for reference, output in sorted(entries.items(), key=lambda entry: entry[0])
    ]


def block_json(
    block: Block, protocol_version: tuple[int, int], version: str = "6.14.0"
) -> dict[str, Any]:
    """`Block<Praos>` of the Conway era, as Ogmios `version` shows it."""
    major, minor = protocol_version
    return {
        "type": "praos",
        "era": "conway",
        "id": block.header_hash.hex(),
        "ancestor": "genesis" if block.parent is None else block.parent.header_hash.hex(),
        "height": block.height,
        "slot": block.slot,
        "size": {"bytes": block.body_size},
        "transactions": [transaction_json(each.transaction, version) for each in block.inclusions],
        "protocol": {"version": {"major": major, "minor": minor}},
        "issuer": _issuer_json(block),
    }


def _issuer_json(block: Block) -> dict[str, Any]:
    """An issuer that nobody elected: right in shape, its proofs prove nothing."""
    leader = blake2b_256(block.header_hash)
    return {
        "verificationKey": _ISSUER.hex(),
        "vrfVerificationKey": blake2b_256(_ISSUER).hex(),
        "operationalCertificate": {
            "count": 0,
            "sigma": (leader * 2).hex(),
            "kes": {"period": 0, "verificationKey": blake2b_256(_ISSUER * 2).hex()},
        },
        "leaderValue": {"output": (leader * 2).hex(), "proof": (leader * 3)[:80].hex()},
    }


_ISSUER = blake2b_256(b"issuer of the embedded chain's blocks")


def transaction_json(transaction: Transaction, version: str = "6.14.0") -> dict[str, Any]:
    """`Transaction`, as Ogmios `version` shows it. Fields that a transaction does not have are left out.

    Of three fields that is so from version 7 on: 6 shows no outputs, an interval without bounds, and what
    isn't paid to the treasury as empty lists and objects.
    """
    body = transaction.body
    shown = {
        "id": transaction.id.hex(),
        "spends": "inputs" if transaction.is_valid else "collaterals",
        "inputs": references_json(body.inputs),
        **_optional_inputs(transaction),
        "outputs": [output_json(each) for each in body.outputs],
        "fee": lovelace_json(body.fee),
        "validityInterval": _interval_json(transaction),
        **_optional_body(transaction),
        "signatories": [
            {"key": each.key.hex(), "signature": each.signature.hex()}
            for each in transaction.witnesses.keys
        ],
        **_optional_witnesses(transaction),
    }
    if transaction.auxiliary_data is not None:
        shown["metadata"] = metadata_json(transaction.auxiliary_data)
    if int(version.partition(".")[0]) < 7:
        return {**shown, "treasury": {}}
    empty = [name for name in ("outputs", "validityInterval") if not shown[name]]
    return {name: value for name, value in shown.items() if name not in empty}


def metadata_json(auxiliary_data: bytes) -> dict[str, Any]:
    """`Metadata`: each label's plain JSON, or its CBOR where JSON can't show it."""
    shown = {}
    for label, item in decode_metadata(auxiliary_data).items():
        plain = _plain(item)
        shown[str(label)] = {"cbor": item.raw.hex()} if plain is _NO_JSON else {"json": plain}
    return {"hash": blake2b_256(auxiliary_data).hex(), "labels": shown}


_NO_JSON: Final = object()


def _plain(item: Item) -> Any:
    """JSON without a schema, or `_NO_JSON`: bytes, empty maps and most keys have none."""
    if item.kind in (cbor.UINT, cbor.NINT, cbor.TEXT):
        return item.value
    if item.kind == cbor.ARRAY:
        elements = [_plain(each) for each in item.array()]
        return _NO_JSON if _NO_JSON in elements else elements
    if item.kind != cbor.MAP or not item.pairs():
        return _NO_JSON
    shown = {}
    for key, value in item.pairs():
        if key.kind not in (cbor.UINT, cbor.NINT, cbor.TEXT):
            return _NO_JSON
        shown[str(key.value)] = _plain(value)
    return _NO_JSON if _NO_JSON in shown.values() else shown


def _interval_json(transaction: Transaction) -> dict[str, int]:
    bounds = {
        "invalidBefore": transaction.body.invalid_before,
        "invalidAfter": transaction.body.invalid_after,
    }
    return {name: slot for name, slot in bounds.items() if slot is not None}


def _optional_inputs(transaction: Transaction) -> dict[str, Any]:
    body = transaction.body
    shown: dict[str, Any] = {}
    if body.reference_inputs:
        shown["references"] = references_json(body.reference_inputs)
    if body.collateral:
        shown["collaterals"] = references_json(body.collateral)
    if body.total_collateral is not None:
        shown["totalCollateral"] = lovelace_json(body.total_collateral)
    if body.collateral_return is not None:
        shown["collateralReturn"] = output_json(body.collateral_return)
    return shown


def _optional_body(transaction: Transaction) -> dict[str, Any]:
    body = transaction.body
    shown: dict[str, Any] = {}
    if body.mint.assets:
        shown["mint"] = {key: n for key, n in value_json(body.mint).items() if key != "ada"}
    if body.certificates:
        listed = (certificates_json(each) for each in body.certificates)
        shown["certificates"] = [each for certificates in listed for each in certificates]
    if body.withdrawals:
        shown["withdrawals"] = withdrawals_json(body.withdrawals)
    if body.network_id is not None:
        shown["network"] = "mainnet" if body.network_id == 1 else "testnet"
    if body.script_integrity_hash is not None:
        shown["scriptIntegrityHash"] = body.script_integrity_hash.hex()
    if body.required_signers:
        shown["requiredExtraSignatories"] = [each.hex() for each in body.required_signers]
    return shown


def _optional_witnesses(transaction: Transaction) -> dict[str, Any]:
    witnesses = transaction.witnesses
    shown: dict[str, Any] = {}
    if witnesses.scripts:
        shown["scripts"] = {
            digest.hex(): script_json(script) for digest, script in witnesses.scripts.items()
        }
    if witnesses.datums:
        shown["datums"] = {digest.hex(): raw.hex() for digest, raw in witnesses.datums.items()}
    if witnesses.redeemers:
        shown["redeemers"] = [
            {
                "redeemer": each.data.hex(),
                "executionUnits": units_json(each.units),
                "validator": pointer_json(each.pointer),
            }
            for each in witnesses.redeemers
        ]
    return shown
