"""Who may look at every answer that leaves the chain, without being able to change it."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Sees answers just before they are sent. What it raises ends the connection."""

    def ogmios_answered(self, version: str, text: str) -> None:
        """A JSON text of the Ogmios interface, and the version that it speaks."""

    def kupo_answered(
        self, method: str, path: str, status: int, content_type: str, body: bytes
    ) -> None:
        """An answer of the Kupo interface; `path` is the request's, without its query."""
