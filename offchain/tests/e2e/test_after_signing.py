"""What happens to a distribution after it was signed: notice, waiver, proposals, other oracles.

Everybody works from a folder and by the program alone, each step a process.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from milestones.testing.cast import ADA, ORACLES, TOKEN_NAME
from milestones.testing.grant import (
    FIRST,
    HOUR,
    SECOND,
    THIRD,
    YEAR,
    Grant,
    five_allocations,
    set_up,
)
from milestones.testing.processes import CommandResult, ProcessWorld
from tests.support.checkout import fresh_checkout

DAY: Final = 86_400
WEEK: Final = 7 * DAY
BOND: Final = 5 * ADA
NEXT_ORACLES: Final = ("beneficiary-2", "beneficiary-3", "beneficiary-4")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ProcessWorld, str]]:
    """A chain on which the scripts are published, and its snapshot."""
    folder = tmp_path_factory.mktemp("shared") / "offchain"
    with fresh_checkout(folder) as (checkout, _):
        set_up(checkout)
        yield checkout, checkout.control("snapshot")["snapshot"]


@pytest.fixture
def blank(shared: tuple[ProcessWorld, str], tmp_path: Path) -> ProcessWorld:
    """An empty folder beside that chain, which is put back to where it was."""
    world, snapshot = shared
    world.control("revert", snapshot=snapshot)
    return world.at(tmp_path / "offchain")


def opened(world: ProcessWorld, **changes: Any) -> Grant:
    """The distribution of `five_allocations` under terms with these changes, deployed by its creator."""
    schedule = {
        "token_policy_id": world.policy_id,
        "token_name": TOKEN_NAME.hex(),
        "beneficiary_allocations": five_allocations(world),
        "oracle_addresses": [world.address(name) for name in ORACLES],
        "quorum_threshold": 2,
        "creator": world.address("creator"),
        "reclaim_after": world.now + 2 * YEAR,
        "contract_metadata": {"network_magic": 42, "created_at": world.now},
        **changes,
    }
    file = world.write("schedule.json", schedule)
    deployed = world.succeed("deploy", "--schedule", file, *paying(world, "creator"), "--wait")
    return Grant(world, deployed)


def paying(world: ProcessWorld, name: str) -> tuple[str, str]:
    """The option that names who pays and signs."""
    return ("--signing-key-path", world.key_file(name))


def ask(grant: Grant, *arguments: str, key: str = "stranger") -> CommandResult:
    """A command about the distribution, paid for by somebody."""
    return grant.world.run(*arguments, *grant.where, *paying(grant.world, key))


def do(grant: Grant, *arguments: str, key: str = "stranger") -> Any:
    """The same; it must succeed, and a block have it."""
    ran = ask(grant, *arguments, "--wait", key=key)
    assert ran.exit_code == 0, ran.stderr
    assert ran.json["status"] == "confirmed"
    return ran.json


def refused(ran: CommandResult, rule: str) -> Any:
    """The details of a refusal by a rule, before anything was signed."""
    assert (ran.exit_code, ran.error["code"]) == (5, "not_allowed_yet"), ran.stderr
    assert ran.error["details"]["rule"] == rule
    return ran.error["details"]


def signed(grant: Grant, file: str, *oracles: str, payload: tuple[str, ...]) -> str:
    """A file with these oracles' signatures of what `oracle payload` prints."""
    world = grant.world
    printed = world.succeed("oracle", "payload", *grant.where, *payload)
    for oracle in oracles:
        ran = world.run(
            *("oracle", "sign", "--signed-data", printed["signed_data"], "--output", file),
            *paying(world, oracle),
        )
        assert ran.exit_code == 0, ran.stderr
        said, listed = " ".join(ran.stderr.split()), printed["statement"]
        assert listed in said
    return file


def reach(grant: Grant, posix_seconds: int) -> None:
    """Lets the chain's time come to a moment."""
    grant.reach(max(0, posix_seconds - grant.world.now) + 1)


def unspent(grant: Grant) -> Any:
    """What is at the contract's address."""
    return grant.world.kupo(f"matches/{grant.address}?unspent")


