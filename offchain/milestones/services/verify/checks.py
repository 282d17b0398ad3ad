"""What `verify` looks at: each check has a name, an outcome, and a sentence that says what was found.

Facts about the distribution as a whole are here; whether a single allocation can be paid is judged in
`verify`, by the same rules as at registration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from milestones.cardano.value import LOVELACE
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.domain.reading import Problem
from milestones.domain.schedule import MOST_SIGNATURES
from milestones.errors import InvalidEncoding
from milestones.protocol.datums import bitmap_length
from milestones.protocol.distribution import Distribution
from milestones.protocol.terms import NO_METADATA, Terms
from milestones.protocol.validator_loader import Contract
from milestones.services.distribution.in_use import spare_lovelace, unpaid_leaves
from milestones.services.distribution.on_chain import LiveVault, OnChain
from milestones.services.distribution.powers import script_creator_warning
from milestones.services.distribution.state import DistributionState
from milestones.services.results import View

Outcome = Literal["passed", "warning", "not_checked", "failed"]
PASSED: Final = "passed"
WARNING: Final = "warning"
NOT_CHECKED: Final = "not_checked"
FAILED: Final = "failed"


class Check(View):
    """One line of the audit.

    `warning`: nothing is wrong with the distribution, but somebody who counts on it should know.
    `not_checked`: what it takes isn't known to whoever asks.
    """

    name: str
    outcome: Outcome
    detail: str

    @classmethod
    def of(cls, name: str, holds: bool, detail: str) -> Check:
        """A check that either passes or fails."""
        return cls(name=name, outcome=PASSED if holds else FAILED, detail=detail)


@dataclass(frozen=True, slots=True)
class Openings:
    """How often terms with this id were put on chain, and the datum of the newest (CBOR)."""

    count: int
    unspent: int
    datum: bytes | None


def address_check(distribution_id: bytes, vault_hash: bytes) -> Check:
    """That the address is this contract's was found out before anything could be looked up."""
    detail = f"locked by the vault script {vault_hash.hex()}, names the id {distribution_id.hex()}"
    return Check.of("address", True, detail)


def terms_check(terms: Terms) -> Check:
    """The datum is exactly what this program would write."""
    if terms.oddities:
        detail = f"not well-formed: {'; '.join(terms.oddities)}. Claims don't depend on it"
        return Check.of("terms", False, detail)
    return Check.of("terms", True, "the datum has every field, and nothing else")


def unreadable_check(openings: Openings, network_id: int) -> Check | None:
    """Terms that can't be read at all, which the contract lets nobody open; None where there are some."""
    if openings.datum is None:
        return Check.of("terms", False, "the terms' token is there without a datum")
    try:
        Terms.found(openings.datum, network_id)
    except InvalidEncoding as error:
        return Check.of("terms", False, f"not well-formed: {error.message}")
    return None


def terms_checks(
    state: DistributionState, openings: Openings, magic: int, contract: Contract
) -> list[Check]:
    """What the terms promise, whatever the schedule says."""
    on_chain, terms = state.on_chain, state.on_chain.terms
    return [
        terms_check(terms),
        _id(on_chain),
        *([] if terms.metadata == NO_METADATA else _metadata(terms, magic, contract)),
        _open(state),
        _opened_once(openings),
        _total(terms),
        _quorum(terms),
        _creator(terms, contract),
        _token(terms, contract),
    ]


def _id(on_chain: OnChain) -> Check:
    recomputed = on_chain.terms.distribution_id
    same = recomputed == on_chain.distribution_id
    detail = f"the terms' hash is {recomputed.hex()}" + (
        "" if same else ", the address names another"
    )
    return Check.of("id", same, detail)


def _metadata(terms: Terms, magic: int, contract: Contract) -> Iterator[Check]:
    named, version = terms.metadata.network_magic, terms.metadata.contract_version
    detail = f"the terms name the network with magic {named}; the node's is {magic}"
    yield Check.of("network", named == magic, detail)
    detail = f"the terms name version {version!r}; this contract is {contract.version!r}"
    yield Check.of("contract_version", version == contract.version, detail)


