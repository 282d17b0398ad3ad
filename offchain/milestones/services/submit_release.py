"""`submit-release`: pays allocations out of the vaults, whoever asks for it.

Every rule is checked before anything is signed. Where somebody else spends a vault first, the
transactions are rebuilt on the new one, as long as the allocations are still unpaid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from milestones.cardano.address import Address
from milestones.domain.claims import ClaimState
from milestones.errors import MilestonesError, NotAllowedYet
from milestones.protocol.claim_file import ClaimFile
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend, chain_of, require_network, staleness, under
from milestones.services.distribution.claim_standing import ClaimStanding, claim_standing
from milestones.services.distribution.history import past_claims
from milestones.services.distribution.knowledge import known_distribution, recovery_warnings
from milestones.services.distribution.on_chain import OnChain, distribution_id_of, read_on_chain
from milestones.services.distribution.signatures_at_hand import statements_at_hand
from milestones.services.preflight import must_be_open, why_not
from milestones.services.releases.blame import warnings_of
from milestones.services.releases.building import BuiltRelease, Site
from milestones.services.releases.payable import Built, Till
from milestones.services.releases.plan import Chosen, Selection, choose, must_agree
from milestones.services.releases.report import ReleaseReport, ReleaseTransaction, report_of
from milestones.services.submitting.contention import rebuilding
from milestones.services.submitting.earlier import earlier_submissions
from milestones.services.submitting.funds import funds_of
from milestones.services.submitting.reference_scripts import require_published
from milestones.services.submitting.submission import Errand, see_through, submit
from milestones.storage.submission import ReleasePayload, Submission
from milestones.transactions.wallet import SigningKey

COMMAND: Final = "submit-release"


async def submit_release(
    backend: Backend,
    *,
    contract_address: Address,
    key: SigningKey,
    selection: Selection,
    claim_file: ClaimFile | None = None,
    dry_run: bool = False,
    wait: bool = False,
) -> ReleaseReport:
    """Pays the selected allocations with the key's ADA, in as many transactions as it takes.

    Where the oracles' quorum is at hand but not on the chain, the same transaction attests. A run that
    was cut off is finished: nothing is paid twice. Of a kind, all that the chain would pay is paid, and
    the rest named; what is named by its index is paid as a whole or not at all. Raises `NotAllowedYet`
    (`closed`, `claimed`, `vesting`, `quorum`, `min_ada`), `NotFound`, `InvalidInput`, `InsufficientFunds`,
    `LimitsExceeded`, `ChainRejected`, `OutcomeUnknown` and `ServiceUnavailable`.
    """
    must_agree(selection)
    backend = under(backend, contract_address.payment.hash)
    await require_network(backend)
    warnings = await staleness(backend)
    release = _Release(
        backend=backend,
        address=contract_address,
        key=key,
        selection=selection,
        claim_file=claim_file,
        dry_run=dry_run,
        wait=wait,
        warnings=warnings,
    )
    try:
        report = await rebuilding(backend, release.attempt, warnings)
    except MilestonesError as error:
        release.tell_what_was_sent(error)
        raise
    warnings += recovery_warnings(backend)
    return report.model_copy(update={"warnings": tuple(dict.fromkeys(warnings))})


@dataclass(slots=True, kw_only=True)
class _Release:
    """One command: what it was asked, and what was sent for it so far, over all attempts."""

    backend: Backend
    address: Address
    key: SigningKey
    selection: Selection
    claim_file: ClaimFile | None
    dry_run: bool
    wait: bool
    warnings: list[str]
    sent: dict[str, ReleaseTransaction] = field(default_factory=dict)

    async def attempt(self) -> ReleaseReport:
        """Looks, chooses, builds everything that is not sent yet, and sends it."""
        backend = self.backend
        if self.dry_run:
            await self._warn_of_earlier()
        else:
            await self._take_up_earlier()
        on_chain = await read_on_chain(backend, self.address)
        must_be_open(on_chain)
        distribution = await known_distribution(backend, on_chain, claim_file=self.claim_file)
        standing = await claim_standing(backend, on_chain, distribution)
        self._forget_what_was_not_asked_for(distribution)
        chosen = choose(standing.states, self.selection, ours=self._being_paid())
        if chosen.refused is not None:
            raise await self._refusal(on_chain, chosen.refused)
        built = await self._build(on_chain, distribution, standing, chosen)
        for release in built.releases:
            await self._send(distribution, release)
        if self.wait and not self.dry_run:
            await self._see_through()
        return report_of(
            tuple(self.sent.values()),
            chosen.skipped,
            built.left_out,
            allocations=distribution.allocations,
            contract_address=on_chain.address,
        )

    def tell_what_was_sent(self, error: MilestonesError) -> None:
        """Adds to an error what was sent before it."""
        hashes = [each.transaction_hash for each in self.sent.values() if not each.resumed]
        if hashes and not self.dry_run:
            error.details["transactions_sent"] = hashes
            error.hint += (
                f" ({len(hashes)} transactions were sent before: the same command goes on)"
            )

    async def _warn_of_earlier(self) -> None:
        """A dry run leaves the journal alone."""
        pending = self.backend.storage.journal.pending(
            await chain_of(self.backend),
            command=COMMAND,
            distribution_id=distribution_id_of(self.address, self.backend.contract),
        )
        self.warnings += [
            f"transaction {each.transaction_id} of an earlier run may still be on its way"
            for each in pending
        ]

    async def _take_up_earlier(self) -> None:
        """What earlier runs left open, and what has become of what this one has sent."""
        journal = self.backend.storage.journal
        distribution_id = distribution_id_of(self.address, self.backend.contract)
        earlier = await earlier_submissions(
            self.backend, command=COMMAND, distribution_id=distribution_id
        )
        for each in earlier:
            transaction_id = each.submission.transaction_id
            if transaction_id not in self.sent:
                self.sent[transaction_id] = _resumed(each.submission)
            if each.in_block:
                self.sent[transaction_id] = self.sent[transaction_id].now("confirmed")
        for transaction_id in list(self.sent):
            submission = journal.find(transaction_id)
            if submission is None or submission.status in ("rejected", "expired"):
                del self.sent[transaction_id]

    def _forget_what_was_not_asked_for(self, distribution: Distribution) -> None:
        for transaction_id, transaction in list(self.sent.items()):
            if not any(
                index in distribution.allocations
                and self.selection.includes(index, distribution.allocations[index])
                for index in transaction.allocations
            ):
                del self.sent[transaction_id]

    def _being_paid(self) -> frozenset[int]:
        return frozenset(n for each in self.sent.values() for n in each.allocations)

    async def _refusal(self, on_chain: OnChain, state: ClaimState) -> NotAllowedYet:
        """The rule that forbids it, with what there is to know about it."""
        backend, terms = self.backend, on_chain.terms
        statements = statements_at_hand(backend, terms, state.allocation.milestone_identifier)
        paid_by = None
        if state.status == "claimed":
            history = await past_claims(backend, on_chain)
            found = [c.transaction_id for c in history if c.index == state.index]
            paid_by = next((each.hex() for each in reversed(found) if each is not None), None)
        return why_not(
            state,
            signature_count=len(statements[0].witnesses) if statements else 0,
            quorum_threshold=terms.quorum_threshold,
            paid_by=paid_by,
        )

    async def _build(
        self,
        on_chain: OnChain,
        distribution: Distribution,
        standing: ClaimStanding,
        chosen: Chosen,
    ) -> Built:
        if on_chain.terms_utxo is None or not chosen.payable:
            return Built()
        backend = self.backend
        site = Site(
            distribution=distribution,
            terms_utxo=on_chain.terms_utxo,
            attestations=on_chain.attestation_utxos(),
            time=standing.time,
            parameters=await backend.ogmios.protocol_parameters(),
            scripts=await require_published(backend),
        )
        till = Till(backend, on_chain, site, whole=bool(self.selection.indices))
        built = await till.build(chosen.payable, await funds_of(backend, self.key))
        if built.left_out and not built.releases and not self.sent:
            raise built.left_out[0].error
        self.warnings += [*built.warnings, *warnings_of(built.left_out)]
        return built

    async def _send(self, distribution: Distribution, release: BuiltRelease) -> None:
        transaction = ReleaseTransaction.of(
            release.signed, release.batch, deposits_lovelace=release.deposits_lovelace
        )
        if not self.dry_run:
            transaction = transaction.now("submitted")
            errand = Errand(
                command=COMMAND,
                signed=release.signed,
                distribution_id=distribution.id,
                valid_until_slot=release.valid_until_slot,
                payload=ReleasePayload(
                    allocations=transaction.allocations,
                    attested=transaction.attested,
                    deposits_lovelace=transaction.deposits_lovelace,
                ),
            )
            await submit(self.backend, errand)
        self.sent[transaction.transaction_hash] = transaction

    async def _see_through(self) -> None:
        for transaction_id, transaction in self.sent.items():
            if transaction.status != "confirmed":
                await see_through(self.backend, transaction_id)
                self.sent[transaction_id] = transaction.now("confirmed")


def _resumed(submission: Submission) -> ReleaseTransaction:
    payload = submission.payload
    known = payload if isinstance(payload, ReleasePayload) else None
    return ReleaseTransaction(
        transaction_hash=submission.transaction_id,
        status="submitted",
        allocations=known.allocations if known else (),
        attested=known.attested if known else None,
        fee_lovelace=submission.fee_lovelace,
        collateral_lovelace=submission.collateral_lovelace,
        deposits_lovelace=known.deposits_lovelace if known else 0,
        size=submission.size,
        memory=submission.memory,
        cpu=submission.cpu,
        resumed=True,
    )
