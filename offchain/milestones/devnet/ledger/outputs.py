"""Transaction outputs: both forms on the wire, and what the rules read out of them.

Source: Conway CDDL, `transaction_output`: the array of Alonzo and the map of Babbage.
"""

from __future__ import annotations

from dataclasses import dataclass

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Script
from milestones.cardano.value import Value
from milestones.devnet.ledger.addresses import LedgerAddress, decode_address
from milestones.devnet.ledger.plutus_data import check_plutus_data
from milestones.devnet.ledger.scripts import decode_reference_script
from milestones.devnet.ledger.values import decode_output_value
from milestones.errors import InvalidEncoding


@dataclass(frozen=True, slots=True)
class Output:
    """One output, with the bytes it was received in.

    `raw` is what its size is measured on; `address` the address' bytes. Of `datum_hash` (32 bytes) and
    `datum` (an inline datum's CBOR) at most one is set. `value_size` is the size of the value's
    encoding, bytes.
    """

    raw: bytes
    address: LedgerAddress
    value: Value
    value_size: int
    datum_hash: bytes | None = None
    datum: bytes | None = None
    script: Script | None = None

    @property
    def resolved_datum_hash(self) -> bytes | None:
        """The hash of the datum, whichever way it is attached; None without one."""
        return blake2b_256(self.datum) if self.datum is not None else self.datum_hash


def decode_output(raw: bytes) -> Output:
    """An output out of its own bytes. Raises `InvalidEncoding`."""
    return output_from_item(cbor.read(raw))


def output_from_item(item: Item) -> Output:
    """An output out of a transaction that is being read. Raises `InvalidEncoding`."""
    return _array_form(item) if item.kind == cbor.ARRAY else _map_form(item)


def _array_form(item: Item) -> Output:
    parts = item.array()
    if len(parts) not in (2, 3):
        raise InvalidEncoding(f"an output of {len(parts)} elements at byte {item.start}")
    value, size = decode_output_value(parts[1])
    return Output(
        raw=item.raw,
        address=decode_address(parts[0].bytes()),
        value=value,
        value_size=size,
        datum_hash=parts[2].bytes(32) if len(parts) == 3 else None,
    )


def _map_form(item: Item) -> Output:
    fields = {key.unsigned(): value for key, value in item.entries()}
    if not {0, 1} <= fields.keys() <= {0, 1, 2, 3}:
        raise InvalidEncoding(f"an output with fields {sorted(fields)} at byte {item.start}")
    datum_hash, datum = _datum(fields[2]) if 2 in fields else (None, None)
    value, size = decode_output_value(fields[1])
    return Output(
        raw=item.raw,
        address=decode_address(fields[0].bytes()),
        value=value,
        value_size=size,
        datum_hash=datum_hash,
        datum=datum,
        script=decode_reference_script(fields[3]) if 3 in fields else None,
    )


def _datum(item: Item) -> tuple[bytes | None, bytes | None]:
    """(hash, None) or (None, inline datum). CDDL: `datum_option`."""
    parts = item.array()
    if len(parts) == 2 and parts[0].unsigned() == 0:
        return parts[1].bytes(32), None
    if len(parts) == 2 and parts[0].unsigned() == 1 and parts[1].tag == 24:
        datum = parts[1].value.bytes()
        check_plutus_data(cbor.read(datum))
        return None, datum
    raise InvalidEncoding(f"not a datum option at byte {item.start}")
