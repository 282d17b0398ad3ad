"""Every example of a help is run: on a page of the documents, by another test, or here."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from milestones.cli.examples import EXAMPLES
from milestones.services.proposal import proposal_submit
from milestones.testing.distribution import open_distribution
from milestones.testing.processes import PROGRAM, heeding_signals, program_environment
from milestones.testing.world import World
from tests.support.wallets import wallet_entry

from .pages import blocks, commands, page_names
from .ready import ReadyProgram

ELSEWHERE: Final[Mapping[str, str]] = {"demo": "offchain/tests/e2e/test_demo.py"}
"""Examples that a test of their own runs."""
DAY: Final = 86_400
PROPOSED: Final = "launch"


def _plain(line: str) -> str:
    return " ".join(line.replace("\\\n", " ").split())


def on_pages() -> set[str]:
    """Every command that the pages' tests run, in one line each."""
    found = (block for page in page_names() for block in blocks(page) if block.runs)
    return {_plain(command.line) for block in found for command in commands(block)}


NOT_ON_PAGES: Final = sorted(
    words for words, example in EXAMPLES.items() if _plain(example) not in on_pages()
)


def test_the_others_are_run_by_their_own_tests() -> None:
    for words, file in ELSEWHERE.items():
        text = (Path(__file__).parents[3] / file).read_text(encoding="utf-8")
        assert words in NOT_ON_PAGES
        assert f'"{words}"' in text


class Typist:
    """Types examples in a folder, and remembers what they print."""

    def __init__(self, world: World, program: ReadyProgram) -> None:
        self.world, self.done, self.known = world, set[str](), dict[str, str]()
        script = world.directory / "bin" / "milestones"
        script.parent.mkdir()
        script.write_text(program.script, encoding="utf-8")
        script.chmod(0o755)
        self.environment = {
            "PATH": f"{script.parent}:{os.environ['PATH']}",
            "HOME": str(world.directory),
            "CARDANO_NETWORK": "devnet",
            "OGMIOS_URL": world.devnet.ogmios_url,
            "KUPO_URL": world.devnet.kupo_url,
            "MILESTONES_CONTROL_URL": world.control_url,
        }

    def filled(self, words: str) -> str:
        self.done.add(words)
        return re.sub(r"<([a-z_]+)>", lambda found: self.known[found[1]], EXAMPLES[words])

    def prepare(self) -> None:
        """The files that examples name."""
        world = self.world
        for name in ("creator", "relayer"):
            world.key_file(name)
        address = str(world.address("stranger"))
        output = {"address": address, "value": {"ada": {"lovelace": 5_000_000}}}
        world.write_json("output.json", output)
        world.write_json("changes.json", {"minFeeConstant": {"ada": {"lovelace": 155_381}}})
        world.write_json("staking.json", world.schedule(staking="creator"))

    async def _start(self, words: str) -> asyncio.subprocess.Process:
        """The chain, which is in this process, goes on meanwhile."""
        return await asyncio.create_subprocess_shell(
            f"exec {self.filled(words)}",
            cwd=self.world.directory,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def type(self, words: str) -> None:
        """Runs an example to its end, and remembers what it prints."""
        process = await self._start(words)
        printed, said = await process.communicate()
        assert process.returncode == 0, f"{words}: {printed.decode()}{said.decode()}"
        answer = json.loads(printed) if printed.startswith(b"{") else {}
        self.known |= {name: str(value) for name, value in answer.items()}

    async def serve(self) -> None:
        """A server that says where it is, and ends when it is asked to: a process of its own."""
        arguments = self.filled("serve").split()[1:]
        process = await asyncio.create_subprocess_exec(
            *(*PROGRAM, *arguments),
            cwd=self.world.directory,
            env=program_environment(**self.environment),
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=heeding_signals,
        )
        assert process.stdout is not None
        assert "url" in json.loads(await process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.communicate(), 60)


async def test_what_is_on_no_page_is_run_here(world: World, program: ReadyProgram) -> None:
    """In an order in which each finds what it needs."""
    typist = Typist(world, program)
    typist.prepare()
    rows = [{**each, "milestone_identifier": PROPOSED} for each in world.allocations()]
    rows[0]["milestone_identifier"] = "design"
    terms = world.schedule(
        beneficiary_allocations=rows, objectors=1, review_bond_lovelace=5_000_000
    )
    async with open_distribution(world, terms) as opened:
        typist.known["contract_name"] = str(opened.distribution.name)
        entry = wallet_entry(opened, "oracle-0", "design").model_dump(mode="json")
        world.write_json(
            "answer.json", {"signature": entry["cose_sign1"], "key": entry["cose_key"]}
        )
        await typist.type("oracle import")
        await proposal_submit(
            opened.backend,
            contract_address=opened.address,
            milestone_identifier=PROPOSED,
            key=world.keys["relayer"],
            wait=True,
        )
        opened.reach(world.now + 60 * DAY)
        await typist.type("proposal retire")
        await typist.serve()
        payer = (*("--payer", str(world.address("relayer"))), "--unsigned-out", "unsigned.json")
        again = ("--milestone-identifier", "design", *payer)
        where = ("--contract-address", typist.known["contract_name"])
        await world.cli("proposal", "submit", *where, *again)
        sign = ("--signing-key-path", "relayer.skey", "--output", "signed.json")
        await world.cli("transaction", "sign", "unsigned.json", *sign)
    for words in (
        "schema",
        "devnet submit",
        "devnet place",
        "devnet parameters",
        "devnet snapshot",
    ):
        await typist.type(words)
    for words in ("devnet revert", "devnet rollback", "devnet freeze", "devnet unfreeze"):
        await typist.type(words)
    held = await world.cli("register-milestone", "--schedule", "staking.json")
    typist.known["contract_name"] = held.json["contract_name"]
    account = ("stake", "register", "--contract-address", held.json["contract_name"], "--abstain")
    registered = await world.cli(*account, "--wait", key="creator")
    assert registered.exit_code == 0, registered.stderr
    for words in ("stake delegate", "devnet blocks"):
        await typist.type(words)
    assert typist.done | set(ELSEWHERE) >= set(NOT_ON_PAGES)
