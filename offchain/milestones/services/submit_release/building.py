"""Builds the transactions of a release, one on another, before any of them is sent.

A later one spends the change, and perhaps the vault, that an earlier one leaves; the chain's evaluation
agrees to all before any is sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from milestones.cardano.outputs import OutputReference, Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.protocol.distribution import Distribution
from milestones.protocol.datums import Terms
from milestones.services.backend import Backend, ChainTime
from milestones.services.distribution.signatures import complete_statements
from milestones.services.sending.fitting import largest_that_fits
from milestones.services.sending.funds import Funds
from milestones.services.sending.refused_signatures import Bench, refusals, with_good_signatures
from milestones.services.sending.submission import build, valid_until
from milestones.services.submit_release.plan import Batch
from milestones.transactions.contract_drafts import Attesting
from milestones.transactions.contract_drafts import PublishedScripts
from milestones.transactions.contract_drafts import ReleaseSources, release_draft
from milestones.transactions.signing import SignedTransaction
from milestones.transactions.draft import TransactionDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What all transactions of one attempt have in common. `attestations` by milestone identifier."""

    distribution: Distribution
    terms_utxo: Utxo
    attestations: Mapping[str, Utxo]
    time: ChainTime
    parameters: ProtocolParameters
    scripts: PublishedScripts

    @property
    def terms(self) -> Terms:
        """The terms."""
        return self.distribution.terms


@dataclass(frozen=True, slots=True)
class BuiltRelease:
    """A signed transaction, what it pays, and until which slot it is valid.

    `deposits_lovelace` is the ADA that goes with the tokens and the attestation.
    """

    batch: Batch
    signed: SignedTransaction
    valid_until_slot: int
    deposits_lovelace: int


@dataclass(slots=True)
class ReleaseBuilder:
    """Grows a chain of transactions.

    `warnings` tell of oracles whose signatures were left out; `stopped_at` is what could not be built.
    """

    backend: Backend
    site: Site
    funds: Funds
    warnings: list[str] = field(default_factory=list)
    stopped_at: Batch | None = None
    _unseen: tuple[Utxo, ...] = ()
    _vaults: dict[OutputReference, Utxo] = field(default_factory=dict)
    _attestations: dict[str, Utxo] = field(default_factory=dict)
    _attesting: dict[str, Attesting] = field(default_factory=dict)

    async def build_all(self, batches: Sequence[Batch]) -> list[BuiltRelease]:
        """Transactions for all batches, in the order in which they must be sent.

        Raises `InsufficientFunds`, `LimitsExceeded` where not even one claim fits, `ChainRejected` where
        the contract refuses.
        """
        return [release async for release in self._chain(batches)]

    async def _chain(self, batches: Iterable[Batch]) -> AsyncIterator[BuiltRelease]:
        for batch in batches:
            waiting = batch
            while waiting.indices:
                self.stopped_at = waiting
                count, release = await self.largest(waiting)
                self._go_on(waiting.vault.utxo.reference, release)
                waiting = waiting.without_first(count)
                yield release
        self.stopped_at = None

    async def largest(self, batch: Batch) -> tuple[int, BuiltRelease]:
        """How many of the batch's allocations fit into the next transaction, and that one."""
        return await largest_that_fits(
            len(batch.indices), lambda count: self._built(batch.first(count))
        )

    async def _built(self, batch: Batch) -> BuiltRelease:
        milestone = batch.attests
        if milestone is None or milestone in self._attesting:
            return await self._with(
                batch, None if milestone is None else self._attesting[milestone]
            )
        site = self.site
        bench = Bench(
            site.terms, site.terms_utxo, site.scripts, self.funds, site.parameters, self._unseen
        )
        accepted = await with_good_signatures(
            self.backend,
            bench,
            complete_statements(self.backend, site.terms, milestone),
            lambda attesting: self._with(batch, attesting),
        )
        self._attesting[milestone] = accepted.attesting
        self.warnings += refusals(site.terms, accepted.refused)
        return accepted.built

    async def _with(self, batch: Batch, attesting: Attesting | None) -> BuiltRelease:
        site = self.site
        reference = batch.vault.utxo.reference
        sources = ReleaseSources(
            vault=self._vaults.get(reference, batch.vault.utxo),
            terms=site.terms_utxo,
            scripts=site.scripts,
            attestations={**site.attestations, **self._attestations},
            attesting=attesting,
        )
        until = valid_until(site.time)
        draft = release_draft(
            site.distribution,
            batch.indices,
            sources,
            valid_from_slot=_first_slot(site, batch),
            valid_until_slot=until,
        )
        signed = await build(
            self.backend, draft, self.funds, site.parameters, not_on_chain_yet=self._unseen
        )
        return BuiltRelease(batch, signed, until, _deposits_lovelace(draft, signed.outputs))

    def _go_on(self, vault: OutputReference, release: BuiltRelease) -> None:
        """What the next transaction finds."""
        signed, batch = release.signed, release.batch
        self.funds = replace(self.funds, utxos=signed.wallet_after(self.funds.utxos))
        self._vaults[vault] = signed.outputs[0]
        left = [signed.outputs[0], *signed.change]
        if batch.attests is not None:
            attestation = signed.outputs[1 + len(batch.indices)]
            self._attestations[batch.attests] = attestation
            left.append(attestation)
        spent = {utxo.reference for utxo in signed.inputs}
        self._unseen = (*(utxo for utxo in self._unseen if utxo.reference not in spent), *left)


def _first_slot(site: Site, batch: Batch) -> int:
    """The first slot that proves that all these allocations are vested."""
    clock, allocations = site.time.clock, site.distribution.allocations
    latest = max(allocations[index].vesting_posix_ms for index in batch.indices)
    return clock.first_slot_from(max(latest, clock.system_start_posix_ms))


def _deposits_lovelace(draft: TransactionDraft, outputs: tuple[Utxo, ...]) -> int:
    """What the outputs of the draft hold beyond what its inputs bring."""
    held = sum(utxo.output.value.lovelace for utxo in outputs[: len(draft.outputs)])
    return held - sum(spend.utxo.output.value.lovelace for spend in draft.spends)
