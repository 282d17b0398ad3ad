"""The ledger's limits on one transaction, checked before anybody signs."""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano import encoding
from milestones.errors import ExceededLimit, LimitsExceeded
from milestones.transactions.assembly import Assembly


def require_within_limits(assembly: Assembly, *, size: int) -> None:
    """Raises `LimitsExceeded`, which names every limit exceeded and what each script needs.

    `size` is in bytes, without the byte that says whether scripts passed.
    """
    taken = _taken(assembly, size=size)
    exceeded = [ExceededLimit(*each) for each in taken if each[1] > each[2]]
    if not exceeded:
        return
    hashes = assembly.script_hashes()
    budgets = {
        f"{pointer.purpose} {pointer.index}": {
            "script": hashes[pointer].hex() if pointer in hashes else None,
            "memory": units.memory,
            "cpu": units.cpu,
        }
        for pointer, units in sorted(assembly.budgets().items())
    }
    raise LimitsExceeded(tuple(exceeded), budgets)


def _taken(assembly: Assembly, *, size: int) -> Iterator[tuple[str, int, int, str]]:
    """Of every limit: its name, what the transaction takes, the maximum, the unit."""
    parameters, units = assembly.parameters, assembly.total_units()
    maximum = parameters.max_execution_units
    yield "transaction size", size, parameters.max_transaction_size, "bytes"
    yield "execution memory", units.memory, maximum.memory, "units"
    yield "execution steps", units.cpu, maximum.cpu, "units"
    scripts = assembly.reference_scripts_size()
    yield "reference scripts", scripts, parameters.max_reference_scripts_size, "bytes"
    for index, output in enumerate(assembly.outputs):
        held = len(encoding.value(output.value))
        yield f"value of output {index}", held, parameters.max_value_size, "bytes"
