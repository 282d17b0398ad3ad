"""What leaves to be signed, and what comes back: cardano-cli's text envelopes, and bare CBOR of wallets.

Written are the current types, byte for byte as cardano-cli has them; read are all that it ever wrote for
this era, what `cardano-hw-cli` writes, what CIP-30's `signTx` answers, and whole transactions.
Sources: cardano-api, `HasTextEnvelope` of `Tx` and `KeyWitness`; cardano-hw-cli, `fileWriter`; CIP-30.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from milestones.cardano import cbor, encoding
from milestones.cardano.cbor import Item
from milestones.cardano.transaction import KeyWitness, Transaction, key_witness, read_witness_set
from milestones.errors import InvalidEncoding, InvalidInput
from milestones.notation import parse_json

TRANSACTION: Final = "Tx ConwayEra"
WITNESS: Final = "TxWitness ConwayEra"
TRANSACTION_TYPES: Final = (TRANSACTION, "Unwitnessed Tx ConwayEra", "Witnessed Tx ConwayEra")
"""Nothing in a type tells an unsigned transaction from a signed one: only the bytes do."""
MOST_BYTES: Final = 1 << 20
"""Of a file that is read here; the largest transaction takes some 33 kB as text."""
_OF_A_KEY: Final = ("SigningKey", "HWSigningFile", "VerificationKey")


@dataclass(frozen=True, slots=True)
class Signatures:
    """Signatures that came back, and the transaction that they came in, if they did. `source` names the file.

    `bootstraps` are witnesses of Byron addresses, as CBOR.
    """

    source: str
    keys: tuple[KeyWitness, ...] = ()
    bootstraps: tuple[bytes, ...] = ()
    transaction: Transaction | None = None


def transaction_envelope(transaction: bytes) -> str:
    """A file with a whole transaction (CBOR), signed or not."""
    return _envelope(TRANSACTION, "Ledger Cddl Format", transaction)


def witness_envelope(witness: KeyWitness) -> str:
    """A file with one key's signature."""
    return _envelope(WITNESS, "Key Witness ShelleyEra", witness.encoded())


def _envelope(kind: str, description: str, content: bytes) -> str:
    fields = {"type": kind, "description": description, "cborHex": content.hex()}
    return json.dumps(fields, indent=4) + "\n"


def read_transaction(content: bytes, source: str) -> Transaction:
    """The transaction in a file's bytes. Raises `InvalidInput` about `source`."""
    found = read_signatures(content, source)
    if found.transaction is None:
        raise InvalidInput(
            "holds signatures, and no transaction",
            path=source,
            hint="give the transaction's file, and this one with --witness",
        )
    return found.transaction


def read_signatures(content: bytes, source: str) -> Signatures:
    """The signatures in a file's bytes, whatever made it. Raises `InvalidInput` about `source`."""
    if len(content) > MOST_BYTES:
        raise InvalidInput(
            f"is over {MOST_BYTES} bytes, which no transaction is", path=source, hint=_WHAT_TO_GIVE
        )
    try:
        return _of_cbor(_cbor_in(content, source), source)
    except InvalidEncoding as error:
        raise InvalidInput(
            f"holds no transaction and no signature: {error.reason}",
            path=source,
            hint=_WHAT_TO_GIVE,
        ) from None


_WHAT_TO_GIVE: Final = (
    "give a text envelope of cardano-cli, or what a wallet's signTx returned, in hexadecimal"
)


def _cbor_in(content: bytes, source: str) -> bytes:
    """The bytes in an envelope, in hexadecimal, quoted or not, or as they are."""
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return content
    if text[:1] in ("{", '"'):
        try:
            value = parse_json(text)
        except ValueError as error:
            raise InvalidInput(f"is not JSON: {error}", path=source, hint=_WHAT_TO_GIVE) from None
        text = _hexadecimal_of(value, source)
    try:
        return bytes.fromhex(text)
    except ValueError:
        return content


def _hexadecimal_of(value: Any, source: str) -> str:
    if isinstance(value, str):
        return value
    kind, code = value.get("type"), value.get("cborHex")
    if not isinstance(kind, str):
        raise InvalidInput("is an object without `type`", path=source, hint=_WHAT_TO_GIVE)
    if any(word in kind for word in _OF_A_KEY):
        raise InvalidInput(
            "is a key's file",
            path=source,
            hint="a key is never handed on: sign with it, and hand on the signature",
        )
    if kind not in (*TRANSACTION_TYPES, WITNESS):
        raise InvalidInput(
            f"is of type {kind[:60]!r}, which is not read",
            path=source,
            hint=f"types are {', '.join((*TRANSACTION_TYPES, WITNESS))}",
        )
    if not isinstance(code, str):
        raise InvalidInput("has no text `cborHex`", path=source, hint=_WHAT_TO_GIVE)
    try:
        bytes.fromhex(code)
    except ValueError:
        raise InvalidInput(
            "`cborHex` is not hexadecimal", path=source, hint="give the file as it was written"
        ) from None
    return code


def _of_cbor(content: bytes, source: str) -> Signatures:
    item = cbor.read(content)
    if item.kind == cbor.MAP:
        found = read_witness_set(content)
        return Signatures(source, found.keys, found.bootstraps)
    parts = item.array()
    if len(parts) == 4 and parts[0].kind == cbor.MAP:
        transaction = Transaction.read(content)
        witnesses = transaction.witnesses
        return Signatures(source, witnesses.keys, witnesses.bootstraps, transaction)
    return _of_witness(item, source)


def _of_witness(item: Item, source: str) -> Signatures:
    """One key's witness, as cardano-cli has it now, or as it and `cardano-hw-cli` had it: with a number."""
    parts = item.array()
    if len(parts) == 2 and parts[0].kind == cbor.UINT:
        kind, inner = parts
        if kind.unsigned() == 1:
            return _of_bootstrap(inner, source)
        return Signatures(source, (key_witness(inner),))
    if len(parts) == 4:
        return _of_bootstrap(item, source)
    return Signatures(source, (key_witness(item),))


def _of_bootstrap(item: Item, source: str) -> Signatures:
    found = read_witness_set(encoding.mapping([(b"\x02", encoding.array([item.raw]))]))
    return Signatures(source, (), found.bootstraps)