def test_the_creators_notice_claims_during_the_grace_and_a_stranger_who_ends_it(
    blank: ProcessWorld,
) -> None:
    grant = opened(blank, cancel_by=["creator"], refund_address=blank.address("beneficiary-4"))
    stranger = ask(grant, "cancel", key="relayer")
    assert stranger.exit_code == 2
    assert "the creator's key hash is" in stranger.error["message"]
    assert ask(grant, "close").exit_code == 2

    report = blank.folder / "report.txt"
    report.write_text("the grantee has dissolved")
    dry = ask(grant, "cancel", "--evidence-file", "report.txt", "--dry-run", key="creator")
    assert (dry.exit_code, dry.json["status"]) == (0, "dry_run")
    notice = do(grant, "cancel", "--evidence-file", "report.txt", key="creator")
    assert "can't be withdrawn" in notice["meaning"]
    assert notice["ends_at"] == notice["said_at"] + WEEK
    assert notice["evidence_hash"] == dry.json["evidence_hash"] != ""
    refused(ask(grant, "cancel", key="creator"), "cancelled")

    grant.collect(FIRST)
    assert grant.release("--beneficiary-index", "0", "--wait").exit_code == 0
    assert blank.tokens_of("beneficiary-0") == 1_000
    until = refused(ask(grant, "close"), "grace")
    assert until["ends_at"] == notice["ends_at"]

    reach(grant, notice["ends_at"])
    assert grant.release("--beneficiary-index", "1", "--wait").exit_code == 0
    ended = do(grant, "close", key="stranger")
    assert ended["refund_address"] == blank.address("beneficiary-4")
    assert (ended["tokens_returned"], ended["attestations_burnt"]) == (28_000, 1)
    assert blank.tokens_of("beneficiary-4") == 28_000
    assert blank.lovelace_of("beneficiary-4") == ended["deposits_returned_lovelace"]
    assert unspent(grant) == []
    refused(ask(grant, "close"), "closed")


def test_a_quorum_gives_notice(blank: ProcessWorld) -> None:
    grant = opened(blank, cancel_by=["quorum"], cancel_grace_seconds=2 * WEEK)
    refused(ask(grant, "cancel", key="creator"), "cancel_by")
    payload = ("--notice", "--said-at", str(blank.now + HOUR))
    file = signed(grant, "notice.json", "oracle-2", payload=payload)
    missing = refused(ask(grant, "cancel", "--signatures", file), "quorum")
    assert (missing["signature_count"], missing["quorum_threshold"]) == (1, 2)
    signed(grant, "notice.json", "oracle-0", payload=payload)
    twice = ask(grant, "cancel", "--signatures", file, "--evidence-hash", "00")
    assert twice.exit_code == 2

    notice = do(grant, "cancel", "--signatures", file)
    assert sorted(notice["signers"]) == sorted(map(blank.address, ("oracle-0", "oracle-2")))
    assert notice["ends_at"] == int(payload[2]) + 2 * WEEK
    reach(grant, notice["ends_at"])
    assert do(grant, "close")["tokens_returned"] == 31_000
    assert unspent(grant) == []


def test_a_notice_that_was_signed_too_late_is_refused_before_it_is_sent(
    blank: ProcessWorld,
) -> None:
    grant = opened(blank, cancel_by=["quorum"])
    payload = ("--notice", "--said-at", str(blank.now + HOUR))
    file = signed(grant, "notice.json", "oracle-0", "oracle-1", payload=payload)
    grant.reach(2 * HOUR)
    with grant.nothing_sent():
        late = ask(grant, "cancel", "--signatures", file)
        assert late.exit_code == 2
        assert "nothing can be backdated" in late.error["message"]


def test_the_creator_waives_oracles_that_fell_silent(blank: ProcessWorld) -> None:
    grant = opened(blank, waiver_after=blank.now + DAY)
    waive = ("attest", "--milestone-identifier", FIRST, "--waive", "--evidence-hash", "0102")
    until = refused(ask(grant, *waive, key="creator"), "waiver_after")
    reach(grant, until["waiver_after"])
    assert ask(grant, *waive, key="relayer").exit_code == 2
    attested = do(grant, *waive, key="creator")
    assert (attested["signers"], attested["evidence_hash"]) == ([], "0102")
    assert grant.release("--beneficiary-index", "0", "--wait").exit_code == 0
    assert blank.tokens_of("beneficiary-0") == 1_000


