"""A series: one long list of allocations, cut into distributions that say of each other where they belong.

The series root is blake2b_224 of `0x02` and the roots of all pages in order. The description in each terms
names it, and which part of how many it is; so whether a series is complete is seen on the chain. The rows
are published as a file, whose hash is there as well: the file needs no trust, the roots judge it.
"""

from __future__ import annotations

import json
from array import array as Column  # noqa: N812 - `array` is CBOR's here
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor, plutus_data
from milestones.cardano.address import Address
from milestones.cardano.cbor import Item
from milestones.cardano.encoding import array, integer
from milestones.cardano.hashes import blake2b_224
from milestones.cardano.outputs import OutputDatum
from milestones.domain.columns import (
    ADDRESS_BYTES,
    SHORT_ADDRESS_BYTES,
    SHORT_ADDRESS_HEADER,
    AllocationColumns,
    Datums,
    Kind,
    big_endian,
    from_big_endian,
    packed,
)
from milestones.errors import InvalidAddress, InvalidEncoding

ROOT_BYTES: Final = 28
FILE_HASH_BYTES: Final = 32
_MARK: Final = b"\x02"


def series_root(page_roots: Iterable[bytes]) -> bytes:
    """What stands for all rows of a series: 28 bytes. A page's root has 36."""
    return blake2b_224(_MARK + b"".join(page_roots))


@dataclass(frozen=True, slots=True)
class SeriesMark:
    """What the description of a distribution says of its series; parts count from 1.

    `file` is blake2b_256 of the published rows (32 bytes), `uri` where they are, `about` a person's words.
    """

    series: bytes
    part: int
    of: int
    file: bytes
    uri: str = ""
    about: str = ""

    def description(self) -> str:
        """The description, as JSON without blanks."""
        fields: dict[str, object] = {"series": self.series.hex(), "part": self.part, "of": self.of}
        fields["file"] = self.file.hex()
        fields.update({name: text for name, text in self._texts() if text})
        return json.dumps(fields, separators=(",", ":"), ensure_ascii=False)

    def _texts(self) -> tuple[tuple[str, str], ...]:
        return ("uri", self.uri), ("about", self.about)

    @classmethod
    def parse(cls, description: str) -> SeriesMark | None:
        """The mark in a description; None where it is a person's words alone."""
        if not description.startswith('{"series"'):
            return None
        try:
            fields = json.loads(description)
            series, file = bytes.fromhex(fields["series"]), bytes.fromhex(fields["file"])
            part, of = fields["part"], fields["of"]
            uri, about = fields.get("uri", ""), fields.get("about", "")
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        well_formed = (
            type(part) is type(of) is int
            and 1 <= part <= of
            and len(series) == ROOT_BYTES
            and len(file) == FILE_HASH_BYTES
            and isinstance(uri, str)
            and isinstance(about, str)
        )
        return cls(series, part, of, file, uri, about) if well_formed else None


def described(description: str) -> str:
    """What people read in place of a description: of a series, what was said of it, and which part it is."""
    mark = SeriesMark.parse(description)
    if mark is None:
        return description
    place = f"part {mark.part} of {mark.of} of the series {mark.series.hex()}"
    return ", ".join([*filter(None, [mark.about]), place])


def encode_page(columns: AllocationColumns) -> bytes:
    """A page of the published rows: CBOR `[count, addresses, kinds, kind of each row, amounts, data]`.

    Addresses as bytes one after the other (29 or 57 each), kinds as `[milestone, POSIX seconds]`, then a
    column of 4 and one of 8 bytes a row, big endian; data as `[row, output datum as Plutus Data]`.
    """
    used = sorted(set(columns.kinds))
    numbers = {kind: place for place, kind in enumerate(used)}
    places = Column("I", [numbers[kind] for kind in columns.kinds])
    kinds = (columns.table[kind] for kind in used)
    return array(
        (
            integer(len(columns)),
            cbor.encode_bytes(b"".join(columns.raw_addresses())),
            array(
                [
                    array((cbor.encode_bytes(name.encode()), integer(vesting)))
                    for name, vesting in kinds
                ]
            ),
            cbor.encode_bytes(big_endian(places)),
            cbor.encode_bytes(big_endian(columns.amounts)),
            array(
                [
                    array((integer(row), plutus_data.encode(OutputDatum(*given).to_data())))
                    for row, given in sorted(columns.datums.items())
                ]
            ),
        )
    )


def decode_page(item: Item) -> AllocationColumns:
    """The rows of a page. No truth yet: compare them with the root. Raises `InvalidEncoding`."""
    parts = item.array()
    if len(parts) != 6:
        raise InvalidEncoding(f"a page of {len(parts)} parts where 6 are expected")
    count = parts[0].unsigned()
    raws = _addresses(parts[1].bytes())
    table = tuple(_kind(each) for each in parts[2].array())
    try:
        kinds = from_big_endian("I", parts[3].bytes())
        amounts = from_big_endian("Q", parts[4].bytes())
    except ValueError as error:
        raise InvalidEncoding(str(error)) from None
    if not len(raws) == len(kinds) == len(amounts) == count or not count:
        raise InvalidEncoding("the columns of a page have other lengths than it says")
    if max(kinds) >= len(table):
        raise InvalidEncoding("a row is of no kind that the page has")
    datums = dict(_datum(each, count) for each in parts[5].array())
    return AllocationColumns(packed(raws), amounts, kinds, table, datums)


def _addresses(raw: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(raw):
        end = at + (SHORT_ADDRESS_BYTES if raw[at] >= SHORT_ADDRESS_HEADER else ADDRESS_BYTES)
        found.append(raw[at:end])
        at = end
    try:
        for one_of_kind in {each[0]: each for each in found}.values():
            Address.from_bytes(one_of_kind)
    except InvalidAddress as error:
        raise InvalidEncoding(f"a page with a bad address: {error.reason}") from None
    if found and len(found[-1]) not in (SHORT_ADDRESS_BYTES, ADDRESS_BYTES):
        raise InvalidEncoding("the last address of a page is cut off")
    return found


def _kind(item: Item) -> Kind:
    parts = item.array()
    if len(parts) != 2:
        raise InvalidEncoding("a kind is a milestone and a time")
    try:
        return Kind(parts[0].bytes().decode(), parts[1].unsigned())
    except UnicodeDecodeError:
        raise InvalidEncoding("a milestone is not UTF-8") from None


def _datum(item: Item, count: int) -> tuple[int, Datums]:
    parts = item.array()
    if len(parts) != 2 or parts[0].unsigned() >= count:
        raise InvalidEncoding("a datum belongs to a row")
    datum = OutputDatum.from_data(plutus_data.from_item(parts[1]))
    return parts[0].unsigned(), (datum.inline, datum.hash)
