"""What every command shows on a terminal of 80 and of 120 columns, kept as it is expected.

The chain's clock stands still between two commands, so dates are the same in every run. After a change:
`MILESTONES_WRITE_SCREENS=1 python -m pytest offchain/tests/e2e/test_screens.py`, and then look at each file
that `git diff` shows, as whoever works with it will.
"""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from milestones.cardano.address import Credential, StakeAddress
from milestones.devnet import opening
from milestones.testing.world import World
from tests.docs.ready import ReadyProgram

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals")

KEPT: Final = Path(__file__).parent / "screens"
WIDTHS: Final = (80, 120)
NOON: Final = 4_102_488_000
"""2100-01-01 12:00:00 UTC, when the story begins."""
DAY: Final = 86_400
COLOUR: Final = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-8]|4[0-8]|9\d|10\d)(?:;\d+)*m")
BOLD: Final = re.compile(r"\x1b\[[013]m")
WRITES: Final = "MILESTONES_WRITE_SCREENS" in os.environ


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The program, ready to be forked."""
    with ReadyProgram(tmp_path_factory.mktemp("program")) as ready:
        yield ready


@pytest.fixture
def devnet_options(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """A clock that stands still, and a chain that is always the same: it names the moment of its making."""
    monkeypatch.setattr(opening, "machine_posix_ms", lambda: 1_700_000_000_000)
    return {"manual_clock": True, "start_posix_ms": 1_700_000_000_000}


class Screens:
    """Runs commands on a terminal, and holds what they show against what is kept."""

    def __init__(self, world: World, script: Path) -> None:
        self._world, self._script = world, script
        self._ids: dict[str, str] = {}
        self.different: list[str] = []

    async def show(self, name: str, *arguments: str, exit_code: int = 0) -> None:
        """Both widths of what a command shows; it must change nothing. At the second nothing is sent."""
        for width in WIDTHS:
            code, text = await self.run(*arguments, width=width)
            assert code == exit_code, text
            self.compare(f"{name}.{width}", arguments, text)

    async def do(self, name: str, *arguments: str) -> None:
        """What a command that changes something shows: first as a dry run of 120 columns, then in fact."""
        code, text = await self.run(*arguments, "--dry-run", width=120)
        assert code == 0, text
        self.compare(f"{name}.dry-run.120", (*arguments, "--dry-run"), text)
        refused, text = await self.run(*arguments, width=80, answer="n\n")
        assert refused == 5, text
        code, text = await self.run(*arguments, "--wait", width=80, answer="y\n")
        assert code == 0, text
        self.compare(f"{name}.80", (*arguments, "--wait"), text)

    async def once(self, name: str, *arguments: str) -> None:
        """What a command shows at 80 columns that can be run only once; whatever it asks, it may."""
        code, text = await self.run(*arguments, width=80)
        assert code == 0, text
        self.compare(f"{name}.80", arguments, text)

    async def served(self, name: str, seen: str, *arguments: str) -> None:
        """What a command that goes on shows at 80 columns; once `seen` is, Ctrl-C ends it."""
        code, text = await self.run(*arguments, width=80, until=seen)
        assert code == 0, text
        self.compare(f"{name}.80", arguments, text)

    async def signed(self, world: World, output: str, *payload: str) -> None:
        """Two oracles sign what `oracle payload` prints for these arguments."""
        printed = await world.cli("oracle", "payload", *payload)
        for number in range(2):
            key = ("--signing-key-path", f"oracle-{number}.skey", "--output", output)
            data = ("--signed-data", printed.json["signed_data"])
            code, text = await self.run("oracle", "sign", *data, *key, width=80)
            assert code == 0, text

    def compare(self, name: str, arguments: tuple[str, ...], text: str) -> None:
        """Notes where a screen isn't what is kept; the line of the command stands above it."""
        text = self._stable(f"$ milestones {' '.join(arguments)}\n{text}")
        file = KEPT / f"{name}.txt"
        width = int(name.rpartition(".")[2])
        too_long = [
            line for line in text.splitlines()[1:] if len(line) > width and not _is_copied(line)
        ]
        assert not too_long, too_long
        if WRITES:
            file.write_text(text, encoding="utf-8")
        elif not file.exists() or file.read_text(encoding="utf-8") != text:
            self.different.append(f"--- {name}, now:\n{text}")

    def _stable(self, text: str) -> str:
        """Without what differs from run to run, or with every change of how transactions are built.

        That is the folder, the ports, how long something took, transactions' ids and signatures, and the lines
        of a log.
        """
        text = re.sub(r"(?m)^\d{4}-\d\d-\d\dT\S+Z .*\n", "", text)
        text = text.replace(str(self._world.directory), "/home/you")
        text = re.sub(r"(localhost|127\.0\.0\.1):\d+", r"\1:PORT", text)
        text = re.sub(r"[\d,]+ ms", "N ms", text)
        text = re.sub(r"\b[0-9a-f]{128}\b", "5" * 128, text)
        for found in re.findall(r"\b[0-9a-f]{64}\b", text):
            self._ids.setdefault(found, f"{len(self._ids) + 1:04}" * 16)
        for found, name in self._ids.items():
            text = text.replace(found, name)
            text = text.replace(f"{found[:14]}…{found[-8:]}", f"{name[:14]}…{name[-8:]}")
            text = text.replace(f"{found[:8]}…", f"{name[:8]}…")
        return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"

    async def run(
        self, *arguments: str, width: int, answer: str = "y\n", until: str = ""
    ) -> tuple[int | None, str]:
        """Runs the program on a pseudo-terminal; `answer` is typed whenever it asks.

        Once it shows `until` it is interrupted. A forked one isn't: the signal is for the shell before it.
        """
        world = self._world
        program = ("sh", str(self._script)) if not until else (sys.executable, "-m", "milestones")
        ours, theirs = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *(*program, *arguments),
            cwd=world.directory,
            env={
                "PATH": os.environ["PATH"],
                "CARDANO_NETWORK": "devnet",
                "OGMIOS_URL": world.devnet.ogmios_url,
                "KUPO_URL": world.devnet.kupo_url,
                "COLUMNS": str(width),
                "LINES": "24",
                "NO_COLOR": "1",
                "TERM": "xterm",
                "TZ": "Europe/Zurich",
                "HOME": str(world.directory),
            },
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        end = partial(os.kill, process.pid, signal.SIGINT)
        text = await asyncio.to_thread(_read_all, ours, answer, until, end)
        assert not COLOUR.search(text), "there is colour in it, and NO_COLOR is set"
        # What the live line showed is written over, as a terminal would.
        shown = re.sub(r"[^\r\n]*\r(?!\n)", "", BOLD.sub("", text).replace("\r\n", "\n"))
        return await process.wait(), shown


