"""A chain that the scenarios of a file share, put back before each of them to where they all begin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from checkout import Checkout, DevnetProcess, fresh_checkout
from grant import Grant, five_allocations, open_grant, set_up


@dataclass(frozen=True)
class Beginning:
    """A chain on which the scripts are published and a distribution is open, and its snapshot."""

    grant: Grant
    snapshot: str

    def restore(self) -> Checkout:
        """The chain as it was, every service working."""
        checkout = self.grant.checkout
        checkout.control("unfreeze")
        checkout.control("revert", snapshot=self.snapshot)
        return checkout


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beginning]:
    """What all scenarios of a file begin with."""
    folder = tmp_path_factory.mktemp("beginning") / "offchain"
    with fresh_checkout(folder) as (checkout, _):
        set_up(checkout)
        grant = open_grant(checkout, five_allocations(checkout))
        yield Beginning(grant, checkout.control("snapshot")["snapshot"])


@pytest.fixture
def blank(beginning: Beginning, tmp_path: Path) -> Checkout:
    """An empty folder beside the shared chain, on which the scripts are published."""
    return beginning.restore().at(tmp_path / "offchain")


@pytest.fixture
def grant(beginning: Beginning, tmp_path: Path) -> Grant:
    """The open distribution of `five_allocations`, in a copy of its administrator's folder."""
    shared = beginning.restore()
    shutil.copytree(shared.folder, tmp_path / "offchain")
    return replace(beginning.grant, checkout=replace(shared, folder=tmp_path / "offchain"))


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[tuple[Checkout, DevnetProcess]]:
    """A chain of this scenario alone that is kept on disk: to be killed, and perhaps started again."""
    state = tmp_path / "chain"
    with fresh_checkout(tmp_path / "offchain", f"--state-dir={state}") as (checkout, devnet):
        yield checkout, devnet
