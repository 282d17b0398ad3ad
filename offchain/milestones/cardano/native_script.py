"""Native scripts (Allegra's time locks): as cardano-cli's JSON has them, and as the ledger hashes them.

Source: the ledger's CDDL, `native_script`; cardano-cli's documentation of simple scripts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from milestones.cardano import cbor
from milestones.cardano.address import Address, script_credential
from milestones.cardano.cbor import Item, encode_bytes
from milestones.cardano.encoding import array, integer
from milestones.cardano.outputs import Script
from milestones.errors import InvalidEncoding, InvalidInput

DEEPEST: Final = 100
_HINT: Final = (
    'give a native script as cardano-cli writes it, such as {"type": "sig", "keyHash": …}'
)


@dataclass(frozen=True, slots=True)
class Signed:
    """The key with this hash (28 bytes) signs."""

    key_hash: bytes


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So many of the scripts agree."""

    required: int
    scripts: tuple[NativeScript, ...]


@dataclass(frozen=True, slots=True)
class All:
    """All of the scripts agree."""

    scripts: tuple[NativeScript, ...]


@dataclass(frozen=True, slots=True)
class After:
    """The transaction can't be in a block before this slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class Before:
    """The transaction can't be in a block in or after this slot."""

    slot: int


@dataclass(frozen=True, slots=True)
class Either:
    """One of the scripts agrees."""

    scripts: tuple[NativeScript, ...]


NativeScript: TypeAlias = "Signed | AtLeast | All | Either | After | Before"


def script_of(native: NativeScript) -> Script:
    """The script as the ledger has it; its `hash` is the credential."""
    return Script("native", _encoded(native))


def _encoded(native: NativeScript) -> bytes:
    match native:
        case Signed(key_hash):
            return array((integer(0), encode_bytes(key_hash)))
        case All(scripts):
            return array((integer(1), _all_encoded(scripts)))
        case Either(scripts):
            return array((integer(2), _all_encoded(scripts)))
        case AtLeast(required, scripts):
            return array((integer(3), integer(required), _all_encoded(scripts)))
        case After(slot):
            return array((integer(4), integer(slot)))
        case Before(slot):
            return array((integer(5), integer(slot)))


def _all_encoded(scripts: Sequence[NativeScript]) -> bytes:
    return array([_encoded(script) for script in scripts])


def from_cbor(code: bytes) -> NativeScript:
    """A script as the ledger has it. Raises `InvalidEncoding`."""
    return _from_item(cbor.read(code), 0)


def _from_item(item: Item, depth: int) -> NativeScript:
    if depth > DEEPEST:
        raise InvalidEncoding(f"scripts in scripts, over {DEEPEST} deep")
    kind, *rest = item.array() or (item,)
    match kind.unsigned(), rest:
        case 0, [key_hash]:
            return Signed(key_hash.bytes(28))
        case 1, [scripts]:
            return All(_from_items(scripts, depth))
        case 2, [scripts]:
            return Either(_from_items(scripts, depth))
        case 3, [required, scripts]:
            return AtLeast(required.integer(), _from_items(scripts, depth))
        case 4, [slot]:
            return After(slot.unsigned())
        case 5, [slot]:
            return Before(slot.unsigned())
    raise InvalidEncoding(f"not a native script at byte {item.start}")


def _from_items(item: Item, depth: int) -> tuple[NativeScript, ...]:
    return tuple(_from_item(each, depth + 1) for each in item.array())


def signers_of(native: NativeScript) -> frozenset[bytes]:
    """The key hashes that the script names anywhere."""
    match native:
        case Signed(key_hash):
            return frozenset((key_hash,))
        case All(scripts) | Either(scripts) | AtLeast(_, scripts):
            return frozenset().union(*map(signers_of, scripts))
    return frozenset()


def most_signers(native: NativeScript) -> frozenset[bytes]:
    """The largest set of keys that an agreement with none to spare can take: what a fee is planned for."""
    match native:
        case Signed(key_hash):
            return frozenset((key_hash,))
        case All(scripts):
            needed = len(scripts)
        case Either(scripts):
            needed = 1
        case AtLeast(required, scripts):
            needed = max(0, required)
        case _:
            return frozenset()
    found = sorted(map(most_signers, scripts), key=lambda each: (-len(each), sorted(each)))
    return frozenset().union(*found[:needed])


