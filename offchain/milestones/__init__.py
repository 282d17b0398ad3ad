"""Milestone payouts on Cardano that nobody has to trust anybody for.

What a program may rely on stands in `__all__`, and a name is loaded when it is first used. Every command
is a function: a `Backend` and arguments in, an immutable result model out. Those that ask a service are
`async`; those that ask none take a `Workspace`. What goes wrong on purpose is a `MilestonesError`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from milestones import errors
    from milestones.cardano.address import Address
    from milestones.cardano.native_script import script_address
    from milestones.cardano.transaction import KeyWitness, Transaction
    from milestones.cardano.value import AssetId
    from milestones.domain.models import (
        Allocation,
        MilestoneSchedule,
        OracleSignature,
    )
    from milestones.domain.schedule import parse_schedule
    from milestones.errors import MilestonesError
    from milestones.keys.key_files import SigningKey, read_verification_key
    from milestones.keys.phrases import DerivationPath, Phrase
    from milestones.protocol.anchors import Anchor
    from milestones.protocol.claim_file import ClaimFile, parse_claim_file
    from milestones.protocol.distribution import (
        DistributionName,
        parse_contract_address,
    )
    from milestones.protocol.validator_loader import Contract, load_contract
    from milestones.services.attest import MilestoneAttested, Waiver, attest
    from milestones.services.backend import Backend, Network, Workspace, connect, open_workspace
    from milestones.services.calculate_distribution import (
        DistributionCalculated,
        calculate_distribution,
    )
    from milestones.services.cancel import NoticeGiven, cancel
    from milestones.services.check_status import StatusReport, check_status
    from milestones.services.claim_file import ClaimFileWritten, write_claim_file
    from milestones.services.close import Closed, close
    from milestones.services.commit_milestone import MilestoneCommitted, commit_milestone
    from milestones.services.deploy import Deployed, deploy, registered_schedule
    from milestones.services.distribution.series import find_series, paying, waiting_for
    from milestones.services.find import DistributionsFound, find_distributions
    from milestones.services.history import DistributionHistory, history
    from milestones.services.init import Initialised, init
    from milestones.services.keys import KeysShown, show_keys, show_phrase_keys
    from milestones.services.list import DistributionsListed, list_distributions
    from milestones.services.oracle import (
        NoticeToSign,
        ObjectionToSign,
        OraclePayload,
        OracleSigned,
        OraclesReplaced,
        RotationToSign,
        evidence_hash_of,
        notice_payload,
        objection_payload,
        oracle_import,
        oracle_payload,
        oracle_rotate,
        oracle_sign,
        rotation_payload,
    )
    from milestones.services.paying.budget import Budget
    from milestones.services.paying.plan import Selection
    from milestones.services.proposal import (
        ProposalConfirmed,
        ProposalRetired,
        ProposalsShown,
        ProposalStopped,
        ProposalSubmitted,
        proposal_confirm,
        proposal_object,
        proposal_retire,
        proposal_show,
        proposal_submit,
    )
    from milestones.services.publish_script import Published, publish_script
    from milestones.services.register_milestone import (
        Registered,
        SeriesRegistered,
        oldest_output,
        register_milestone,
        register_series,
    )
    from milestones.services.registered_token import RegisteredToken, registered_token
    from milestones.services.relay import Paid, Relayed, pay, relay
    from milestones.services.report import (
        BoardReport,
        ReportWritten,
        board_report,
        report_html,
        report_markdown,
        write_report,
    )
    from milestones.services.schedule import (
        AllocationsRead,
        ScheduleChecked,
        ScheduleTemplate,
        VestingPlanned,
        read_allocations,
        schedule_check,
        schedule_template,
        schedule_vesting,
    )
    from milestones.services.sending.payer import HandOut, Payer
    from milestones.services.series import (
        SeriesClaimFiles,
        SeriesDone,
        SeriesPlan,
        SeriesSigned,
        SeriesStatus,
        SeriesVerified,
        deploy_series,
        entries_about,
        in_series,
        plan_series,
        series_status,
        sign_in_series,
        verify_series,
        write_claim_files,
    )
    from milestones.services.stake import (
        StakeChanged,
        StakeShown,
        stake_delegate,
        stake_deregister,
        stake_register,
        stake_show,
        stake_withdraw,
    )
    from milestones.services.submit_release import ReleaseReport, submit_release
    from milestones.services.transaction import (
        HardwareChecked,
        TransactionAssembled,
        TransactionDropped,
        TransactionReport,
        TransactionShown,
        TransactionSigned,
        TransactionSubmitted,
        assemble_known_transaction,
        assemble_transaction,
        check_hardware,
        drop_transaction,
        show_known_transaction,
        show_transaction,
        sign_transaction,
        submit_transaction,
        transaction_status,
    )
    from milestones.services.verify import Verified, verify
    from milestones.storage.signature_files import read_signature_file
    from milestones.transactions.signers import Signer, SigningRequest
    from milestones.transactions.words import TransactionInWords

__version__ = "0.2.0.dev0"

__all__ = [
    "Address",
    "Allocation",
    "AllocationsRead",
    "Anchor",
    "AssetId",
    "Backend",
    "BoardReport",
    "Budget",
    "ClaimFile",
    "ClaimFileWritten",
    "Closed",
    "Contract",
    "Deployed",
    "DerivationPath",
    "DistributionCalculated",
    "DistributionHistory",
    "DistributionName",
    "DistributionsFound",
    "DistributionsListed",
    "HandOut",
    "HardwareChecked",
    "Initialised",
    "KeyWitness",
    "KeysShown",
    "MilestoneAttested",
    "MilestoneCommitted",
    "MilestoneSchedule",
    "MilestonesError",
    "Network",
    "NoticeGiven",
    "NoticeToSign",
    "ObjectionToSign",
    "OraclePayload",
    "OracleSignature",
    "OracleSigned",
    "OraclesReplaced",
    "Paid",
    "Payer",
    "Phrase",
    "ProposalConfirmed",
    "ProposalRetired",
    "ProposalStopped",
    "ProposalSubmitted",
    "ProposalsShown",
    "Published",
    "Registered",
    "RegisteredToken",
    "Relayed",
    "ReleaseReport",
    "ReportWritten",
    "RotationToSign",
    "ScheduleChecked",
    "ScheduleTemplate",
    "Selection",
    "SeriesClaimFiles",
    "SeriesDone",
    "SeriesPlan",
    "SeriesRegistered",
    "SeriesSigned",
    "SeriesStatus",
    "SeriesVerified",
    "Signer",
    "SigningKey",
    "SigningRequest",
    "StakeChanged",
    "StakeShown",
    "StatusReport",
    "Transaction",
    "TransactionAssembled",
    "TransactionDropped",
    "TransactionInWords",
    "TransactionReport",
    "TransactionShown",
    "TransactionSigned",
    "TransactionSubmitted",
    "Verified",
    "VestingPlanned",
    "Waiver",
    "Workspace",
    "__version__",
    "assemble_known_transaction",
    "assemble_transaction",
    "attest",
    "board_report",
    "calculate_distribution",
    "cancel",
    "check_hardware",
    "check_status",
    "close",
    "commit_milestone",
    "connect",
    "deploy",
    "deploy_series",
    "drop_transaction",
    "entries_about",
    "errors",
    "evidence_hash_of",
    "find_distributions",
    "find_series",
    "history",
    "in_series",
    "init",
    "list_distributions",
    "load_contract",
    "notice_payload",
    "objection_payload",
    "oldest_output",
    "open_workspace",
    "oracle_import",
    "oracle_payload",
    "oracle_rotate",
    "oracle_sign",
    "parse_claim_file",
    "parse_contract_address",
    "parse_schedule",
    "pay",
    "paying",
    "plan_series",
    "proposal_confirm",
    "proposal_object",
    "proposal_retire",
    "proposal_show",
    "proposal_submit",
    "publish_script",
    "read_allocations",
    "read_signature_file",
    "read_verification_key",
    "register_milestone",
    "register_series",
    "registered_schedule",
    "registered_token",
    "relay",
    "report_html",
    "report_markdown",
    "rotation_payload",
    "schedule_check",
    "schedule_template",
    "schedule_vesting",
    "script_address",
    "series_status",
    "show_keys",
    "show_known_transaction",
    "show_phrase_keys",
    "show_transaction",
    "sign_in_series",
    "sign_transaction",
    "stake_delegate",
    "stake_deregister",
    "stake_register",
    "stake_show",
    "stake_withdraw",
    "submit_release",
    "submit_transaction",
    "transaction_status",
    "verify",
    "verify_series",
    "waiting_for",
    "write_claim_file",
    "write_claim_files",
    "write_report",
]

_NAMES: Final = {
    "cardano.address": ("Address",),
    "cardano.native_script": ("script_address",),
    "cardano.transaction": ("KeyWitness", "Transaction"),
    "cardano.value": ("AssetId",),
    "domain.models": ("Allocation", "MilestoneSchedule", "OracleSignature"),
    "domain.schedule": ("parse_schedule",),
    "errors": ("MilestonesError",),
    "keys.key_files": ("SigningKey", "read_verification_key"),
    "keys.phrases": ("DerivationPath", "Phrase"),
    "protocol.anchors": ("Anchor",),
    "protocol.claim_file": ("ClaimFile", "parse_claim_file"),
    "protocol.distribution": ("DistributionName", "parse_contract_address"),
    "protocol.validator_loader": ("Contract", "load_contract"),
    "services.attest": ("MilestoneAttested", "Waiver", "attest"),
    "services.backend": ("Backend", "Network", "Workspace", "connect", "open_workspace"),
    "services.calculate_distribution": ("DistributionCalculated", "calculate_distribution"),
    "services.cancel": ("NoticeGiven", "cancel"),
    "services.check_status": ("StatusReport", "check_status"),
    "services.claim_file": ("ClaimFileWritten", "write_claim_file"),
    "services.close": ("Closed", "close"),
    "services.commit_milestone": ("MilestoneCommitted", "commit_milestone"),
    "services.deploy": ("Deployed", "deploy", "registered_schedule"),
    "services.find": ("DistributionsFound", "find_distributions"),
    "services.history": ("DistributionHistory", "history"),
    "services.init": ("Initialised", "init"),
    "services.keys": ("KeysShown", "show_keys", "show_phrase_keys"),
    "services.list": ("DistributionsListed", "list_distributions"),
    "services.oracle": (
        "NoticeToSign",
        "ObjectionToSign",
        "OraclePayload",
        "OracleSigned",
        "OraclesReplaced",
        "RotationToSign",
        "evidence_hash_of",
        "notice_payload",
        "objection_payload",
        "oracle_import",
        "oracle_payload",
        "oracle_rotate",
        "oracle_sign",
        "rotation_payload",
    ),
    "services.proposal": (
        "ProposalConfirmed",
        "ProposalRetired",
        "ProposalStopped",
        "ProposalSubmitted",
        "ProposalsShown",
        "proposal_confirm",
        "proposal_object",
        "proposal_retire",
        "proposal_show",
        "proposal_submit",
    ),
    "services.publish_script": ("Published", "publish_script"),
    "services.register_milestone": (
        "Registered",
        "SeriesRegistered",
        "oldest_output",
        "register_milestone",
        "register_series",
    ),
    "services.registered_token": ("RegisteredToken", "registered_token"),
    "services.report": (
        "BoardReport",
        "ReportWritten",
        "board_report",
        "report_html",
        "report_markdown",
        "write_report",
    ),
    "services.paying.budget": ("Budget",),
    "services.paying.plan": ("Selection",),
    "services.relay": ("Paid", "Relayed", "pay", "relay"),
    "services.schedule": (
        "AllocationsRead",
        "ScheduleChecked",
        "ScheduleTemplate",
        "VestingPlanned",
        "read_allocations",
        "schedule_check",
        "schedule_template",
        "schedule_vesting",
    ),
    "services.sending.payer": ("HandOut", "Payer"),
    "services.distribution.series": ("find_series", "paying", "waiting_for"),
    "services.series": (
        "SeriesClaimFiles",
        "SeriesSigned",
        "entries_about",
        "sign_in_series",
        "write_claim_files",
        "SeriesDone",
        "SeriesPlan",
        "SeriesStatus",
        "SeriesVerified",
        "deploy_series",
        "in_series",
        "plan_series",
        "series_status",
        "verify_series",
    ),
    "services.stake": (
        "StakeChanged",
        "StakeShown",
        "stake_delegate",
        "stake_deregister",
        "stake_register",
        "stake_show",
        "stake_withdraw",
    ),
    "services.submit_release": ("ReleaseReport", "submit_release"),
    "services.transaction": (
        "HardwareChecked",
        "TransactionAssembled",
        "TransactionDropped",
        "TransactionReport",
        "TransactionShown",
        "TransactionSigned",
        "TransactionSubmitted",
        "assemble_known_transaction",
        "assemble_transaction",
        "check_hardware",
        "drop_transaction",
        "show_known_transaction",
        "show_transaction",
        "sign_transaction",
        "submit_transaction",
        "transaction_status",
    ),
    "services.verify": ("Verified", "verify"),
    "storage.signature_files": ("read_signature_file",),
    "transactions.signers": ("Signer", "SigningRequest"),
    "transactions.words": ("TransactionInWords",),
}
"""The module of each name; importing the package imports none of them (PEP 562)."""

_HOMES: Final = {name: f"{__name__}.{home}" for home, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Loads a public name when it is first used."""
    if name == "errors":
        return import_module(f"{__name__}.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not, and the modules that are loaded."""
    return sorted({*globals(), *__all__})
