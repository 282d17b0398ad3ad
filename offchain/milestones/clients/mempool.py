"""The node's mempool as Ogmios shows it, and what outputs there will be once a block has all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.slots import Point
from milestones.clients import ogmios_answers as answers
from milestones.clients.answers import digest, natural
from milestones.clients.kupo_answers import Match
from milestones.errors import InvalidInput

IN_NO_BLOCK: Final = Point(2**63 - 1, bytes(32))
"""Where outputs of the mempool stand among others: behind every block's."""
_UNREADABLE: Final = (KeyError, TypeError, ValueError, AttributeError, RecursionError, InvalidInput)


@dataclass(frozen=True, slots=True)
class MempoolTransaction:
    """A transaction that waits for a block: its id (32 bytes), what it spends, what it leaves."""

    id: bytes
    inputs: tuple[OutputReference, ...]
    outputs: tuple[Utxo, ...]


@dataclass(frozen=True)
class Mempool:
    """All transactions at one moment, parents before those that spend their outputs.

    `shown` is False where the service doesn't show its mempool: then nothing is known of it.
    """

    transactions: tuple[MempoolTransaction, ...] = ()
    shown: bool = True

    @cached_property
    def spent(self) -> frozenset[OutputReference]:
        """Everything that waiting transactions spend."""
        return frozenset(each for found in self.transactions for each in found.inputs)

    @cached_property
    def unspent(self) -> dict[OutputReference, Utxo]:
        """What waiting transactions leave, and no other of them spends."""
        return {
            utxo.reference: utxo
            for found in self.transactions
            for utxo in found.outputs
            if utxo.reference not in self.spent
        }

    def spender_of(self, reference: OutputReference) -> MempoolTransaction | None:
        """The waiting transaction that spends an output; None if none does."""
        return next((each for each in self.transactions if reference in each.inputs), None)

    def applied(
        self, unspent: Iterable[Match], belongs: Callable[[TransactionOutput], bool]
    ) -> list[Match]:
        """An index's unspent outputs as they will be once a block has the mempool.

        `belongs` says which outputs the index was asked for. Take the mempool's snapshot first, and ask
        the index then: so what leaves the one for the other meanwhile is not missed.
        """
        found = [match for match in unspent if match.reference not in self.spent]
        known = {match.reference for match in found}
        return found + [
            Match(utxo, IN_NO_BLOCK, 0, datum=utxo.output.inline_datum)
            for utxo in self.unspent.values()
            if utxo.reference not in known and belongs(utxo.output)
        ]


def transaction(answer: Any) -> MempoolTransaction | None:
    """Reads a transaction as `nextTransaction` with all fields gives it.

    Anybody can put anything into a mempool. An output that can't be read is passed over; None stands for a
    transaction of which not even the inputs can be read, or that takes nothing but collateral.
    """
    try:
        transaction_id = digest(answer["id"])
        if answer["spends"] != "inputs":
            return None
        inputs = tuple(
            OutputReference(digest(each["transaction"]["id"]), natural(each["index"]))
            for each in answer["inputs"]
        )
        outputs = tuple(_outputs(transaction_id, answer["outputs"]))
    except _UNREADABLE:
        return None
    return MempoolTransaction(transaction_id, inputs, outputs)


def _outputs(transaction_id: bytes, shown: Iterable[Any]) -> Iterator[Utxo]:
    for index, each in enumerate(shown):
        try:
            output = answers.transaction_output(each)
        except _UNREADABLE:
            continue
        yield Utxo(OutputReference(transaction_id, index), output)
