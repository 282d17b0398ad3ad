"""The data directory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from milestones.errors import InvalidConfiguration
from milestones.storage.files import JsonFolder, Report
from milestones.storage.index import IndexFiles
from milestones.storage.journal import SubmissionJournal
from milestones.storage.records import (
    ContractCache,
    MilestoneRecords,
    NetworkFile,
    ScheduleFiles,
)
from milestones.storage.reservations import Reservations
from milestones.storage.series_files import SeriesFiles
from milestones.storage.serving import ServingFiles


class Storage:
    """All files of the program, in one directory that is made when the first is written.

    A file that can't be read is moved aside and counts as missing; `take_reports` has it, so that the
    caller rebuilds it from the chain and warns.
    """

    def __init__(self, data_directory: Path) -> None:
        self.data_directory = data_directory
        self._reports: list[Report] = []
        self._mode_seen = self._not_kept_said = False
        cache = JsonFolder(data_directory / "cache", self._reports.append)
        self.cache = ContractCache(cache)
        self.network = NetworkFile(cache)
        self.records = MilestoneRecords(
            JsonFolder(
                data_directory / "milestones", self._reports.append, recovery=_RECOVERY_OF_RECORDS
            )
        )
        self.schedules = ScheduleFiles(
            JsonFolder(
                data_directory / "schedules", self._reports.append, recovery=_RECOVERY_OF_SCHEDULES
            )
        )
        self.indices = IndexFiles(data_directory / "index")
        self.series = SeriesFiles(data_directory / "series")
        self.journal = SubmissionJournal(data_directory, self._reports.append)
        self.reservations = Reservations(data_directory / "reservations")
        self.serving = ServingFiles(
            JsonFolder(
                data_directory / "serving", self._reports.append, recovery=_RECOVERY_OF_SERVING
            )
        )

    def take_reports(self) -> list[Report]:
        """What the user must hear of the files, since the last call: each has its `message`."""
        if not self._mode_seen:
            self._mode_seen = True
            self._report_others_access()
        taken = list(self._reports)
        self._reports.clear()
        return taken

    @contextmanager
    def if_possible(self) -> Iterator[None]:
        """Inside, what only saves the next run work is kept: where nothing can be written that is reported."""
        try:
            yield
        except InvalidConfiguration as error:
            if not self._not_kept_said:
                self._not_kept_said = True
                message = (
                    f"{error.reason}: what was seen is not kept, and looked up again next time"
                )
                self._reports.append(Report("not_kept", self.data_directory, message))

    def _report_others_access(self) -> None:
        """A folder of an earlier version, or one that somebody else made."""
        folder = self.data_directory
        try:
            mode = folder.stat().st_mode
        except OSError:
            return
        if os.name != "nt" and mode & _OTHERS_MAY_WRITE:
            message = (
                f"others than its owner can write in {folder}, and so change what is paid by which"
                f" signatures: `chmod go-w {folder}` keeps them out"
            )
            self._reports.append(Report("open_to_others", folder, message))

    def close(self) -> None:
        """Closes the journal. What is asked next opens it again."""
        self.journal.close()


_OTHERS_MAY_WRITE: Final = 0o022
_RECOVERY_OF_SCHEDULES: Final = "the schedule is read from the chain, unless it is private"
_RECOVERY_OF_RECORDS: Final = (
    "what the chain has verified is rebuilt from the chain; signatures that were not on it yet have to"
    " be committed again"
)
_RECOVERY_OF_SERVING: Final = (
    "pages of `milestones serve` that are open have to be loaded again, and what oracles signed there to"
    " be signed again"
)
