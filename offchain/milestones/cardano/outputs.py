"""Transaction outputs as any source shows them: Ogmios, Kupo, or a transaction of our own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from milestones.cardano import plutus_data
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.plutus_data import Constr, PlutusData, bytes_of, fields_of, int_of
from milestones.cardano.value import Value
from milestones.errors import InvalidEncoding, InvalidInput

ScriptLanguage = Literal["native", "plutus:v1", "plutus:v2", "plutus:v3"]
TRANSACTION_ID_BYTES: Final = 32
_HASH_PREFIX: Final[dict[ScriptLanguage, bytes]] = {
    "native": b"\x00",
    "plutus:v1": b"\x01",
    "plutus:v2": b"\x02",
    "plutus:v3": b"\x03",
}


@dataclass(frozen=True, slots=True, order=True)
class TransactionId:
    """Which transaction, checked: blake2b_256 of its body, 32 bytes. Text is 64 hexadecimal digits."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != TRANSACTION_ID_BYTES:
            raise InvalidInput(
                f"a transaction id has {TRANSACTION_ID_BYTES} bytes, not {len(self.raw)}",
                hint="give the hash of the transaction's body",
            )

    @classmethod
    def parse(cls, text: str, path: str = "transaction_hash") -> TransactionId:
        """Reads an id that somebody wrote, in either case, blanks around it or not.

        Raises `InvalidInput` about `path`.
        """
        digits = text.strip()
        if re.fullmatch("[0-9a-fA-F]{64}", digits) is None:
            raise InvalidInput(
                f"{text[:80]!r} is not a transaction id",
                path=path,
                hint="give the 64 hexadecimal digits of `transaction_hash`",
            )
        return cls(bytes.fromhex(digits))

    def __str__(self) -> str:
        return self.raw.hex()


@dataclass(frozen=True, slots=True, order=True)
class OutputReference:
    """Which output: the transaction's id (32 bytes) and the output's index (from 0)."""

    transaction_id: bytes
    index: int

    def __str__(self) -> str:
        return f"{self.transaction_id.hex()}#{self.index}"

    def to_data(self) -> Constr:
        """The ledger's `TxOutRef` as Plutus Data."""
        return Constr(0, (self.transaction_id, self.index))

    @classmethod
    def from_data(cls, data: PlutusData) -> OutputReference:
        """The inverse of `to_data`. Raises `InvalidEncoding`."""
        transaction_id, index = fields_of(data, 0, 2, "an output reference")
        raw = bytes_of(transaction_id, "transaction_id", TRANSACTION_ID_BYTES)
        return cls(raw, int_of(index, "index", 0, 65535))

    @classmethod
    def parse(cls, text: str) -> OutputReference:
        """Reads `<64 hexadecimal digits>#<index>`."""
        match = re.fullmatch(r"([0-9a-fA-F]{64})#([0-9]{1,5})", text)
        if match is None:
            raise InvalidInput(
                f"{text!r} is not an output reference", hint="write <transaction id>#<index>"
            )
        return cls(bytes.fromhex(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class Script:
    """A script's language and bytes, as they are hashed: flat in one CBOR byte string for Plutus."""

    language: ScriptLanguage
    code: bytes

    def hash(self) -> bytes:
        """28 bytes: blake2b_224 of the language's tag and the bytes."""
        return blake2b_224(_HASH_PREFIX[self.language] + self.code)


@dataclass(frozen=True, slots=True)
class OutputDatum:
    """The datum of an output: none, inline (CBOR of Plutus Data), or a hash (32 bytes)."""

    inline: bytes | None = None
    hash: bytes | None = None

    def __post_init__(self) -> None:
        if self.inline is not None and self.hash is not None:
            raise InvalidInput("an output has an inline datum or a datum's hash, not both")

    def to_data(self) -> Constr:
        """As scripts see it: constructor 0 without, 1 a hash, 2 inline."""
        if self.inline is not None:
            return Constr(2, (plutus_data.decode(self.inline),))
        return Constr(0) if self.hash is None else Constr(1, (self.hash,))

    @classmethod
    def from_data(cls, data: PlutusData) -> OutputDatum:
        """The inverse of `to_data`. Raises `InvalidEncoding`."""
        match data:
            case Constr(index=0, fields=()):
                return cls()
            case Constr(index=1, fields=(bytes() as digest,)) if len(digest) == 32:
                return cls(hash=digest)
            case Constr(index=2, fields=(inline,)):
                return cls(plutus_data.encode(inline))
        raise InvalidEncoding("not an output's datum")


NO_DATUM: Final = OutputDatum()


@dataclass(frozen=True, slots=True)
class TransactionOutput:
    """An output. `address` is text, so that Byron outputs of others can be shown too.

    `inline_datum` is the datum's CBOR; `datum_hash` (32 bytes) is set for an output that holds only a
    hash. `script_hash` (28 bytes) is set wherever the output carries a reference script; `script` when
    its bytes are known as well.
    """

    address: str
    value: Value
    datum_hash: bytes | None = None
    inline_datum: bytes | None = None
    script_hash: bytes | None = None
    script: Script | None = None


@dataclass(frozen=True, slots=True)
class Utxo:
    """An unspent output and where it stands."""

    reference: OutputReference
    output: TransactionOutput
