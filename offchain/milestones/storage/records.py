"""The milestone records: which oracles have signed what, for which milestone of which distribution."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from milestones.domain.models import MilestoneCompletion
from milestones.storage.files import JsonFolder, to_text
from milestones.storage.names import file_name

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
        """The record of this milestone of this distribution (id of 28 bytes), if there is one."""
        for name in _candidates(distribution_id, milestone_identifier):
            record = self._read(name)
            if record is not None and _is_about(record, distribution_id, milestone_identifier):
                return record
        return None

    def of_distribution(self, distribution_id: bytes) -> list[MilestoneCompletion]:
        """All records of one distribution, by milestone."""
        return [record for record in self.all() if record.distribution_id == distribution_id]

    def all(self) -> list[MilestoneCompletion]:
        """All records of all distributions, by milestone."""
        records = [record for name in self._folder.names() if (record := self._read(name))]
        return sorted(records, key=lambda each: (each.milestone_identifier, each.distribution_id))

    def save(self, record: MilestoneCompletion) -> str:
        """Writes the record, in the place of an older one about the same; the path of its file."""
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
        """
        with self._folder.locked():
            record = change(self.find(distribution_id, milestone_identifier))
            if not _is_about(record, distribution_id, milestone_identifier):
                raise ValueError("a change can't make a record of one milestone one of another")
            self.save(record)
        return record

    def _place_of(self, record: MilestoneCompletion) -> str:
        about = (record.distribution_id, record.milestone_identifier)
        held = {name: self._read(name) for name in _candidates(*about)}
        for name, holder in held.items():
            if holder is not None and _is_about(holder, *about):
                return name
        return next(name for name, holder in held.items() if holder is None)

    def _read(self, name: str) -> MilestoneCompletion | None:
        return self._folder.read(name, MilestoneCompletion.model_validate_json)


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
