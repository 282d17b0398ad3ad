"""Signatures of oracles that were collected in a file, for what is no milestone.

Only the form of a signature is looked at; the chain alone says whether it is genuine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from milestones.cardano.hashes import blake2b_224
from milestones.domain.models import OracleSignature
from milestones.domain.quorum import QuorumState, quorum_state
from milestones.errors import InvalidSignature, NotAllowedYet
from milestones.protocol.oracle_signatures import witness_of
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import Statement, parse_statement
from milestones.protocol.validator_loader import Contract
from milestones.services.distribution.on_chain import OnChain
from milestones.transactions.contract_drafts import Sitting

S = TypeVar("S", bound=Statement)
FIELD: Final = "oracle_signatures"


@dataclass(frozen=True, slots=True)
class Collected(Generic[S]):
    """A statement, and the signatures of oracles that sit, in the oracles' order: `needed` or more."""

    statement: S
    needed: int
    witnesses: tuple[OracleWitness, ...]


def signers_of(witnesses: Sequence[OracleWitness]) -> tuple[bytes, ...]:
    """The oracles who made these signatures (28 bytes each)."""
    return tuple(blake2b_224(witness.verification_key) for witness in witnesses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(Generic[S]):
    """What signatures are looked for: of this kind, and such that `fits`; `needed` oracles make it count.

    `named` says in words what is signed, such as "this proposal is objected to".
    """

    kind: type[S]
    named: str
    needed: int
    fits: Callable[[S], bool] = lambda _: True


def collected(
    wanted: Wanted[S], entries: Sequence[OracleSignature], on_chain: OnChain, contract: Contract
) -> Collected[S]:
    """The best supported of the statements that are wanted, with enough signatures of oracles that sit.

    Raises `InvalidSignature` with a path such as `oracle_signatures[1].signature` for an entry of a wrong
    form, or where none is about this; `NotAllowedYet` (`quorum`) where too few oracles signed.
    """
    said = said_about(wanted.kind, entries, on_chain, contract)
    about = [entry for entry, statement in said if wanted.fits(statement)]
    if not about:
        raise InvalidSignature(
            f"no entry says of this distribution that {wanted.named}",
            path=FIELD,
            hint="give the file that `milestones oracle sign --output` wrote for it",
        )
    sitting = on_chain.sitting
    state = quorum_state(
        about,
        quorum_threshold=wanted.needed,
        total_oracles=len(sitting.oracles),
        oracles=sitting.oracles,
    )
    if state.signed_data is None or state.missing:
        raise _too_few(state, about, sitting, wanted.named)
    witnesses = tuple(witness_of(entry) for entry in state.signatures)
    return Collected(wanted.kind.parse(state.signed_data), wanted.needed, witnesses)


def said_about(
    kind: type[S], entries: Sequence[OracleSignature], on_chain: OnChain, contract: Contract
) -> list[tuple[OracleSignature, S]]:
    """The entries that hold a statement of this kind about the distribution, each with the statement.

    Raises `InvalidSignature` with a path such as `oracle_signatures[1].signature` for a wrong form.
    """
    whose = (contract.policy_id, on_chain.distribution_id)
    return [
        (entry, statement)
        for entry, statement in _read(kind, entries)
        if (statement.policy_id, statement.distribution_id) == whose
    ]


def _read(kind: type[S], entries: Sequence[OracleSignature]) -> Iterator[tuple[OracleSignature, S]]:
    for index, entry in enumerate(entries):
        try:
            witness_of(entry)
            statement = parse_statement(entry.signed_data)
        except InvalidSignature as error:
            raise error.inside(f"{FIELD}[{index}]") from None
        if isinstance(statement, kind):
            yield entry, statement


def _too_few(
    state: QuorumState, entries: Sequence[OracleSignature], sitting: Sitting, named: str
) -> NotAllowedYet:
    strangers = sorted({str(e.oracle_address) for e in entries if e.oracle not in sitting.oracles})
    others = f"; those of {', '.join(strangers)} don't count, they don't sit" if strangers else ""
    return NotAllowedYet(
        "quorum",
        f"{state.signature_count} of the {state.quorum_threshold} oracles that it takes have signed that"
        f" {named}{others}",
        hint="let more oracles sign the same bytes with `milestones oracle sign`",
        details={
            "signature_count": state.signature_count,
            "quorum_threshold": state.quorum_threshold,
            "not_sitting": strangers,
        },
    )
