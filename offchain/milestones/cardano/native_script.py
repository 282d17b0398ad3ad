"""Native scripts (Allegra's time locks): as cardano-cli's JSON has them, and as the ledger hashes them.

Source: the ledger's CDDL, `native_script`; cardano-cli's documentation of simple scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from milestones.cardano.cbor import encode_bytes
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
