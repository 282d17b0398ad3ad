"""What was last seen of contracts, and the complete schedules: JSON documents that services decide about."""

from __future__ import annotations

from typing import Any

from milestones.storage.files import JsonFolder, to_document, to_text
from milestones.storage.names import file_name

_PREFIX = "contract_"


class ContractCache:
    """`cache/contract_<address>.json`: all of it can be rebuilt from the chain."""

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def load(self, contract_address: str) -> dict[str, Any] | None:
        """What was saved for this address (Bech32), or None."""
        return self._folder.read(_PREFIX + file_name(contract_address), to_document)

    def save(self, contract_address: str, document: dict[str, Any]) -> str:
        """Replaces what is known of this address; the path of the file."""
        name = _PREFIX + file_name(contract_address)
        self._folder.write(name, to_text(document))
        return str(self._folder.path(name))

    def forget(self, contract_address: str) -> None:
        """Deletes what is known of this address."""
        self._folder.remove(_PREFIX + file_name(contract_address))

    def addresses(self) -> list[str]:
        """The addresses (Bech32) of which something is known."""
        names = self._folder.names()
        return [name.removeprefix(_PREFIX) for name in names if name.startswith(_PREFIX)]


class ScheduleFiles:
    """`schedules/<distribution id>.json`: complete schedules.

    Of a private distribution this is the only copy, so nothing here is ever deleted by the program.
    """

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def load(self, distribution_id: bytes) -> dict[str, Any] | None:
        """The schedule of this distribution (id of 28 bytes), or None."""
        return self._folder.read(distribution_id.hex(), to_document)

    def save(self, distribution_id: bytes, document: dict[str, Any]) -> str:
        """Writes the schedule; the path of its file."""
        self._folder.write(distribution_id.hex(), to_text(document))
        return str(self._folder.path(distribution_id.hex()))

    def set_aside(self, distribution_id: bytes, reason: str) -> None:
        """Moves a schedule away that is not the distribution's."""
        self._folder.set_aside(distribution_id.hex(), reason)

    def distribution_ids(self) -> list[bytes]:
        """The distributions (ids of 28 bytes) whose schedule is here, in order."""
        return [bytes.fromhex(name) for name in self._folder.names() if _is_id(name)]


def _is_id(name: str) -> bool:
    return len(name) == 56 and set(name) <= set("0123456789abcdef")
