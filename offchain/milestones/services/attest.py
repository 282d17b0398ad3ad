"""`attest`: puts the signatures of a quorum of oracles on the chain, once for a milestone."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from milestones.cardano.address import Address
from milestones.domain.fields import AddressField, HexField
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import NotAllowedYet
from milestones.services.backend import Backend, chain_time, require_network, staleness, under
from milestones.services.distribution.knowledge import recovery_warnings
from milestones.services.distribution.on_chain import OnChain, read_on_chain
from milestones.services.distribution.signatures_at_hand import SignedStatement, statements_at_hand
from milestones.services.preflight import (
    must_be_milestone,
    must_be_open,
    must_not_be_attested,
)
from milestones.services.results import Result
from milestones.services.submitting.earlier import earlier_submissions
from milestones.services.submitting.funds import funds_of
from milestones.services.submitting.reference_scripts import require_published
from milestones.services.submitting.refused_signatures import (
    Accepted,
    Bench,
    oracle_addresses,
    refusals,
    with_good_signatures,
)
from milestones.services.submitting.submission import (
    Errand,
    SubmissionState,
    build,
    deliver,
    see_through,
    valid_until,
)
from milestones.storage.submission import AttestationPayload, Submission
from milestones.transactions.attest import Attesting, attest_draft
from milestones.transactions.tx_builder import SignedTransaction
from milestones.transactions.wallet import SigningKey

COMMAND: Final = "attest"


class MilestoneAttested(Result):
    """The attestation. Fee, collateral and deposit in lovelace; times in POSIX seconds.

    `refused_oracles` are those whose signature the chain refuses and that were left out. `resumed` says
    that an earlier run of the command had sent the transaction.
    """

    status: SubmissionState
    transaction_hash: str
    contract_address: AddressField
    distribution_id: HexField
    milestone_identifier: str
    verification_timestamp: int
    evidence_hash: HexField
    signers: tuple[AddressField, ...]
    refused_oracles: tuple[AddressField, ...] = ()
    fee_estimate: int
    collateral_amount: int
    deposit_lovelace: int
    transaction_size: int
    resumed: bool = False


async def attest(
    backend: Backend,
    *,
    contract_address: Address,
    milestone_identifier: str,
    key: SigningKey,
    dry_run: bool = False,
    wait: bool = False,
) -> MilestoneAttested:
    """Attests a milestone with the local record's signatures; the key pays, anybody's will do.

    Where the chain's evaluation refuses them, each is tried alone: those that are good are used if they
    make a quorum. Raises `NotAllowedYet` (`closed`, `attested`, `quorum`), `NotFound`, `ChainRejected`
    that names the oracles with bad signatures, `InsufficientFunds`, `OutcomeUnknown`.
    """
    milestone = must_be_milestone(milestone_identifier)
    backend = under(backend, contract_address.payment.hash)
    await require_network(backend)
    warnings = await staleness(backend)
    on_chain = await read_on_chain(backend, contract_address)
    must_be_open(on_chain)
    if not dry_run:
        resumed = await _resumed(backend, on_chain, milestone_identifier, wait=wait)
        if resumed is not None:
            return resumed
    must_not_be_attested(on_chain, milestone)
    statements = _quorums(backend, on_chain, milestone_identifier)
    warnings += recovery_warnings(backend)
    until = valid_until(await chain_time(backend))
    bench = await _bench(backend, on_chain, key)
    accepted = await with_good_signatures(
        backend, bench, statements, lambda attesting: _built(backend, bench, attesting, until)
    )
    warnings += refusals(on_chain.terms, accepted.refused)
    result = _result(on_chain, milestone_identifier, accepted)
    errand = Errand(
        command=COMMAND,
        signed=accepted.built,
        distribution_id=on_chain.distribution_id,
        valid_until_slot=until,
        sole=f"attest {milestone_identifier}",
        payload=_payload(milestone_identifier, accepted),
    )
    status = await deliver(backend, errand, dry_run=dry_run, wait=wait)
    return result.model_copy(update={"status": status, "warnings": tuple(warnings)})


async def _bench(backend: Backend, on_chain: OnChain, key: SigningKey) -> Bench:
    if on_chain.terms_utxo is None:
        raise NotAllowedYet(
            "closed",
            "this distribution was closed: an attestation would change nothing any more",
            hint="see what it had paid with `milestones check-status`",
        )
    return Bench(
        terms=on_chain.terms,
        terms_utxo=on_chain.terms_utxo,
        scripts=await require_published(backend),
        funds=await funds_of(backend, key),
        parameters=await backend.ogmios.protocol_parameters(),
    )


def _quorums(
    backend: Backend, on_chain: OnChain, milestone_identifier: str
) -> list[SignedStatement]:
    """The statements that enough oracles signed. Raises `NotAllowedYet` where there is none."""
    threshold = on_chain.terms.quorum_threshold
    statements = statements_at_hand(backend, on_chain.terms, milestone_identifier)
    complete = [signed for signed in statements if len(signed.witnesses) >= threshold]
    if complete:
        return complete
    count = len(statements[0].witnesses) if statements else 0
    raise NotAllowedYet(
        "quorum",
        f"milestone {milestone_identifier!r} has {count} of the {threshold} signatures it needs",
        hint="commit the missing oracle signatures with `milestones commit-milestone`",
        details={
            "milestone_identifier": milestone_identifier,
            "signature_count": count,
            "quorum_threshold": threshold,
        },
    )


async def _built(
    backend: Backend, bench: Bench, attesting: Attesting, until: int
) -> SignedTransaction:
    draft = attest_draft(attesting, terms=bench.terms_utxo, scripts=bench.scripts)
    draft = replace(draft, valid_until_slot=until)
    return await build(backend, draft, bench.funds, bench.parameters)


def _result(
    on_chain: OnChain, milestone_identifier: str, accepted: Accepted[SignedTransaction]
) -> MilestoneAttested:
    attestation, signed = accepted.attesting.attestation, accepted.built
    return MilestoneAttested(
        status="submitted",
        transaction_hash=signed.id.hex(),
        contract_address=on_chain.address,
        distribution_id=on_chain.distribution_id,
        milestone_identifier=milestone_identifier,
        verification_timestamp=to_posix_seconds(attestation.verification_posix_ms),
        evidence_hash=attestation.evidence_hash,
        signers=oracle_addresses(on_chain.terms, attestation.signers),
        refused_oracles=oracle_addresses(on_chain.terms, accepted.refused),
        fee_estimate=signed.fee_lovelace,
        collateral_amount=signed.collateral_lovelace,
        deposit_lovelace=signed.outputs[0].output.value.lovelace,
        transaction_size=signed.size,
    )


async def _resumed(
    backend: Backend, on_chain: OnChain, milestone_identifier: str, *, wait: bool
) -> MilestoneAttested | None:
    """The attestation that an earlier run sent without learning what became of it."""
    earlier = await earlier_submissions(
        backend, command=COMMAND, distribution_id=on_chain.distribution_id
    )
    for each in earlier:
        payload = each.submission.payload
        if (
            isinstance(payload, AttestationPayload)
            and payload.milestone_identifier == milestone_identifier
        ):
            if wait and not each.in_block:
                await see_through(backend, each.submission.transaction_id)
            confirmed = wait or each.in_block
            return _earlier(
                on_chain, each.submission, payload, "confirmed" if confirmed else "submitted"
            )
    return None


def _earlier(
    on_chain: OnChain,
    submission: Submission,
    payload: AttestationPayload,
    status: SubmissionState,
) -> MilestoneAttested:
    note = "an earlier run of this command had sent this transaction: nothing new was built"
    return MilestoneAttested(
        status=status,
        transaction_hash=submission.transaction_id,
        contract_address=on_chain.address,
        distribution_id=on_chain.distribution_id,
        milestone_identifier=payload.milestone_identifier,
        verification_timestamp=to_posix_seconds(payload.verification_posix_ms),
        evidence_hash=payload.evidence_hash,
        signers=oracle_addresses(on_chain.terms, payload.signers),
        refused_oracles=oracle_addresses(on_chain.terms, payload.refused_oracles),
        fee_estimate=submission.fee_lovelace,
        collateral_amount=submission.collateral_lovelace,
        deposit_lovelace=payload.deposit_lovelace,
        transaction_size=submission.size,
        resumed=True,
        warnings=(note,),
    )


def _payload(
    milestone_identifier: str, accepted: Accepted[SignedTransaction]
) -> AttestationPayload:
    attestation = accepted.attesting.attestation
    return AttestationPayload(
        milestone_identifier=milestone_identifier,
        verification_posix_ms=attestation.verification_posix_ms,
        evidence_hash=attestation.evidence_hash,
        signers=tuple(attestation.signers),
        refused_oracles=tuple(accepted.refused),
        deposit_lovelace=accepted.built.outputs[0].output.value.lovelace,
    )
