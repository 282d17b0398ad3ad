"""What the oracles' commands say on a terminal: what there is to sign, what was signed, what was kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel
from rich.console import RenderableType

from milestones.cli.views.figures import (
    counted,
    heading,
    labelled,
    moment,
    more,
    table,
    whole,
)
from milestones.services.commit_milestone import MilestoneCommitted
from milestones.services.oracle import (
    NoticeToSign,
    ObjectionToSign,
    OraclePayload,
    OracleSigned,
    RotationToSign,
)

SHOWN: Final = 5
"""Statements that are listed."""
TIMES: Final = {
    "given": "as it was given",
    "signed": "as others have signed it",
    "clock": "by this machine's clock: let the others sign these bytes, too",
}
ToSign = OraclePayload | NoticeToSign | ObjectionToSign | RotationToSign


def to_sign(result: ToSign) -> Iterator[RenderableType]:
    """What the bytes say, and the bytes, in one piece to be copied."""
    yield heading(f"To be signed: {_subject(result)}")
    yield whole(result.contract_address)
    yield ""
    yield f"The oracle says: {result.statement}"
    if isinstance(result, OraclePayload):
        when = moment(result.verification_timestamp)
        yield f"Reached {when}, {TIMES[result.time_from]}."
    elif isinstance(result, NoticeToSign):
        yield f"It must be sent before {moment(result.said_at)}."
    else:
        yield f"It takes {counted(result.signatures_needed, 'signature')}."
    yield "Sign it with `milestones oracle sign --signed-data`, or in a wallet:"
    yield whole(result.signed_data)


def _subject(result: ToSign) -> str:
    if isinstance(result, NoticeToSign):
        return "notice that the distribution is to be ended"
    if isinstance(result, RotationToSign):
        return f"that {counted(len(result.oracles), 'oracle')} sit in the place of those who do"
    if isinstance(result, ObjectionToSign):
        return f"an objection to the proposal of {result.milestone_identifier}"
    return f"that {result.milestone_identifier} is reached"


def signed(result: OracleSigned) -> Iterator[RenderableType]:
    """Where the signature is kept; without a file, the entry itself."""
    yield heading("Signed: an entry for signatures.json")
    yield ""
    if result.file is None:
        yield from _as_json(result.entry)
        return
    entries = counted(result.file_entries or 0, "signature")
    yield f"Kept in the file, which holds {entries}."
    yield from labelled(("file", result.file), ("signature", result.entry.signature))


def _as_json(entry: BaseModel) -> Iterator[RenderableType]:
    """The entry in whole lines, as its file has it."""
    text = json.dumps(entry.model_dump(mode="json"), indent=2, ensure_ascii=False)
    return map(whole, text.splitlines())


def committed(result: MilestoneCommitted) -> Iterator[RenderableType]:
    """Whether there is a quorum now, and what is next."""
    quorum = f"{result.signature_count} of {result.quorum_threshold} signatures"
    state = "there is a quorum" if result.verified else "there is no quorum yet"
    yield heading(f"Kept: {quorum} that {result.milestone_identifier} needs: {state}")
    yield ""
    new = counted(result.signatures_added, "signature")
    yield (
        f"{new} new, of {counted(result.total_oracles, 'oracle')}. Only their form was checked: the"
        " chain verifies them."
    )
    if len(result.groups) > 1:
        yield ""
        yield table(
            ("signed by", "reached (UTC)", "bytes"),
            (
                (
                    str(each.count),
                    moment(each.verification_timestamp)[:16],
                    f"{each.signed_data.hex()[:8]}…{each.signed_data.hex()[-8:]}",
                )
                for each in result.groups[:SHOWN]
            ),
            numbers=("signed by",),
        )
        yield from more(len(result.groups), SHOWN, "statement")
    if result.verified:
        yield "Put them on the chain with `milestones attest`, or let a payout do it."
    yield from labelled(("address", str(result.contract_address)), ("file", result.file))
