"""A distribution on a chain of its own, shared by all attacks; whatever one of them does is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from milestones.testing.proceedings import Proceedings
from tests.support.hostile import Judge
from tests.support.scenes import MONEY, Scene, scene_of


@pytest.fixture
def scene() -> Iterator[Scene]:
    """The scene with a token that stands behind the contract's own in a vault."""
    scene = scene_of(MONEY[0])
    with scene.harness.undone():
        yield scene


@pytest.fixture(params=MONEY)
def each_scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The scene with each kind of money."""
    scene = scene_of(request.param)
    with scene.harness.undone():
        yield scene


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Judge:
    """The judge of the test's scene."""
    name = "scene" if "scene" in request.fixturenames else "each_scene"
    return Judge(request.getfixturevalue(name).harness)


@pytest.fixture(params=[False, True], ids=["oracles of the terms", "oracles of a board"])
def governed(request: pytest.FixtureRequest, scene: Scene) -> Proceedings:
    """A distribution whose terms allow everything, by either kind of oracles."""
    return scene.proceedings(is_rotatable=request.param)


@pytest.fixture
def seated(scene: Scene) -> Proceedings:
    """A distribution whose oracles can be replaced."""
    return scene.proceedings(is_rotatable=True)
