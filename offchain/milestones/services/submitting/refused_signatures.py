"""Which oracle's signature the chain refuses: asked of the node, for each oracle on its own.

The contract fails a transaction for one bad signature among many, and doesn't say which. So each is
evaluated alone, against terms that are not on the chain and differ from the real ones in a quorum of
one. The node's own evaluator is the judge; nothing is verified here, and nothing is submitted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Generic, TypeVar

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.errors import ChainRejected, MilestonesError
from milestones.protocol.datums import Terms
from milestones.services.backend import Backend
from milestones.services.distribution.signatures_at_hand import SignedStatement
from milestones.services.submitting.funds import Funds
from milestones.services.submitting.submission import build
from milestones.transactions.contract_drafts import Attesting, PublishedScripts, attest_draft

SCRIPTS_FAILED: Final = 3010
"""Ogmios' code for an evaluation in which a script failed."""
REFUSED_ORACLES: Final = "refused_oracles"
"""The detail of an error that names them."""
T = TypeVar("T")
NOWHERE: Final = OutputReference(bytes(32), 0)
"""No transaction has this id."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What it takes to build an attestation: the terms and their UTxO, the scripts, and who would pay.

    `not_on_chain_yet` are outputs of transactions that are only built so far, which may be what pays.
    """

    terms: Terms
    terms_utxo: Utxo
    scripts: PublishedScripts
    funds: Funds
    parameters: ProtocolParameters
    not_on_chain_yet: tuple[Utxo, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted(Generic[T]):
    """What was built with an attestation, and the oracles (28 bytes each) that were left out for it."""

    built: T
    attesting: Attesting
    refused: frozenset[bytes]


async def with_good_signatures(
    backend: Backend,
    bench: Bench,
    statements: Sequence[SignedStatement],
    build_with: Callable[[Attesting], Awaitable[T]],
) -> Accepted[T]:
    """Builds something around the attestation of the first statement that the chain takes.

    Each of `statements` has a quorum of signatures. Where a script says no, every oracle's signature is
    tried alone; the good ones are used if they are still a quorum. Raises `ChainRejected` that names the
    bad ones, or as it came where the signatures are not to blame.
    """
    refused: frozenset[bytes] = frozenset()
    for signed in statements:
        attesting = signed.attesting(bench.terms)
        try:
            return Accepted(await build_with(attesting), attesting, refused)
        except ChainRejected as error:
            if not is_script_failure(error):
                raise
            bad = await refused_oracles(backend, bench, signed, signed.witnesses)
            if not bad:
                raise
            refused, failure = refused | bad, error
        if len(signed.witnesses) - len(bad) >= bench.terms.quorum_threshold:
            attesting = signed.attesting(bench.terms, without=bad)
            return Accepted(await build_with(attesting), attesting, refused)
    raise _bad_signatures(bench.terms, refused, failure)


def refusals(terms: Terms, refused: frozenset[bytes]) -> list[str]:
    """A warning for every oracle that was left out."""
    return [
        f"the chain refuses the signature of oracle {address}: it was left out"
        for address in oracle_addresses(terms, refused)
    ]


def oracle_addresses(terms: Terms, oracles: Iterable[bytes]) -> tuple[Address, ...]:
    """The oracles (28 bytes each) as addresses, in ascending order."""
    return tuple(Address(terms.network_id, key_credential(oracle)) for oracle in sorted(oracles))


def _bad_signatures(
    terms: Terms, refused: frozenset[bytes], failure: ChainRejected
) -> ChainRejected:
    names = [str(address) for address in oracle_addresses(terms, refused)]
    error = ChainRejected(
        f"the chain refuses the signature of {', '.join(names)}, and without it there is no quorum",
        rejection_code=failure.rejection_code,
        data=failure.data,
        hint="let that oracle sign the bytes of `milestones oracle payload` again, and commit them",
    )
    error.details[REFUSED_ORACLES] = names
    return error


def blames_signatures(error: MilestonesError) -> bool:
    """Whether it says that too few of the oracles' signatures are good."""
    return REFUSED_ORACLES in error.details


def is_script_failure(error: ChainRejected) -> bool:
    """Whether a script said no, and not the ledger."""
    return error.rejection_code == SCRIPTS_FAILED


async def refused_oracles(
    backend: Backend, bench: Bench, signed: SignedStatement, oracles: Iterable[bytes]
) -> frozenset[bytes]:
    """Those of the oracles (28 bytes each) whose signature of the statement the contract refuses."""
    return frozenset(
        [oracle for oracle in oracles if await _is_refused(backend, bench, signed, oracle)]
    )


async def _is_refused(
    backend: Backend, bench: Bench, signed: SignedStatement, oracle: bytes
) -> bool:
    lenient = replace(bench.terms, quorum_threshold=1)
    output = replace(bench.terms_utxo.output, inline_datum=lenient.encode())
    terms_utxo = Utxo(NOWHERE, output)
    attesting = Attesting.of(lenient, signed.statement, [signed.witnesses[oracle]])
    draft = attest_draft(attesting, terms=terms_utxo, scripts=bench.scripts)
    unseen = [terms_utxo, *bench.not_on_chain_yet]
    try:
        await build(backend, draft, bench.funds, bench.parameters, not_on_chain_yet=unseen)
    except ChainRejected as error:
        if not is_script_failure(error):
            raise
        return True
    return False
