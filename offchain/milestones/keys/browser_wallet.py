"""What a wallet in the browser says of itself (CIP-30): addresses and outputs, in hexadecimal."""

from __future__ import annotations

import binascii
from collections.abc import Sequence

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.transaction import output_from_item
from milestones.errors import InvalidAddress, InvalidEncoding, InvalidInput


def read_address(text: str, path: str) -> Address:
    """An address, in hexadecimal as wallets answer it, or in Bech32. Raises `InvalidAddress` about `path`."""
    try:
        raw = binascii.unhexlify(text)
    except ValueError:
        raw = None
    try:
        return Address.from_bech32(text) if raw is None else Address.from_bytes(raw)
    except InvalidAddress as error:
        raise InvalidAddress(error.reason, path=path, hint=error.hint) from None


def read_outputs(texts: Sequence[str], path: str) -> tuple[Utxo, ...]:
    """The outputs that `getUtxos` answered: CBOR of `[input, output]` each, in hexadecimal.

    Raises `InvalidEncoding` about `path`, such as `outputs[3]`.
    """
    found: dict[OutputReference, Utxo] = {}
    for number, text in enumerate(texts):
        try:
            utxo = _output(text)
        except InvalidInput as error:
            raise InvalidEncoding(
                f"this is no unspent output: {error.reason}",
                path=f"{path}[{number}]",
                hint="give each text of what the wallet's getUtxos() returned",
            ) from None
        found[utxo.reference] = utxo
    return tuple(found.values())


def _output(text: str) -> Utxo:
    try:
        raw = binascii.unhexlify(text)
    except ValueError:
        raise InvalidEncoding("it is not hexadecimal") from None
    parts = cbor.read(raw).array()
    reference = parts[0].array() if parts else ()
    if (len(parts), len(reference)) != (2, 2):
        raise InvalidEncoding("it is not an input and an output")
    index = reference[1].unsigned()
    if index > 0xFFFF:
        raise InvalidEncoding(f"{index} is no output's number")
    output = output_from_item(parts[1])
    if any(not 0 < quantity < 1 << 63 for quantity in output.value.assets.values()):
        raise InvalidEncoding("it holds an impossible quantity of a token")
    return Utxo(OutputReference(reference[0].bytes(32), index), output)
