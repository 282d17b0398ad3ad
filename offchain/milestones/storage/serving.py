"""What `milestones serve` keeps: its secret, who asked to be paid, and what oracles signed beside milestones.

So a restart makes no open page worthless, nobody has to sign again, and who was promised a payment is paid.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Any, Final

from milestones.domain.models import OracleSignature
from milestones.domain.quorum import merge_signatures
from milestones.domain.reading import (
    AddressField,
    HexField,
    Record,
    TextField,
    read_record,
    read_records,
)
from milestones.errors import InvalidInput, InvalidSignature
from milestones.storage.files import JsonFolder, to_document, to_text

SECRET_BYTES: Final = 32


_ASKED: Final = "asked-"


class PaymentAsked(Record):
    """Somebody asked that an address be paid what it can claim: of one milestone, or of all.

    `distribution_id` has 28 bytes, `at_posix_ms` says when, by this machine's time.
    """

    distribution_id: HexField
    beneficiary_address: AddressField
    milestone_identifier: TextField | None = None
    at_posix_ms: int

    @property
    def name(self) -> str:
        """The same for the same question."""
        about = (str(self.beneficiary_address), self.milestone_identifier or "")
        digest = blake2b("\0".join((self.distribution_id.hex(), *about)).encode(), digest_size=20)
        return f"{_ASKED}{digest.hexdigest()}"


_SIGNED: Final = "signed-"
MOST_SIGNED: Final = 200
SIGNED_MS: Final = 40 * 86_400_000
"""Longer than any node foresees its slots: what is older can't be sent any more."""


class SignedInPart(Record):
    """A transaction (CBOR) with the signatures of some who have to sign it; `distribution_id` has 28 bytes."""

    distribution_id: HexField
    transaction_cbor: HexField
    at_posix_ms: int


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

    # -- who asked to be paid

    def asked(self) -> tuple[PaymentAsked, ...]:
        """All that were accepted and not settled, the oldest first."""
        names = (name for name in self._folder.names() if name.startswith(_ASKED))
        found = (self._folder.find(name, _payment) for name in names)
        return tuple(sorted((e for e in found if e is not None), key=lambda e: e.at_posix_ms))

    def keep_asked(self, asked: PaymentAsked) -> None:
        """Writes down that somebody asked, before they hear that it was accepted."""
        self._folder.write(asked.name, to_text(asked.model_dump(mode="json")))

    def settle(self, asked: PaymentAsked) -> None:
        """Forgets it: it is paid, or never can be."""
        self._folder.remove(asked.name)

    # -- transactions that several people sign

    def signed(self, transaction_id: str) -> SignedInPart | None:
        """A transaction that some have signed, by its id (hexadecimal)."""
        return self._folder.find(f"{_SIGNED}{transaction_id}", _signed_in_part)

    def keep_signed(self, transaction_id: str, signed: SignedInPart, *, now_posix_ms: int) -> bool:
        """Keeps it with the signatures that it has; whether there was room.

        What was kept for `SIGNED_MS` makes room.
        """
        with self._folder.locked():
            names = [name for name in self._folder.names() if name.startswith(_SIGNED)]
            for name in names:
                known = self._folder.find(name, _signed_in_part)
                if known is None or known.at_posix_ms < now_posix_ms - SIGNED_MS:
                    self._folder.remove(name)
            name = f"{_SIGNED}{transaction_id}"
            if name not in names and len(names) >= MOST_SIGNED:
                return False
            self._folder.write(name, to_text(signed.model_dump(mode="json")))
        return True

    # -- what oracles signed

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
    except (KeyError, InvalidInput) as error:
        raise ValueError(str(error)) from None


def _signed_in_part(content: str) -> SignedInPart:
    try:
        return read_record(SignedInPart, to_document(content), InvalidInput)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


def _payment(content: str) -> PaymentAsked:
    try:
        return read_record(PaymentAsked, to_document(content), InvalidInput)
    except InvalidInput as error:
        raise ValueError(str(error)) from None


def _secret(content: str) -> bytes:
    document: dict[str, Any] = to_document(content)
    found = bytes.fromhex(str(document.get("secret")))
    if len(found) != SECRET_BYTES:
        raise ValueError("a secret has another length")
    return found
