"""What the demo's second project says the chain refused: but for that one fault, the chain takes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from milestones.cardano.value import AssetId
from milestones.demo import hostile
from milestones.demo.cancelled_project import play_cancelled
from milestones.demo.stage import DAY, ORACLES, SUBSTITUTE, Stage, set_stage
from milestones.demo.story import mint_grants
from milestones.demo.telling import Project, Telling
from milestones.services.publish_script import publish_script


@dataclass
class Prepared:
    """The stage on which the second project can be played."""

    stage: Stage
    telling: Telling
    token: AssetId


@pytest.fixture
async def prepared() -> AsyncIterator[Prepared]:
    """Tokens are minted, and the scripts published."""
    async with set_stage() as stage:
        telling = Telling(stage, lambda _: None)
        token = await mint_grants(telling)
        await publish_script(stage.backend, key=stage.keys["administrator"], wait=True)
        yield Prepared(stage, telling, token)


def in_time(build: Callable[..., Any], stage: Stage, days: int) -> Callable[..., Any]:
    """The same draft, once enough days have passed."""

    async def built(*arguments: Any) -> Any:
        stage.advance(days * DAY)
        return await build(*arguments)

    return built


def confirmed_in_time(prepared: Prepared, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        hostile,
        "hasty_confirmation",
        in_time(hostile.hasty_confirmation, prepared.stage, 2),
    )


def ended_in_time(prepared: Prepared, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hostile, "ending", in_time(hostile.ending, prepared.stage, 8))


def sent_where_the_terms_say(_: Prepared, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(hostile, "sent_to", lambda ended, _: ended)


def attested_by_who_sits(_: Prepared, patch: pytest.MonkeyPatch) -> None:
    refused = Project.must_be_refused_attestation

    async def attesting(
        project: Project, attempt: str, statement: Any, _: Any, *, pretended: Any
    ) -> None:
        witnesses = await project.witnesses(statement, (ORACLES[0], SUBSTITUTE))
        await refused(project, attempt, statement, witnesses)

    patch.setattr(Project, "must_be_refused_attestation", attesting)


@pytest.mark.parametrize(
    "mended",
    [confirmed_in_time, ended_in_time, sent_where_the_terms_say, attested_by_who_sits],
)
async def test_without_its_fault_the_chain_takes_it(
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
    mended: Callable[[Prepared, pytest.MonkeyPatch], None],
) -> None:
    """Else the demo would show off a refusal that has another reason."""
    mended(prepared, monkeypatch)
    with pytest.raises(AssertionError, match="the chain accepted a hostile transaction"):
        await play_cancelled(prepared.telling, prepared.token)
