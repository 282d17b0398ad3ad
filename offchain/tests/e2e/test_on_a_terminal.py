"""What a person sees: the same results as text, whole, and harmless."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import sys

import pytest

from milestones.services.proposal import proposal_submit
from milestones.testing.distribution import OpenDistribution, open_distribution
from milestones.testing.processes import heeding_signals
from milestones.testing.world import World

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")


def environment(world: World, terminal: str) -> dict[str, str]:
    """This machine's, with which the program finds the chain, and a terminal of this kind and 80 columns."""
    return {**os.environ, **world.settings(), "COLUMNS": "80", "TERM": terminal}


async def on_a_terminal(
    world: World, *arguments: str, typed: str | None = None
) -> tuple[int | None, str]:
    """Runs the program with a pseudo-terminal of 80 columns as standard output and error.

    It is standard input, too, where something is `typed`.
    """
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "milestones", *arguments),
        cwd=world.directory,
        env=environment(world, "dumb"),
        stdin=asyncio.subprocess.DEVNULL if typed is None else theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    if typed is not None:
        os.write(ours, typed.encode())
    text = await asyncio.to_thread(_read_all, ours)
    return await process.wait(), text


def _read_all(descriptor: int) -> str:
    chunks = []
    with open(descriptor, "rb", buffering=0) as terminal:
        try:
            while chunk := terminal.read(4096):
                chunks.append(chunk)
        except OSError:
            # How Linux tells that the other side of a pseudo-terminal is closed.
            pass
    return b"".join(chunks).decode()


def unfolded(text: str) -> str:
    """A sentence as it was before it was put into lines."""
    return " ".join(text.split())


