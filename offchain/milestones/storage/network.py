"""What was last seen of the network, for commands that ask nobody."""

from __future__ import annotations

from typing import Final

from milestones.domain.reading import Record
from milestones.storage.files import JsonFolder, to_text

_NAME: Final = "network"


class ObservedNetwork(Record):
    """The node's network magic and price of the UTxO set (lovelace a byte), and when they were asked for."""

    network_magic: int
    lovelace_per_utxo_byte: int
    observed_at_posix_ms: int


class NetworkFile:
    """`cache/network.json`: written by `init`, read where nobody is asked."""

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def load(self) -> ObservedNetwork | None:
        """What was last seen; None before the first time."""
        return self._folder.read(_NAME, ObservedNetwork.model_validate_json)

    def save(self, observed: ObservedNetwork) -> None:
        """Replaces what was seen before."""
        self._folder.write(_NAME, to_text(observed.model_dump(mode="json")))
