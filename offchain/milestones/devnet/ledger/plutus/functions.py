"""The built-in functions as the machine calls them: signature, price and what they do, in one table."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from milestones.devnet.ledger.plutus.functions_crypto import crypto_functions
from milestones.devnet.ledger.plutus.functions_data import DATA_FUNCTIONS
from milestones.devnet.ledger.plutus.functions_numbers import NUMBER_FUNCTIONS, write_bits
from milestones.devnet.ledger.plutus.prices import Price, Prices, read_prices
from milestones.devnet.ledger.plutus.signatures import SIGNATURES, Signature

TRACE: Final = next(each.tag for each in SIGNATURES if each.name == "trace")
"""The function that leaves a line in the logs."""


class Function:
    """A built-in function of one cost model. `steps`: those of a term that gives it all at once."""

    __slots__ = ("arity", "call", "forces", "kinds", "name", "price", "steps", "tag")

    def __init__(
        self, signature: Signature, kinds: tuple[str, ...], price: Price, call: Callable[..., Any]
    ) -> None:
        self.tag, self.name, self.forces = signature.tag, signature.name, signature.forces
        self.kinds, self.arity, self.price, self.call = kinds, len(kinds), price, call
        self.steps = self.forces + self.arity + 1


@lru_cache(maxsize=16)
def functions_of(
    model: tuple[int, ...], language: str, protocol_version: int
) -> tuple[Prices, tuple[Function, ...]]:
    """A cost model's prices, and the functions by tag."""
    newest = protocol_version >= 11
    prices = read_prices(model, language, protocol_version)
    calls = {**NUMBER_FUNCTIONS, **DATA_FUNCTIONS, **crypto_functions(newest)}
    if not newest:
        calls["writeBits"] = write_bits
    is_v3 = language == "plutus:v3"
    return prices, tuple(
        Function(
            each,
            each.kinds_v3 if is_v3 else each.kinds,
            prices.functions[each.tag],
            calls[each.name],
        )
        for each in SIGNATURES
    )