def _read_all(descriptor: int, answer: str, until: str, end: Callable[[], None]) -> str:
    shown, awaited = b"", until.encode()
    with open(descriptor, "r+b", buffering=0) as terminal:
        try:
            while chunk := terminal.read(4096):
                shown += chunk
                if shown.endswith(b"[y/N]: "):
                    terminal.write(answer.encode())
                if awaited and awaited in shown:
                    awaited = b""
                    end()
        except OSError:
            pass  # How Linux says that the other side of a pseudo-terminal is closed.
    return shown.decode()


def _is_copied(line: str) -> bool:
    """Whether a line is left whole for an address, an id, or a file to be copied from it."""
    return re.search(r"addr_test1\w{40}|[0-9a-f]{56}|/home/you|\.json", line) is not None


@pytest.fixture
async def screens(world: World, program: ReadyProgram) -> AsyncIterator[Screens]:
    """Everybody's keys in files, and the chain at noon."""
    world.devnet.chain.advance(NOON * 1000 - world.devnet.chain.clock.posix_ms())
    script = world.directory / ".milestones"
    script.write_text(program.script, encoding="utf-8")
    for name in world.keys:
        world.key_file(name)
    screens = Screens(world, script)
    yield screens
    assert not screens.different, "\n".join(screens.different)


def schedule(world: World) -> dict[str, Any]:
    """Two milestones, five people, every power that has a view of its own."""
    allocations = world.allocations(vesting=NOON + 30 * DAY, milestones=2)
    for each in allocations:
        each["milestone_identifier"] = {"milestone-001": "audit", "milestone-002": "launch"}[
            each["milestone_identifier"]
        ]
        each["token_amount"] *= 1_000
    return world.schedule(
        beneficiary_allocations=allocations,
        reclaim_after=NOON + 365 * DAY,
        cancel_by=["creator"],
        objectors=1,
        review_bond_lovelace=5_000_000,
        contract_metadata={
            "network_magic": world.magic,
            "created_at": NOON,
            "description": "Grants of the spring round",
        },
    )


