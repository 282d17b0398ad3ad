"""What `milestones serve` keeps: its secret, and signatures of oracles that belong to no milestone's record.

So a restart makes no open page worthless, and nobody has to sign again.
"""

from __future__ import annotations

import secrets
from typing import Any, Final

from milestones.domain.models import OracleSignature
from milestones.domain.quorum import merge_signatures
from milestones.domain.reading import read_records
from milestones.errors import InvalidSignature
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

    def signatures(self, distribution_id: bytes) -> tuple[OracleSignature, ...]:
        """Oracles' entries about a distribution (its id: 28 bytes), the oldest first."""
        return self._folder.read(_name(distribution_id), _entries) or ()

    def add_signature(self, distribution_id: bytes, entry: OracleSignature) -> None:
        """Adds an entry, in the place of an older one by the same oracle of the same bytes.

        Where there are more than `MOST_SIGNATURES`, the oldest are dropped.
        """
        with self._folder.locked():
            merged = merge_signatures(self.signatures(distribution_id), [entry])
            kept = [
                each.model_dump(mode="json", exclude_none=True)
                for each in merged[-MOST_SIGNATURES:]
            ]
            self._folder.write(_name(distribution_id), to_text({"oracle_signatures": kept}))


MOST_SIGNATURES: Final = 1_000
"""Of one distribution; more than a hundred oracles ever need at a time."""


def _name(distribution_id: bytes) -> str:
    return f"signatures-{distribution_id.hex()}"


def _entries(content: str) -> tuple[OracleSignature, ...]:
    try:
        return read_records(
            OracleSignature, to_document(content)["oracle_signatures"], InvalidSignature
        )
    except (KeyError, InvalidSignature) as error:
        raise ValueError(str(error)) from None


def _secret(content: str) -> bytes:
    document: dict[str, Any] = to_document(content)
    found = bytes.fromhex(str(document.get("secret")))
    if len(found) != SECRET_BYTES:
        raise ValueError("a secret has another length")
    return found
