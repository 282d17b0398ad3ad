"""Distributions that share an address are named by it and their id, in every command."""

from __future__ import annotations

import pytest

from milestones.cardano.address import StakeAddress, key_credential
from milestones.cardano.hashes import blake2b_224
from milestones.errors import InvalidInput
from milestones.protocol.distribution import DistributionName
from milestones.services.cancel import cancel
from milestones.services.close import close
from milestones.services.proposal import proposal_confirm, proposal_show, proposal_submit
from milestones.testing.distribution import open_distribution
from milestones.testing.world import World

STAKING = StakeAddress(0, key_credential(blake2b_224(b"whoever votes")))
FIRST = "milestone-001"


async def test_two_under_one_address(world: World) -> None:
    """What is said of one is not said of the other, and neither is meant by the address alone."""
    terms = {
        "staking": STAKING.to_bech32(),
        "cancel_by": ["creator"],
        "objectors": 1,
        "review_bond_lovelace": 5_000_000,
    }
    creator, stranger = world.keys["creator"], world.keys["stranger"]
    async with (
        open_distribution(world, world.schedule(**terms)) as one,
        open_distribution(world, world.schedule(**terms, quorum_threshold=1)) as two,
    ):
        assert one.address == two.address
        names = [DistributionName(each.address, each.distribution.id) for each in (one, two)]
        for refused in (
            proposal_show(one.backend, contract_address=one.address),
            cancel(one.backend, contract_address=one.address, key=creator),
            close(one.backend, contract_address=one.address, key=creator),
        ):
            with pytest.raises(InvalidInput, match="doesn't say which distribution") as error:
                await refused
            assert error.value.path == "contract_address"
            assert "<address>#<id>" in error.value.hint

        submitted = await proposal_submit(
            one.backend,
            contract_address=names[0],
            milestone_identifier=FIRST,
            key=stranger,
            wait=True,
        )
        shown = [
            len((await proposal_show(one.backend, contract_address=name)).proposals)
            for name in names
        ]
        assert shown == [1, 0]
        notice = await cancel(two.backend, contract_address=names[1], key=creator, wait=True)
        world.reach(submitted.due_at)
        await proposal_confirm(
            one.backend, contract_address=names[0], proposal=FIRST, key=stranger, wait=True
        )
        world.reach(notice.ends_at)
        ended = await close(two.backend, contract_address=names[1], key=stranger, wait=True)
        assert ended.distribution_id == two.distribution.id
        left = await one.backend.kupo.matches(one.address.to_bech32(), unspent=True)
        assert len(left) == 3  # terms, vault and attestation of the first
