"""Each rule of CIP-21 is said where it is broken, and nowhere else."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest

from milestones.cardano import cbor, encoding
from milestones.errors import InvalidEncoding
from milestones.transactions.hardware import body_alone, hardware_faults

INPUT = [bytes(32), 0]
ADDRESS = b"\x60" + bytes(28)
POLICY = bytes(28)
OUTPUT = [ADDRESS, 1_000_000]
PLAIN: dict[int, Any] = {0: [INPUT], 1: [OUTPUT], 2: 170_000}
TAGGED = cbor2.CBORTag(258, [INPUT])


def transaction(body: bytes, witnesses: bytes = b"\xa0", metadata: bytes = b"\xf6") -> bytes:
    return b"\x84" + body + witnesses + b"\xf5" + metadata


def with_fields(**fields: Any) -> bytes:
    """The plain body with more fields, by `f` and their number."""
    more = {int(name[1:]): value for name, value in fields.items()}
    return transaction(cbor2.dumps(dict(sorted({**PLAIN, **more}.items()))))


def paying(assets: dict[bytes, dict[bytes, int]]) -> list[Any]:
    return [ADDRESS, [1_000_000, assets]]


CLEAN = [
    with_fields(),
    with_fields(f1=[paying({POLICY: {b"ZZ": 1, b"AAAA": 2}})]),
    with_fields(f1=[{0: ADDRESS, 1: 1, 2: [1, cbor2.CBORTag(24, b"\x9f\x01\xff")]}]),
    with_fields(f9={POLICY: {b"": -1}}, f11=bytes(32), f16=OUTPUT, f17=5),
    with_fields(f0=TAGGED, f13=TAGGED, f14=cbor2.CBORTag(258, [POLICY]), f18=TAGGED),
]


@pytest.mark.parametrize("raw", CLEAN)
def test_what_devices_sign(raw: bytes) -> None:
    assert hardware_faults(raw) == ()


BODY = cbor2.dumps(PLAIN)
BROKEN = {
    "body.fee": transaction(BODY.replace(b"\x1a\x00\x02\x98\x10", b"\x1b" + bytes(5) + b"\x02\x98\x10")),
    "body.inputs": transaction(
        BODY.replace(b"\x81\x82\x58\x20", b"\x9f\x82\x58\x20").replace(b"\x00\x01\x81", b"\x00\xff\x01\x81")
    ),
    "body": transaction(cbor2.dumps({2: 170_000, 0: [INPUT], 1: [OUTPUT]})),
    "body.outputs[0][1][1].581c" + POLICY.hex(): with_fields(
        f1=[paying({POLICY: {b"AAAA": 2, b"ZZ": 1}})]
    ),
    "body.outputs[0].amount": with_fields(f1=[[ADDRESS, [1, {}]]]),
    f"body.mint.{POLICY.hex()}.": with_fields(f9={POLICY: {b"": 1 << 63}}),
    "body.required_signers": with_fields(f14=[]),
    "body.network_id": with_fields(f15=0),
    "body.collateral_return": with_fields(f16=[ADDRESS, 1, bytes(32)]),
    "body.update": with_fields(f6=[{}, 0]),
    "body.certificates[0]": with_fields(f4=[[11, [0, POLICY], POLICY, 1]]),
    "body.certificates": with_fields(f4=[[3], [0, [0, POLICY]]]),
    "body.votes": with_fields(f19={(2, POLICY): {(bytes(32), 0): [1, None], (bytes(32), 1): [1, None]}}),
    "body.outputs[0].datum": with_fields(f1=[{0: ADDRESS, 1: 1, 2: [1, cbor2.CBORTag(24, b"")]}]),
    "body.outputs[0].script": with_fields(f1=[{0: ADDRESS, 1: 1, 3: cbor2.CBORTag(24, b"")}]),
}  # fmt: skip


@pytest.mark.parametrize(("path", "raw"), BROKEN.items(), ids=list(BROKEN))
def test_a_body_that_devices_encode_otherwise_or_refuse(path: str, raw: bytes) -> None:
    (fault,) = hardware_faults(raw)
    assert (fault.path, fault.stops) == (path, "device")


def test_sets_are_all_tagged_or_none_is() -> None:
    (fault,) = hardware_faults(with_fields(f13=TAGGED))
    assert "tag 258" in fault.reason


@pytest.mark.parametrize(
    ("witnesses", "metadata", "path"),
    [
        (b"\xa1\x05\xa1\x82\x00\x00\x82\x9f\x01\xff\x82\x01\x01", b"\xf6", "witnesses.5.820000[0]"),
        (b"\xa1\x05\xa1\x82\x00\x00\x82\x5f\x41\x01\xff\x82\x01\x01", b"\xf6", "witnesses.5.820000[0]"),
        (b"\xa0", b"\xa2\x02\x00\x01\x00", "metadata"),
    ],
)  # fmt: skip
def test_what_only_the_tool_refuses_is_not_in_the_body_alone(
    witnesses: bytes, metadata: bytes, path: str
) -> None:
    raw = transaction(BODY, witnesses, metadata)
    (fault,) = hardware_faults(raw)
    assert (fault.path, fault.stops) == (path, "cardano_hw_cli")
    alone = body_alone(raw)
    assert hardware_faults(alone) == ()
    assert cbor.read(alone).array()[0].raw == BODY


@pytest.mark.parametrize("raw", [b"", b"\x83\xa0\xa0\xf6", b"\x84\xa1\x01\x01\xa0\xf5\xf6"])
def test_what_is_no_transaction(raw: bytes) -> None:
    with pytest.raises(InvalidEncoding):
        hardware_faults(raw)


def test_keys_of_one_kind_stand_by_length_and_then_by_bytes() -> None:
    """Redeemers beyond the 24th: a longer key follows a shorter one that is greater by its bytes."""
    late, early = b"\x82\x00\x18\x18", b"\x82\x01\x00"
    redeemer = b"\x82\x80\x82\x01\x01"
    pairs = [(late, redeemer), (early, redeemer)]
    assert encoding.mapping(pairs) == b"\xa2" + early + redeemer + late + redeemer
    written = transaction(BODY, b"\xa1\x05" + encoding.mapping(pairs))
    assert hardware_faults(written) == ()
    (fault,) = hardware_faults(
        transaction(BODY, b"\xa1\x05\xa2" + late + redeemer + early + redeemer)
    )
    assert (fault.path, fault.stops) == ("witnesses.5", "cardano_hw_cli")
