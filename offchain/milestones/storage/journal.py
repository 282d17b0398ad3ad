"""The submission journal: what was about to be sent, written down before it was sent.

After a crash or a lost connection the same command finds its transaction here and can send the same
bytes again, which the chain takes at most once, or see that it can never be included any more.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from pydantic import Field, JsonValue, PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from milestones.cardano import cbor
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference
from milestones.domain.reading import HexField, Record
from milestones.errors import InvalidEncoding, InvalidInput, NotAllowedYet, NotFound
from milestones.storage.files import JsonFolder, to_text

SubmissionStatus = Literal["prepared", "submitted", "unknown", "rejected", "confirmed", "expired"]
"""`prepared`: written, perhaps sent. `submitted`: the node took it. `unknown`: sent, and no answer came.
`rejected`: the chain refused it. `confirmed`: in a block. `expired`: can never be included any more."""

PENDING: Final[frozenset[SubmissionStatus]] = frozenset({"prepared", "submitted", "unknown"})


def _reference(value: Any) -> OutputReference:
    if isinstance(value, OutputReference):
        return value
    try:
        return OutputReference.parse(str(value))
    except InvalidInput as error:
        raise PydanticCustomError("milestones", "{reason}", {"reason": error.reason}) from None


ReferenceField = Annotated[
    OutputReference, PlainValidator(_reference), PlainSerializer(str, return_type=str)
]


class StatusChange(Record):
    """When a submission's status became what (POSIX milliseconds), and why."""

    status: SubmissionStatus
    at_posix_ms: int
    note: str = ""


class Submission(Record):
    """A signed transaction and its history, oldest first.

    `transaction_id` is hexadecimal. `valid_until_slot` is the first slot in which it can't be included
    any more; None if it never expires. `chain` says on which chain, `sole` what no second transaction of
    the same command and distribution may do; None in both: not known. `details` is what the command wants
    to find again.
    """

    transaction_id: str
    command: str
    distribution_id: HexField | None = None
    transaction_cbor: HexField
    inputs: tuple[ReferenceField, ...]
    valid_until_slot: int | None = None
    chain: str | None = None
    sole: str | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)
    history: tuple[StatusChange, ...]

    @property
    def status(self) -> SubmissionStatus:
        """The newest status."""
        return self.history[-1].status

    @property
    def is_pending(self) -> bool:
        """Whether the chain may still take it, or has taken it without our knowing."""
        return self.status in PENDING

    def is_unsettled(self, slot: int) -> bool:
        """Whether at this slot a block may still bring it, or a rollback take it away and bring it back."""
        if self.status == "confirmed":
            return self.valid_until_slot is None or slot < self.valid_until_slot
        return self.is_pending

    def is_of(self, chain: str | None, distribution_id: bytes | None, command: str | None) -> bool:
        """Whether it belongs to these; None stands for any."""
        return (
            (None in (chain, self.chain) or chain == self.chain)
            and distribution_id in (None, self.distribution_id)
            and command in (None, self.command)
        )

    @property
    def prepared_at_posix_ms(self) -> int:
        """When it was written down."""
        return self.history[0].at_posix_ms


