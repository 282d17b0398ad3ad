"""A signature that came from anywhere: whether the chain takes it, asked of the node before it is kept.

Who collects signatures from strangers can't keep whatever they send: one that is forged would stand in the
place of a genuine one. The node's evaluator is the judge, as everywhere; nothing is sent, and nobody pays.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import Value
from milestones.domain.models import MilestoneIdentifier, OracleSignature
from milestones.errors import InvalidSignature, NotAllowedYet
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.oracle_signatures import witness_of
from milestones.protocol.statements import (
    MilestoneStatement,
    NoticeStatement,
    ObjectionStatement,
    RotationStatement,
    Statement,
    parse_statement,
)
from milestones.services.backend import Backend, require_network, select_version
from milestones.services.board_preflight import (
    must_be_rotatable,
    must_let_cancel,
    must_take_proposals,
)
from milestones.services.distribution.on_chain import OpenDistribution, read_on_chain
from milestones.services.distribution.signatures import must_be_for_contract
from milestones.services.preflight import must_be_open, must_not_be_attested
from milestones.services.sending.attestations import alone, is_refused
from milestones.services.sending.building import BuildContext
from milestones.services.sending.funds import Funds
from milestones.services.sending.payer import Payer
from milestones.services.sending.published_scripts import require_published

_IMAGINED: Final = OutputReference(b"\xff" * 32, 0)
"""An output that pays for what is only evaluated; it is on no chain."""
_IMAGINED_LOVELACE: Final = 1_000_000_000_000


async def must_be_taken(
    backend: Backend, *, contract_address: ContractAddress, entry: OracleSignature
) -> Statement:
    """The chain takes this signature of an oracle who sits, about this distribution; what it says.

    Raises `InvalidSignature` where it doesn't, `NotAllowedYet` for what the terms don't let oracles say, or
    what is settled already (`attested`, `closed`), and `NotFound` for a proposal that isn't there.
    """
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    known = must_be_open(await read_on_chain(backend, contract_address))
    statement = parse_statement(entry.signed_data)
    must_be_for_contract(statement, backend.contract)
    if statement.distribution_id != known.distribution_id:
        raise InvalidSignature(
            f"the oracle signed for another distribution, {statement.distribution_id.hex()}",
            path="signed_data",
            hint="sign the statement of this one",
        )
    if entry.oracle not in known.sitting.oracles:
        raise InvalidSignature(
            f"{entry.oracle_address} is none of the oracles who sit",
            path="oracle_address",
            hint="sign with an oracle's address, which the terms or the board name",
        )
    _must_be_sayable(known, statement)
    context = await _context(backend, entry)
    draft, nowhere = alone(statement, witness_of(entry), known, context)
    if await is_refused(context, draft, nowhere):
        raise InvalidSignature(
            "the chain refuses this signature: it is not one of this oracle over these bytes",
            path="signature",
            hint="sign the statement anew, with the oracle's own key",
        )
    return statement


def _must_be_sayable(known: OpenDistribution, statement: Statement) -> None:
    match statement:
        case MilestoneStatement():
            milestone = MilestoneIdentifier.parse(statement.milestone_identifier)
            must_not_be_attested(known, milestone)
        case NoticeStatement():
            must_let_cancel(known.terms, "quorum")
        case ObjectionStatement():
            must_take_proposals(known.terms)
        case RotationStatement():
            following = must_be_rotatable(known).board.sequence + 1
            if statement.sequence != following:
                raise NotAllowedYet(
                    "replaced",
                    f"this is about board {statement.sequence}, and the next one is {following}",
                    hint="sign the statement about the next board",
                )


async def _context(backend: Backend, entry: OracleSignature) -> BuildContext:
    address = entry.oracle_address
    gift = Utxo(_IMAGINED, TransactionOutput(address.to_bech32(), Value(_IMAGINED_LOVELACE)))
    funds = Funds(payer=Payer(credential=address.payment), utxos=(gift,), change_address=address)
    scripts = await require_published(backend)
    context = await BuildContext.gather(backend, scripts, funds)
    return replace(context, not_on_chain_yet=(gift,))
