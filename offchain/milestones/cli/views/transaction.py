"""What `transaction` says on a terminal: where one is, what it does, and who has to sign it still."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from rich.console import RenderableType

from milestones.cli.views.figures import (
    ada,
    counted,
    happened,
    heading,
    labelled,
    moment,
    more,
    short,
    whole,
)

if TYPE_CHECKING:
    from milestones.services.transaction import (
        HardwareChecked,
        TransactionAssembled,
        TransactionDropped,
        TransactionReport,
        TransactionShown,
        TransactionSigned,
        TransactionSubmitted,
    )

SHOWN: Final = 8
"""How many of a list are shown."""
STATUS: Final = {
    "submitted": "It waits for a block",
    "rejected": "It can never be in a block: the chain refuses it",
    "expired": "It can never be in a block: its time is over",
    "unknown": "Nobody has it now",
    "waiting_for_signatures": "It waits for signatures",
    "prepared": "It was written down, and perhaps sent",
    "dropped": "It was given up",
}


def status(result: TransactionReport) -> Iterator[RenderableType]:
    """Where it is."""
    said = STATUS.get(result.status, "It is in a block")
    if result.status == "confirmed" and result.depth is not None:
        said += f", and {counted(result.depth, 'block')} stand on it"
    yield heading(f"{said}.")
    yield ""
    if result.reason:
        yield (result.reason)
    if result.command is not None:
        purpose = "" if result.purpose is None else f" ({result.purpose.replace('_', ' ')})"
        yield f"Made here by `milestones {result.command}`{purpose}."
    yield from labelled(
        ("transaction", result.transaction_hash),
        ("block", result.block or ""),
        ("slot", "" if result.slot is None else f"{result.slot}"),
    )


def shown(result: TransactionShown) -> Iterator[RenderableType]:
    """What it does in sentences, and whose signatures it has and lacks."""
    words = result.transaction
    yield heading(f"A transaction on {words.network}, fee {ada(words.fee_lovelace)}")
    yield whole(words.transaction_hash)
    yield ""
    yield from (f"- {sentence}" for sentence in words.summary)
    yield from (f"- LOOK TWICE: {doubt}" for doubt in words.doubts)
    yield ""
    yield f"Signed by {counted(len(words.signed_by), 'key')}{_lacks(words.missing_count)}"
    yield from labelled(
        *(("signed by", each) for each in words.signed_by[:SHOWN]),
        *(("NOT GENUINE", each) for each in words.not_genuine[:SHOWN]),
        *(("missing", each) for each in words.missing[:SHOWN]),
    )
    if words.unknown_inputs:
        inputs = counted(words.unknown_inputs, "input")
        yield f"Who locks {inputs} isn't known here: more may have to sign."


def _lacks(missing_count: int | None) -> str:
    if missing_count is None:
        return "; nobody's signature is enough."
    return f"; {counted(missing_count, 'signature')} more needed." if missing_count else "."


def checked(result: HardwareChecked) -> Iterator[RenderableType]:
    """Whether a device can sign it, and what stands in the way."""
    devices = "A device can sign it" if result.devices_sign else "No device can sign it"
    tool = "takes" if result.cardano_hw_cli_takes_it else "refuses"
    yield heading(f"{devices}; cardano-hw-cli {tool} the file as it is.")
    yield ""
    yield from (f"- {each.path}: {each.reason} (stops {each.stops})" for each in result.faults)
    yield from labelled(("transaction", result.transaction_hash), ("body", result.file or ""))


def signed(result: TransactionSigned) -> Iterator[RenderableType]:
    """Whose signatures are in the file. What it does was said before."""
    yield heading(f"Signed: {counted(len(result.signed_by), 'signature')} in {result.file}")
    yield ""
    yield from _keys("signed by", result.signed_by)
    yield from _keys("still named", result.still_named)
    yield from labelled(("transaction", result.transaction_hash))


def assembled(result: TransactionAssembled) -> Iterator[RenderableType]:
    """Who has signed, and who is missing until when."""
    if result.missing_count is None:
        state = "nobody's signature is enough"
    elif result.missing_count:
        state = f"{counted(result.missing_count, 'signature')} missing"
    else:
        state = "complete: send it with `transaction submit`"
    yield heading(f"{counted(len(result.signed_by), 'signature')} put together; {state}")
    yield ""
    yield from _keys("signed by", result.signed_by)
    yield from _keys("missing", result.missing)
    for each in result.left_out[:SHOWN]:
        reason = each.reason.replace("_", " ")
        yield f"left out: {short(each.key_hash)} of {each.file}: {reason}"
    if result.unknown_inputs:
        inputs = counted(result.unknown_inputs, "input")
        yield f"Who locks {inputs} isn't known here: more may have to sign."
    if result.valid_until is not None:
        yield f"It must be sent before {moment(result.valid_until)}."
    elif result.valid_until_slot is not None:
        yield f"It must be sent before slot {result.valid_until_slot:,}."
    yield from labelled(("transaction", result.transaction_hash), ("file", result.file))


def dropped(result: TransactionDropped) -> Iterator[RenderableType]:
    """What is free again."""
    yield heading("Given up: what it needs is free again")
    yield f"It was made by `milestones {result.command}`."
    yield from labelled(("transaction", result.transaction_hash))


def submitted(result: TransactionSubmitted) -> Iterator[RenderableType]:
    """Where it is now."""
    before = "; it was on its way already" if result.resumed else ""
    yield heading(f"{happened(result.status, 'Sent')}{before}")
    yield f"Fee {ada(result.fee_lovelace)}, {result.size:,} bytes."
    yield from labelled(("transaction", result.transaction_hash))


def _keys(name: str, hashes: Iterable[str]) -> Iterator[RenderableType]:
    listed = tuple(hashes)
    yield from labelled(*((name, each) for each in listed[:SHOWN]))
    yield from more(len(listed), SHOWN, "key")
