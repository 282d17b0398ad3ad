"""Keys that are elsewhere: what is handed out, what is kept for it, and committees that open and close."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano import cbor
from milestones.cardano.address import Address, key_credential, script_credential
from milestones.cardano.native_script import script_address
from milestones.cardano.transaction import Transaction
from milestones.domain.schedule import parse_schedule
from milestones.errors import InsufficientFunds, InvalidInput, NotAllowedYet, TransactionMismatch
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend
from milestones.services.cancel import cancel
from milestones.services.close import close
from milestones.services.deploy import deploy
from milestones.services.init import init
from milestones.services.paying.plan import Selection
from milestones.services.sending.payer import HandOut, Payer
from milestones.services.sending.reports import HandedOut
from milestones.services.submit_release import submit_release
from milestones.services.transaction import (
    assemble_known_transaction,
    drop_transaction,
    sign_transaction,
    submit_transaction,
    transaction_status,
)
from milestones.testing.cast import ADA
from milestones.testing.distribution import FIRST_MILESTONE, OpenDistribution, open_distribution
from milestones.testing.world import World

MEMBERS = ("oracle-0", "oracle-1", "oracle-2", "beneficiary-3", "beneficiary-4")
WEEK = 7 * 86_400


def committee(world: World) -> dict[str, Any]:
    """Three of five, as cardano-cli writes it."""
    keys = [{"type": "sig", "keyHash": world.keys[name].key_hash.hex()} for name in MEMBERS]
    return {"type": "atLeast", "required": 3, "scripts": keys}


async def signed(
    backend: Backend, world: World, handed_out: HandedOut, *signers: str
) -> dict[str, Any]:
    """Everybody signs a copy of the file alone; somebody puts all together and sends it."""
    folder = Path(handed_out.file).parent
    witnesses = []
    for name in signers:
        witness = folder / f"{handed_out.transaction_hash[:8]}-{name}.witness"
        sign_transaction(
            Path(handed_out.file), [world.keys[name]], output=witness, witness_only=True
        )
        witnesses.append(witness)
    whole = folder / f"{handed_out.transaction_hash[:8]}.signed"
    assembled = await assemble_known_transaction(
        backend, Path(handed_out.file), witnesses, output=whole
    )
    assert not assembled.missing
    sent = await submit_transaction(backend, whole, wait=True)
    assert sent.status == "confirmed"
    assert sent.transaction_hash == handed_out.transaction_hash
    return {"signed_by": assembled.signed_by, "size": sent.size}


@pytest.fixture
async def opened(world: World) -> Any:
    async with open_distribution(world) as opened:
        await opened.attested(FIRST_MILESTONE)
        yield opened


async def claim(
    opened: OpenDistribution, file: str, *, index: int = 0, valid_for_seconds: int = 7_200
) -> Any:
    """A claim of a beneficiary whose key the program never sees."""
    where = HandOut(opened.world.directory / file, valid_for_seconds)
    payer = Payer.elsewhere(opened.world.address("stranger"), where)
    return await submit_release(
        opened.backend,
        contract_address=opened.address,
        key=payer,
        selection=Selection(indices=(index,)),
    )


async def test_a_claim_is_built_for_an_address_and_signed_elsewhere(
    opened: OpenDistribution,
) -> None:
    world = opened.world
    await init(opened.backend, payers=[world.address("stranger")])
    report = await claim(opened, "claim.tx")

    (handed_out,) = report.handed_out
    assert report.status == "waiting_for_signatures"
    assert handed_out.to_sign == (world.keys["stranger"].key_hash.hex(),)
    assert handed_out.signature_count == 1
    assert 7_000 < (handed_out.valid_until or 0) - world.now <= 7_200
    assert (await opened.tokens_of("beneficiary-0")) == 0
    state = await transaction_status(opened.backend, handed_out.transaction_hash)
    assert state.status == "waiting_for_signatures"

    facts = await signed(opened.backend, world, handed_out, "stranger")
    assert (await opened.tokens_of("beneficiary-0")) == 1_000
    # The fee is planned for just the signature that came.
    assert facts["size"] == report.transactions[0].size
    again = await submit_transaction(
        opened.backend, world.directory / f"{handed_out.transaction_hash[:8]}.signed"
    )
    assert again.resumed


async def test_what_waits_is_neither_built_twice_nor_spent(opened: OpenDistribution) -> None:
    world = opened.world
    await init(opened.backend, payers=[world.address("stranger")])
    first = await claim(opened, "first.tx")
    with pytest.raises(NotAllowedYet) as refused:
        await claim(opened, "second.tx")
    assert refused.value.rule == "waiting_for_signatures"
    assert not (world.directory / "second.tx").exists()

    dropped = drop_transaction(opened.backend, first.handed_out[0].transaction_hash)
    assert dropped.command == "submit-release"
    second = await claim(opened, "third.tx")
    assert second.status == "waiting_for_signatures"
    with pytest.raises(NotAllowedYet) as too_late:
        await signed_and_dropped(opened, second.handed_out[0])
    assert too_late.value.rule == "sent"


async def signed_and_dropped(opened: OpenDistribution, handed_out: HandedOut) -> None:
    """It is sent, and only then given up."""
    await signed(opened.backend, opened.world, handed_out, "stranger")
    drop_transaction(opened.backend, handed_out.transaction_hash)


async def test_what_expires_unsigned_is_free_again(opened: OpenDistribution) -> None:
    world = opened.world
    await init(opened.backend, payers=[world.address("stranger")])
    first = await claim(opened, "first.tx", valid_for_seconds=600)
    world.advance(700)
    state = await transaction_status(opened.backend, first.handed_out[0].transaction_hash)
    assert state.status == "expired"
    second = await claim(opened, "second.tx")
    await signed(opened.backend, world, second.handed_out[0], "stranger")
    assert (await opened.tokens_of("beneficiary-0")) == 1_000


async def test_a_file_that_is_there_is_not_overwritten_and_nothing_is_kept(
    opened: OpenDistribution,
) -> None:
    world = opened.world
    await init(opened.backend, payers=[world.address("stranger")])
    (world.directory / "claim.tx").write_text("mine")
    with pytest.raises(InvalidInput) as refused:
        await claim(opened, "claim.tx")
    assert refused.value.path == "unsigned_out"
    assert (world.directory / "claim.tx").read_text() == "mine"
    assert (await claim(opened, "other.tx")).status == "waiting_for_signatures"


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"index": 3}, "outputs[1].address"), ({"valid_for_seconds": 3_600}, "valid_until_slot")],
    ids=["who is paid", "the deadline"],
)
async def test_another_transaction_in_the_place_of_one_that_waits_is_refused(
    opened: OpenDistribution, changes: dict[str, int], path: str
) -> None:
    """It comes back with a good signature, and does something else."""
    world, backend = opened.world, opened.backend
    await init(backend, payers=[world.address("stranger")])
    honest = (await claim(opened, "claim.tx")).handed_out[0]
    # Whoever carries the file has a program of their own.
    other = (await claim(opened.elsewhere("another"), "other.tx", **changes)).handed_out[0]
    witness, whole = world.directory / "other.witness", world.directory / "other.signed"
    sign_transaction(Path(other.file), [world.keys["stranger"]], output=witness, witness_only=True)
    assembled = await assemble_known_transaction(backend, Path(other.file), [witness], output=whole)
    assert f"{honest.transaction_hash} was handed out" in assembled.warnings[-1]
    with pytest.raises(TransactionMismatch) as refused:
        await submit_transaction(backend, whole)
    assert path in [each.path for each in refused.value.differences]
    assert f"drop {honest.transaction_hash}" in refused.value.hint
    assert backend.storage.journal.find(other.transaction_hash) is None

    drop_transaction(backend, honest.transaction_hash)
    assert (await submit_transaction(backend, whole, wait=True)).status == "confirmed"


async def test_the_same_in_another_encoding_is_known_as_what_waits(
    opened: OpenDistribution,
) -> None:
    """Wallets that encode a body anew sign another id: what was handed out would wait for ever."""
    world, backend = opened.world, opened.backend
    await init(backend, payers=[world.address("stranger")])
    honest = (await claim(opened, "claim.tx")).handed_out[0]
    envelope = json.loads(Path(honest.file).read_text())
    code = bytes.fromhex(envelope["cborHex"])
    body, *_ = cbor.read(code).array()
    other = code[:1] + b"\xbf" + body.raw[1:] + b"\xff" + code[1 + len(body.raw) :]
    loose, whole = world.directory / "loose.tx", world.directory / "loose.signed"
    loose.write_text(json.dumps({**envelope, "cborHex": other.hex()}))
    sign_transaction(loose, [world.keys["stranger"]], output=whole)
    with pytest.raises(TransactionMismatch) as refused:
        await submit_transaction(backend, whole)
    assert [each.path for each in refused.value.differences] == ["its encoding"]
    assert f"drop {honest.transaction_hash}" in refused.value.hint


def wallet(world: World) -> list[tuple[str, Address]]:
    """Three payment keys and one stake key, as a wallet has them; whose key each address is."""
    staking = key_credential(world.keys["oracle-0"].key_hash)
    names = ("oracle-1", "oracle-2", "beneficiary-4")
    return [
        (name, Address(0, key_credential(world.keys[name].key_hash), staking)) for name in names
    ]


async def test_all_addresses_of_a_wallet_pay_and_each_key_is_named(
    opened: OpenDistribution,
) -> None:
    world, backend = opened.world, opened.backend
    addresses = wallet(world)
    for _, address in addresses:
        world.pay(address, 2 * ADA)
    (_, named), *_ = addresses
    # A script's address with the same staking part is nobody's money here.
    world.pay(Address(0, script_credential(bytes(28)), named.staking), 50 * ADA)
    await init(backend, payers=[named], whole_accounts=True)
    where = HandOut(world.directory / "claim.tx")
    with pytest.raises(InsufficientFunds):
        await submit_release(
            backend,
            contract_address=opened.address,
            key=Payer.elsewhere(named, where),
            selection=Selection(indices=(0, 3)),
        )
    report = await submit_release(
        backend,
        contract_address=opened.address,
        key=Payer.elsewhere(named, where, whole_account=True),
        selection=Selection(indices=(0, 3)),
    )
    (handed_out,) = report.handed_out
    transaction = Transaction.read(_bytes_of(backend, handed_out))
    body = transaction.body
    owners = {str(address): world.keys[name].key_hash.hex() for name, address in addresses}
    held = {
        match.reference: match.output.address
        for _, address in addresses
        for match in await backend.kupo.matches(str(address), unspent=True)
    }
    used = [held[each] for each in (*body.inputs, *body.collateral) if each in held]
    assert len(set(used)) > 1
    assert set(handed_out.to_sign) == {owners[each] for each in used}
    assert handed_out.signature_count == len(set(used))
    assert {output.address for output in body.outputs} & owners.keys() <= {str(named)}
    signers = [name for name, address in addresses if str(address) in used]
    facts = await signed(backend, world, handed_out, *signers)
    assert facts["size"] == report.transactions[0].size
    assert (await opened.tokens_of("beneficiary-0")) == 1_000


def _bytes_of(backend: Backend, handed_out: HandedOut) -> bytes:
    submission = backend.storage.journal.find(handed_out.transaction_hash)
    assert submission is not None
    return submission.transaction_cbor


def test_a_whole_account_is_of_an_address_with_a_staking_part(world: World) -> None:
    where = HandOut(world.directory / "claim.tx")
    with pytest.raises(InvalidInput) as refused:
        Payer.elsewhere(world.address("stranger"), where, whole_account=True)
    assert refused.value.path == "payer_account"


async def test_three_of_five_open_cancel_and_close(world: World) -> None:
    script = committee(world)
    home = script_address(script, 0)
    world.pay(home, 200 * ADA, 20_000)
    await world.publish()
    schedule = parse_schedule(
        world.schedule(
            creator=home.to_bech32(),
            refund_address=world.address("relayer").to_bech32(),
            cancel_by=["creator"],
            cancel_grace_seconds=WEEK,
        )
    )

    def paying(file: str) -> Payer:
        where = HandOut(world.directory / file, 86_400)
        return Payer.committee(script, 0, where, collateral=world.address("stranger"))

    async with world.backend() as backend:
        await init(backend, payers=[home, world.address("stranger")])
        report = await deploy(backend, schedule, key=paying("open.tx"))
        (handed_out,) = report.handed_out
        names = {world.keys[name].key_hash.hex() for name in (*MEMBERS, "stranger")}
        assert set(handed_out.to_sign) == names
        assert handed_out.signature_count == 4
        planned = backend.storage.journal.find(handed_out.transaction_hash)
        facts = await signed(
            backend, world, handed_out, "oracle-1", "beneficiary-3", "beneficiary-4", "stranger"
        )
        assert planned is not None
        assert facts["size"] == planned.size

        notice = await cancel(
            backend,
            contract_address=report.contract_address,
            key=paying("cancel.tx"),
            signatures=(),
        )
        # What takes its time from its end has as long as the committee asked for.
        assert 86_000 < (notice.handed_out[0].valid_until or 0) - world.now <= 86_400
        await signed(
            backend,
            world,
            notice.handed_out[0],
            "oracle-0",
            "oracle-2",
            "beneficiary-4",
            "stranger",
        )
        world.reach(notice.ends_at + 1)
        distribution = Distribution.from_schedule(schedule, world.contract)
        stage = OpenDistribution(world, backend, distribution)
        closed = await close(backend, contract_address=stage.address, key=paying("close.tx"))
        await signed(
            backend, world, closed.handed_out[0], "oracle-0", "oracle-1", "oracle-2", "stranger"
        )
        assert (await stage.on_chain()).closed
        assert await stage.tokens_of("relayer") == 15_000