async def test_a_distribution_from_its_schedule_to_its_end(world: World, screens: Screens) -> None:
    file = Path(world.write_json("grants.json", schedule(world))).name
    relayer = ("--signing-key-path", "relayer.skey")
    creator = ("--signing-key-path", "creator.skey")
    await screens.show("init", "init")
    await screens.do("publish-script", "publish-script", *relayer)
    await screens.show("publish-script-again", "publish-script", *relayer)
    await screens.show("register-milestone", "register-milestone", "--schedule", file)
    await screens.do("deploy", "deploy", "--schedule", file, *creator)
    name = re.findall(r"addr_test1\w{90,}", (KEPT / "deploy.80.txt").read_text(encoding="utf-8"))[0]
    where = ("--contract-address", name)
    person = str(world.address("beneficiary-0"))

    said = ("--milestone-identifier", "audit", "--verification-timestamp", "2026-01-31")
    await screens.show("oracle-payload", "oracle", "payload", *where, *said)
    for number in range(2):
        sign = ("oracle", "sign", *where, *said, "--signing-key-path", f"oracle-{number}.skey")
        _, text = await screens.run(*sign, "--output", "signatures.json", width=80)
        screens.compare(f"oracle-sign-{number}.80", sign, text)
    commit = ("commit-milestone", *where, "--milestone-identifier", "audit")
    await screens.show("commit-milestone", *commit, "--oracle-signatures", "signatures.json")
    await screens.do("attest", "attest", *where, "--milestone-identifier", "audit", *relayer)
    await screens.do(
        "proposal-submit",
        *("proposal", "submit", *where, "--milestone-identifier", "launch", *relayer),
    )
    await screens.show("proposal-show", "proposal", "show", *where)
    await screens.show("check-status", "check-status", *where)
    await screens.show("verify", "verify", *where)

    world.reach(NOON + 31 * DAY)
    await screens.do(
        "proposal-confirm", "proposal", "confirm", *where, "--proposal", "launch", *relayer
    )
    calculate = ("calculate-distribution", *where, "--beneficiary-address", person)
    await screens.show("calculate-distribution", *calculate)
    release = ("submit-release", *where, "--milestone-identifier", "audit", *relayer)
    await screens.do("submit-release", *release)
    await screens.show("list", "list", "--address", str(world.address("creator")))
    await screens.show("find", "find", "--beneficiary", person)
    await screens.show("history", "history", *where)
    claim = ("claim-file", *where, "--beneficiary-address", person)
    code, text = await screens.run(*claim, "--output", "claim.json", width=80)
    assert code == 0
    screens.compare("claim-file.80", claim, text)
    await screens.do("cancel", "cancel", *where, *creator)
    world.reach(NOON + 60 * DAY)
    await screens.do("close", "close", *where, *creator)


async def test_what_is_signed_elsewhere(world: World, screens: Screens) -> None:
    """The creator's key lies on another machine; oracles replace themselves, and stop a proposal."""
    await world.publish()
    async with world.backend() as backend:
        creator = world.address("creator").to_bech32()
        held = await backend.kupo.matches(creator, unspent=True)
    (spent,) = [match.reference for match in held if match.output.value.assets]
    world.write_json("grants.json", {**schedule(world), "rotatable": str(spent)})
    elsewhere = ("--payer", creator, "--unsigned-out", "opening.json")
    await screens.run("register-milestone", "--schedule", "grants.json", width=80)
    await screens.once("deploy-unsigned", "deploy", "--schedule", "grants.json", *elsewhere)
    await screens.show("transaction-show", "transaction", "show", "opening.json")
    await screens.show("check-hardware", "transaction", "check-hardware", "opening.json")
    sign = ("transaction", "sign", "opening.json", "--signing-key-path", "creator.skey")
    await screens.once("transaction-sign", *sign, "--witness-only", "--output", "witness.json")
    assemble = ("transaction", "assemble", "opening.json", "--witness", "witness.json")
    await screens.once("transaction-assemble", *assemble, "--output", "signed.json")
    await screens.once("transaction-submit", "transaction", "submit", "signed.json", "--wait")
    ids = re.findall(
        r"\b[0-9a-f]{64}\b", (await screens.run("transaction", "show", "signed.json", width=80))[1]
    )
    await screens.show("transaction-status", "transaction", ids[0])
    (name,) = {
        str(each["contract_name"]) for each in (await world.cli("list")).json["distributions"]
    }
    where, relayer = ("--contract-address", name), ("--signing-key-path", "relayer.skey")

    await screens.run(
        *("proposal", "submit", *where, "--milestone-identifier", "audit", *relayer, "--wait"),
        width=80,
    )
    home = str(world.address("relayer"))
    asked = ("oracle", "payload", *where, "--object", "audit", "--bond-to", home)
    await screens.show("oracle-payload-object", *asked)
    await screens.signed(world, "objection.json", *asked[2:])
    stop = ("proposal", "object", *where, "--proposal", "audit", "--signatures", "objection.json")
    await screens.do("proposal-object", *stop, *relayer)
    others = ",".join(str(world.address(f"beneficiary-{n}")) for n in (1, 2))
    asked = ("oracle", "payload", *where, "--rotate-to", others, "--next-quorum", "2")
    await screens.show("oracle-payload-rotate", *asked)
    await screens.signed(world, "rotation.json", *asked[2:])
    rotate = ("oracle", "rotate", *where, "--signatures", "rotation.json")
    await screens.do("oracle-rotate", *rotate, *relayer)


