"""What fails after a transaction has left: its hash and "run it again" are said, whatever it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from milestones.clients.kupo_client import KupoClient
from milestones.clients.ogmios_client import OgmiosClient
from milestones.errors import ChainRejected, OutcomeUnknown, ServiceUnavailable
from milestones.storage import files
from milestones.testing.distribution import OpenDistribution

Afterwards = Callable[[], None]
Spoil = Callable[[OpenDistribution, ExitStack], None]


@pytest.fixture
def after_submission(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Afterwards]]:
    """What happens between the node's answer and the next step; each only once."""
    waiting: list[Afterwards] = []
    submit = OgmiosClient.submit

    async def spoiled(client: OgmiosClient, cbor: bytes) -> str:
        transaction_id = await submit(client, cbor)
        while waiting:
            waiting.pop()()
        return transaction_id

    monkeypatch.setattr(OgmiosClient, "submit", spoiled)
    monkeypatch.setattr(files, "LOCK_TIMEOUT_SECONDS", 0.05)
    yield waiting
    assert not waiting, "nothing was submitted"


def pragma(stage: OpenDistribution, statement: str) -> None:
    stage.journal._database.read(lambda connection: connection.execute(statement), None)


def full(stage: OpenDistribution, _end: ExitStack) -> None:
    """SQLite itself takes the disk for full: no page more, and entries grow."""
    pragma(stage, "PRAGMA max_page_count = 1")


def locked(stage: OpenDistribution, end: ExitStack) -> None:
    other = end.enter_context(closing(sqlite3.connect(stage.journal.path, isolation_level=None)))
    other.execute("BEGIN IMMEDIATE")
    pragma(stage, "PRAGMA busy_timeout = 50")


def read_only(stage: OpenDistribution, _end: ExitStack) -> None:
    pragma(stage, "PRAGMA query_only = 1")


def damaged(stage: OpenDistribution, _end: ExitStack) -> None:
    stage.journal.close()
    stage.journal.path.write_bytes(b"not a database at all" * 500)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "locked": (locked, "in use by another command"),
    "read-only": (read_only, "can't be used"),
    "damaged": (damaged, "not in the journal any more"),
}


@pytest.mark.parametrize("how", SPOILED)
async def test_a_journal_that_can_not_be_written_after_the_submission(
    stage: OpenDistribution, after_submission: list[Afterwards], how: str
) -> None:
    await stage.attested("milestone-001")
    spoil, reason = SPOILED[how]
    with ExitStack() as end:
        after_submission.append(lambda: spoil(stage, end))
        with pytest.raises(OutcomeUnknown, match=reason) as unknown:
            await stage.release(0)
    assert unknown.value.exit_code == 8
    assert "run the same command again" in unknown.value.hint
    assert unknown.value.transaction_id in unknown.value.message
    assert stage.backend.sent[-1] == unknown.value.transaction_id
    if how == "read-only":
        pragma(stage, "PRAGMA query_only = 0")
    if how != "damaged":
        again = await stage.release(0, wait=True)
        assert again.transaction_hash == unknown.value.transaction_id
    assert await stage.tokens_of("beneficiary-0") == 1_000


