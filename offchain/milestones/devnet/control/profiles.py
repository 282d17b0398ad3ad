"""The profile of a transaction as JSON: everything that its scripts took, all in rows.

`steps` with `builtins`, `functions` with `checks` (what each took itself), `traces`, and `stacks`: each of the
four adds up to `cpu` and `memory`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.plutus.profile import CLOSING_MARK, LABEL_MARK, Cost, FunctionCost
from milestones.devnet.ledger.transaction import Transaction, decode_transaction
from milestones.devnet.ledger.utxos import ScriptProfile
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.devnet.ogmios.rpc import MISSING
from milestones.errors import InvalidInput, NotFound

MOST_STAND_INS: Final = 100
_HEXADECIMAL: Final = re.compile("([0-9a-fA-F]{2})+")
_HASH: Final = re.compile("[0-9a-fA-F]{56}")


def profile(chain: Chain, arguments: dict[str, Any]) -> dict[str, Any]:
    """What `POST /profile` answers. Raises `InvalidInput`, and `NotFound` for an unknown id."""
    stand_ins = _stand_ins(arguments.get("scripts", {}))
    if ("transaction" in arguments) == ("transaction_id" in arguments):
        raise InvalidInput("give a transaction or a transaction_id, and not both")
    try:
        transaction = _transaction(chain, arguments)
        return profile_json(chain, transaction, stand_ins)
    except TransactionRejected as rejected:
        failure = rpc_failure(rejected)
        data = None if failure.data is MISSING else failure.data
        raise InvalidInput(failure.message, details={"data": data}) from None


def profile_json(
    chain: Chain, transaction: Transaction, stand_ins: Mapping[bytes, bytes]
) -> dict[str, Any]:
    """The profile of a transaction. Raises `TransactionRejected` where its scripts can't be run."""
    scripts = chain.profile(transaction, stand_ins)
    used = sum((each.result.units for each in scripts), ExecutionUnits(0, 0))
    return {
        "transaction_id": transaction.id.hex(),
        "cpu": used.cpu,
        "memory": used.memory,
        "scripts": [_script(each) for each in scripts],
        "steps": _together("kind", (each.profile.steps for each in scripts)),
        "builtins": _together("builtin", (each.profile.builtins for each in scripts)),
        "functions": _functions(scripts, "function"),
        "checks": _functions(scripts, "label"),
        "traces": [
            {"run": _run(each), "text": text, **_cost(cost)}
            for each in scripts
            for text, cost in each.profile.traces.items()
        ],
        "stacks": _dearest_first(_stacks(scripts)),
    }


def _transaction(chain: Chain, arguments: dict[str, Any]) -> Transaction:
    if "transaction" in arguments:
        return decode_transaction(_hexadecimal(arguments["transaction"], "transaction"))
    wanted = _hexadecimal(arguments["transaction_id"], "transaction_id")
    if len(wanted) != 32:
        raise InvalidInput("must be 64 hexadecimal digits", path="transaction_id")
    found = chain.transaction(wanted)
    if found is None:
        raise NotFound(
            "there is no such transaction", hint="it has to be in a block or in the mempool"
        )
    return found


def _stand_ins(given: Any) -> dict[bytes, bytes]:
    if not isinstance(given, dict) or len(given) > MOST_STAND_INS:
        raise InvalidInput(
            f"must be an object of at most {MOST_STAND_INS} scripts by hash", path="scripts"
        )
    if not all(map(_HASH.fullmatch, given)):
        raise InvalidInput("a script's hash is 56 hexadecimal digits", path="scripts")
    return {
        bytes.fromhex(digest): _hexadecimal(code, f"scripts.{digest}")
        for digest, code in given.items()
    }


def _hexadecimal(value: Any, path: str) -> bytes:
    if not isinstance(value, str) or not _HEXADECIMAL.fullmatch(value):
        raise InvalidInput("must be hexadecimal", path=path)
    return bytes.fromhex(value)


def _run(shown: ScriptProfile) -> str:
    pointer = shown.redeemer.pointer
    return f"{pointer.purpose} {pointer.index}"


def _script(shown: ScriptProfile) -> dict[str, Any]:
    declared, used = shown.redeemer.units, shown.result.units
    return {
        "run": _run(shown),
        "script_hash": shown.script_hash.hex(),
        "stand_in_hash": None
        if shown.script.hash() == shown.script_hash
        else shown.script.hash().hex(),
        "succeeded": shown.result.succeeded,
        "reason": shown.result.reason,
        "cpu": used.cpu,
        "memory": used.memory,
        "declared_cpu": declared.cpu,
        "declared_memory": declared.memory,
    }


def _cost(cost: Cost) -> dict[str, int]:
    return {"count": cost.count, "cpu": cost.cpu, "memory": cost.memory}


def _together(name: str, parts: Iterator[dict[str, Cost]]) -> list[dict[str, Any]]:
    """What several scripts have in common, added up."""
    whole: dict[str, Cost] = {}
    for part in parts:
        for key, cost in part.items():
            whole.setdefault(key, Cost()).add(cost.count, cost.memory, cost.cpu)
    return _dearest_first({name: key, **_cost(cost)} for key, cost in whole.items())


def _functions(scripts: list[ScriptProfile], column: str) -> list[dict[str, Any]]:
    """The rows of functions, or those of checks, which go by their label."""
    wanted = column == "label"
    return _dearest_first(
        _function(_run(script), column, each)
        for script in scripts
        for each in script.profile.functions
        if each.frame.startswith(LABEL_MARK) == wanted
    )


def _function(run: str, column: str, shown: FunctionCost) -> dict[str, Any]:
    row = {
        "run": run,
        column: shown.frame.removeprefix(LABEL_MARK).removesuffix(CLOSING_MARK),
        **_cost(shown.own),
        "total_cpu": shown.total.cpu,
        "total_memory": shown.total.memory,
    }
    return row if column == "label" else {**row, "labels": list(shown.labels)}


def _stacks(scripts: list[ScriptProfile]) -> Iterator[dict[str, Any]]:
    for script in scripts:
        for each in script.profile.stacks:
            # A script's run stands for what is outside its functions.
            frames = [_run(script), *each.frames[1:]]
            yield {"frames": frames, "cpu": each.units.cpu, "memory": each.units.memory}


def _dearest_first(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (-row["cpu"], -row["memory"]))