def fewest_signers(
    native: NativeScript,
    available: Collection[bytes],
    valid_from_slot: int | None,
    valid_until_slot: int | None,
) -> frozenset[bytes] | None:
    """As few of the `available` keys as the script agrees with; None where it doesn't with all of them.

    Of a script that names a key twice, it may be more than the fewest. A time lock is judged by the
    transaction's validity alone: an open end proves nothing. Source: `evalTimelock`.
    """
    match native:
        case Signed(key_hash):
            return frozenset((key_hash,)) if key_hash in available else None
        case After(slot):
            holds = valid_from_slot is not None and slot <= valid_from_slot
            return frozenset() if holds else None
        case Before(slot):
            holds = valid_until_slot is not None and valid_until_slot <= slot
            return frozenset() if holds else None
        case All(scripts):
            needed = len(scripts)
        case Either(scripts):
            needed = 1
        case AtLeast(required, scripts):
            needed = max(0, required)
    inner = (fewest_signers(each, available, valid_from_slot, valid_until_slot) for each in scripts)
    found = sorted(
        (each for each in inner if each is not None), key=lambda each: (len(each), sorted(each))
    )
    return None if len(found) < needed else frozenset().union(*found[:needed])


def to_json(native: NativeScript) -> dict[str, Any]:
    """As cardano-cli reads it."""
    match native:
        case Signed(key_hash):
            return {"type": "sig", "keyHash": key_hash.hex()}
        case All(scripts):
            return {"type": "all", "scripts": [to_json(script) for script in scripts]}
        case Either(scripts):
            return {"type": "any", "scripts": [to_json(script) for script in scripts]}
        case AtLeast(required, scripts):
            listed = [to_json(script) for script in scripts]
            return {"type": "atLeast", "required": required, "scripts": listed}
        case After(slot):
            return {"type": "after", "slot": slot}
        case Before(slot):
            return {"type": "before", "slot": slot}


def from_json(raw: Any, path: str = "script") -> NativeScript:
    """A script in cardano-cli's JSON. Raises `InvalidEncoding` that says where it is none."""
    return _parsed(raw, path, 0)


def script_address(raw: Any, network_id: int, path: str = "script") -> Address:
    """The address of a script in cardano-cli's JSON, without a staking part. Raises as `from_json`."""
    return Address(network_id, script_credential(script_of(from_json(raw, path)).hash()))


def _parsed(raw: Any, path: str, depth: int) -> NativeScript:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if depth > DEEPEST:
        raise InvalidEncoding(f"scripts in scripts, over {DEEPEST} deep", path=path, hint=_HINT)
    match raw:
        case {"type": "sig", "keyHash": str() as digits}:
            return Signed(_key_hash(digits, path))
        case {"type": "all", "scripts": list() as scripts}:
            return All(_list(scripts, path, depth))
        case {"type": "any", "scripts": list() as scripts}:
            return Either(_list(scripts, path, depth))
        case {"type": "atLeast", "required": int() as required, "scripts": list() as scripts}:
            return AtLeast(required, _list(scripts, path, depth))
        case {"type": "after", "slot": int() as slot} if 0 <= slot < 1 << 64:
            return After(slot)
        case {"type": "before", "slot": int() as slot} if 0 <= slot < 1 << 64:
            return Before(slot)
    what = "" if kind is None else f" of type {str(kind)[:40]!r}"
    raise InvalidEncoding(f"not a native script{what}", path=path, hint=_HINT)


def _key_hash(digits: str, path: str) -> bytes:
    try:
        key_hash = bytes.fromhex(digits)
    except ValueError:
        key_hash = b""
    if len(key_hash) != 28:
        raise InvalidInput(
            f"{digits[:60]!r} is not a key's hash",
            path=f"{path}.keyHash",
            hint="give 56 hexadecimal digits, as `cardano-cli address key-hash` prints them",
        )
    return key_hash


def _list(scripts: list[Any], path: str, depth: int) -> tuple[NativeScript, ...]:
    return tuple(
        _parsed(script, f"{path}.scripts[{number}]", depth + 1)
        for number, script in enumerate(scripts)
    )
