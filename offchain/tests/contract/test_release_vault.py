"""Attacks on the vault that a release leaves behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from milestones.cardano import plutus_data
from milestones.cardano.address import key_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import Value
from milestones.protocol.distribution import Distribution
from milestones.testing.cast import ADA
from milestones.testing.contract import schedule
from milestones.transactions.draft import DraftOutput
from tests.support.hostile import (
    Edit,
    Judge,
    along,
    case_name,
    longer,
    native_policy,
    settled,
    shorter,
    swapped,
    with_datum,
    with_output,
    with_value,
)
from tests.support.scenes import AMOUNT, FIRST, RECLAIM, Scene


def test_vault_to_another_address(each_scene: Scene, judge: Judge) -> None:
    """The vault goes to the attacker, token and all."""
    honest = each_scene.attested.release_draft([0])
    judge.refused(with_output(honest, 0, address=each_scene.harness.address), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("staking", ["none", "another"])
def test_vault_with_another_staking_part(each_scene: Scene, judge: Judge, staking: str) -> None:
    """Same script, but no longer under the distribution's id, where indexers look."""
    honest = each_scene.attested.release_draft([0])
    address = honest.outputs[0].address
    part = None if staking == "none" else key_credential(bytes(28))
    judge.refused(with_output(honest, 0, address=replace(address, staking=part)), "spend")
    judge.accepted(honest)


def test_ada_taken_from_the_vault(each_scene: Scene, judge: Judge) -> None:
    """One lovelace of the deposit less; with all of the spare less, likewise."""
    honest = settled(each_scene.harness, each_scene.attested.release_draft([0]))
    judge.refused(with_value(honest, 0, Value(-1)), "spend")
    judge.refused(with_value(honest, 0, Value(-1 * ADA)), "spend")
    judge.accepted(honest)


def test_ada_added_to_the_vault_is_a_gift(each_scene: Scene, judge: Judge) -> None:
    """More lovelace than before is no harm, and the next release works."""
    draft = with_value(each_scene.attested.release_draft([0]), 0, Value(ADA))
    paid, _ = each_scene.attested.paid(judge.accepted(draft), [0])
    judge.accepted(paid.release_draft([1]))


def test_dust_added_to_the_vault(each_scene: Scene, judge: Judge) -> None:
    """A token of the attacker's in the vault: enough of them would block it."""
    honest = each_scene.attested.release_draft([0])
    judge.refused(with_value(honest, 0, Value(0, {each_scene.harness.token: 1})), "spend")
    judge.accepted(honest)


def test_more_of_the_asset_added_to_the_vault(scene: Scene, judge: Judge) -> None:
    """The token is not what `remaining` says."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_value(honest, 0, scene.amount(1)), "spend")
    judge.accepted(honest)


def test_vault_token_taken_out(each_scene: Scene, judge: Judge) -> None:
    """The vault token goes to the attacker, who could name any UTxO a vault with it."""
    honest = each_scene.attested.release_draft([0])
    token = Value.of(each_scene.opened.distribution.vault_token, 1)
    thief = DraftOutput(address=each_scene.harness.address, value=token)
    stolen = along(with_value(honest, 0, -token), outputs=(thief,))
    judge.refused(stolen, "spend")
    judge.accepted(honest)


def test_remainder_divided(scene: Scene, judge: Judge) -> None:
    """A part of what remains in a second output at the vault's address."""
    honest = scene.attested.release_draft([0])
    part = scene.amount(AMOUNT)
    second = replace(honest.outputs[0], value=part)
    judge.refused(along(with_value(honest, 0, -part), outputs=(second,)), "spend")
    judge.accepted(honest)


def test_vault_not_in_front(each_scene: Scene, judge: Judge) -> None:
    """The payout is output 0, the vault output 1."""
    honest = each_scene.attested.release_draft([0])
    judge.refused(swapped(honest, 0, 1), "spend")
    judge.accepted(honest)


