"""Ogmios' JSON, read into the ledger's vocabulary. Versions 6.14 and 7.0.

Every function raises KeyError, TypeError or ValueError for an answer of another shape; the client turns
those into one error. Source: the JSON schemas `ogmios.json` and `cardano.json` of both versions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from typing import Any, Final, get_args

from milestones.cardano import bech32, cbor, encoding
from milestones.cardano.address import Credential
from milestones.cardano.certificates import ABSTAIN, NO_CONFIDENCE, DRep
from milestones.cardano.outputs import (
    OutputReference,
    Script,
    ScriptLanguage,
    TransactionOutput,
    Utxo,
)
from milestones.cardano.parameters import (
    ExecutionUnits,
    ProtocolParameters,
    RedeemerPointer,
    ReferenceScriptPrice,
)
from milestones.cardano.slots import EraSummary, Point, SlotClock, Tip
from milestones.cardano.value import AssetId, Value
from milestones.clients.answers import (
    digest,
    fraction,
    integer,
    natural,
    positive,
    share,
    text,
)

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LANGUAGES: Final = frozenset(get_args(ScriptLanguage))
_MAX_NATIVE_DEPTH: Final = 100
_CLAUSE_LISTS: Final = {"all": 1, "any": 2}
_CLAUSE_SLOTS: Final = {"after": 4, "before": 5}


@dataclass(frozen=True, slots=True)
class OgmiosHealth:
    """What `GET /health` says. `network_synchronization` runs from 0 to 1, None when not known.

    `connected` is about Ogmios and the node. `tip` is the last block that Ogmios saw, None before the first.
    """

    connected: bool
    version: str
    network: str
    network_synchronization: float | None
    current_era: str
    tip: Tip | None

    @property
    def in_sync(self) -> bool:
        """Connected, and within a thousandth of the network's tip."""
        return self.connected and (self.network_synchronization or 0) >= 0.999


@dataclass(frozen=True, slots=True)
class GenesisConfiguration:
    """The Shelley genesis: when the network started (POSIX milliseconds) and its magic."""

    start_posix_ms: int
    network_magic: int
    network: str
    security_parameter: int
    slot_length_ms: int


def health(answer: Any) -> OgmiosHealth:
    """Reads the body of `GET /health`."""
    return OgmiosHealth(
        connected=answer["connectionStatus"] == "connected",
        version=text(answer["version"]),
        network=str(answer.get("network") or ""),
        network_synchronization=share(answer["networkSynchronization"]),
        current_era=str(answer.get("currentEra") or ""),
        tip=tip(answer["lastKnownTip"]),
    )


def point(answer: Any) -> Point | None:
    """`{slot, id}`; None for the origin."""
    if answer in ("origin", None):
        return None
    return Point(natural(answer["slot"]), digest(answer["id"]))


def tip(answer: Any) -> Tip | None:
    """`{slot, id, height}`; None for the origin."""
    where = point(answer)
    return None if where is None else Tip(where, natural(answer["height"]))


def time_posix_ms(answer: Any) -> int:
    """An ISO 8601 time in UTC; what is finer than a millisecond is cut off."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z", text(answer))
    if found is None:
        raise ValueError(f"not a time: {answer!r:.40}")
    whole = datetime.fromisoformat(found[1] + "+00:00") - _EPOCH
    return (whole.days * 86_400 + whole.seconds) * 1000 + int(((found[2] or "") + "000")[:3])


def genesis(answer: Any) -> GenesisConfiguration:
    """The answer to `queryNetwork/genesisConfiguration` for the era `shelley`."""
    return GenesisConfiguration(
        start_posix_ms=time_posix_ms(answer["startTime"]),
        network_magic=natural(answer["networkMagic"]),
        network=text(answer["network"]),
        security_parameter=natural(answer["securityParameter"]),
        slot_length_ms=positive(answer["slotLength"]["milliseconds"]),
    )


def era_summaries(answer: Any) -> tuple[EraSummary, ...]:
    """The answer to `queryLedgerState/eraSummaries`, oldest era first; there is one at least."""
    eras = tuple(_era(era) for era in answer)
    if not eras:
        raise ValueError("it names no era")
    return eras


def slot_clock(start_posix_ms: int, eras: tuple[EraSummary, ...]) -> SlotClock:
    """The clock over all eras; raises ValueError where they leave out some of the network's time."""
    if (eras[0].start_slot, eras[0].start_ms) != (0, 0):
        raise ValueError("the eras don't begin where the network did")
    if any(
        later.start_slot < era.start_slot or later.start_ms < era.start_ms
        for era, later in pairwise(eras)
    ):
        raise ValueError("the eras are in no order")
    return SlotClock(start_posix_ms, eras)


