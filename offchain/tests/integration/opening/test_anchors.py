"""Documents that an opening names: on the chain, and compared by whoever has them."""

from __future__ import annotations

from typing import Any

from milestones.cardano.hashes import blake2b_256
from milestones.protocol.anchors import Anchor
from milestones.services.verify import verify
from milestones.testing.distribution import EVIDENCE, open_distribution
from milestones.testing.world import World

DOCUMENT = blake2b_256(b"the grant's agreement")
ANCHOR = Anchor("https://example.org/" + "agreement/" * 10, DOCUMENT)


def anchors_check(verified: Any) -> Any:
    return next(check for check in verified.checks if check.name == "anchors")


async def test_an_opening_names_a_document_beside_its_schedule(world: World) -> None:
    distribution = await world.open(anchor=ANCHOR)
    async with world.backend() as backend:
        blind = await verify(backend, contract_address=distribution.address)
        seeing = await verify(
            backend, contract_address=distribution.address, files={"a.pdf": DOCUMENT}
        )
        other = await verify(
            backend, contract_address=distribution.address, files={"b.pdf": bytes(32)}
        )

    (document,) = blind.documents
    assert (document.named_by, document.url, document.hash) == ("opening", ANCHOR.url, DOCUMENT)
    assert document.file is None
    assert blind.verdict == seeing.verdict == "sound"
    assert seeing.documents[0].file == "a.pdf"
    assert anchors_check(seeing).detail == "a.pdf is named by the opening"
    assert other.verdict == "unsound"
    assert "none of the documents" in anchors_check(other).detail
    assert len(seeing.allocations) == 5


async def test_a_schedule_in_parts_leaves_room_for_an_anchor(world: World) -> None:
    world.pay(world.address("creator"), 300_000_000)
    rows = world.allocations()
    for number in range(400):
        milestone = f"{number:064}"
        rows.append({**rows[0], "milestone_identifier": milestone, "token_amount": number + 1})
    schedule = world.schedule(beneficiary_allocations=rows)
    distribution = await world.open(schedule, anchor=ANCHOR)
    async with world.backend() as backend:
        verified = await verify(backend, contract_address=distribution.address)
    assert verified.documents[0].url == ANCHOR.url
    assert len(verified.allocations) == 405


async def test_evidence_that_oracles_signed_is_compared_too(world: World) -> None:
    async with open_distribution(world, private=False) as opened:
        await opened.attested("milestone-001")
        files = {"report.txt": EVIDENCE}
        verified = await verify(opened.backend, contract_address=opened.address, files=files)
    (document,) = verified.documents
    assert (document.named_by, document.url, document.file) == ("attestation", None, "report.txt")
    assert verified.verdict == "sound"
