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


def signers_within(
    native: NativeScript, valid_from_slot: int | None, valid_until_slot: int | None
) -> frozenset[bytes]:
    """The key hashes that can count within this validity: a closed lock shuts out those behind it."""
    if not can_agree(native, valid_from_slot, valid_until_slot):
        return frozenset()
    match native:
        case All(scripts) | Either(scripts) | AtLeast(_, scripts):
            inner = (signers_within(each, valid_from_slot, valid_until_slot) for each in scripts)
            return frozenset().union(*inner)
    return signers_of(native)


def most_signers(native: NativeScript, anyway: frozenset[bytes] = frozenset()) -> frozenset[bytes]:
    """The largest set of keys that an agreement with none to spare can take: what a fee is planned for.

    Those who sign `anyway` are not in it. Where a script names a key several times, it may be more than the
    largest set, and of keys that don't agree: what counts is their number.
    """
    named = sorted(signers_of(native) - anyway)
    return frozenset(named[: _most(native, anyway)])


def _most(native: NativeScript, anyway: frozenset[bytes]) -> int:
    """How many keys an agreement can take beside those."""
    match native:
        case Signed(key_hash):
            return int(key_hash not in anyway)
        case After() | Before():
            return 0
        case _:
            # What agrees by those who sign anyway is never asked for more.
            left = [each for each in native.scripts if fewest_signers(each, anyway) is None]
            needed = max(0, _needed(native) - (len(native.scripts) - len(left)))
            most = sorted((_most(each, anyway) for each in left), reverse=True)
            return sum(most[:needed])


def _needed(native: All | Either | AtLeast) -> int:
    """How many of its scripts must agree."""
    match native:
        case All(scripts):
            return len(scripts)
        case Either():
            return 1
        case AtLeast(required):
            return max(0, required)


def fewest_signers(
    native: NativeScript,
    available: Collection[bytes],
    valid_from_slot: int | None = None,
    valid_until_slot: int | None = None,
    *,
    anyway: frozenset[bytes] = frozenset(),
) -> frozenset[bytes] | None:
    """As few of the `available` keys as the script agrees with; None where it doesn't with all of them.

    Those who sign `anyway` cost nothing. Of a script that names a key twice, it may be more than the fewest.
    A time lock is judged by the transaction's validity alone: an open end proves nothing. Source:
    `evalTimelock`.
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
        case _:
            inner = (
                fewest_signers(each, available, valid_from_slot, valid_until_slot, anyway=anyway)
                for each in native.scripts
            )
            found = sorted(
                (each for each in inner if each is not None),
                key=lambda each: (len(each - anyway), sorted(each)),
            )
            needed = _needed(native)
            return None if len(found) < needed else frozenset().union(*found[:needed])


@dataclass(frozen=True, slots=True)
class Locks:
    """The slots that a script's time locks name, ascending."""

    after: tuple[int, ...]
    before: tuple[int, ...]

    @classmethod
    def of(cls, native: NativeScript) -> Locks:
        """All of them, however deep."""
        match native:
            case Signed():
                return cls((), ())
            case After(slot):
                return cls((slot,), ())
            case Before(slot):
                return cls((), (slot,))
            case _:
                inner = [cls.of(each) for each in native.scripts]
                after = {slot for each in inner for slot in each.after}
                before = {slot for each in inner for slot in each.before}
                return cls(tuple(sorted(after)), tuple(sorted(before)))

    def narrowed(
        self, now_slot: int, soon_slot: int, first: int | None, last: int | None
    ) -> tuple[int | None, int | None]:
        """The validity (first slot, first slot after it) within which as many locks hold as can now.

        No `after` that is still to come, and no `before` up to `soon_slot`.
        """
        starts = (slot for slot in (*self.after, first) if slot is not None)
        ends = (slot for slot in (*self.before, last) if slot is not None)
        opened = [slot for slot in starts if slot <= now_slot or slot == first]
        closing = [slot for slot in ends if slot > soon_slot or slot == last]
        return max(opened, default=None), min(closing, default=None)


def can_agree(
    native: NativeScript, valid_from_slot: int | None, valid_until_slot: int | None
) -> bool:
    """Whether the script agrees within this validity if everybody signs whom it names."""
    everybody = signers_of(native)
    return fewest_signers(native, everybody, valid_from_slot, valid_until_slot) is not None


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
        case {"type": "atLeast", "required": int() as required, "scripts": list() as scripts} if (
            not isinstance(required, bool)
        ):
            return AtLeast(required, _list(scripts, path, depth))
        case {"type": "after", "slot": int() as slot} if _is_slot(slot):
            return After(slot)
        case {"type": "before", "slot": int() as slot} if _is_slot(slot):
            return Before(slot)
    what = "" if kind is None else f" of type {str(kind)[:40]!r}"
    raise InvalidEncoding(f"not a native script{what}", path=path, hint=_HINT)


def _is_slot(number: int) -> bool:
    return not isinstance(number, bool) and 0 <= number < 1 << 64


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
