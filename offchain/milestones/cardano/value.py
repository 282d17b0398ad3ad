"""Amounts of lovelace and of native tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple


class AssetId(NamedTuple):
    """A native token: its policy (28 bytes) and its name (0 to 32 bytes). Two empty strings are lovelace."""

    policy_id: bytes
    asset_name: bytes

    def __str__(self) -> str:
        return f"{self.policy_id.hex()}.{self.asset_name.hex()}" if self.policy_id else "lovelace"


LOVELACE: Final = AssetId(b"", b"")


@dataclass(frozen=True, slots=True)
class Value:
    """Lovelace and tokens; quantities may be negative (a burn, a difference), zeros are dropped."""

    lovelace: int = 0
    assets: Mapping[AssetId, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept = {asset: n for asset, n in sorted(self.assets.items()) if n}
        object.__setattr__(self, "assets", kept)

    @classmethod
    def of(cls, asset: AssetId, quantity: int) -> Value:
        """`quantity` of one asset, which may be `LOVELACE`."""
        return cls(quantity) if asset == LOVELACE else cls(0, {asset: quantity})

    def quantity(self, asset: AssetId) -> int:
        """How much of `asset` is here; 0 if none."""
        return self.lovelace if asset == LOVELACE else self.assets.get(asset, 0)

    def __add__(self, other: Value) -> Value:
        assets = dict(self.assets)
        for asset, quantity in other.assets.items():
            assets[asset] = assets.get(asset, 0) + quantity
        return Value(self.lovelace + other.lovelace, assets)

    def __neg__(self) -> Value:
        return Value(-self.lovelace, {asset: -n for asset, n in self.assets.items()})

    def __sub__(self, other: Value) -> Value:
        return self + -other

    def covers(self, other: Value) -> bool:
        """Whether every quantity here is at least the other's."""
        missing = (self - other).assets.values()
        return self.lovelace >= other.lovelace and all(n > 0 for n in missing)

    def __hash__(self) -> int:
        return hash((self.lovelace, tuple(self.assets.items())))

    def policies(self) -> Iterator[bytes]:
        """The policies that occur, each once, in order."""
        yield from dict.fromkeys(asset.policy_id for asset in self.assets)
