"""`transaction show`: what a transaction does, from its bytes, and from what is known of its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from milestones.cardano.outputs import OutputReference, TransactionId, Utxo
from milestones.cardano.slots import SlotClock
from milestones.cardano.transaction import Transaction
from milestones.errors import InvalidEncoding, NotFound, ServiceUnavailable
from milestones.protocol.validator_loader import Contract, load_versions
from milestones.services.backend import Backend, require_network, storage_warnings
from milestones.services.results import Result
from milestones.services.transaction.files import transaction_in
from milestones.storage.journal import SubmissionJournal
from milestones.transactions.words import TransactionInWords, in_words

MOST_QUESTIONS = 100
"""Of inputs that the node doesn't have any more, so many are looked for in the index."""


class TransactionShown(Result):
    """A transaction in words; see `TransactionInWords` for its parts."""

    transaction: TransactionInWords


def show_transaction(file: Path, contracts: Sequence[Contract] | None = None) -> TransactionShown:
    """What the transaction in a file does, by its bytes alone. Asks nobody. Raises `InvalidInput`.

    `contracts` are the versions that are recognised, by default those of this program.
    """
    known = load_versions() if contracts is None else contracts
    return TransactionShown(transaction=in_words(transaction_in(file), (), known))


async def show_known_transaction(backend: Backend, subject: Path | str) -> TransactionShown:
    """As `show_transaction`, with what node, index and journal know of its inputs.

    `subject` is a file, or the hash of a transaction in the journal. Where no node can be asked, the bytes
    are shown all the same, with a warning. Raises `InvalidInput`, and `NotFound` for a hash that the
    journal doesn't know.
    """
    transaction = (
        transaction_in(subject)
        if isinstance(subject, Path)
        else _in_journal(backend.storage.journal, subject)
    )
    warnings: tuple[str, ...] = ()
    known: list[Utxo] = []
    clock: SlotClock | None = None
    try:
        await require_network(backend)
        clock = await backend.ogmios.slot_clock()
        known = await known_outputs(backend, transaction)
    except ServiceUnavailable as error:
        warnings = (f"what its inputs hold is not known: {error.message}",)
    return TransactionShown(
        transaction=in_words(transaction, known, backend.versions or (backend.contract,), clock),
        warnings=(*warnings, *storage_warnings(backend)),
    )


def _in_journal(journal: SubmissionJournal, transaction_hash: str) -> Transaction:
    transaction_id = str(TransactionId.parse(transaction_hash))
    submission = journal.find(transaction_id)
    if submission is None:
        raise NotFound(
            f"the journal doesn't know transaction {transaction_id}",
            hint="give the transaction's file: node and index keep no transactions by their hash",
        )
    return Transaction.read(submission.transaction_cbor)


async def known_outputs(backend: Backend, transaction: Transaction) -> list[Utxo]:
    """The outputs that a transaction spends, refers to or puts at stake, as far as anybody knows them.

    The node has what is unspent; the index what was at addresses that it watches; the journal what
    transactions leave that are on their way.
    """
    body = transaction.body
    wanted = sorted({*body.inputs, *body.collateral, *body.reference_inputs})
    found = {utxo.reference: utxo for utxo in await backend.ogmios.utxo(wanted)}
    found |= _made_by_journal(backend.storage.journal, (w for w in wanted if w not in found))
    for reference in [each for each in wanted if each not in found][:MOST_QUESTIONS]:
        pattern = f"{reference.index}@{reference.transaction_id.hex()}"
        found |= {match.reference: match.utxo for match in await backend.kupo.matches(pattern)}
    return list(found.values())


def _made_by_journal(
    journal: SubmissionJournal, wanted: Iterable[OutputReference]
) -> dict[OutputReference, Utxo]:
    found = {}
    for reference in wanted:
        submission = journal.find(reference.transaction_id.hex())
        if submission is None:
            continue
        try:
            outputs = Transaction.read(submission.transaction_cbor).body.outputs
        except InvalidEncoding:
            continue
        if reference.index < len(outputs):
            found[reference] = Utxo(reference, outputs[reference.index])
    return found
