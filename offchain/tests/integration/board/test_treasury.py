"""A treasury that is a Plutus script with rules of its own creates a distribution, ends it, is paid back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from milestones.cardano.outputs import Utxo
from milestones.cardano.value import Value
from milestones.domain.schedule import parse_schedule
from milestones.errors import ChainRejected, InvalidInput
from milestones.protocol.datums import Notice
from milestones.protocol.distribution import Distribution
from milestones.services.backend import chain_time
from milestones.services.deploy import deploy
from milestones.services.sending.building import said_at
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.sending.published_scripts import require_published
from milestones.services.sending.runner import SendDraft, perform
from milestones.services.transaction import (
    assemble_known_transaction,
    show_known_transaction,
    sign_transaction,
    submit_transaction,
)
from milestones.services.verify import verify
from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution
from milestones.testing.world import YEAR_SECONDS, World
from milestones.transactions.board_drafts import Referenced, notify_draft
from milestones.transactions.closing_drafts import Remains, close_draft
from milestones.transactions.contract_drafts import open_draft
from milestones.transactions.draft import DraftOutput, TransactionDraft
from tests.support.treasury import ADDRESS, SCRIPT, Keepers

KEEPERS = ("oracle-0", "oracle-1", "beneficiary-4")
TWO = KEEPERS[:2]
PAYS = "stranger"
"""Who pays fees and puts up collateral: a treasury's own output can't."""


@dataclass
class Treasury:
    """The treasury of a world, and the distribution that it is to create."""

    stage: OpenDistribution
    keepers: Keepers

    def hashes(self, names: tuple[str, ...]) -> list[bytes]:
        """Of keepers' keys."""
        return [self.stage.world.keys[name].key_hash for name in names]

    async def held(self) -> Utxo:
        """The one output that it holds with its keepers' datum."""
        (found,) = (each for each in await self._all() if each.output.inline_datum)
        return found

    async def _all(self) -> list[Utxo]:
        matches = await self.stage.backend.kupo.matches(str(ADDRESS), unspent=True)
        return [match.utxo for match in matches]

    async def send(self, draft: TransactionDraft, *signers: str) -> None:
        """Handed out, signed by each keeper alone and by who pays, and sent."""
        world, backend = self.stage.world, self.stage.backend
        payer = Payer.elsewhere(world.address(PAYS), HandOut(world.directory / "treasury.tx"))
        report = await perform(backend, SendDraft(name="test", draft=draft), key=payer)
        (handed_out,) = report.handed_out
        names = (*signers, PAYS)
        assert set(handed_out.to_sign) == {each.hex() for each in self.hashes(names)}
        file = Path(handed_out.file)
        shown = await show_known_transaction(backend, file)
        assert shown.transaction.unknown_inputs == 0
        witnesses = []
        for name in names:
            witnesses.append(file.with_suffix(f".{name}"))
            keys = [world.keys[name]]
            sign_transaction(file, keys, output=witnesses[-1], witness_only=True)
        whole = file.with_suffix(".signed")
        await assemble_known_transaction(backend, file, witnesses, output=whole)
        await submit_transaction(backend, whole, wait=True)
        for each in (file, whole, *witnesses):
            each.unlink()

    async def opening(self, signers: tuple[str, ...] = TWO) -> TransactionDraft:
        """Spends from the treasury what is locked, with the deposits; the rest returns."""
        distribution = self.stage.distribution
        draft = open_draft(distribution, scripts=await require_published(self.stage.backend))
        paid = Value.of(distribution.token, 15_000)
        return self.keepers.consenting(draft, await self.held(), self.hashes(signers), paid)

    async def notice(self, signers: tuple[str, ...] = TWO) -> TransactionDraft:
        """What was in the treasury stays there: it is spent for its consent alone."""
        backend, distribution = self.stage.backend, self.stage.distribution
        seen = await self.stage.on_chain()
        (terms,) = seen.terms_utxos
        moment = said_at(await chain_time(backend))
        draft = notify_draft(
            Notice(backend.contract.policy_id, distribution.id, moment.posix_ms, b""),
            distribution.terms,
            Referenced(terms=terms, scripts=await require_published(backend)),
            sitting=seen.sitting,
            valid_until_slot=moment.valid_until_slot,
        )
        return self.keepers.consenting(draft, await self.held(), self.hashes(signers))


@pytest.fixture
async def treasury(world: World) -> AsyncIterator[Treasury]:
    """It holds 200 ADA and 20,000 tokens, and nothing is open yet."""
    await world.publish()
    expires = world.now + 2 * YEAR_SECONDS
    hashes = tuple(world.keys[name].key_hash for name in KEEPERS)
    keepers = Keepers(2, hashes, expires * 1000)
    schedule = parse_schedule(
        world.schedule(
            creator=str(ADDRESS),
            refund_address=str(ADDRESS),
            refund_datum=keepers.datum.hex(),
            cancel_by=["creator"],
        )
    )
    distribution = Distribution.from_schedule(schedule, world.contract)
    async with world.backend() as backend:
        saved = schedule.model_dump(mode="json", exclude_none=True)
        backend.storage.schedules.save(distribution.id, saved)
        funds = keepers.funded(Value(200 * ADA, {world.token: 20_000}))
        sending = SendDraft(name="test", draft=funds)
        await perform(backend, sending, key=world.keys["creator"], wait=True)
        yield Treasury(OpenDistribution(world, backend, distribution), keepers)


