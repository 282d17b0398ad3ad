"""Distributions of several releases of the contract, side by side, used by one program.

The other release has two conditions of `vault` in another order: its hashes differ and its rules do not. The
program opens distributions with it, as if it had come with it; the contract of this checkout is then a former
one.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from milestones.testing.cast import ORACLES
from milestones.testing.grant import FIRST, Grant, five_allocations, open_grant, set_up
from milestones.testing.processes import ProcessWorld

RELEASE = "another_version.json"
LATER = {"MILESTONES_BLUEPRINT": RELEASE}


class Upgraded(ProcessWorld):
    """The same folder after an upgrade to a program with another release."""

    def environment(self, **variables: str) -> dict[str, str]:
        return super().environment(**{**LATER, **variables})


@pytest.fixture
def both(checkout: ProcessWorld) -> tuple[Grant, Grant]:
    """A distribution of each release, the former one's first, seen by the upgraded program."""
    shutil.copy(Path(__file__).parents[1] / "support" / RELEASE, checkout.folder)
    set_up(checkout)
    former = open_grant(checkout, five_allocations(checkout))
    upgraded = Upgraded(**{name: getattr(checkout, name) for name in checkout.__dataclass_fields__})
    set_up(upgraded)
    return replace(former, world=upgraded), open_grant(upgraded, five_allocations(upgraded))


def test_each_distribution_is_worked_with_under_its_own_release(both: tuple[Grant, Grant]) -> None:
    former, later = both
    assert former.address != later.address
    for grant, version in ((former, "2.0.0"), (later, "2.1.0")):
        verified = grant.world.succeed("verify", *grant.where)
        assert verified["verdict"] == "sound"
        (check,) = (each for each in verified["checks"] if each["name"] == "contract_version")
        assert f"this contract is {version!r}" in check["detail"]
        before = grant.world.tokens_of("beneficiary-1")
        grant.attest(FIRST)
        assert grant.amounts("beneficiary-1")["claimable_amount"] == 2_000
        assert grant.release("--all", "--wait").exit_code == 0
        assert grant.world.tokens_of("beneficiary-1") == before + 2_000
        assert grant.milestone()["source"] == "chain"


def test_an_oracle_signs_for_the_release_that_the_statement_names(
    both: tuple[Grant, Grant],
) -> None:
    _, later = both
    signed = []
    for grant in both:
        run = grant.world.succeed
        printed = run("oracle", "payload", *grant.where, "--milestone-identifier", FIRST)
        key = ("--signing-key-path", grant.world.key_file(ORACLES[0]))
        signed.append(run("oracle", "sign", "--signed-data", printed["signed_data"], *key))
        committed = grant.commit(FIRST, [signed[-1]])
        assert committed.exit_code == 0, committed.stderr
    assert signed[0]["signed_data"] != signed[1]["signed_data"]
    refused = later.commit(FIRST, [signed[0]], *later.where)
    assert refused.exit_code == 2
    assert "another contract" in refused.stderr


def test_what_only_the_chain_knows_is_rebuilt_under_each_release(both: tuple[Grant, Grant]) -> None:
    for grant in both:
        shutil.rmtree(grant.world.data)
        assert grant.status()["contract_state"]["unclaimed_count"] == 5
    former, _ = both
    former.reach(3 * 31_536_000)
    key = ("--signing-key-path", former.world.key_file("creator"), "--wait")
    closed = former.world.succeed("close", *former.where, *key)
    assert closed["transactions"]
