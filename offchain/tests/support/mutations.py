"""What a mutation is: one change to a valid transaction, and what the ledger must say to it.

A mutation is given a copy of a proposal and the ground it stands on, and returns the changed bytes; None
where the transaction has nothing to change. Expected codes are Ogmios'; none means accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from nacl.signing import SigningKey

from tests.support.proposals import Proposal, value_of, with_lovelace
from tests.support.proving_ground import ProvingGround
from tests.support.random_scripts import native_lock

Apply = Callable[[Proposal, ProvingGround], "bytes | None"]


@dataclass(frozen=True)
class Mutation:
    """A kind of change: its name, the codes of which one must be the answer, and how it is made.

    What is accepted and `lasting` may take the place of the transaction it was made from.
    """

    name: str
    codes: frozenset[int]
    apply: Apply
    lasting: bool = False


STRANGER: Final = SigningKey(b"\x99" * 32)
"""Signs where nobody asks for it."""
UNUSED: Final = native_lock([2, [[5, 99]]])
"""A script that guards nothing."""

MUTATIONS: Final[list[Mutation]] = []
"""Every kind, in the order of definition."""


def refused(*codes: int) -> Callable[[Apply], Apply]:
    """Marks a mutation that must be refused with (one of) these codes."""
    return _register(frozenset(codes))


def accepted(apply: Apply) -> Apply:
    """Marks a mutation that must be accepted."""
    return _register(frozenset(), lasting=True)(apply)


def accepted_but_not_kept(apply: Apply) -> Apply:
    """Marks a mutation that must be accepted, whose outputs would burden all that follows."""
    return _register(frozenset())(apply)


def _register(codes: frozenset[int], *, lasting: bool = False) -> Callable[[Apply], Apply]:
    def register(apply: Apply) -> Apply:
        MUTATIONS.append(Mutation(apply.__name__, codes, apply, lasting))
        return apply

    return register


def sealed_with_body(p: Proposal, change: Callable[[dict[Any, Any]], object]) -> bytes:
    """Seals with a change of the body that hashes, fee and signatures follow."""
    p.body_step = change  # type: ignore[assignment]
    return p.seal()


def sealed_with_witnesses(p: Proposal, change: Callable[[dict[Any, Any]], object]) -> bytes:
    """Seals with a change of the witnesses that the script integrity hash follows."""
    p.witness_step = change  # type: ignore[assignment]
    return p.seal()


def sealed_with_signatures(p: Proposal, change: Callable[[dict[Any, Any]], object]) -> bytes:
    """Seals with a change of the witnesses after all is signed."""
    p.signature_step = change  # type: ignore[assignment]
    return p.seal()


def more_lovelace(output: Any, lovelace: int) -> Any:
    """The output with this much more, or less."""
    return with_lovelace(output, value_of(output)[0] + lovelace)
