"""What oracles sign: a statement in words, its bytes, who has signed it, and what is done once enough have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from milestones.cardano.address import Address
from milestones.errors import InvalidInput
from milestones.protocol.statements import parse_statement, payload_diagnostic
from milestones.services.oracle import (
    notice_payload,
    objection_payload,
    oracle_payload,
    rotation_payload,
)
from milestones.services.oracle.collected import SignaturesCollected, SignedSoFar, StatementKind
from milestones.services.oracle.words import statement_in_words
from milestones.web.api.wallets import read_addresses
from milestones.web.pages.rendering import Shown

MOST_SEATS: Final = 24
"""How many oracles are drawn one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What is done with a statement that enough oracles have signed: `action` is the API's."""

    action: str
    word: str
    then: str
    done: str


ACTS: Final[Mapping[StatementKind, Act]] = {
    "milestone": Act(
        action="attest",
        word="Put it on the chain",
        then="Enough oracles have signed. Anybody can put it on the chain; the wallet that is connected pays"
        " the fee, and a deposit that returns when all is closed.",
        done="The milestone is attested: a block has it.",
    ),
    "objection": Act(
        action="proposals/objection",
        word="Stop the proposal",
        then="Enough oracles have objected. Anybody can send it.",
        done="The proposal is stopped.",
    ),
    "notice": Act(
        action="notice",
        word="Give the notice",
        then="Enough oracles have signed. Anybody can send it; then it can't be withdrawn.",
        done="Notice is given: a block has it.",
    ),
    "rotation": Act(
        action="replacement",
        word="Replace the oracles",
        then="Enough oracles have signed. Anybody can send it.",
        done="The oracles are replaced.",
    ),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """An oracle's place in the drawing of a quorum; numbers begin at 1."""

    number: int
    signed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownStatement:
    """A statement as a page shows it. `keys` are the oracles' key hashes, hexadecimal as the bytes are."""

    words: tuple[str, ...]
    signed_data: str
    diagnostic: str
    distribution_id: str
    signers: tuple[str, ...]
    needed: int
    seats: tuple[Seat, ...]
    keys: tuple[str, ...]
    complete: bool
    act: Act
    fields: tuple[tuple[str, str], ...]


async def collected(shown: Shown) -> SignaturesCollected:
    """What oracles have signed so far, as the API answers it."""
    return await shown.serving.signatures(shown.served)


def statements_of(
    found: SignaturesCollected, wanted: Iterable[SignedSoFar]
) -> list[ShownStatement]:
    """These statements, for a page."""
    return [_shown(found, each) for each in wanted]


def _shown(found: SignaturesCollected, each: SignedSoFar) -> ShownStatement:
    statement = parse_statement(each.signed_data)
    about = {"milestone_identifier": each.milestone_identifier, "proposal": each.proposal}
    field = {"milestone": "milestone_identifier", "objection": "proposal"}.get(each.kind)
    value = None if field is None else about[field]
    seats = tuple(
        Seat(number, oracle in each.signers) for number, oracle in enumerate(found.oracles, 1)
    )
    return ShownStatement(
        words=_words(statement_in_words(statement, found.contract_address.network_id)),
        signed_data=each.signed_data.hex(),
        diagnostic=payload_diagnostic(each.signed_data),
        distribution_id=statement.distribution_id.hex(),
        signers=tuple(signer.to_bech32() for signer in each.signers),
        needed=each.signatures_needed,
        seats=seats if len(seats) <= MOST_SEATS else (),
        keys=tuple(oracle.payment.hash.hex() for oracle in found.oracles),
        complete=each.complete,
        act=ACTS[each.kind],
        fields=() if field is None or value is None else ((field, value),),
    )


def _words(lines: Iterable[str]) -> tuple[str, ...]:
    """A statement's lines as sentences: those of one sentence together, and a list's each for itself."""
    said, _, listed = "\n".join(lines).partition(":\n")
    sentences = [each.strip() for each in said.replace("\n", " ").split(";")]
    return (*sentences[:-1], f"{sentences[-1]}:", *listed.split("\n")) if listed else (*sentences,)


async def statement(request: Request) -> Response:
    """A statement that somebody asks for, signed by nobody yet or by some.

    The query says what it is about: `kind` and its fields, or `signed_data` (hexadecimal). Raises
    `InvalidInput`, and what the terms forbid.
    """
    shown = await Shown.of(request)
    given = request.query_params
    found = await collected(shown)
    warnings: tuple[str, ...] = ()
    if "signed_data" in given:
        signed_data = _hexadecimal(given["signed_data"], "signed_data")
        about: dict[str, Any] = {}
    else:
        signed_data, warnings, about = await _asked_for(shown, given)
    known = next((one for one in found.statements if one.signed_data == signed_data), None)
    if known is None:
        known = _unsigned(found, signed_data, about)
    return shown.page(
        "statement.html",
        headline=_HEADLINES[known.kind],
        lead=_LEADS[known.kind],
        warnings=warnings,
        statement=_shown(found, known),
    )


_HEADLINES: Final[Mapping[StatementKind, str]] = {
    "milestone": "The milestone is reached",
    "objection": "The proposal is wrong",
    "notice": "The distribution is to be ended",
    "rotation": "Others are to be oracles",
}
_LEADS: Final[Mapping[StatementKind, str]] = {
    "milestone": "What an oracle signs counts for this milestone alone, and can't be taken back.",
    "objection": "An oracle who signs this says that the milestone isn't reached.",
    "notice": "From the end of the grace on anybody can end it. A notice can't be withdrawn.",
    "rotation": "What the oracles of today have signed, and nobody has attested, counts no more then.",
}


def _unsigned(
    found: SignaturesCollected, signed_data: bytes, about: Mapping[str, Any]
) -> SignedSoFar:
    """A statement that nobody has signed. `about` has its kind and, where it is another, what it needs."""
    if not about:
        raise InvalidInput(
            "nobody has signed this statement here, or it is settled",
            path="signed_data",
            hint="see the distribution's page for what is open",
        )
    return SignedSoFar(
        signed_data=signed_data,
        statement="",
        signers=(),
        complete=False,
        **{"signatures_needed": found.quorum_threshold, **about},
    )


async def _asked_for(
    shown: Shown, given: Mapping[str, str]
) -> tuple[bytes, tuple[str, ...], dict[str, Any]]:
    """The bytes of what is asked for, warnings, and what is known of it."""
    backend, kind = shown.serving.backend, given.get("kind")
    evidence = _hexadecimal(given.get("evidence_hash", ""), "evidence_hash")
    name = await shown.serving.name(shown.served)
    if kind == "milestone":
        milestone = given.get("milestone_identifier", "")
        payload = await oracle_payload(
            backend,
            contract_address=name,
            milestone_identifier=milestone,
            evidence_hash=evidence,
            verification_timestamp=_moment(given.get("reached", "")),
        )
        about: dict[str, Any] = {"kind": kind, "milestone_identifier": milestone}
        return bytes.fromhex(payload.signed_data), payload.warnings, about
    if kind == "objection":
        objection = await objection_payload(
            backend,
            contract_address=name,
            proposal=given.get("proposal", ""),
            bond_to=Address.from_bech32(given.get("bond_to", "").strip()),
        )
        about = {
            "kind": kind,
            "proposal": objection.proposal,
            "signatures_needed": objection.signatures_needed,
        }
        return bytes.fromhex(objection.signed_data), objection.warnings, about
    if kind == "notice":
        notice = await notice_payload(backend, contract_address=name, evidence_hash=evidence)
        return bytes.fromhex(notice.signed_data), notice.warnings, {"kind": kind}
    if kind == "rotation":
        rotation = await rotation_payload(
            backend,
            contract_address=name,
            oracle_addresses=read_addresses(",".join(given.get("oracles", "").split()), "oracles"),
            quorum_threshold=_number(given.get("quorum_threshold", ""), "quorum_threshold"),
        )
        about = {"kind": kind, "signatures_needed": rotation.signatures_needed}
        return bytes.fromhex(rotation.signed_data), rotation.warnings, about
    raise InvalidInput(
        "this is no kind of statement",
        path="kind",
        hint="give milestone, objection, notice or rotation",
    )


def _hexadecimal(text: str, path: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        raise InvalidInput(
            "this is not hexadecimal", path=path, hint="give pairs of the digits 0-9 and a-f"
        ) from None


def _number(text: str, path: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < MOST_DIGITS:
        return int(text)
    raise InvalidInput(f"{text[:40]!r} is no number", path=path, hint="give a whole number")


MOST_DIGITS: Final = 10


def _moment(text: str) -> int | None:
    """A moment as a form gives it, in UTC, in POSIX seconds; None where none is given."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            f"{text[:40]!r} is no date and time",
            path="reached",
            hint="write it as 2026-03-31T12:00",
        ) from None
    if found.tzinfo is not None:
        raise InvalidInput("the time is in UTC", path="reached", hint="leave the zone out")
    return int(found.replace(tzinfo=timezone.utc).timestamp())
