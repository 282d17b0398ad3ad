"""What a command asks about its journal: ten requests at most, however much is in it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from milestones.devnet.server import Devnet
from milestones.services.backend import chain_of
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.sending.tracking import unsettled
from milestones.testing.distribution import OpenDistribution
from milestones.transactions.draft import TransactionDraft

MOST = 10
ENTRIES = 36
PAYERS = ("relayer", "stranger", "creator")


class Requests(Counter[str]):
    """The requests that were answered, by kind; transactions that are sent are no questions."""

    def ogmios_answered(self, _version: str, text: str) -> None:
        """One answer of Ogmios."""
        self[json.loads(text)["method"]] += 1

    def kupo_answered(
        self, _method: str, path: str, _status: int, _content_type: str, _body: bytes
    ) -> None:
        """One answer of Kupo."""
        self[path.split("/")[1]] += 1

    @property
    def questions(self) -> int:
        """How many asked something."""
        return self.total() - self["submitTransaction"]


@contextmanager
def counted() -> Iterator[Requests]:
    """All requests to embedded chains of this process in the block."""
    requests = Requests()
    Devnet.observers.append(requests)
    Devnet.kupo_observers.append(requests)
    yield requests
    Devnet.observers.remove(requests)
    Devnet.kupo_observers.remove(requests)


async def fill(stage: OpenDistribution, payers: tuple[str, ...]) -> None:
    """The journal gets entries that a block may still bring or a rollback take away."""
    for number in range(ENTRIES):
        draft = TransactionDraft(metadata={1: bytes((number % 24,))})
        sending = SendDraft(name="other", draft=draft)
        await perform(stage.backend, sending, key=stage.world.keys[payers[number % len(payers)]])
    assert len(await unsettled(stage.backend, await chain_of(stage.backend))) >= ENTRIES


@pytest.mark.parametrize("payers", [("relayer",), PAYERS], ids=["one payer", "three payers"])
@pytest.mark.parametrize("where", ["in blocks", "in the mempool", "lost"])
async def test_a_command_asks_ten_times_at_most(
    stage: OpenDistribution, payers: tuple[str, ...], where: str
) -> None:
    await stage.attested("milestone-001")
    data, bare = stage.world.data_directory, stage.elsewhere("bare")
    for folder in ("schedules", "milestones"):
        shutil.copytree(data / folder, stage.world.directory / "bare" / folder)
    chain = stage.world.devnet.chain
    snapshot = chain.snapshot()
    if where == "in the mempool":
        chain.production = "by hand"
    await fill(stage, payers)
    if where == "lost":
        chain.revert(snapshot)
    with counted() as without:
        await bare.release(0, key="beneficiary-0", dry_run=True)
    with counted() as with_journal:
        report = await stage.release(0, key="beneficiary-0", dry_run=True)
    assert report.status == "dry_run"
    assert with_journal.questions - without.questions <= MOST, with_journal - without
    with counted() as sending:
        await stage.release(0, key="beneficiary-0")
    assert sending.questions - without.questions <= MOST, sending - without