def _open(state: DistributionState) -> Check:
    if state.status == "open":
        return Check.of("open", True, "the terms are unspent")
    if state.status == "completed":
        return Check.of("open", True, "it was closed once all was paid")
    how = "was cancelled, after a notice" if state.status == "cancelled" else "was ended"
    detail = f"it {how}: {state.returned_amount} went back, and nothing can be claimed any more"
    return Check(name="open", outcome=WARNING, detail=detail)


def _opened_once(openings: Openings) -> Check:
    if openings.count == 1:
        return Check.of("opened_once", True, "these terms were opened once")
    detail = (
        f"these terms were opened {openings.count} times, {openings.unspent} of them are still open:"
        " all share one id, so every attestation counts for each of them"
    )
    return Check.of("opened_once", False, detail)


def _total(terms: Terms) -> Check:
    total = sum(terms.page_amount(page) for page in range(len(terms.pages)))
    detail = f"{len(terms.pages)} pages add up to {total}, the terms say {terms.total_token_amount}"
    return Check.of("total", total == terms.total_token_amount, detail)


def _quorum(terms: Terms) -> Check:
    oracles, quorum = len(terms.oracles), terms.quorum_threshold
    passed = 1 <= quorum <= min(oracles, MOST_SIGNATURES)
    detail = f"{quorum} of {oracles} oracles must sign"
    if quorum > MOST_SIGNATURES:
        detail += f": over {MOST_SIGNATURES} signatures don't fit into one transaction"
    return Check.of("quorum", passed, detail)


def _creator(terms: Terms, contract: Contract) -> Check:
    detail = f"a {terms.creator.kind}, {terms.creator.hash.hex()}"
    if terms.creator.hash in contract.own_scripts:
        return Check.of("creator", False, f"{detail}: the contract")
    warning = script_creator_warning(terms)
    if warning is not None:
        return Check(name="creator", outcome=WARNING, detail=warning)
    return Check.of("creator", True, detail)


def _token(terms: Terms, contract: Contract) -> Check:
    own = terms.token.policy_id in contract.own_scripts
    return Check.of("token", not own, str(terms.token))


def reclaim_check(on_chain: OnChain, now_posix_ms: int, last_vesting: int | None) -> Check:
    """Whether the creator can take anything back, and from when on."""
    reclaim_after_ms = on_chain.terms.reclaim_after_posix_ms
    if reclaim_after_ms is None:
        exceptions = ", except after a notice" if on_chain.terms.cancel_by else ""
        return Check.of("reclaim", True, f"irrevocable: nothing can be taken back{exceptions}")
    when = in_words(to_posix_seconds(reclaim_after_ms))
    if last_vesting is not None and reclaim_after_ms <= last_vesting * 1000:
        detail = f"the creator can take back what is unclaimed from {when} on, before all is vested"
        return Check.of("reclaim", False, detail)
    if now_posix_ms >= reclaim_after_ms and on_chain.remaining:
        detail = f"since {when} the creator can take back what is unclaimed, at any moment"
        return Check(name="reclaim", outcome=WARNING, detail=detail)
    detail = f"the creator can take back what is unclaimed from {when} on, not before"
    return Check.of("reclaim", True, detail)


def vault_checks(
    on_chain: OnChain, distribution: Distribution | None, lovelace_per_utxo_byte: int
) -> Iterator[Check]:
    """A line for each page: its vault is there, holds what it owes, and has paid what it says."""
    if on_chain.closed:
        return
    by_page: dict[int, list[LiveVault]] = {}
    for vault in on_chain.vaults:
        by_page.setdefault(vault.state.page, []).append(vault)
    for page in range(len(on_chain.terms.pages)):
        vaults = by_page.get(page, [])
        problems = [
            *_vault_problems(on_chain, vaults, page, distribution),
            *_ada_problems(on_chain, vaults, distribution, lovelace_per_utxo_byte),
        ]
        left = sum(vault.state.remaining for vault in vaults)
        promised = on_chain.terms.page_amount(page)
        detail = "; ".join(problems) or f"holds {left} of {promised}, as its datum says"
        yield Check.of(f"vault {page}", not problems, detail)


