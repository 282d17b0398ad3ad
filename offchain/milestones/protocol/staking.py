"""A stake script of a distribution's own, so that its address still names it alone.

Terms that name a staking part leave the id out of the address. The script is what the holders of the
stake must satisfy, and a nonce that costs them nothing: slots that passed long ago, taken from the hash of
the terms without a staking part. So the same schedule gives the same script again.
"""

from __future__ import annotations

from typing import Final

from milestones.cardano.address import StakeAddress, script_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.native_script import After, All, NativeScript, Signed, script_of
from milestones.cardano.network import network_id_of
from milestones.domain.models import MilestoneSchedule
from milestones.errors import InvalidInput
from milestones.protocol.distribution import Distribution
from milestones.protocol.validator_loader import Contract

NONCE_SLOTS: Final = 4
SLOTS_LONG_PAST: Final = 1 << 10
"""Less than twenty minutes after a network's start: past also on a network of one's own. Four of them
make 2^40 nonces, of which one and the same holder meets no two."""


def own_stake_script(
    schedule: MilestoneSchedule, holder: NativeScript | None, contract: Contract
) -> NativeScript:
    """The stake script of the distribution that a schedule describes, as far as it names no staking part.

    `holder` says who may delegate; None: the creator's key. Raises `InvalidInput` where the creator is a
    script, whose clauses aren't known.
    """
    if holder is None:
        holder = _creators_key(schedule)
    plain = schedule.model_copy(update={"staking": None})
    digest = blake2b_256(Distribution.from_schedule(plain, contract).terms.encode())
    words = (int.from_bytes(digest[2 * n : 2 * n + 2], "big") for n in range(NONCE_SLOTS))
    return All((holder, *(After(word % SLOTS_LONG_PAST) for word in words)))


def stake_address_of(script: NativeScript, network_magic: int) -> StakeAddress:
    """The reward account that a stake script controls."""
    credential = script_credential(script_of(script).hash())
    return StakeAddress(network_id_of(network_magic), credential)


def _creators_key(schedule: MilestoneSchedule) -> NativeScript:
    payment = schedule.creator.payment
    if payment.kind == "script":
        raise InvalidInput(
            "the creator is a script, of which only the hash is known",
            path="staking",
            hint="give the JSON file of a native script that may delegate, or a stake address",
        )
    return Signed(payment.hash)
