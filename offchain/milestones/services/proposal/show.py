"""`proposal show`: all proposals of a distribution, and how each stands."""

from __future__ import annotations

from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import AddressField, HexField
from milestones.errors import NotAllowedYet
from milestones.protocol.distribution import ContractAddress
from milestones.services.backend import (
    Backend,
    ChainTime,
    chain_time,
    require_network,
    select_version,
    staleness,
    storage_warnings,
)
from milestones.services.board_preflight import bond_return
from milestones.services.distribution.in_use import ProposalState, proposal_state
from milestones.services.distribution.naming import identify
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.results import Result, View
from milestones.transactions.board_drafts import LiveProposal


class ProposalView(View):
    """A proposal. Times in POSIX seconds, the bond in lovelace.

    `under_review`: oracles can object, and from `due_at` on it is `due`: anybody can confirm it. From
    `forgotten_at` on it is `forgotten`: anybody can retire it. `return_to` is where whoever proposed wants
    the bond back; None where no output can be there. `attested`: its milestone is complete already.
    """

    milestone_identifier: str
    state: ProposalState
    due_at: int
    forgotten_at: int
    proposal: str
    said_at: int
    bond_lovelace: int
    evidence_hash: HexField
    return_to: str | None
    attested: bool


class ProposalsShown(Result):
    """The proposals that wait, oldest first; `now` (POSIX seconds) is the chain's time.

    `objections_needed` is how many oracles stop one now; 0 where the terms allow none.
    """

    rows_in = "proposals"

    contract_address: AddressField
    distribution_id: HexField
    closed: bool
    objections_needed: int
    now: int
    proposals: tuple[ProposalView, ...]


async def proposal_show(backend: Backend, *, contract_address: ContractAddress) -> ProposalsShown:
    """Shows the proposals of a distribution, also of one that was closed. Raises `NotFound`."""
    backend = select_version(backend, contract_address.payment.hash)
    await require_network(backend)
    on_chain = await read_on_chain(backend, await identify(backend, contract_address))
    time = await chain_time(backend)
    return ProposalsShown(
        contract_address=on_chain.address,
        distribution_id=on_chain.distribution_id,
        closed=on_chain.closed,
        objections_needed=min(on_chain.terms.objectors, on_chain.sitting.quorum_threshold),
        now=time.now,
        proposals=tuple(_view(on_chain, live, time) for live in on_chain.proposals),
        warnings=(*await staleness(backend), *storage_warnings(backend)),
    )


def _view(on_chain: OnChain, live: LiveProposal, time: ChainTime) -> ProposalView:
    proposal = live.proposal
    try:
        return_to = bond_return(live, on_chain.terms.network_id).to_bech32()
    except NotAllowedYet:
        return_to = None
    return ProposalView(
        milestone_identifier=proposal.milestone_identifier,
        state=proposal_state(proposal, time.now_posix_ms),
        due_at=-(-proposal.due_at_posix_ms // 1000),
        forgotten_at=-(-proposal.forgotten_at_posix_ms // 1000),
        proposal=str(live.utxo.reference),
        said_at=to_posix_seconds(proposal.said_at_posix_ms),
        bond_lovelace=live.utxo.output.value.lovelace,
        evidence_hash=proposal.evidence_hash,
        return_to=return_to,
        attested=proposal.milestone in on_chain.attestations,
    )