async def test_a_table_and_keys(world: World, screens: Screens) -> None:
    await screens.show("keys", "keys", "relayer.skey")
    await screens.once("schedule-template", "schedule", "template", "--output", "table.csv")
    plan = ("--milestone-identifier", "launch", "--amount", "1,000,000.50", "--decimals", "2")
    when = ("--start", "2100-01-01", "--duration", "12m", "--every", "1m", "--cliff", "3m")
    person = ("--beneficiary-address", str(world.address("beneficiary-0")), "--decimal-mark", ".")
    vesting = ("schedule", "vesting", *person, *plan, *when)
    await screens.once("schedule-vesting", *vesting, "--output", "grants.csv")
    await screens.show("schedule-check", "schedule", "check", "grants.csv")


async def test_what_is_done_for_others(world: World, screens: Screens) -> None:
    """A report of a distribution, its reward account, a relay to its end, and pages for wallets."""
    stake_key = ("--stake-key", "beneficiary-1.skey")
    staking = str(StakeAddress(0, Credential("key", world.keys["beneficiary-1"].key_hash)))
    file = world.write_json("grants.json", {**schedule(world), "staking": staking})
    world.reach(NOON)
    await world.publish()
    opened = ("--signing-key-path", "creator.skey", "--wait", "--yes")
    await screens.run("deploy", "--schedule", Path(file).name, *opened, width=80)
    ((name, token),) = {
        (str(each["contract_name"]), f"{each['token_policy_id']}.{each['token_name']}")
        for each in (await world.cli("list")).json["distributions"]
    }
    where, relayer = ("--contract-address", name), ("--signing-key-path", "relayer.skey")
    await screens.show("stake-show", "stake", "show", *where)
    await screens.do(
        "stake-register", "stake", "register", *where, *relayer, *stake_key, "--abstain"
    )
    await screens.once("report", "report", *where, "--output", "report.html")

    said = ("--milestone-identifier", "audit", "--verification-timestamp", "2026-01-31")
    await screens.signed(world, "signatures.json", *where, *said)
    said = ("--milestone-identifier", "launch", "--verification-timestamp", "2026-01-31")
    await screens.signed(world, "launch.json", *where, *said)
    for milestone, signed in (("audit", "signatures.json"), ("launch", "launch.json")):
        kept = ("--milestone-identifier", milestone, "--oracle-signatures", signed)
        await world.cli("commit-milestone", *where, *kept)
    world.reach(NOON + 31 * DAY)
    await screens.served("serve", "Ctrl-C", "serve", "--distribution", name, "--port", "0")
    vouched = ("--token", token, "--budget", "30", "--until-paid")
    await screens.once("relay", "relay", *where, *vouched, *relayer)


async def test_a_series_of_distributions(world: World, screens: Screens) -> None:
    """Five people in three distributions: what is said of all of them at once."""
    await world.publish()
    few = schedule(world)["beneficiary_allocations"]
    many = [
        {**each, "token_amount": 1_000 + 10 * number + place}
        for number in range(26)
        for place, each in enumerate(few)
    ]
    file = world.write_json("list.json", many)
    token = ("--token-policy-id", world.token.policy_id.hex(), "--token-name", "GRANT")
    oracles = ",".join(str(world.address(f"oracle-{n}")) for n in range(3))
    registered = await world.cli(
        *("register-milestone", "--beneficiary-allocations", Path(file).name, *token),
        *("--oracle-addresses", oracles, "--quorum-threshold", "2", "--part-size", "64"),
        *("--creator", str(world.address("creator")), "--created-at", str(NOON)),
    )
    assert registered.exit_code == 0, registered.stderr
    series = ("--series", registered.json["series_root"])
    creator = ("--signing-key-path", "creator.skey")
    await screens.do("deploy-series", "deploy", *series, *creator)
    sign = ("oracle", "sign", *series, "--milestone-identifier", "audit", "--output", "signed.json")
    said = ("--verification-timestamp", "2026-01-31", "--signing-key-path")
    await screens.once("oracle-sign-series", *sign, *said, "oracle-0.skey")
    await screens.run(*sign, *said, "oracle-1.skey", width=80)
    commit = ("commit-milestone", *series, "--milestone-identifier", "audit")
    await screens.once("commit-milestone-series", *commit, "--oracle-signatures", "signed.json")
    attest = ("attest", *series, "--milestone-identifier", "audit", *creator, "--wait")
    await screens.once("attest-series", *attest)
    await screens.show("check-status-series", "check-status", *series)
    await screens.show("verify-series", "verify", *series)