async def test_a_treasury_opens_gives_notice_and_is_paid_back(treasury: Treasury) -> None:
    stage = treasury.stage
    await treasury.send(await treasury.opening(), *TWO)
    verified = await verify(stage.backend, contract_address=stage.address)
    assert not [check for check in verified.checks if check.outcome == "failed"]
    await stage.attested(FIRST_MILESTONE)
    await stage.release(0, wait=True)
    assert await stage.tokens_of("beneficiary-0") == 1_000
    assert (await treasury.held()).output.value.quantity(stage.distribution.token) == 5_000

    await treasury.send(
        await treasury.notice(("oracle-1", "beneficiary-4")), "oracle-1", "beneficiary-4"
    )
    stage.reach(stage.world.now + 90 * 86_400)
    closed = await stage.close(key="stranger", wait=True)
    assert closed.refund_address == str(ADDRESS)
    returned = sum((each.output.value for each in await treasury._all()), Value())
    assert returned.quantity(stage.distribution.token) == 19_000
    # What came back has the keepers' datum, so that they can spend it as before.
    assert {each.output.inline_datum for each in await treasury._all()} == {treasury.keepers.datum}


async def refused(treasury: Treasury, draft: TransactionDraft, *by: str) -> None:
    """Scripts refuse it before anybody is asked to sign: `spend` is the treasury's, `mint` the contract's."""
    stage = treasury.stage
    payer = Payer.elsewhere(
        stage.world.address(PAYS), HandOut(stage.world.directory / "refused.tx")
    )
    with pytest.raises(ChainRejected) as error:
        await perform(stage.backend, SendDraft(name="test", draft=draft), key=payer)
    refused_by = {each["validator"]["purpose"] for each in error.value.details["data"]}
    assert refused_by == set(by)
    assert not (stage.world.directory / "refused.tx").exists()


async def test_what_the_treasury_demands_is_what_its_script_says(treasury: Treasury) -> None:
    """A quorum of its keepers, all that isn't paid out, and no reference script."""
    honest = await treasury.opening()
    await refused(treasury, await treasury.opening(TWO[:1]), "spend")
    *outputs, returned = honest.outputs
    less = replace(returned, value=returned.value - Value(ADA))
    await refused(treasury, replace(honest, outputs=(*outputs, less)), "spend")
    elsewhere = replace(returned, address=replace(ADDRESS, staking=None))
    await refused(treasury, replace(honest, outputs=(*outputs, elsewhere)), "spend")
    published = DraftOutput(address=treasury.stage.world.address(PAYS), script=SCRIPT)
    await refused(treasury, replace(honest, outputs=(*honest.outputs, published)), "spend")
    await treasury.send(honest, *TWO)


async def test_the_contract_wants_an_input_of_the_treasury_and_not_its_keepers(
    treasury: Treasury,
) -> None:
    honest = await treasury.opening()
    *outputs, _ = honest.outputs
    stage = treasury.stage
    world = stage.world
    world.pay(world.address(PAYS), 50 * ADA, 15_000)
    bare = replace(honest, spends=(), outputs=tuple(outputs), scripts=())
    await refused(treasury, bare, "mint")


async def test_a_treasury_that_spends_from_no_other_script_can_not_be_in_a_closing(
    treasury: Treasury,
) -> None:
    """So a closing must not need it: anybody ends it, and it is paid at its address."""
    stage = treasury.stage
    await treasury.send(await treasury.opening(), *TWO)
    await treasury.send(await treasury.notice(), *TWO)
    stage.reach(stage.world.now + 90 * 86_400)
    seen = await stage.on_chain()
    (notice,) = (each.utxo for each in seen.notices)
    closing = close_draft(
        stage.distribution.terms,
        Remains(
            terms=seen.terms_utxos[0],
            vaults=[each.utxo for each in seen.vaults],
            attestations=(),
            board_utxos=(notice,),
        ),
        scripts=await require_published(stage.backend),
        notice=notice,
        valid_from_slot=stage.world.devnet.chain.tip.slot,
    )
    held, hashes = await treasury.held(), treasury.hashes(TWO)
    await refused(treasury, treasury.keepers.consenting(closing, held, hashes), "spend", "mint")
    await treasury.send(closing)
    assert (await stage.on_chain()).closed


async def test_the_program_says_that_it_does_not_build_such_a_treasurys_opening(
    treasury: Treasury,
) -> None:
    stage = treasury.stage
    key = stage.world.keys["oracle-0"]
    with pytest.raises(InvalidInput) as asked:
        await deploy(stage.backend, stage.distribution.schedule(), key=key)
    assert asked.value.path == "payer"
