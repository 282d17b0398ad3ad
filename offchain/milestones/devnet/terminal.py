"""What the person who started a chain reads on the terminal: what there is, and what happens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, TextIO

from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.clock import utc
from milestones.devnet.funds import ACCOUNT_LOVELACE, DevelopmentAccount
from milestones.devnet.ledger.transaction import Transaction
from milestones.look.figures import ada, counted, visible

ACCOUNTS_WARNING: Final = """
Everybody knows these keys. They are for this chain alone: what is sent to
these addresses on a real network is lost to whoever takes it first."""
"""What a person is to know about the development accounts."""
LEAP_SECONDS: Final = 60
"""A block so much later than the one before has had the clock moved."""
SHOWN: Final = 20
"""Transactions of a block that are listed; the others are counted."""
_INDENT: Final = 10


def marks_text(chain: Chain) -> str:
    """That this is a fork, and whose witnesses are waived, for the person who started it."""
    lines = []
    if chain.fork is not None:
        facts = chain.fork.facts
        lines += [
            f"A fork of {facts.calendar.network_name}: what happens here happens here only.",
            f"  slot {facts.point.slot}, block {facts.height},",
            f"  {facts.point.header_hash.hex()}",
        ]
        if facts.parameters_at_tip:
            lines.append("  Its parameters are the tip's: the node can't go back so far.")
    if chain.impersonated:
        lines.append("NO WITNESS IS ASKED of these credentials, which no network would do:")
        lines += [f"  {each.hex()}" for each in sorted(chain.impersonated)]
    return "".join(f"{line}\n" for line in lines)


def accounts_text(accounts: Sequence[DevelopmentAccount]) -> str:
    """The development accounts, for the person who started the chain."""
    lines = [f"\n{len(accounts)} accounts, each with {ACCOUNT_LOVELACE // 1_000_000:,} ADA:"]
    for number, account in enumerate(accounts):
        lines.append(f"({number}) {account.address}")
        lines.append(f"    signing key (cborHex): {account.signing_key_cbor_hex}")
    return "\n".join((*lines, ACCOUNTS_WARNING, ""))


def transaction_words(shown: Transaction) -> str:
    """What a transaction is, in a few words: its outputs, tokens it makes or burns, and scripts that run."""
    minted, redeemers = shown.body.mint.assets.values(), shown.witnesses.redeemers
    parts = [counted(len(shown.body.outputs), "output")]
    for count, verb, thing in (
        (sum(quantity > 0 for quantity in minted), "mints", "token"),
        (sum(quantity < 0 for quantity in minted), "burns", "token"),
        (len(redeemers), "runs", "script"),
    ):
        if count:
            parts.append(f"{verb} {counted(count, thing)}")
    return ", ".join(parts)


class TerminalLog:
    """Writes a line for whatever happens to a chain, and an indented one for each transaction.

    A listener of the chain, and an observer of Ogmios' answers. Blocks without transactions, which come all
    the time, are only shown where somebody moves the clock or makes several.
    """

    def __init__(self, chain: Chain, stream: TextIO) -> None:
        self._chain, self._stream, self._seen = chain, stream, chain.tip

    def chain_changed(self) -> None:
        """Shows what is new since the last time: blocks that are gone, and blocks that came."""
        undone = 0
        while not self._chain.contains(self._seen):
            undone, self._seen = undone + 1, self._seen.parent or self._chain.blocks[0]
        if undone:
            blocks = counted(undone, "block")
            self._line("rollback", f"{blocks} taken away: the tip is block {self._seen.height}")
        empty = 0
        while (block := self._chain.next_after(self._seen)) is not None:
            self._leap(block)
            empty = 0 if block.inclusions else empty + 1
            self._block(block)
            self._seen = block
        if empty > 1:
            self._line("blocks", f"{empty:,} without a transaction, up to {self._seen.height}")

    def ogmios_answered(self, version: str, text: str) -> None:  # noqa: ARG002 - an observer's signature
        """Shows what was refused: a transaction that was submitted, or whose scripts were to be run."""
        for method, words in _REFUSED.items():
            if f'"{method}"' in text and '"error"' in text:
                error = json.loads(text).get("error")
                if error:
                    message = visible(str(error.get("message")))
                    self._line(words, f"{error.get('code')}: {' '.join(message.split())}")

    def _leap(self, block: Block) -> None:
        if block.slot - self._seen.slot > LEAP_SECONDS:
            moment = utc(self._chain.calendar.start_of(block.slot))
            self._line("time", f"it is {moment} now, slot {block.slot:,}")

    def _block(self, block: Block) -> None:
        if not block.inclusions:
            return
        count = counted(len(block.inclusions), "transaction")
        self._line("block", f"{block.height:,}, slot {block.slot:,}: {count}")
        for inclusion in block.inclusions[:SHOWN]:
            shown = inclusion.transaction
            failed = "" if shown.is_valid else "; its scripts failed, the collateral is taken"
            self._line("", shown.id.hex())
            self._line("", f"  {transaction_words(shown)}, fee {ada(shown.body.fee)}{failed}")
        if len(block.inclusions) > SHOWN:
            self._line("", f"and {len(block.inclusions) - SHOWN:,} more")

    def _line(self, kind: str, words: str) -> None:
        # Whoever read may be gone: the chain goes on.
        with suppress(OSError, ValueError):
            self._stream.write(f"{kind:{_INDENT}}{words}\n")
            self._stream.flush()


_REFUSED: Final = {"submitTransaction": "rejected", "evaluateTransaction": "failed"}
"""By Ogmios' method, the word for an answer that is an error."""