class SubmissionJournal:
    """`journal/<transaction id>.json`. Nothing is ever deleted by the program."""

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def prepare(
        self,
        *,
        transaction_id: str,
        command: str,
        transaction_cbor: bytes,
        inputs: tuple[OutputReference, ...],
        at_posix_ms: int,
        distribution_id: bytes | None = None,
        valid_until_slot: int | None = None,
        details: dict[str, JsonValue] | None = None,
        chain: str | None = None,
        sole: str | None = None,
        slot: int = 0,
    ) -> Submission:
        """Writes a transaction down before it is sent; one that is written already keeps its history.

        Raises `NotAllowedYet` (`under_way`) where, at this slot, another unsettled transaction has the same
        `sole`: a second run of the command wrote it while this one was still building.
        """
        prepared = StatusChange(status="prepared", at_posix_ms=at_posix_ms)
        with self._folder.locked():
            known = self.find(transaction_id)
            if known is not None and known.is_unsettled(slot):
                return known
            fresh = Submission(
                transaction_id=transaction_id,
                command=command,
                distribution_id=distribution_id,
                transaction_cbor=transaction_cbor,
                inputs=inputs,
                valid_until_slot=valid_until_slot,
                chain=chain,
                sole=sole,
                details=details or {},
                history=(*(known.history if known else ()), prepared),
            )
            self._must_be_alone(fresh, slot)
            return self._write(fresh)

    def _must_be_alone(self, fresh: Submission, slot: int) -> None:
        if fresh.sole is None:
            return
        about = (fresh.chain, fresh.distribution_id, fresh.command)
        for each in self.unsettled(slot, *about):
            if each.sole == fresh.sole:
                raise NotAllowedYet(
                    "under_way",
                    f"another run of {fresh.command} has just sent transaction {each.transaction_id},"
                    " which does the same",
                    hint="run the command again: it goes on with that transaction",
                    details={"transaction_hash": each.transaction_id},
                )

    def mark(
        self, transaction_id: str, status: SubmissionStatus, *, at_posix_ms: int, note: str = ""
    ) -> Submission:
        """Adds to the history; the same status again only with another note. Raises `NotFound`."""
        with self._folder.locked():
            known = self.find(transaction_id)
            if known is None:
                raise NotFound(
                    f"transaction {transaction_id} is not in the journal any more",
                    hint=f"see where it stands with `milestones transaction {transaction_id}`",
                )
            if (known.status, known.history[-1].note) == (status, note):
                return known
            change = StatusChange(status=status, at_posix_ms=at_posix_ms, note=note)
            return self._write(known.model_copy(update={"history": (*known.history, change)}))

    def find(self, transaction_id: str) -> Submission | None:
        """The submission with this id (64 hexadecimal digits), or None."""
        return self._folder.read(_name(transaction_id), _submission)

    def all(self) -> list[Submission]:
        """Everything in the journal, oldest first."""
        found = [self.find(name) for name in self._folder.names() if _is_id(name)]
        return sorted((each for each in found if each), key=lambda each: each.prepared_at_posix_ms)

    def pending(
        self,
        chain: str | None = None,
        *,
        distribution_id: bytes | None = None,
        command: str | None = None,
    ) -> list[Submission]:
        """What a chain may still take, oldest first; of one distribution or command where given."""
        return [
            each
            for each in self.all()
            if each.is_pending and each.is_of(chain, distribution_id, command)
        ]

    def unsettled(
        self,
        slot: int,
        chain: str | None = None,
        distribution_id: bytes | None = None,
        command: str | None = None,
    ) -> list[Submission]:
        """What is pending, or in a block that may still be rolled back, at a slot of a chain; oldest first."""
        return [
            each
            for each in self.all()
            if each.is_unsettled(slot) and each.is_of(chain, distribution_id, command)
        ]

    def _write(self, submission: Submission) -> Submission:
        self._folder.write(
            _name(submission.transaction_id),
            to_text(submission.model_dump(mode="json", exclude_none=True)),
        )
        return submission


def _name(transaction_id: str) -> str:
    name = transaction_id.lower()
    if not _is_id(name):
        raise InvalidInput(
            f"{transaction_id[:80]!r} is not a transaction id",
            path="transaction_hash",
            hint="give 64 hexadecimal digits",
        )
    return name


def _is_id(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", name) is not None


def _submission(content: str) -> Submission:
    submission = Submission.model_validate_json(content)
    if not submission.history:
        raise ValueError("the history is empty")
    if _id_of(submission.transaction_cbor) != submission.transaction_id:
        raise ValueError("the bytes are not those of the transaction that the file is about")
    return submission


def _id_of(transaction_cbor: bytes) -> str:
    try:
        parts = cbor.read(transaction_cbor).array()
    except InvalidEncoding as error:
        raise ValueError(f"the transaction's bytes can't be read: {error.reason}") from None
    return blake2b_256(parts[0].raw).hex() if parts else ""
