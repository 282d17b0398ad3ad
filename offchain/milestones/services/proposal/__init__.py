"""`proposal`: milestones that anybody says are complete, and that count unless oracles object."""

from milestones.services.proposal.common import ProposalEnded
from milestones.services.proposal.confirm import ProposalConfirmed, proposal_confirm
from milestones.services.proposal.object import ProposalStopped, proposal_object
from milestones.services.proposal.retire import ProposalRetired, proposal_retire
from milestones.services.proposal.show import ProposalsShown, proposal_show
from milestones.services.proposal.submit import ProposalSubmitted, proposal_submit

__all__ = [
    "ProposalConfirmed",
    "ProposalEnded",
    "ProposalRetired",
    "ProposalStopped",
    "ProposalSubmitted",
    "ProposalsShown",
    "proposal_confirm",
    "proposal_object",
    "proposal_retire",
    "proposal_show",
    "proposal_submit",
]
