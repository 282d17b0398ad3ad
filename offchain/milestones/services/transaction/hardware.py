"""`transaction check-hardware`: whether devices can sign a transaction, and what helps where they can't."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from milestones.documents import write_new
from milestones.errors import InvalidInput
from milestones.keys.envelopes import transaction_envelope
from milestones.services.results import Result, View
from milestones.services.transaction.files import transaction_in
from milestones.transactions.hardware import HardwareFault, Stops, body_alone, hardware_faults


class HardwareFaultFound(View):
    """What stands in the way, where, and whom it stops: every device, or `cardano-hw-cli` alone."""

    path: str
    reason: str
    stops: Stops


class HardwareChecked(Result):
    """Whether a device can sign the transaction, and whether `cardano-hw-cli` takes the file as it is.

    Where only the tool is stopped, the body alone can be handed to it: devices sign bodies. `file` is where
    that was written, if it was.
    """

    transaction_hash: str
    devices_sign: bool
    cardano_hw_cli_takes_it: bool
    faults: tuple[HardwareFaultFound, ...] = ()
    file: str | None = None


def check_hardware(file: Path, *, body_output: Path | None = None) -> HardwareChecked:
    """Checks a transaction against CIP-21; `body_output` is where its body alone is written. Asks nobody.

    Raises `InvalidInput` for what is no transaction.
    """
    transaction = transaction_in(file)
    faults = hardware_faults(transaction.raw)
    if body_output is not None:
        envelope = transaction_envelope(body_alone(transaction.raw))
        write_new(body_output, envelope, "body_output", InvalidInput)
    return HardwareChecked(
        transaction_hash=str(transaction.id),
        devices_sign=all(fault.stops != "device" for fault in faults),
        cardano_hw_cli_takes_it=not faults,
        faults=tuple(
            HardwareFaultFound(path=each.path, reason=each.reason, stops=each.stops)
            for each in faults
        ),
        file=None if body_output is None else str(body_output),
        warnings=_advice(faults),
    )


def _advice(faults: Sequence[HardwareFault]) -> tuple[str, ...]:
    """What helps, in a sentence."""
    if not faults:
        return ()
    if any(fault.stops == "device" for fault in faults):
        return (
            "no device can sign it: let it be built anew, by a program that writes canonical bodies",
        )
    return (
        "cardano-hw-cli refuses it as it is: hand it the body alone (--body-output FILE), or sign with a"
        " browser wallet; its own `transform` would break the scripts' hash",
    )
