"""A chain that the scenarios of a file share, put back before each of them to where they all begin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from milestones.testing.grant import FIRST, Grant, five_allocations, open_grant, set_up
from milestones.testing.processes import DevnetProcess, ProcessWorld
from tests.support.checkout import fresh_checkout


@dataclass(frozen=True)
class Beginning:
    """A distribution in its administrator's folder, and a snapshot of the chain it is on."""

    grant: Grant
    snapshot: str

    @classmethod
    def now(cls, grant: Grant) -> Beginning:
        """Where scenarios can begin from here on."""
        return cls(grant, grant.world.control("snapshot")["snapshot"])

    def restore(self) -> None:
        """Makes the chain what it was, every service working."""
        self.grant.world.control("unfreeze")
        self.grant.world.control("revert", snapshot=self.snapshot)

    def again(self, folder: Path) -> Grant:
        """The distribution as it was, in a copy of the folder."""
        self.restore()
        shared = self.grant.world
        shutil.copytree(shared.folder, folder)
        return replace(self.grant, world=replace(shared, folder=folder))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beginning]:
    """A chain on which the scripts are published, and the distribution of `five_allocations` is open."""
    folder = tmp_path_factory.mktemp("opened") / "offchain"
    with fresh_checkout(folder) as (checkout, _):
        set_up(checkout)
        yield Beginning.now(open_grant(checkout, five_allocations(checkout)))


@pytest.fixture(scope="module")
def with_attestation(opened: Beginning, tmp_path_factory: pytest.TempPathFactory) -> Beginning:
    """The same, the first milestone being attested."""
    grant = opened.again(tmp_path_factory.mktemp("attested") / "offchain")
    grant.attest(FIRST)
    return Beginning.now(grant)


@pytest.fixture
def blank(opened: Beginning, tmp_path: Path) -> ProcessWorld:
    """An empty folder beside the shared chain, on which the scripts are published."""
    opened.restore()
    return opened.grant.world.at(tmp_path / "offchain")


@pytest.fixture
def grant(opened: Beginning, tmp_path: Path) -> Grant:
    """The open distribution, as nobody has touched it yet."""
    return opened.again(tmp_path / "offchain")


@pytest.fixture
def attested(with_attestation: Beginning, tmp_path: Path) -> Grant:
    """The open distribution, its first milestone attested."""
    return with_attestation.again(tmp_path / "offchain")


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[tuple[ProcessWorld, DevnetProcess]]:
    """A chain of this scenario alone that is kept on disk: to be killed, and perhaps started again."""
    state = tmp_path / "chain"
    with fresh_checkout(tmp_path / "offchain", f"--state-dir={state}") as (checkout, devnet):
        yield checkout, devnet
