"""By what right a distribution is ended, what is left of each opening, and what is said for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from milestones.cardano.address import Credential
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.errors import NotFound
from milestones.protocol.terms import Terms
from milestones.services.backend import ChainTime
from milestones.services.board_preflight import must_be_over
from milestones.services.distribution.on_chain import LiveNotice, LiveVault, OnChain
from milestones.services.preflight import must_be_closable, must_be_the_creator

Right = Literal["creator", "notice", "home"]
"""`creator`: its key signs, and gets everything. `notice`: one whose grace is over; anybody may, and all
goes to the terms' refund. `home`: so may anybody where the creator is a script, once all is paid or may be
reclaimed, after the word for it."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What one transaction closes, beside what there is room for.

    `word` is the notice, or the word, that gives the right to end it; None where the creator's key does, or
    it is still to be said.
    """

    terms_utxo: Utxo
    vaults: tuple[LiveVault, ...]
    word: LiveNotice | None = None

    @property
    def remaining(self) -> int:
        """What its vaults still hold for their allocations."""
        return sum(vault.state.remaining for vault in self.vaults)

    def with_word(self, word: LiveNotice) -> Opening:
        """The same once the word is said."""
        return replace(self, word=word)


def right_to_end(on_chain: OnChain, payer: Credential, time: ChainTime) -> Right:
    """By what right whoever pays can end it now.

    Raises `NotAllowedYet` (`grace`, `irrevocable`, `reclaim_after`), or `InvalidInput` for a key that is
    not the creator's, whatever stands before it.
    """
    terms, ends_at = on_chain.terms, on_chain.ends_at_posix_ms
    is_creator = terms.creator.kind == "key" and terms.creator == payer
    if is_creator and _is_reclaimable(on_chain, time):
        return "creator"
    if ends_at is not None and ends_at <= time.now_posix_ms:
        return "notice"
    if terms.creator.kind == "script" and _is_reclaimable(on_chain, time):
        return "home"
    if ends_at is not None:
        must_be_over(ends_at, time)
    if terms.creator.kind == "key":
        must_be_the_creator(terms, payer)
    must_be_closable(on_chain, time)
    raise AssertionError("what is closable can be ended")


def _is_reclaimable(on_chain: OnChain, time: ChainTime) -> bool:
    reclaim_after = on_chain.terms.reclaim_after_posix_ms
    return not on_chain.remaining or (
        reclaim_after is not None and reclaim_after <= time.now_posix_ms
    )


def first_moment(terms: Terms, opening: Opening) -> int | None:
    """From when on the chain lets it end, POSIX milliseconds; None where it always does."""
    if opening.word is not None and not opening.word.notice.is_home:
        return opening.word.notice.said_at_posix_ms + terms.grace_ms
    return terms.reclaim_after_posix_ms if opening.remaining else None


def left_to_close(
    on_chain: OnChain, right: Right, time: ChainTime, taken: Collection[OutputReference]
) -> tuple[list[Opening], Sequence[Utxo]]:
    """The openings that can be ended, and what goes along as far as there is room; all but what is `taken`.

    That is the board, attestations and, last, notices and words: anybody can say thousands of words. A
    notice ends one opening, and so does a word. Raises `NotFound`.
    """
    terms = [utxo for utxo in on_chain.terms_utxos if utxo.reference not in taken]
    vaults = [vault for vault in on_chain.vaults if vault.utxo.reference not in taken]
    attestations = [
        live.utxo
        for group in on_chain.attestations.values()
        for live in group
        if live.utxo.reference not in taken
    ]
    pages = [
        [vault for vault in vaults if vault.state.page == page]
        for page in range(len(on_chain.terms.pages))
    ]
    if any(len(of_page) < len(terms) for of_page in pages):
        raise NotFound(
            "not every vault of this distribution can be found",
            hint="run `milestones init`: Kupo may not have indexed the contract from its beginning",
        )
    openings = [
        Opening(utxo, tuple(of_page[number] for of_page in pages))
        for number, utxo in enumerate(terms)
    ]
    found, notices = _with_words(openings, on_chain, right, time, taken)
    board = [] if on_chain.board is None else [on_chain.board.utxo]
    boards = [utxo for utxo in board if utxo.reference not in taken]
    return found, (*boards, *attestations, *notices)


def _with_words(
    openings: list[Opening],
    on_chain: OnChain,
    right: Right,
    time: ChainTime,
    taken: Collection[OutputReference],
) -> tuple[list[Opening], list[Utxo]]:
    """The openings, each with its word, and the notices and words that aren't needed."""
    notices = [live for live in on_chain.notices if live.utxo.reference not in taken]
    if right == "home":
        # The chain takes a notice beside this word for the notice's end: one that was given stays.
        notices = [live for live in notices if live.notice.is_home]
    words = [live for live in notices if _gives(right, live, on_chain.terms, time)]
    if right == "notice":
        openings = openings[: len(words)]
    found = []
    for opening, word in zip(openings, [*words, *[None] * len(openings)], strict=False):
        found.append(opening if word is None else opening.with_word(word))
    used = {word.utxo for word in words[: len(found)]}
    return found, [live.utxo for live in notices if live.utxo not in used]


def _gives(right: Right, live: LiveNotice, terms: Terms, time: ChainTime) -> bool:
    """Whether a notice, or a word, gives this right now."""
    if right == "notice":
        over_at = live.notice.said_at_posix_ms + terms.grace_ms
        return not live.notice.is_home and over_at <= time.now_posix_ms
    return right == "home" and live.notice.is_home