def _vault_problems(
    on_chain: OnChain, vaults: list[LiveVault], page: int, distribution: Distribution | None
) -> Iterator[str]:
    if not vaults:
        yield "there is no vault for this page"
    index_of = on_chain.terms.paging.index_of
    for vault in vaults:
        state, held = vault.state, vault.utxo.output.value
        if held.quantity(on_chain.terms.token) < state.remaining:
            owed = held.quantity(on_chain.terms.token)
            yield f"it holds {owed} and owes {state.remaining}"
        if len(state.claimed) != bitmap_length(on_chain.terms.page_depth):
            yield "its bitmap has the wrong length"
            continue
        if distribution is not None and distribution.complete:
            claimed = {index_of(page, leaf) for leaf in state.claimed_leaves()}
            totals = distribution.allocations.totals_of(claimed)
            paid = sum(total.amount for total in totals.values())
            if paid + state.remaining != on_chain.terms.page_amount(page):
                yield f"it paid {paid} and has {state.remaining} left: together not the page's sum"


def _ada_problems(
    on_chain: OnChain,
    vaults: list[LiveVault],
    distribution: Distribution | None,
    lovelace_per_utxo_byte: int,
) -> Iterator[str]:
    """A vault of ADA without a deposit of its own, or the allowances: they come out of what it owes."""
    if on_chain.terms.token != LOVELACE:
        return
    for vault in vaults:
        allowances = on_chain.terms.allowance_lovelace * unpaid_leaves(
            on_chain, vault, distribution
        )
        spare = spare_lovelace(on_chain, vault, lovelace_per_utxo_byte)
        lacking, needed = allowances - spare, "what its output must hold"
        if allowances:
            needed += ", and of the allowances,"
        if vault.state.remaining and lacking > 0:
            yield (
                f"it lacks {lacking} lovelace of {needed} beside what it owes: the last to claim would"
                " have to add them"
            )


def attestations_check(on_chain: OnChain) -> Check:
    """Which milestones are attested, and that they could be: by oracles, a waiver, or a proposal."""
    wrong = [
        live.utxo.reference
        for found in on_chain.attestations.values()
        for live in found
        if not _could_attest(on_chain.terms, live.attestation.signers)
    ]
    if wrong:
        quorum = on_chain.terms.quorum_threshold
        detail = f"{wrong[0]} names fewer than {quorum} oracles of the terms as signers"
        return Check.of("attestations", False, detail)
    unsigned = {
        live.attestation.milestone_identifier
        for found in on_chain.attestations.values()
        for live in found
        if not live.attestation.signers
    }
    names = ", ".join(
        f"{name} (no oracle signed)" if name in unsigned else name
        for name in sorted(on_chain.attested())
    )
    detail = f"attested: {names}" if names else "no milestone is attested yet"
    return Check.of("attestations", True, detail)


def _could_attest(terms: Terms, signers: tuple[bytes, ...]) -> bool:
    """Who sat on an earlier board isn't known any more: of these only that somebody signed."""
    if not signers:
        return terms.waiver_after_posix_ms is not None or terms.objectors > 0
    if terms.rotatable is not None:
        return True
    return len(set(signers) & set(terms.oracles)) >= terms.quorum_threshold


BOUNDED_BY_THE_CHAIN: Final = frozenset(
    {"cancel_grace_seconds", "review_period_seconds", "review_bond_lovelace"}
)
"""Where terms say what this program would not: the chain takes its own minimum, or nothing at all."""


def rules_check(problems: Iterable[Problem]) -> Check:
    """The rules of a schedule that are not about one allocation.

    A period that the chain takes for its own minimum harms nobody, and neither does one of a power that
    the terms don't give.
    """
    listed = list(problems)
    broken = [f"{problem.path}: {problem.message}" for problem in listed]
    detail = "; ".join(broken) or "the schedule keeps every rule that this program opens by"
    if broken and all(problem.path in BOUNDED_BY_THE_CHAIN for problem in listed):
        return Check(name="rules", outcome=WARNING, detail=detail)
    return Check.of("rules", not broken, detail)


def allocations_check(able: int, whole: int, *, complete: bool, closed: bool) -> Check:
    """How many allocations can be paid at all; of a closed distribution, how many were."""
    known = "" if complete else " of those that the claim file shows"
    if closed:
        detail = f"{able} of {whole} allocations{known} were paid"
        outcome: Outcome = PASSED if able == whole else WARNING
        return Check(name="allocations", outcome=outcome, detail=detail)
    detail = f"{able} of {whole} allocations{known} can be paid, or are paid already"
    return Check.of("allocations", able == whole, detail)