def test_a_proposal_is_confirmed_and_claimed(blank: ProcessWorld) -> None:
    grant = opened(blank, objectors=1, review_bond_lovelace=BOND, review_period_seconds=3 * DAY)
    submit = ("proposal", "submit", "--milestone-identifier", FIRST, "--evidence-hash", "beef")
    proposed = do(grant, *submit)
    assert (proposed["bond_lovelace"], proposed["return_to"]) == (
        BOND,
        blank.address("stranger"),
    )
    assert proposed["due_at"] == proposed["said_at"] + 3 * DAY
    refused(ask(grant, *submit), "proposed")
    named = ("--proposal", FIRST)
    until = refused(ask(grant, "proposal", "confirm", *named), "review_period")
    assert until["due_at"] == proposed["due_at"]
    (waiting,) = blank.succeed("proposal", "show", *grant.where)["proposals"]
    assert (waiting["state"], waiting["evidence_hash"]) == ("under_review", "beef")
    assert waiting["proposal"] == proposed["proposal"]

    reach(grant, proposed["due_at"])
    (due,) = blank.succeed("proposal", "show", *grant.where)["proposals"]
    assert due["state"] == "due"
    refused(ask(grant, "proposal", "retire", *named), "forgotten")
    before = blank.lovelace_of("stranger")
    confirmed = do(grant, "proposal", "confirm", *named, key="relayer")
    assert blank.lovelace_of("stranger") == before + BOND
    assert confirmed["verification_timestamp"] == proposed["said_at"]
    assert grant.release("--beneficiary-index", "0", "--wait").exit_code == 0
    assert blank.tokens_of("beneficiary-0") == 1_000
    assert blank.succeed("proposal", "show", *grant.where)["proposals"] == []


def test_oracles_stop_a_proposal(blank: ProcessWorld) -> None:
    grant = opened(blank, objectors=1, review_bond_lovelace=BOND)
    proposed = do(grant, "proposal", "submit", "--milestone-identifier", FIRST)
    payload = ("--object", FIRST, "--bond-to", blank.address("beneficiary-3"))
    file = signed(grant, "objection.json", "oracle-1", payload=payload)
    named = ("--proposal", proposed["proposal"], "--signatures", file)
    stopped = do(grant, "proposal", "object", *named, key="relayer")
    assert stopped["signers"] == [blank.address("oracle-1")]
    assert blank.lovelace_of("beneficiary-3") == stopped["bond_lovelace"] == BOND
    gone = ask(grant, "proposal", "object", *named)
    assert gone.exit_code == 4
    reach(grant, proposed["due_at"])
    assert ask(grant, "proposal", "confirm", "--proposal", FIRST).exit_code == 4


def test_a_forgotten_proposal_is_retired_after_the_end(blank: ProcessWorld) -> None:
    grant = opened(blank, objectors=2, review_bond_lovelace=BOND, cancel_by=["creator"])
    notice = do(grant, "cancel", key="creator")
    proposed = do(grant, "proposal", "submit", "--milestone-identifier", SECOND)
    reach(grant, notice["ends_at"])
    ran = ask(grant, "close", "--wait")
    assert ran.exit_code == 0
    assert "proposals stay behind (1)" in ran.stderr
    left = blank.succeed("proposal", "show", *grant.where)
    assert (left["closed"], left["proposals"][0]["state"]) == (True, "forgotten")
    refused(ask(grant, "proposal", "confirm", "--proposal", SECOND), "closed")
    before = blank.lovelace_of("stranger")
    retired = do(grant, "proposal", "retire", "--proposal", SECOND, key="relayer")
    assert retired["proposal"] == proposed["proposal"]
    assert blank.lovelace_of("stranger") == before + BOND
    assert unspent(grant) == []


def spent_by_opening(world: ProcessWorld) -> str:
    """The output with the creator's tokens, which any opening spends."""
    matches = world.kupo(f"matches/{world.address('creator')}?unspent")
    (found,) = [each for each in matches if each["value"]["assets"]]
    return f"{found['transaction_id']}#{found['output_index']}"


