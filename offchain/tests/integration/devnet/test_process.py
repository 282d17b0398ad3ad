"""The command as a process: it starts, says where it is, ends when told, and loses nothing when killed."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from milestones import listening
from milestones.cardano import cbor
from milestones.devnet.clock import MAINNET_MAGIC
from milestones.keys.key_files import SigningKey
from tests.support.devnet_clients import ALICE_ADDRESS, BOB_ADDRESS


class Process:
    """`milestones devnet` with any free ports."""

    def __init__(self, *arguments: str, control: Sequence[str] = ("--control-port", "0")) -> None:
        ports = ["--ogmios-port", "0", "--kupo-port", "0", *control]
        command = [sys.executable, "-m", "milestones", "devnet", *ports, *arguments]
        self.popen = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def ready(self) -> dict[str, Any]:
        """What it prints when it is ready."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        assert line, self.popen.stderr and self.popen.stderr.read()
        found: dict[str, Any] = json.loads(line)
        return found

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal and waits."""
        self.popen.send_signal(number)
        self.popen.communicate(timeout=10)
        return self.popen.returncode


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """Whatever a test leaves running is ended."""
    started: list[Process] = []
    yield started
    for process in started:
        if process.popen.poll() is None:
            process.end(signal.SIGKILL)
        for stream in (process.popen.stdout, process.popen.stderr):
            if stream is not None:
                stream.close()


def launch(
    processes: list[Process], *arguments: str, control: Sequence[str] = ("--control-port", "0")
) -> Process:
    process = Process(*arguments, control=control)
    processes.append(process)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_with_clients_connected(processes: list[Process], number: int) -> None:
    process = launch(processes, "--fund", f"{ALICE_ADDRESS}=5000000", "--network-magic", "7")
    shown = process.ready()
    assert (shown["network_magic"], shown["ready"]) == (7, True)
    state = httpx.get(f"{shown['control_url']}/state").json()
    assert state["tip"]["height"] == 1, "height 0 is no answer to some clients"
    with httpx.Client() as client:
        found = client.get(f"{shown['kupo_url']}/matches/{ALICE_ADDRESS}").json()
        assert found[0]["value"]["coins"] == 5_000_000
        assert process.end(number) == 0


def test_a_killed_process_goes_on_where_it_was(processes: list[Process], tmp_path: Path) -> None:
    arguments = ("--state-dir", str(tmp_path / "state"), "--fund", f"{ALICE_ADDRESS}=9000000")
    first = launch(processes, *arguments)
    shown = first.ready()
    body = {"address": BOB_ADDRESS, "lovelace": 3_000_000, "tokens": {"aa": 2}}
    paid = httpx.post(f"{shown['control_url']}/faucet", json=body).json()["transaction_id"]
    httpx.post(f"{shown['control_url']}/advance", json={"seconds": 5000})
    oldest = httpx.get(f"{shown['kupo_url']}/checkpoints").json()[-1]
    pattern = {"rollback_to": oldest}
    assert httpx.put(f"{shown['kupo_url']}/patterns/{BOB_ADDRESS}", json=pattern).is_success
    before = httpx.get(f"{shown['kupo_url']}/matches").json()
    tip = httpx.get(f"{shown['control_url']}/state").json()["tip"]
    first.end(signal.SIGKILL)

    second = launch(processes, *arguments)
    again = second.ready()
    assert again["start_posix_ms"] == shown["start_posix_ms"]
    state = httpx.get(f"{again['control_url']}/state").json()
    assert state["tip"] == tip
    assert tip["slot"] <= state["now_slot"] <= tip["slot"] + 60
    assert httpx.get(f"{again['kupo_url']}/matches").json() == before
    assert paid in {match["transaction_id"] for match in before}
    assert len(httpx.get(f"{again['kupo_url']}/patterns").json()) == 2
    assert second.end() == 0


def test_every_chain_can_be_controlled_unless_it_is_not_to_be(processes: list[Process]) -> None:
    both = [launch(processes, control=()), launch(processes, control=())]
    urls = {each.ready()["control_url"] for each in both}
    assert len(urls) == 2
    for url in urls:
        assert httpx.get(f"{url}/state").json()["network_magic"] == 42
    alone = launch(processes, control=("--no-control",)).ready()
    assert (alone["control_url"], alone["control_port"]) == (None, None)


def test_ten_accounts_are_ready_and_their_keys_spend(processes: list[Process]) -> None:
    process = launch(processes)
    shown = process.ready()
    accounts = shown["accounts"]
    assert len({each["address"] for each in accounts}) == 10
    for each in accounts:
        key = SigningKey.from_bytes(cbor.read(bytes.fromhex(each["signing_key_cbor_hex"])).bytes())
        assert str(key.address(0)) == each["address"]
        (held,) = httpx.get(f"{shown['kupo_url']}/matches/{each['address']}?unspent").json()
        assert held["value"]["coins"] == each["lovelace"] == 10_000_000_000
    process.popen.send_signal(signal.SIGTERM)
    _, errors = process.popen.communicate(timeout=10)
    assert errors == "", "what a program reads is not disturbed"


def test_accounts_are_as_many_as_are_asked_for(processes: list[Process], tmp_path: Path) -> None:
    kept = ("--state-dir", str(tmp_path))
    first = launch(processes, "--accounts", "3", *kept)
    accounts = first.ready()["accounts"]
    first.end()
    assert launch(processes, *kept).ready()["accounts"] == accounts, "it began with three"
    assert launch(processes, "--accounts", "0").ready()["accounts"] == []
    mainnet = launch(processes, "--network-magic", str(MAINNET_MAGIC)).ready()
    assert mainnet["accounts"] == [], "nobody is to take these for addresses of their own"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_a_person_sees_the_accounts_and_a_warning_and_what_happens() -> None:
    import pty

    ours, theirs = pty.openpty()
    ports = ("--ogmios-port", "0", "--kupo-port", "0", "--control-port", "0", "--accounts", "2")
    process = subprocess.Popen(
        [sys.executable, "-m", "milestones", "devnet", *ports],
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    with os.fdopen(ours, encoding="utf-8") as terminal:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        accounts = ready["accounts"]
        text = ""
        while "takes it first" not in text:
            text += terminal.readline()
        asked = {"address": accounts[0]["address"], "lovelace": 5_000_000}
        paid = httpx.post(f"{ready['control_url']}/faucet", json=asked).json()
        happened = ""
        while "fee " not in happened:
            happened += terminal.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert f"at {ready['control_url']}/" in happened
    assert paid["transaction_id"] in happened
    assert "2 accounts, each with 10,000 ADA" in text
    assert "Everybody knows these keys" in text
    for each in accounts:
        assert each["address"] in text
        assert each["signing_key_cbor_hex"] in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--accounts", "1001"), "accounts"),
        (("--fund", "nonsense"), "ADDRESS=LOVELACE"),
        (("--fund", "addr1xyz=5"), "not an address"),
        (("--fund", f"{ALICE_ADDRESS}=46000000000000000"), "funds"),
        (("--ogmios-version", "5.0.0"), "6.14.0"),
        (("--block-interval", "-1"), "block_interval"),
        (("--kupo-match", "x"), "kupo_match"),
        (("--fund", f"{ALICE_ADDRESS}={'9' * 5000}"), "ADDRESS=LOVELACE"),
        (("--ogmios-port", "80000"), "ogmios_port: 80000 is no port"),
        (("--kupo-port", "-1"), "kupo_port: -1 is no port"),
        (("--kupo-port", "24799", "--ogmios-port", "24799"), "kupo_port: 24799 is the port of"),
        (("--host", ""), "host: "),
        (("--host", "a" * 80), "host: "),
        (("--host", "no such host"), "host: "),
        (("--host", "8.8.8.8"), "host: "),
        (("--network-magic", "-1"), "network_magic"),
        (("--network-magic", str(1 << 32)), "network_magic"),
        (("--start-time", "-1"), "start_time"),
        (("--start-time", "99999999999999"), "start_time"),
        (("--state-dir", __file__), "state_dir: "),
        (("--state-dir", f"{__file__}/below"), "state_dir: "),
        (("--state-dir", "/proc/nowhere"), "state_dir: "),
        (("--parameters", "/nowhere.json"), "/nowhere.json"),
        (("--host", "256.0.0.1"), "256.0.0.1"),
    ],
)
def test_wrong_settings_are_named(
    processes: list[Process], arguments: tuple[str, ...], says: str
) -> None:
    process = launch(processes, *arguments)
    _, message = process.popen.communicate(timeout=20)
    assert process.popen.returncode == 2, message
    assert says in message
    assert "Traceback" not in message


def test_a_port_that_is_the_machine_s_own_is_named() -> None:
    """Who runs the tests may be allowed every port: the machine's refusal is made up here."""
    refusal = PermissionError(errno.EACCES, "Permission denied")
    error = listening._refused("kupo_port", "127.0.0.1", 80, refusal)
    assert error.path == "kupo_port"
    assert "1024 or more" in error.hint