def test_vault_with_a_reference_script(each_scene: Scene, judge: Judge) -> None:
    """A script in the vault makes every later release dearer."""
    honest = each_scene.attested.release_draft([0])
    script = native_policy(each_scene.harness, "attacker")
    judge.refused(with_output(honest, 0, script=script), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0,), bytes(28)),
        ((1,), 1),
        ((1,), -1),
        ((2,), 3 * AMOUNT + 6),
        ((2,), 3 * AMOUNT + 4),
        ((2,), 0),
        ((3,), b"\x00"),
        ((3,), b"\x02"),
        ((3,), b"\x03"),
        ((3,), b"\x11"),
        ((3,), b"\x00\x01"),
        ((3,), b"\x01\x00"),
        ((3,), b""),
        ((), longer),
        ((), shorter),
        ((), Constr(1, ())),
        ((), 0),
        ((), lambda data: (data,)),
    ],
    ids=case_name,
)
def test_vault_datum_changed(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """Each field in turn; bits cleared, added, past the page; a longer bitmap; other shapes."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_datum(honest, 0, path, value), "spend")
    judge.accepted(honest)


def test_a_bit_cleared(scene: Scene, judge: Judge) -> None:
    """Paying allocation 1 makes its paid twin claimable again."""
    later, _ = scene.attested.release([0])
    honest = later.release_draft([1])
    judge.refused(with_datum(honest, 0, (3,), b"\x02"), "spend")
    judge.refused(with_datum(honest, 0, (3,), b"\x00"), "spend")
    judge.accepted(honest)


@pytest.mark.parametrize("bitmap", [b"\1", b"\1\0", b"\0\0\1", b"\0\1\0"], ids=bytes.hex)
def test_a_bitmap_of_another_length(scene: Scene, judge: Judge, bitmap: bytes) -> None:
    """A page of sixteen leaves: half a bitmap would forget what is paid, one more byte move it."""
    allocations = [*scene.opened.distribution.allocations.values()] * 2
    plan = schedule(
        scene.harness, allocations, token=scene.token, page_depth=4, reclaim_slot=RECLAIM
    )
    opened = scene.open(Distribution.from_schedule(plan, scene.harness.contract)).attest(FIRST)[0]
    honest = opened.release_draft([0])
    judge.refused(with_datum(honest, 0, (3,), bitmap), "spend")
    judge.accepted(honest)


def test_vault_without_an_inline_datum(scene: Scene, judge: Judge) -> None:
    """No datum, or only its hash: the vault could never be spent again."""
    honest = scene.attested.release_draft([0])
    datum = honest.outputs[0].inline_datum
    assert datum is not None
    judge.refused(with_output(honest, 0, inline_datum=None), "spend")
    hashed = with_output(honest, 0, inline_datum=None, datum_hash=blake2b_256(datum))
    judge.refused(hashed, "spend")
    judge.accepted(honest)


def test_vault_datum_of_sixteen_kilobytes_or_nested_deeply(scene: Scene, judge: Judge) -> None:
    """Data that would cost every later release its units."""
    honest = scene.attested.release_draft([0])
    judge.refused(with_datum(honest, 0, (3,), bytes(12_000)), "spend")
    nested: PlutusData = 0
    for _ in range(400):
        nested = (nested,)
    judge.refused(with_datum(honest, 0, (1,), nested), "spend")
    judge.accepted(honest)


def test_last_release_leaves_the_vault_without_the_asset(each_scene: Scene, judge: Judge) -> None:
    """All four paid: an entry of nothing isn't there, and the vault remains."""
    draft = each_scene.attested.release_draft([0, 1, 2, 3])
    gone = along(
        with_output(draft, 0, address=each_scene.harness.address),
    )
    judge.refused(gone, "spend")
    sent = judge.accepted(draft)
    state = plutus_data.decode(sent.outputs[0].output.inline_datum or b"")
    assert state == Constr(0, (each_scene.opened.distribution.id, 0, 0, b"\x0f"))