def test_oracles_are_replaced_and_the_new_board_attests(blank: ProcessWorld) -> None:
    grant = opened(blank, rotatable=spent_by_opening(blank), objectors=2, review_bond_lovelace=BOND)
    grant.collect(SECOND)
    to = ",".join(map(blank.address, NEXT_ORACLES))
    payload = ("--rotate-to", to, "--next-quorum", "2")
    file = signed(grant, "rotation.json", "oracle-0", "oracle-1", payload=payload)
    rotated = do(grant, "oracle", "rotate", "--signatures", file)
    assert (rotated["sequence"], rotated["quorum_threshold"]) == (1, 2)
    assert sorted(rotated["oracles"]) == sorted(map(blank.address, NEXT_ORACLES))

    # The same signatures are about a board that sits already, and so is what was signed.
    old = ask(grant, "oracle", "rotate", "--signatures", file)
    assert (old.exit_code, old.error["details"]["rule"]) == (5, "replaced")
    again = json.loads((blank.folder / file).read_text())[0]["signed_data"]
    late = blank.run("oracle", "sign", "--signed-data", again, *paying(blank, "beneficiary-2"))
    assert "the next one is 2" in late.error["message"]

    # Who was replaced can neither sign any more nor be counted with what was collected before.
    about = ("oracle", "sign", *grant.where, "--milestone-identifier", FIRST)
    assert blank.run(*about, *paying(blank, "oracle-0")).exit_code == 2
    named = ("--milestone-identifier", SECOND)
    assert refused(ask(grant, "attest", *named), "quorum")["signature_count"] == 0

    file = signed(grant, "first.json", *NEXT_ORACLES[:2], payload=("--milestone-identifier", FIRST))
    committed = blank.succeed(
        "commit-milestone", "--milestone-identifier", FIRST, "--oracle-signatures", file
    )
    assert (committed["verified"], committed["signature_count"]) == (True, 2)
    attested = do(grant, "attest", "--milestone-identifier", FIRST)
    assert sorted(attested["signers"]) == sorted(map(blank.address, NEXT_ORACLES[:2]))
    assert grant.release("--beneficiary-index", "0", "--wait").exit_code == 0
    assert blank.tokens_of("beneficiary-0") == 1_000


def test_a_release_carries_the_new_boards_signatures(blank: ProcessWorld) -> None:
    grant = opened(blank, rotatable=spent_by_opening(blank))
    payload = ("--rotate-to", blank.address("beneficiary-3"), "--next-quorum", "1")
    file = signed(grant, "rotation.json", "oracle-0", "oracle-2", payload=payload)
    do(grant, "oracle", "rotate", "--signatures", file)
    about = ("--milestone-identifier", SECOND)
    file = signed(grant, "second.json", "beneficiary-3", payload=about)
    blank.succeed("commit-milestone", *about, "--oracle-signatures", file)
    ran = grant.release("--beneficiary-index", "2", "--wait")
    assert (ran.exit_code, ran.json["attested"]) == (0, True)
    assert blank.tokens_of("beneficiary-0") == 4_000


def test_notice_by_an_address_and_an_id(blank: ProcessWorld) -> None:
    """Every command takes the longer name, which is needed where distributions share an address."""
    grant = opened(blank, cancel_by=["creator"], objectors=1, review_bond_lovelace=BOND)
    name = f"{grant.address}#{grant.registered['distribution_id']}"
    other = Grant(blank, {**grant.registered, "contract_address": name})
    do(other, "proposal", "submit", "--milestone-identifier", THIRD)
    shown = blank.succeed("proposal", "show", *other.where)
    assert len(shown["proposals"]) == 1
    assert do(other, "cancel", key="creator")["contract_address"] == grant.address


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("cancel", "--signatures", "none.json"), "there is no file"),
        (
            ("proposal", "object", "--proposal", FIRST, "--signatures", "none.json"),
            "there is no file",
        ),
        (("oracle", "rotate", "--signatures", "none.json"), "there is no file"),
    ],
)
def test_a_file_that_is_not_there(
    blank: ProcessWorld, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    where = ("--contract-address", blank.address("creator"))
    ran = blank.run(*arguments, *where, *paying(blank, "stranger"))
    assert ran.exit_code == 2
    assert told in ran.error["message"]
