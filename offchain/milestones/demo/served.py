"""A distribution to play with in the browser: open, one milestone reached, the others for oracles to sign."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from milestones.demo.stage import ADA, BENEFICIARIES, DAY, ORACLES, QUORUM, Stage
from milestones.demo.story import mint_grants
from milestones.demo.telling import Narrate, Project, Telling
from milestones.demo.wallets import SCRIPT, routes
from milestones.services.attest import attest
from milestones.services.paying.budget import Budget
from milestones.services.publish_script import publish_script
from milestones.services.register_milestone import register_milestone
from milestones.web.server import RunningServer, running
from milestones.web.serving import ServedStorage, Serving
from milestones.web.settings import RelaySettings, ServeSettings

ALLOCATIONS: Final = (
    ("Ada", 100_000, "design"),
    ("Ada", 150_000, "launch"),
    ("Ben", 200_000, "design"),
    ("Chen", 250_000, "prototype"),
    ("Dara", 300_000, "prototype"),
    ("Eve", 400_000, "launch"),
)
REACHED: Final = "design"
GRACE_DAYS: Final = 7
BOND_LOVELACE: Final = 5 * ADA
BUDGET_LOVELACE: Final = 50 * ADA
PLAYERS: Final = (*BENEFICIARIES, *ORACLES, "builder", "administrator")
"""Who has a wallet in the browser; Ada, the builder and the administrator have ADA."""


@asynccontextmanager
async def served_demo(stage: Stage, narrate: Narrate, *, port: int) -> AsyncIterator[RunningServer]:
    """The demo's distribution on a server of this event loop, for as long as the block lasts."""
    storage = ServedStorage(stage.backend.storage.data_directory)
    stage = replace(stage, backend=replace(stage.backend, storage=storage))
    telling = Telling(stage, narrate)
    project = Project(telling, await mint_grants(telling))
    now, administrator = await project.now(), stage.keys["administrator"]
    document = project.schedule(
        ALLOCATIONS,
        description="A grant to play with",
        vesting_timestamp=now - DAY,
        reclaim_after=now + 365 * DAY,
        cancel_by=["creator", "quorum"],
        cancel_grace_seconds=GRACE_DAYS * DAY,
        objectors=QUORUM,
        review_period_seconds=DAY,
        review_bond_lovelace=BOND_LOVELACE,
    )
    registered = await register_milestone(stage.backend, document)
    await publish_script(stage.backend, key=administrator, wait=True)
    await project.deployed(registered)
    await project.commit(REACHED, ORACLES[:QUORUM])
    await attest(
        stage.backend,
        contract_address=project.address,
        milestone_identifier=REACHED,
        key=administrator,
        wait=True,
    )
    narrate(f"A distribution is open at {project.address}; {REACHED!r} is reached.")
    settings = ServeSettings(
        distributions=(project.address,),
        port=port,
        relay=RelaySettings(
            key=stage.keys["relayer"], budget=Budget(most_lovelace=BUDGET_LOVELACE)
        ),
    )
    serving = Serving.of(settings, stage.backend)
    serving.scripts = (SCRIPT,)
    async with running(serving, routes(stage, PLAYERS)) as server:
        yield server