def test_a_port_that_is_taken_is_named(processes: list[Process]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = launch(processes, "--kupo-port", str(taken.getsockname()[1]))
        _, message = process.popen.communicate(timeout=20)
    assert process.popen.returncode == 2
    assert "kupo_port: " in message
    assert "end what uses the port" in message


def test_a_disk_that_is_full_ends_it_with_a_word(processes: list[Process], tmp_path: Path) -> None:
    def no_larger_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    process = subprocess.Popen(
        [
            *(
                sys.executable,
                "-m",
                "milestones",
                "devnet",
                "--ogmios-port",
                "0",
                "--kupo-port",
                "0",
            ),
            *("--no-control", "--block-interval", "0.05", "--state-dir", str(tmp_path)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=no_larger_files,  # noqa: PLW1509 - no threads here
    )
    _, message = process.communicate(timeout=60)
    assert process.returncode == 2, message
    assert "state_dir: " in message
    assert "make room on the disk" in message
    assert "Traceback" not in message


def test_one_directory_serves_one_process_and_one_network(
    processes: list[Process], tmp_path: Path
) -> None:
    first = launch(processes, "--state-dir", str(tmp_path))
    first.ready()
    second = launch(processes, "--state-dir", str(tmp_path))
    _, message = second.popen.communicate(timeout=20)
    assert second.popen.returncode == 2
    assert "another process" in message or "other process" in message
    first.end()
    third = launch(processes, "--state-dir", str(tmp_path), "--network-magic", "1")
    _, message = third.popen.communicate(timeout=20)
    assert third.popen.returncode == 2
    assert "magic 42" in message


def test_without_the_servers_the_command_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['milestones', 'devnet'];"
        "from milestones.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install '.[devnet]'" in done.stderr
