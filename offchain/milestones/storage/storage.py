"""The data directory."""

from __future__ import annotations

from pathlib import Path

from milestones.storage.documents import ContractCache, ScheduleFiles
from milestones.storage.files import CorruptedFile, JsonFolder
from milestones.storage.journal import SubmissionJournal
from milestones.storage.network import NetworkFile
from milestones.storage.records import MilestoneRecords


class Storage:
    """All files of the program, under one directory that is made when the first is written.

    A file that can't be read is moved aside and counts as missing; `take_corrupted` tells, so that the
    caller rebuilds it from the chain and warns.
    """

    def __init__(self, data_directory: Path) -> None:
        self.data_directory = data_directory
        self._corrupted: list[CorruptedFile] = []
        self.records = MilestoneRecords(self._folder("milestones"))
        self.cache = ContractCache(self._folder("cache"))
        self.network = NetworkFile(self._folder("cache"))
        self.schedules = ScheduleFiles(self._folder("schedules"))
        self.journal = SubmissionJournal(self._folder("journal"))

    def take_corrupted(self) -> list[CorruptedFile]:
        """The files that were moved aside since the last call."""
        taken = list(self._corrupted)
        self._corrupted.clear()
        return taken

    def _folder(self, name: str) -> JsonFolder:
        return JsonFolder(self.data_directory / name, self._corrupted.append)