async def test_identifiers_are_never_cut(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    printed = await world.cli("register-milestone", "--schedule", file)
    exit_code, text = await on_a_terminal(world, "--full", "register-milestone", "--schedule", file)

    assert exit_code == 0
    assert not text.lstrip().startswith("{")
    for name in ("contract_address", "distribution_id", "datum_cbor"):
        assert printed.json[name] in text
    assert "allocations" in text
    assert "…" not in text


async def test_a_registration_and_its_status_are_read_at_a_glance(world: World) -> None:
    """Some twenty lines of 80 columns, and what one copies in one piece."""
    schedule = world.schedule()
    file = world.write_json("schedule.json", schedule)
    exit_code, text = await on_a_terminal(world, "register-milestone", "--schedule", file)
    async with open_distribution(world, schedule) as opened:
        await opened.attested("milestone-001")
        await opened.release(0, wait=True)
        name = str(opened.distribution.name)
        where = ("--contract-address", name)
        status_code, status = await on_a_terminal(world, "check-status", *where)
        somebody = str(world.address("beneficiary-3"))
        shared = (*where, "--beneficiary-address", somebody)
        calculated_code, calculated = await on_a_terminal(world, "calculate-distribution", *shared)
        key = ("--signing-key-path", world.key_file("relayer"))
        released_code, released = await on_a_terminal(
            world, "submit-release", *shared, *key, "--wait"
        )

    assert (exit_code, status_code, calculated_code, released_code) == (0, 0, 0, 0)
    assert "4,000 GRANT to claim now, 0 later, 0 paid of 4,000" in calculated
    assert somebody in calculated
    assert "Paid, in a block: 1 payment, 4,000" in released
    assert "Registered, not on the chain: 5 payments to 5 people, 15,000 GRANT" in text
    assert "Open: 1,000 GRANT of 15,000 GRANT paid, in 1 of 5 payments" in status
    assert name in text
    assert name in status
    for shown in (text, status):
        # Warnings stand above, on standard error.
        lines = shown.replace("\r", "").splitlines()
        composed = lines[next(n for n, each in enumerate(lines) if "15,000 GRANT" in each) :]
        assert len(composed) <= 24
        long = [each for each in composed if len(each) > 80]
        assert all("addr_test1" in each or ".json" in each for each in long)


async def test_rows_of_many_columns_are_blocks_of_lines_that_can_be_copied(world: World) -> None:
    """A proposal has ten fields: as a table of 80 columns nobody could read one."""
    schedule = world.schedule(objectors=1, review_bond_lovelace=5_000_000)
    async with open_distribution(world, schedule) as opened:
        proposed = [
            await proposal_submit(
                opened.backend,
                contract_address=opened.address,
                milestone_identifier=milestone,
                key=world.keys["stranger"],
                wait=True,
            )
            for milestone in ("milestone-001", "milestone-002")
        ]
        where = ("--contract-address", opened.address.to_bech32())
        exit_code, text = await on_a_terminal(world, "proposal", "show", *where, "--full")
    assert exit_code == 0
    lines = [line.split() for line in text.splitlines()]
    for number, each in enumerate(proposed, 1):
        assert ["proposals:", str(number), "of", "2"] in lines
        assert ["proposal", each.proposal] in lines
        assert ["return_to", each.return_to] in lines
    assert lines.count(["state", "under_review"]) == 2


async def test_json_can_be_asked_for(world: World) -> None:
    file = world.write_json("schedule.json", world.schedule())
    _, before = await on_a_terminal(world, "--json", "register-milestone", "--schedule", file)
    _, behind = await on_a_terminal(world, "register-milestone", "--schedule", file, "--json")

    for text in (before, behind):
        assert '"status": "registered"' in text


async def test_words_of_others_cannot_steer_the_terminal(world: World) -> None:
    """A description is anybody's; a name with such characters is refused, and shown in the refusal."""
    hostile = "[bold]\x1b[2Jone[/nothing]"
    schedule = world.schedule()
    schedule["contract_metadata"]["description"] = hostile
    file = world.write_json("schedule.json", schedule)
    exit_code, text = await on_a_terminal(world, "register-milestone", "--schedule", file)
    assert exit_code == 0
    allocations = world.allocations()
    allocations[0]["milestone_identifier"] = hostile
    named = world.write_json("named.json", world.schedule(beneficiary_allocations=allocations))
    exit_code, refusal = await on_a_terminal(world, "register-milestone", "--schedule", named)
    assert exit_code == 2
    assert "\x1b[2J" not in text + refusal
    assert "[bold]" in text.replace("\r\n", "")


async def test_every_problem_is_listed(world: World) -> None:
    allocations = world.allocations()
    allocations[0]["token_amount"] = 0
    allocations[2]["milestone_identifier"] = ""
    schedule = world.schedule(beneficiary_allocations=allocations)
    file = world.write_json("schedule.json", schedule)
    exit_code, text = await on_a_terminal(world, "register-milestone", "--schedule", file)

    assert exit_code == 2
    assert "(and 1 more)" in text
    assert "  beneficiary_allocations[0].token_amount: " in text
    assert "  beneficiary_allocations[2].milestone_identifier: " in text


async def test_a_profile_fits_a_terminal(world: World) -> None:
    """Tables with shares of the whole, and no line is folded."""
    async with open_distribution(world) as opened:
        await opened.attested("milestone-001")
        released = (await opened.release(0, wait=True)).transactions[0].transaction_hash
    command = ("devnet", "profile", released, "--control-url", world.control_url)
    exit_code, text = await on_a_terminal(world, *command)
    assert exit_code == 0
    assert "equalsData" in text
    assert "%" in text
    assert "stacks" not in text
    lines = text.replace("\r", "").splitlines()
    assert all(len(line) <= 80 for line in lines if line.startswith(("│", "┃")))
    assert not any(line.startswith("│  ") for line in lines)


async def test_an_oracle_is_asked_for_the_time_and_before_it_signs(world: World) -> None:
    """Whoever says no has signed nothing; `--yes` asks for neither."""
    schedule = world.write_json("schedule.json", world.schedule())
    registered = await world.cli("register-milestone", "--schedule", schedule)
    output = world.directory / "signatures.json"
    sign = (
        *("oracle", "sign", "--contract-address", registered.json["contract_address"]),
        *("--milestone-identifier", "milestone-001", "--schedule", schedule),
        *("--signing-key-path", world.key_file("oracle-0"), "--output", str(output)),
    )
    refused, text = await on_a_terminal(world, *sign, typed="2026-01-01\nn\n")
    assert refused == 130
    assert "was reached at 2026-01-01 00:00:00 UTC" in text
    assert "nothing was signed" in text
    assert not output.exists()
    agreed, text = await on_a_terminal(world, *sign, typed="2026-01-01\ny\n")
    assert agreed == 0, text
    assert len(json.loads(output.read_text(encoding="utf-8"))) == 1
    # What is signed already says when: nobody needs to be asked again.
    again, text = await on_a_terminal(world, *sign, "--yes", typed="")
    assert (again, "When was it reached?" in text, "Sign it?" in text) == (0, False, False)
    assert "was reached at 2026-01-01 00:00:00 UTC" in text


PAYMENT = (
    "84a400d9010281825820da3719f2f834f51e1f218a54c898657309a68e8fadb532d5d8a22d305d94f89d00018182583900"
    "9493315cd92eb5d8c4304e67b7e16ae36d61d34502694657811a2c8e32c728d3861e164cab28cb8f006448139c8f1740ff"
    "b8e7aa9e5232dc1a017d7840021a00029810031a055d4a80a0f5f6"
)
"""Pays 25 ADA to the address of CIP-19's vectors, before slot 90,000,000."""


@pytest.mark.parametrize(("typed", "exit_code"), [("y\n", 0), ("n\n", 5), ("\n", 5)])
async def test_nobody_signs_unasked_what_he_has_not_read(
    world: World, typed: str, exit_code: int
) -> None:
    """What the transaction does stands before the question, a sentence a line; no is the default."""
    (world.directory / "payment").write_text(PAYMENT)
    key = world.key_file("creator")
    sign = ("transaction", "sign", "payment", "--signing-key-path", key, "--output", "signed.json")
    code, text = await on_a_terminal(world, *sign, typed=typed)
    assert code == exit_code
    before, asked, after = text.partition("Sign it?")
    assert asked
    assert "pays 25.000000 ADA to addr_test1qz2fxv2umyhttkxyxp8x0dlpdt3k6cwng5pxj" in unfolded(
        before
    )
    assert "before slot 90000000" in before
    assert (world.directory / "signed.json").exists() == (exit_code == 0)
    assert ("they did not agree" in after) == (exit_code == 5)


async def test_a_transaction_is_shown_in_lines_and_blocks(world: World) -> None:
    (world.directory / "payment").write_text(PAYMENT)
    show = ("transaction", "show", "payment", "--offline")
    code, text = await on_a_terminal(world, *show)
    assert code == 0
    assert "- pays 25.000000 ADA to addr_test1" in unfolded(text)
    code, text = await on_a_terminal(world, *show, "--full")
    assert code == 0
    lines = text.splitlines()
    assert any(line.startswith("summary") and "pays 25.000000 ADA" in line for line in lines)
    assert any(line.strip().startswith("can be in a block at any time") for line in lines)
    assert "outputs: 1 of 1" in text
    assert any(line.strip().startswith("role") and "payment" in line for line in lines)


async def watching(
    opened: OpenDistribution, *, every_seconds: int, stdout: int, stderr: int
) -> asyncio.subprocess.Process:
    """`check-status --watch` of a distribution, as a process."""
    world = opened.world
    where = ("--contract-address", str(opened.distribution.name))
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "milestones", "check-status", *where),
        *("--watch", str(every_seconds)),
        cwd=world.directory,
        env=environment(world, "xterm"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        preexec_fn=heeding_signals,
    )


