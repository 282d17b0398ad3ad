"""The journal against a plain model: a dictionary of submissions in the order they were written."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from milestones.cardano.hashes import blake2b_256
from milestones.domain.models import TransactionStatus
from milestones.errors import NotAllowedYet, NotFound
from milestones.storage.storage import Storage
from milestones.storage.submission import ClosingPayload, ReleasePayload, StatusChange, Submission

NUMBERS = st.integers(0, 7)
CHAINS = st.sampled_from((None, "42@1", "42@2"))
SLOTS = st.integers(0, 5)
COMMANDS = st.sampled_from(("close", "submit-release"))
DISTRIBUTIONS = st.sampled_from((None, b"\1" * 28, b"\2" * 28))
STATUSES = st.sampled_from([each for each in get_args(TransactionStatus) if each != "dry_run"])
PAYLOADS = st.sampled_from(
    (
        None,
        ReleasePayload(allocations=(1,), deposits_lovelace=1 << 70),
        ClosingPayload(
            vaults=1, attestations_burnt=0, deposits_returned_lovelace=7, tokens_returned=0
        ),
    )
)


def _bytes(number: int) -> tuple[str, bytes]:
    body = bytes((0xA1, 0x00, number))
    return blake2b_256(body).hex(), b"\x84" + body + bytes.fromhex("a0f5f6")


class Journal(RuleBasedStateMachine):
    """Each step is done to both; time only grows, so that both have one order."""

    @initialize()
    def begin(self) -> None:
        self.directory = Path(mkdtemp())
        self.storage = Storage(self.directory / "data")
        self.model: dict[str, Submission] = {}
        self.clock = 0

    def teardown(self) -> None:
        self.storage.close()
        assert self.storage.take_reports() == []
        shutil.rmtree(self.directory)

    @rule(
        number=NUMBERS,
        slot=SLOTS,
        chain=CHAINS,
        command=COMMANDS,
        distribution_id=DISTRIBUTIONS,
        limit=st.none() | SLOTS,
        sole=st.none() | st.just("once"),
        payload=PAYLOADS,
    )
    def prepare(self, number: int, slot: int, limit: int | None, **fields: Any) -> None:
        self.clock += 1
        identifier, cbor = _bytes(number)
        fresh = Submission(
            transaction_id=identifier,
            transaction_cbor=cbor,
            inputs=(),
            fee_lovelace=0,
            size=len(cbor),
            valid_until_slot=limit,
            history=(StatusChange(status="prepared", at_posix_ms=self.clock),),
            **fields,
        )
        known = self.model.get(identifier)
        if known is not None and known.is_unsettled(slot):
            assert self.storage.journal.prepare(fresh, slot=slot) == known
            return
        others = [
            each
            for each in self.model.values()
            if each.is_unsettled(slot)
            and each.sole == fresh.sole is not None
            and each.is_of(fresh.chain, None, None)
            and (each.command, each.distribution_id) == (fresh.command, fresh.distribution_id)
        ]
        if others:
            with pytest.raises(NotAllowedYet) as refused:
                self.storage.journal.prepare(fresh, slot=slot)
            found = refused.value.details["transaction_hash"]
            assert found in {each.transaction_id for each in others}
            return
        written = self.storage.journal.prepare(fresh, slot=slot)
        history = (*(known.history if known else ()), *fresh.history)
        self.model[identifier] = fresh.model_copy(update={"history": history})
        assert written == self.model[identifier]

    @rule(numbers=st.lists(NUMBERS, max_size=3), status=STATUSES, note=st.text(max_size=3))
    def mark(self, numbers: list[int], status: TransactionStatus, note: str) -> None:
        self.clock += 1
        names = [_bytes(number)[0] for number in numbers]
        try:
            self.storage.journal.mark_all(names, status, at_posix_ms=self.clock, note=note)
        except NotFound:
            assert not self.model.keys() >= set(names)
            return
        change = StatusChange(status=status, at_posix_ms=self.clock, note=note)
        for name in names:
            known = self.model[name]
            last = known.history[-1]
            if (last.status, last.note) != (status, note):
                history = (*known.history, change)
                self.model[name] = known.model_copy(update={"history": history})

    @rule()
    def restart(self) -> None:
        self.storage.close()
        assert self.storage.take_reports() == []
        self.storage = Storage(self.directory / "data")

    @rule(slot=SLOTS, chain=CHAINS, distribution_id=DISTRIBUTIONS, command=st.none() | COMMANDS)
    def look(
        self, slot: int, chain: str | None, distribution_id: bytes | None, command: str | None
    ) -> None:
        journal = self.storage.journal
        about: dict[str, Any] = {"distribution_id": distribution_id, "command": command}
        wanted = [each for each in self._in_order() if each.is_of(chain, distribution_id, command)]
        found = journal.unsettled(slot, chain, **about)
        assert found == [each for each in wanted if each.is_unsettled(slot)]
        assert journal.pending(chain, **about) == [each for each in wanted if each.is_pending]
        if distribution_id is not None:
            assert journal.of(distribution_id, chain=chain, command=command) == wanted

    def _in_order(self) -> list[Submission]:
        return sorted(self.model.values(), key=lambda each: each.prepared_at_posix_ms)

    @invariant()
    def each_is_found(self) -> None:
        for number in range(8) if hasattr(self, "model") else ():
            identifier, _ = _bytes(number)
            assert self.storage.journal.find(identifier) == self.model.get(identifier)


TestJournal = Journal.TestCase
TestJournal.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