def _era(answer: Any) -> EraSummary:
    end = answer.get("end")
    return EraSummary(
        start_ms=int(fraction(answer["start"]["time"]["seconds"], signed=True) * 1000),
        start_slot=natural(answer["start"]["slot"]),
        slot_length_ms=positive(answer["parameters"]["slotLength"]["milliseconds"]),
        end_slot=None if end is None else natural(end["slot"]),
    )


@dataclass(frozen=True, slots=True)
class RewardAccount:
    """A registered reward account: its deposit, what it holds, and what it is delegated to (None: nothing)."""

    deposit_lovelace: int
    rewards_lovelace: int
    pool_id: bytes | None
    drep: DRep | None


def reward_account(answer: Any, credential: Credential) -> RewardAccount | None:
    """The answer to `queryLedgerState/rewardAccountSummaries`, asked about one credential."""
    origin = "verificationKey" if credential.kind == "key" else "script"
    for summary in answer:
        if (summary["from"], summary["credential"]) != (origin, credential.hash.hex()):
            raise ValueError("an account that was not asked for")
        pool, drep = summary.get("stakePool"), summary.get("delegateRepresentative")
        return RewardAccount(
            deposit_lovelace=_lovelace(summary["deposit"]),
            rewards_lovelace=_lovelace(summary["rewards"]),
            pool_id=None if pool is None else _pool_id(pool["id"]),
            drep=None if drep is None else _drep(drep),
        )
    return None


def _pool_id(answer: Any) -> bytes:
    prefix, raw = bech32.decode(text(answer))
    if prefix != "pool" or len(raw) != 28:
        raise ValueError(f"{answer!r} is no pool's id")
    return raw


def _drep(answer: Any) -> DRep:
    kind = answer["type"]
    if kind == "registered":
        is_key = answer["from"] == "verificationKey"
        return Credential("key" if is_key else "script", digest(answer["id"], 28))
    return {"abstain": ABSTAIN, "noConfidence": NO_CONFIDENCE}[kind]  # type: ignore[return-value]


def protocol_parameters(answer: Any) -> ProtocolParameters:
    """The answer to `queryLedgerState/protocolParameters`, Alonzo's fields and Conway's at least."""
    reference_scripts = answer["minFeeReferenceScripts"]
    # Version 7 has the longer name.
    limit = answer.get("maxReferenceScriptsSizePerTransaction") or answer["maxReferenceScriptsSize"]
    prices = answer["scriptExecutionPrices"]
    return ProtocolParameters(
        min_fee_coefficient=natural(answer["minFeeCoefficient"]),
        min_fee_constant_lovelace=_lovelace(answer["minFeeConstant"]),
        min_fee_reference_scripts=ReferenceScriptPrice(
            range_bytes=positive(reference_scripts["range"]),
            base=fraction(reference_scripts["base"]),
            multiplier=fraction(reference_scripts["multiplier"]),
        ),
        lovelace_per_utxo_byte=natural(answer["minUtxoDepositCoefficient"]),
        max_transaction_size=natural(answer["maxTransactionSize"]["bytes"]),
        max_value_size=natural(answer["maxValueSize"]["bytes"]),
        max_execution_units=execution_units(answer["maxExecutionUnitsPerTransaction"]),
        max_block_size=natural(answer["maxBlockBodySize"]["bytes"]),
        max_block_execution_units=execution_units(answer["maxExecutionUnitsPerBlock"]),
        max_reference_scripts_size=natural(limit["bytes"]),
        price_memory=fraction(prices["memory"]),
        price_cpu=fraction(prices["cpu"]),
        collateral_percentage=natural(answer["collateralPercentage"]),
        max_collateral_inputs=natural(answer["maxCollateralInputs"]),
        cost_models={
            language: tuple(integer(cost) for cost in costs)
            for language, costs in answer["plutusCostModels"].items()
        },
        protocol_version=(
            natural(answer["version"]["major"]),
            natural(answer["version"]["minor"]),
        ),
        stake_credential_deposit_lovelace=_lovelace(answer["stakeCredentialDeposit"]),
    )


def _lovelace(answer: Any) -> int:
    return natural(answer["ada"]["lovelace"])