async def test_a_journal_that_can_not_be_written_while_waiting(
    stage: OpenDistribution, after_submission: list[Afterwards], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was submitted is noted; that a block has it can't be."""
    await stage.attested("milestone-001")
    noted = stage.journal.mark_all

    def once(*arguments: Any, **more: Any) -> Any:
        found = noted(*arguments, **more)
        pragma(stage, "PRAGMA query_only = 1")
        return found

    after_submission.append(lambda: monkeypatch.setattr(stage.journal, "mark_all", once))
    with pytest.raises(OutcomeUnknown, match="can't be used"):
        await stage.release(0, wait=True)
    monkeypatch.setattr(stage.journal, "mark_all", noted)
    pragma(stage, "PRAGMA query_only = 0")
    assert (await stage.release(0, wait=True)).status == "confirmed"


async def test_a_fault_of_the_program_after_the_submission(
    stage: OpenDistribution, after_submission: list[Afterwards]
) -> None:
    await stage.attested("milestone-001")

    def broken(*_arguments: Any, **_more: Any) -> None:
        raise RuntimeError("a fault of the program")

    with pytest.MonkeyPatch.context() as patched:
        after_submission.append(lambda: patched.setattr(stage.journal, "mark_all", broken))
        with pytest.raises(OutcomeUnknown, match="RuntimeError: a fault") as unknown:
            await stage.release(0)
    assert isinstance(unknown.value.__cause__, RuntimeError)
    assert (await stage.release(0, wait=True)).transaction_hash == unknown.value.transaction_id


class TestSeveralTransactions:
    @pytest.fixture
    def schedule_changes(self) -> dict[str, Any]:
        """Three pages."""
        return {"page_depth": 1}

    async def test_a_disk_that_fills_up_between_two_submissions(
        self, stage: OpenDistribution, after_submission: list[Afterwards]
    ) -> None:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        noted = stage.journal.mark_all

        def then_full(*arguments: Any, **more: Any) -> Any:
            found = noted(*arguments, **more)
            full(stage, ExitStack())
            return found

        with pytest.MonkeyPatch.context() as patched:
            after_submission.append(lambda: patched.setattr(stage.journal, "mark_all", then_full))
            with pytest.raises(OutcomeUnknown, match="the disk is full") as unknown:
                await stage.release(everything=True)
        assert unknown.value.details["transactions_sent"][-1] == unknown.value.transaction_id
        pragma(stage, "PRAGMA max_page_count = 100000")
        again = await stage.release(everything=True, wait=True)
        assert again.transactions[0].resumed
        assert (await stage.on_chain()).remaining == 0

    async def test_a_service_that_goes_between_two_submissions(
        self,
        stage: OpenDistribution,
        after_submission: list[Afterwards],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await stage.attested("milestone-001", "milestone-002", "milestone-003")
        tip = OgmiosClient.network_tip

        async def gone(_client: OgmiosClient) -> None:
            raise ServiceUnavailable("Ogmios", "ws://here", "it hung up")

        after_submission.append(lambda: monkeypatch.setattr(OgmiosClient, "network_tip", gone))
        with pytest.raises(OutcomeUnknown, match="it hung up") as unknown:
            await stage.release(everything=True)
        assert unknown.value.details["transactions_sent"] == [unknown.value.transaction_id]
        monkeypatch.setattr(OgmiosClient, "network_tip", tip)
        await stage.release(everything=True, wait=True)
        assert (await stage.on_chain()).remaining == 0


async def test_a_refusal_stays_one_where_the_journal_can_not_be_written(
    stage: OpenDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.attested("milestone-001")
    sent = list(stage.backend.sent)

    async def refused(_client: OgmiosClient, _cbor: bytes) -> str:
        pragma(stage, "PRAGMA query_only = 1")
        raise ChainRejected("no", rejection_code=3117)

    with monkeypatch.context() as patched:
        patched.setattr(OgmiosClient, "submit", refused)
        with pytest.raises(ChainRejected):
            await stage.release(0)
    assert stage.backend.sent == sent
    pragma(stage, "PRAGMA query_only = 0")
    assert (await stage.release(0, wait=True)).status == "confirmed"


async def test_an_index_that_goes_while_it_is_asked_whose_the_spent_inputs_are(
    stage: OpenDistribution, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node says that inputs are spent, perhaps by the transaction itself."""
    await stage.attested("milestone-001")

    async def refused(_client: OgmiosClient, _cbor: bytes) -> str:
        monkeypatch.setattr(KupoClient, "health", gone)
        raise ChainRejected("spent", rejection_code=3117, inputs_spent=True)

    async def gone(_client: KupoClient) -> None:
        raise ServiceUnavailable("Kupo", "http://here", "it hung up")

    with monkeypatch.context():
        monkeypatch.setattr(OgmiosClient, "submit", refused)
        with pytest.raises(OutcomeUnknown, match="perhaps by itself") as unknown:
            await stage.release(0)
    assert stage.backend.sent[-1] == unknown.value.transaction_id
