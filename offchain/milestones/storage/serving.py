"""What `milestones serve` keeps: its secret, so that a restart makes no open page and no code worthless."""

from __future__ import annotations

import secrets
from typing import Any, Final

from milestones.storage.files import JsonFolder, to_document, to_text

SECRET_BYTES: Final = 32


class ServingFiles:
    """A folder of its own in the data directory."""

    def __init__(self, folder: JsonFolder) -> None:
        self._folder = folder

    def secret(self) -> bytes:
        """The server's secret, 32 bytes; it is made when it is first asked for."""
        found = self._folder.read("secret", _secret)
        if found is not None:
            return found
        with self._folder.locked():
            found = self._folder.read("secret", _secret)
            if found is None:
                found = secrets.token_bytes(SECRET_BYTES)
                self._folder.write("secret", to_text({"secret": found.hex()}))
        return found


def _secret(content: str) -> bytes:
    document: dict[str, Any] = to_document(content)
    found = bytes.fromhex(document["secret"])
    if len(found) != SECRET_BYTES:
        raise ValueError("a secret has another length")
    return found