def execution_units(answer: Any) -> ExecutionUnits:
    """`{memory, cpu}`."""
    return ExecutionUnits(natural(answer["memory"]), natural(answer["cpu"]))


def evaluation(answer: Any) -> dict[RedeemerPointer, ExecutionUnits]:
    """The answer to `evaluateTransaction`: what each script uses."""
    return {
        redeemer_pointer(entry["validator"]): execution_units(entry["budget"]) for entry in answer
    }


def redeemer_pointer(answer: Any) -> RedeemerPointer:
    """`{purpose, index}`."""
    return RedeemerPointer(
        text(answer["purpose"]),  # type: ignore[arg-type]
        natural(answer["index"]),
    )


def utxo(answer: Any) -> Utxo:
    """One entry of `queryLedgerState/utxo`."""
    reference = OutputReference(digest(answer["transaction"]["id"]), natural(answer["index"]))
    return Utxo(reference, transaction_output(answer))


def transaction_output(answer: Any) -> TransactionOutput:
    """Address, value, datum or its hash, and reference script of an output."""
    inline, hashed, found = answer.get("datum"), answer.get("datumHash"), answer.get("script")
    known = None if found is None else script(found)
    return TransactionOutput(
        address=text(answer["address"]),
        value=value(answer["value"]),
        datum_hash=digest(hashed) if hashed and not inline else None,
        inline_datum=bytes.fromhex(inline) if inline else None,
        script_hash=None if known is None else known.hash(),
        script=known,
    )


def script(answer: Any) -> Script | None:
    """A reference script; None for a language newer than this program."""
    language = answer["language"]
    if language not in _LANGUAGES:
        return None
    if language == "native" and "cbor" not in answer:
        return Script(language, native_script(answer["json"]))
    return Script(language, bytes.fromhex(answer["cbor"]))


def value(answer: Any) -> Value:
    """`{"ada": {"lovelace": n}, policy: {name: n}}`."""
    assets = {
        AssetId(digest(policy, 28), bytes.fromhex(name)): natural(quantity)
        for policy, tokens in answer.items()
        if policy != "ada"
        for name, quantity in tokens.items()
    }
    return Value(_lovelace(answer), assets)


def utxo_to_json(entry: Utxo) -> dict[str, Any]:
    """The shape in which Ogmios takes additional outputs for an evaluation."""
    output = entry.output
    answer: dict[str, Any] = {
        "transaction": {"id": entry.reference.transaction_id.hex()},
        "index": entry.reference.index,
        "address": output.address,
        "value": _value_to_json(output.value),
    }
    if output.inline_datum is not None:
        answer["datum"] = output.inline_datum.hex()
    elif output.datum_hash is not None:
        answer["datumHash"] = output.datum_hash.hex()
    if output.script is not None:
        answer["script"] = {"language": output.script.language, "cbor": output.script.code.hex()}
    return answer


def _value_to_json(amount: Value) -> dict[str, dict[str, int]]:
    answer: dict[str, dict[str, int]] = {"ada": {"lovelace": amount.lovelace}}
    for (policy, name), quantity in amount.assets.items():
        answer.setdefault(policy.hex(), {})[name.hex()] = quantity
    return answer


def native_script(clause: Any, depth: int = 0) -> bytes:
    """A native script's CBOR from its clauses, for a server that leaves the bytes out.

    The bytes are the canonical ones, which every common tool writes; the ledger's own may differ in form.
    Source: the ledger's CDDL, `native_script`.
    """
    if depth > _MAX_NATIVE_DEPTH:
        raise ValueError(f"nested deeper than {_MAX_NATIVE_DEPTH} levels")
    kind = clause["clause"]
    if kind == "signature":
        return encoding.array([encoding.integer(0), cbor.encode_bytes(digest(clause["from"], 28))])
    if kind in _CLAUSE_LISTS:
        return encoding.array(
            [encoding.integer(_CLAUSE_LISTS[kind]), _clauses(clause["from"], depth)]
        )
    if kind == "some":
        required = encoding.integer(natural(clause["atLeast"]))
        return encoding.array([encoding.integer(3), required, _clauses(clause["from"], depth)])
    return encoding.array(
        [encoding.integer(_CLAUSE_SLOTS[kind]), encoding.integer(natural(clause["slot"]))]
    )


def _clauses(clauses: Any, depth: int) -> bytes:
    return encoding.array([native_script(clause, depth + 1) for clause in clauses])
