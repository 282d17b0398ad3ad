"""The JSON documents of the data directory: milestone records, schedules, and what was last seen.

A document of a later version of this program is never overwritten. Where it is needed that is an error;
where it is not, the document is passed over and reported.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from milestones.domain.models import (
    Allocation,
    ContractMetadata,
    MilestoneCompletion,
    MilestoneSchedule,
)
from milestones.domain.reading import Record
from milestones.storage.files import (
    JsonFolder,
    LaterVersion,
    file_name,
    of_later_version,
    to_document,
    to_text,
)

Change = Callable[[MilestoneCompletion | None], MilestoneCompletion]


class MilestoneRecords:
    """`milestones/<milestone>.json`, one for every milestone of every distribution.

    Two distributions may name a milestone alike. The plain file name belongs to the one that took it
    first, the others' names carry the first 16 digits of the distribution's id. What a file is about is
    always decided by its content, never by its name.
    """

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def find(self, distribution_id: bytes, milestone_identifier: str) -> MilestoneCompletion | None:
        """The record of this milestone of this distribution (id of 28 bytes), if there is one.

        Raises `InvalidConfiguration` where a later version of this program wrote it.
        """
        for name in _candidates(distribution_id, milestone_identifier):
            record = self._read(name, distribution_id, milestone_identifier)
            if record is not None and _is_about(record, distribution_id, milestone_identifier):
                return record
        return None

    def of_distribution(self, distribution_id: bytes) -> list[MilestoneCompletion]:
        """All records of one distribution, by milestone; those of a later version are passed over."""
        return [record for record in self.all() if record.distribution_id == distribution_id]

    def all(self) -> list[MilestoneCompletion]:
        """All records of all distributions, by milestone; those of a later version are passed over."""
        found = (self._folder.find(name, _record) for name in self._folder.names())
        return sorted(
            (record for record in found if record),
            key=lambda each: (each.milestone_identifier, each.distribution_id),
        )

    def is_of_later_version(self, distribution_id: bytes, milestone_identifier: str) -> bool:
        """Whether a later version of this program wrote this record: it can't be read or changed here."""
        return any(
            self._folder.is_later_version(name, _record)
            and self._may_be_about(name, distribution_id, milestone_identifier)
            for name in _candidates(distribution_id, milestone_identifier)
        )

    def save(self, record: MilestoneCompletion) -> str:
        """Writes the record, in the place of an older one about the same; the path of its file.

        Raises `InvalidConfiguration` where that is one of a later version.
        """
        with self._folder.locked():
            name = self._place_of(record)
            self._folder.write(name, to_text(record.model_dump(mode="json", exclude_none=True)))
        return str(self._folder.path(name))

    def path_of(self, record: MilestoneCompletion) -> str:
        """The path of the file that holds, or would hold, a record about the same."""
        with self._folder.locked():
            return str(self._folder.path(self._place_of(record)))

    def update(
        self, distribution_id: bytes, milestone_identifier: str, change: Change
    ) -> MilestoneCompletion:
        """Reads, changes and writes without another process in between.

        `change` gets the present record, or None, and returns the new one, about the same milestone.
        Raises `InvalidConfiguration` where the present one is of a later version.
        """
        with self._folder.locked():
            record = change(self.find(distribution_id, milestone_identifier))
            if not _is_about(record, distribution_id, milestone_identifier):
                raise ValueError("a change can't make a record of one milestone one of another")
            self.save(record)
        return record

    def _place_of(self, record: MilestoneCompletion) -> str:
        about = (record.distribution_id, record.milestone_identifier)
        free = []
        for name in _candidates(*about):
            holder = self._read(name, *about)
            if holder is not None and _is_about(holder, *about):
                return name
            if holder is None and not self._folder.path(name).exists():
                free.append(name)
        if not free:
            raise of_later_version(self._folder.path(name))
        return free[0]

    def _read(
        self, name: str, distribution_id: bytes, milestone_identifier: str
    ) -> MilestoneCompletion | None:
        """The record in a file; None also where a later version wrote one about something else."""
        if not self._folder.is_later_version(name, _record):
            return self._folder.read(name, _record)
        if self._may_be_about(name, distribution_id, milestone_identifier):
            raise of_later_version(self._folder.path(name))
        return None

    def _may_be_about(self, name: str, distribution_id: bytes, milestone_identifier: str) -> bool:
        """Whether a file of a later version is about this, as far as its old fields say."""
        try:
            document = json.loads(self._folder.path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return True
        about = (
            document.get("distribution_id", distribution_id.hex()),
            document.get("milestone_identifier", milestone_identifier),
        )
        return about == (distribution_id.hex(), milestone_identifier)


def _record(content: str) -> MilestoneCompletion:
    return MilestoneCompletion.model_validate_json(content)


def _candidates(distribution_id: bytes, milestone_identifier: str) -> Iterator[str]:
    plain = file_name(milestone_identifier)
    yield plain
    yield f"{plain}.{distribution_id.hex()[:16]}"
    yield f"{plain}.{distribution_id.hex()}"


def _is_about(
    record: MilestoneCompletion, distribution_id: bytes, milestone_identifier: str
) -> bool:
    return (record.distribution_id, record.milestone_identifier) == (
        distribution_id,
        milestone_identifier,
    )


class ScheduleFiles:
    """`schedules/<distribution id>.json`: complete schedules, as JSON that services decide about.

    Of a private distribution this is the only copy, so nothing here is ever deleted by the program.
    """

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def load(self, distribution_id: bytes) -> dict[str, Any] | None:
        """The schedule of this distribution (id of 28 bytes), or None.

        Raises `InvalidConfiguration` where a later version of this program wrote it.
        """
        return self._folder.read(distribution_id.hex(), _schedule)

    def find(self, distribution_id: bytes) -> dict[str, Any] | None:
        """As `load`, for who can do without it: one of a later version is passed over and reported."""
        return self._folder.find(distribution_id.hex(), _schedule)

    def save(self, distribution_id: bytes, document: dict[str, Any]) -> str:
        """Writes the schedule; the path of its file.

        Raises `InvalidConfiguration` where a later version's is there.
        """
        name = distribution_id.hex()
        with self._folder.locked():
            self._folder.read(name, _schedule)
            self._folder.write(name, to_text(document))
        return str(self._folder.path(name))

    def keep(self, distribution_id: bytes, document: dict[str, Any]) -> None:
        """As `save`, for who can do without: a later version's stays as it is."""
        with self._folder.locked():
            if not self._folder.is_later_version(distribution_id.hex(), _schedule):
                self.save(distribution_id, document)

    def set_aside(self, distribution_id: bytes, reason: str) -> None:
        """Moves a schedule away that is not the distribution's."""
        self._folder.set_aside(distribution_id.hex(), reason)

    def distribution_ids(self) -> list[bytes]:
        """The distributions (ids of 28 bytes) whose schedule is here, in order."""
        return [bytes.fromhex(name) for name in self._folder.names() if _is_id(name)]


def _is_id(name: str) -> bool:
    return len(name) == 56 and set(name) <= set("0123456789abcdef")


def _schedule(content: str) -> dict[str, Any]:
    """A schedule's names are checked, no more: a field that is unknown here has a meaning elsewhere."""
    document = to_document(content)
    rows = document.get("beneficiary_allocations")
    parts: list[tuple[type[Record], Any]] = [
        (MilestoneSchedule, {name: None for name in document if name != "$schema"}),
        (ContractMetadata, document.get("contract_metadata")),
        *((Allocation, row) for row in (rows if isinstance(rows, list) else ())),
    ]
    for model, part in parts:
        if isinstance(part, dict) and not part.keys() <= model.model_fields.keys():
            raise LaterVersion
    return document


_CACHE_PREFIX: Final = "contract_"


class ContractCache:
    """`cache/contract_<name>.json`: all of it can be rebuilt from the chain.

    The name is the address or, where several distributions may share it, `<address>#<id>`. A later
    version's is passed over, and stays as it is.
    """

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def load(self, contract_address: str) -> dict[str, Any] | None:
        """What was saved for this address (Bech32), or None."""
        return self._folder.find(_CACHE_PREFIX + file_name(contract_address), to_document)

    def save(self, contract_address: str, document: dict[str, Any]) -> str:
        """Replaces what is known of this address; the path of the file."""
        name = _CACHE_PREFIX + file_name(contract_address)
        _replace(self._folder, name, to_document, document)
        return str(self._folder.path(name))

    def about(self, distribution_id: bytes) -> Iterator[dict[str, Any]]:
        """What was saved of the distribution with this id (28 bytes), whatever its name."""
        for name in self._folder.names():
            document = (
                self._folder.find(name, to_document) if name.startswith(_CACHE_PREFIX) else None
            )
            if document is not None and document.get("distribution_id") == distribution_id.hex():
                yield document

    def forget(self, contract_address: str) -> None:
        """Deletes what is known of this address."""
        self._folder.remove(_CACHE_PREFIX + file_name(contract_address))

    def addresses(self) -> list[str]:
        """The addresses (Bech32) of which something is known."""
        names = self._folder.names()
        return [
            name.removeprefix(_CACHE_PREFIX) for name in names if name.startswith(_CACHE_PREFIX)
        ]


_NETWORK: Final = "network"


class ObservedNetwork(Record):
    """The node's network magic and price of the UTxO set (lovelace a byte), and when they were asked for."""

    network_magic: int
    lovelace_per_utxo_byte: int
    observed_at_posix_ms: int


class NetworkFile:
    """`cache/network.json`: written by `init`, read where nobody is asked.

    A later version's is passed over, and stays as it is.
    """

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def load(self) -> ObservedNetwork | None:
        """What was last seen; None before the first time."""
        return self._folder.find(_NETWORK, ObservedNetwork.model_validate_json)

    def save(self, observed: ObservedNetwork) -> None:
        """Replaces what was seen before."""
        document = observed.model_dump(mode="json")
        _replace(self._folder, _NETWORK, ObservedNetwork.model_validate_json, document)


def _replace(
    folder: JsonFolder, name: str, parse: Callable[[str], object], document: dict[str, Any]
) -> None:
    if not folder.is_later_version(name, parse):
        folder.write(name, to_text(document))