async def test_a_status_is_watched_until_one_has_seen_enough(world: World) -> None:
    """It is shown at once, and again when something has happened; Ctrl-C is no failure."""
    async with open_distribution(world) as opened:
        process = await watching(
            opened,
            every_seconds=1,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout is not None
        first = json.loads(await process.stdout.readuntil(b"\n}\n"))
        await opened.attested("milestone-001")
        second = first
        while not second["attestations"]:
            second = json.loads(await process.stdout.readuntil(b"\n}\n"))
        process.send_signal(signal.SIGINT)
        rest = await process.stdout.read()

        assert first["attestations"] == []
        assert len(second["attestations"]) == 1
        assert rest == b""
        assert await process.wait() == 0


async def test_whoever_is_asked_can_leave_and_nothing_was_signed(world: World) -> None:
    """Ctrl-C at the question ends the command; the journal knows of nothing, and the live line is gone."""
    ours, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "milestones", "publish-script"),
        *("--signing-key-path", world.key_file("relayer")),
        cwd=world.directory,
        env=environment(world, "xterm"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=heeding_signals,
    )
    os.close(theirs)
    shown = b""
    while not shown.endswith(b"Go on? [y/N]: "):
        shown += await asyncio.to_thread(os.read, ours, 4096)
    await asyncio.sleep(1.5)
    process.send_signal(signal.SIGINT)
    rest = await asyncio.to_thread(_read_all, ours)
    assert await process.wait() == 130
    assert "asking Ogmios" not in rest
    assert b"stays there for ever" in b" ".join(shown.split())
    assert world.workspace().storage.journal.newest(1) == []


async def test_what_goes_on_is_one_line_that_is_written_over(world: World) -> None:
    """Whoever watches sees what the command is at, and for how long; nothing of it is left at the end."""
    async with open_distribution(world) as opened:
        ours, theirs = pty.openpty()
        process = await watching(opened, every_seconds=600, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown, lines = b"", list[bytes]()
        while b"GRANT paid" not in shown or len(set(lines)) < 2:
            shown += await asyncio.to_thread(os.read, ours, 4096)
            # What stands behind the report, which has lines of its own.
            lines = re.findall(rb"\rlooking again [^\r]*\(\d+ s\)", shown.rpartition(b"\n")[2])
        process.send_signal(signal.SIGINT)
        rest = await asyncio.to_thread(_read_all, ours)
        assert await process.wait() == 0
    assert rest.endswith(f"\r{'':<79}\r")
