"""The query parameters of `/matches`. Source: Kupo's `Kupo.Data.Http`.

As in Kupo, unknown parameters are ignored, and so are those for tokens and transactions that are bare.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from milestones.devnet.blocks import Point
from milestones.devnet.kupo.patterns import machine_word
from milestones.devnet.kupo.records import Match
from milestones.errors import InvalidInput

Query = list[tuple[str, str | None]]
"""Parameters in order; None for a bare flag."""

_BOUNDS = {
    "created_after": ("lower", "created"),
    "spent_after": ("lower", "spent"),
    "created_before": ("upper", "created"),
    "spent_before": ("upper", "spent"),
}


@dataclass(frozen=True, slots=True)
class MatchFilter:
    """What is asked for beside the pattern. Slots are inclusive."""

    status: str | None = None
    resolve_hashes: bool = False
    oldest_first: bool = False
    lower: tuple[str, int] | None = None
    upper: tuple[str, int] | None = None
    policy_id: bytes | None = None
    asset_name: bytes | None = None
    transaction_id: bytes | None = None
    output_index: int | None = None

    @property
    def created_since(self) -> int | None:
        """The slot before which nothing is asked for; None where there is no such bound."""
        return self.lower[1] if self.lower is not None and self.lower[0] == "created" else None

    def admits(self, match: Match) -> bool:
        """Whether a match of the pattern is in the answer."""
        if self.status is not None and (match.spent is not None) != (self.status == "spent"):
            return False
        return self._in_range(match) and self._is_named(match)

    def _in_range(self, match: Match) -> bool:
        for bound, below in ((self.lower, True), (self.upper, False)):
            if bound is None:
                continue
            slot = match.created.slot if bound[0] == "created" else _spent_slot(match)
            if slot is None or (slot < bound[1] if below else slot > bound[1]):
                return False
        return True

    def _is_named(self, match: Match) -> bool:
        reference = match.reference
        if self.transaction_id is not None:
            same = reference.transaction_id == self.transaction_id
            return same and self.output_index in (None, reference.index)
        return self.policy_id is None or any(
            asset.policy_id == self.policy_id and self.asset_name in (None, asset.asset_name)
            for asset in match.output.value.assets
        )


def _spent_slot(match: Match) -> int | None:
    return None if match.spent is None else match.spent.point.slot


def read_filter(query: Query, check_point: Callable[[Point], None]) -> MatchFilter:
    """Reads the parameters. Raises `InvalidInput` whose `path` is the parameter that is wrong.

    Points among them are given to `check_point`, which may refuse them.
    """
    policy_id, asset_name = _asset(query)
    transaction_id, output_index = _output(query)
    if policy_id is not None and transaction_id is not None:
        raise InvalidInput("filter by token or by transaction, not by both", path="policy_id")
    return MatchFilter(
        status=_status(query),
        resolve_hashes=_flag(query, "resolve_hashes"),
        oldest_first=_order(query) == "oldest_first",
        lower=_bound(query, "lower", check_point),
        upper=_bound(query, "upper", check_point),
        policy_id=policy_id,
        asset_name=asset_name,
        transaction_id=transaction_id,
        output_index=output_index,
    )


def read_transaction_id(query: Query) -> bytes | None:
    """The only filter that metadata has. Raises `InvalidInput` for the others of matches."""
    policy_id, _ = _asset(query)
    transaction_id, output_index = _output(query)
    if policy_id is not None or output_index is not None:
        raise InvalidInput("metadata can't be filtered by this", path="transaction_id")
    return transaction_id


def read_slot(text: str) -> int:
    """An absolute slot. Raises `InvalidInput` for anything but digits, or one past half of 64 bits."""
    slot = machine_word(text, 64) if re.fullmatch("[0-9]+", text) else -1
    if not 0 <= slot < (1 << 63) - 2:
        raise InvalidInput("is no absolute slot", path="slot")
    return slot


def read_point(text: str) -> Point | None:
    """`SLOT.HEADER_HASH`; None for a slot alone. Raises `InvalidInput` for anything else."""
    slot, dot, header_hash = text.strip().partition(".")
    if not dot:
        read_slot(text)
        return None
    if not re.fullmatch("[0-9a-fA-F]{64}", header_hash):
        raise InvalidInput("a header hash has 64 digits in base16", path="header_hash")
    return Point(read_slot(slot), bytes.fromhex(header_hash))


def _values(query: Query, name: str) -> Iterator[str | None]:
    return (value for key, value in query if key == name)


def _one(query: Query, name: str, form: str) -> str | None:
    values = list(_values(query, name))
    if not values:
        return None
    value = values[0]
    if len(values) > 1 or value is None or not re.fullmatch(form, value):
        raise InvalidInput("must be given once, in its own form", path=name)
    return value


def _flag(query: Query, name: str) -> bool:
    values = list(_values(query, name))
    if values and values[0] is not None:
        raise InvalidInput("is a bare flag, without a value", path=name)
    return bool(values)


def _without_bare(query: Query) -> Query:
    return [(name, value) for name, value in query if value is not None]


def _status(query: Query) -> str | None:
    given = [name for name in ("spent", "unspent") for _ in _values(query, name)]
    if any(not _flag(query, name) for name in given) or len(given) > 1:
        raise InvalidInput("give one of 'spent' and 'unspent', once", path=given[-1])
    return given[0] if given else None


def _order(query: Query) -> str | None:
    return _one(query, "order", "most_recent_first|oldest_first")


def _asset(query: Query) -> tuple[bytes | None, bytes | None]:
    query = _without_bare(query)
    policy_id = _one(query, "policy_id", "[0-9a-fA-F]{56}")
    asset_name = _one(query, "asset_name", "([0-9a-fA-F]{2}){0,32}")
    if asset_name is not None and policy_id is None:
        raise InvalidInput("needs a 'policy_id'", path="asset_name")
    return _bytes(policy_id), _bytes(asset_name)


def _output(query: Query) -> tuple[bytes | None, int | None]:
    query = _without_bare(query)
    transaction_id = _one(query, "transaction_id", "[0-9a-fA-F]{64}")
    output_index = _one(query, "output_index", "[0-9]+")
    if output_index is not None and transaction_id is None:
        raise InvalidInput("needs a 'transaction_id'", path="output_index")
    index = None if output_index is None else machine_word(output_index, 16)
    return _bytes(transaction_id), index


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _bound(query: Query, side: str, check_point: Callable[[Point], None]) -> tuple[str, int] | None:
    found = [name for name, (bound_side, _) in _BOUNDS.items() if bound_side == side]
    given = [name for name in found if list(_values(query, name))]
    if len(given) > 1:
        raise InvalidInput(f"can't be combined with {given[0]!r}", path=given[1])
    if not given:
        return None
    text = _one(query, given[0], ".+") or ""
    point = read_point(text)
    if point is not None:
        check_point(point)
    return _BOUNDS[given[0]][1], read_slot(text) if point is None else point.slot
