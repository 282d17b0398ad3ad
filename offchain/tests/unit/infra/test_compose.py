"""The compose file, held against its schema, the programs' command lines and this program's defaults."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from milestones.cardano.network import KNOWN_MAGICS
from milestones.cli.app import load_command
from milestones.cli.config import Config
from milestones.errors import BudgetSpent
from milestones.protocol.validator_loader import Contract

NETWORKS: Final = ("preview", "preprod", "mainnet")
LONG_RUNNING: Final = ("cardano-node", "ogmios", "kupo", "relay", "rehearsal")
BUILT: Final = ("relay", "rehearsal")
"""Services whose image is this project's."""
_FLAG: Final = re.compile(r"^-{1,2}[a-z]")


def _client() -> list[str] | None:
    """How `docker compose` is called here; None where there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) is None:
            continue
        done = subprocess.run([*command, "version"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and "Compose" in done.stdout:
            return command
    return None


def _flags(service: Any) -> list[str]:
    return [word for word in service["command"] if _FLAG.match(word)]


def _option(service: Any, flag: str) -> str:
    command: list[str] = service["command"]
    return command[command.index(flag) + 1]


def _ports(service: Any) -> list[tuple[str, str, str]]:
    return [tuple(port.split(":")) for port in service.get("ports", [])]


def test_the_file_follows_the_compose_specification(compose_text: str) -> None:
    """A strict parser of the specification accepts it, and would refuse a misspelt key."""
    compose_spec = pytest.importorskip("compose_spec", reason="no parser of the specification")
    merged = yaml.safe_load(compose_text)
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(merged))
    wrong = yaml.safe_load(compose_text)
    wrong["services"]["kupo"]["helthcheck"] = {}
    with pytest.raises(ValueError, match="helthcheck"):
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(wrong))


@pytest.mark.parametrize("network", NETWORKS)
def test_docker_compose_reads_it_for_each_network(infra: Path, network: str) -> None:
    """The real client resolves it, the network's volumes and files being its own."""
    client = _client()
    if client is None:
        pytest.skip("there is no docker compose client here")
    done = subprocess.run(
        [*client, "--file", "docker-compose.yml", "config", "--format", "json"],
        cwd=infra,
        env={**os.environ, "CARDANO_NETWORK": network},
        capture_output=True,
        text=True,
        check=True,
    )
    resolved = json.loads(done.stdout)
    assert resolved["name"] == f"milestones-{network}"
    assert sorted(resolved["services"]) == ["cardano-node", "kupo", "ogmios"]
    assert resolved["volumes"]["node-db"]["name"] == f"milestones-{network}_node-db"
    mounts = resolved["services"]["ogmios"]["volumes"]
    assert any(mount["source"].endswith(f"config/{network}") for mount in mounts)


@pytest.mark.parametrize("service", ["cardano-node", "ogmios", "kupo", "mithril"])
def test_every_flag_and_version_is_documented(compose: Any, documented: Any, service: str) -> None:
    """Nothing is passed that the pinned version's documentation does not list."""
    known = documented[service]
    assert known["version"] in compose["services"][service]["image"].split(":")[1]
    assert set(_flags(compose["services"][service])) <= set(known["flags"])
    assert "latest" not in compose["services"][service]["image"]


def test_kupo_keeps_history(compose: Any, infra: Path) -> None:
    """Claims are read off spent outputs: pruning would lose them."""
    started = (infra / "kupo-start.sh").read_text(encoding="utf-8")
    assert "--prune-utxo" not in (*_flags(compose["services"]["kupo"]), started)
    assert "--prune-utxo" not in started


def test_kupo_watches_the_contracts_script(compose: Any, infra: Path, contract: Contract) -> None:
    """The credential in the files is that of the blueprint."""
    pattern = f"{contract.vault_hash.hex()}/*"
    assert compose["services"]["kupo"]["environment"]["KUPO_MATCH"].split() == [pattern]
    systemd = (infra / "systemd" / "kupo.env").read_text(encoding="utf-8")
    assert f'KUPO_MATCH="{pattern}"' in systemd


@pytest.mark.parametrize("service", LONG_RUNNING)
def test_what_runs_restarts_is_limited_and_says_how_it_is(compose: Any, service: str) -> None:
    """Restart policy, memory limit, health check, rotated logs."""
    described = compose["services"][service]
    assert described["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+[mg]", described["mem_limit"])
    assert described["healthcheck"]["test"][0] == "CMD"
    assert described["logging"]["options"]["max-size"]


def test_nothing_listens_beyond_loopback(compose: Any) -> None:
    """Every published port is bound to 127.0.0.1 unless BIND_ADDRESS says otherwise."""
    ports = [port for service in compose["services"].values() for port in _ports(service)]
    assert ports
    assert {address for address, _, _ in ports} == {"127.0.0.1"}
    assert not any("network_mode" in service for service in compose["services"].values())


def test_ports_are_the_programs_defaults(compose: Any) -> None:
    """What the program asks by default is what the services listen on."""
    defaults = Config()
    ogmios, kupo = defaults.ogmios_url.port, defaults.kupo_url.port
    published = {name: _ports(compose["services"][name]) for name in ("ogmios", "kupo")}
    assert published["ogmios"] == [("127.0.0.1", str(ogmios), str(ogmios))]
    assert published["kupo"] == [("127.0.0.1", str(kupo), str(kupo))]
    rehearsal = {(outer, inner) for _, outer, inner in _ports(compose["services"]["rehearsal"])}
    assert {(str(ogmios), str(ogmios)), (str(kupo), str(kupo))} <= rehearsal


def test_the_services_meet_at_the_same_paths(compose: Any) -> None:
    """One socket, one configuration, and databases on volumes."""
    services = compose["services"]
    sockets = {
        _option(services["cardano-node"], "--socket-path"),
        _option(services["ogmios"], "--node-socket"),
        _option(services["kupo"], "--node-socket"),
    }
    assert sockets == {"/ipc/node.socket"}
    for name in ("cardano-node", "ogmios", "kupo"):
        assert "./config/preprod:/config:ro" in services[name]["volumes"]
        assert "node-ipc:/ipc" in services[name]["volumes"]
    assert _option(services["cardano-node"], "--database-path") == "/data/db"
    assert _option(services["mithril"], "--download-dir") == "/data"
    assert "node-db:/data" in services["cardano-node"]["volumes"]
    assert "node-db:/data" in services["mithril"]["volumes"]
    assert _option(services["kupo"], "--workdir") == "/db"
    assert services["kupo"]["environment"]["KUPO_WORKDIR"] == "/db"
    assert "kupo-db:/db" in services["kupo"]["volumes"]


def test_the_docker_files_exist_and_are_mounted(compose: Any, infra: Path) -> None:
    """Every file of this folder that the compose file names is there."""
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            brought = source.startswith("./config/") or source.endswith(".skey")
            if source.startswith("./") and not brought:
                assert (infra / source).exists(), source
    for built in BUILT:
        dockerfile = compose["services"][built]["build"]["dockerfile"]
        assert (infra.parent / dockerfile).is_file()


@pytest.mark.parametrize("built", BUILT)
def test_an_image_copies_what_the_package_is_built_from(infra: Path, built: str) -> None:
    """Its build does not stop at a file that was moved, or that it has not copied."""
    text = (infra / built / "Dockerfile").read_text(encoding="utf-8")
    sources = [word for line in re.findall(r"COPY (.+)", text) for word in line.split()[:-1]]
    for source in sources:
        assert (infra.parent / source).exists(), source
    project = (infra.parent / "pyproject.toml").read_text(encoding="utf-8")
    taken = re.findall(r'^"(contracts/[^"]+)" = "milestones/', project, re.MULTILINE)
    assert taken
    for each in taken:
        assert any(Path(each).is_relative_to(source) for source in sources), each


def test_the_relays_options_are_the_commands(compose: Any, infra: Path) -> None:
    """What the compose file and the unit pass is known; the key and the data are where they are mounted."""
    relay = compose["services"]["relay"]
    unit = (infra / "systemd" / "milestones-relay@.service").read_text(encoding="utf-8")
    (started,) = re.findall(r"^ExecStart=(.+)$", unit, re.MULTILINE)
    options = (infra / "systemd" / "relay.env").read_text(encoding="utf-8")
    passed = set(re.findall(r"--[a-z][a-z-]+", f"{relay['command']} {options} {started}"))
    known = {name for each in load_command("relay").params for name in each.opts}
    assert {"--monitor-port", "--budget", "--token", "--contract-address"} <= passed <= known
    assert any(each.endswith(":/key/relay.skey:ro") for each in relay["volumes"])
    assert f"relay-data:{relay['environment']['MILESTONES_DATA_DIR']}" in relay["volumes"]
    (final,) = re.findall(r"^RestartPreventExitStatus=(.+)$", unit, re.MULTILINE)
    assert str(BudgetSpent.exit_code) in final.split()


@pytest.mark.parametrize("network", NETWORKS)
def test_each_networks_files_say_that_network(infra: Path, network: str) -> None:
    """The magic is the one that the program expects of this network."""
    text = (infra / "networks" / f"{network}.env").read_text(encoding="utf-8")
    named = re.search(r"^CARDANO_NODE_NETWORK_ID=(\w+)$", text, re.MULTILINE)
    assert named is not None
    expected = "mainnet" if network == "mainnet" else str(KNOWN_MAGICS[network])
    assert named[1] == expected
    pins = (infra / "networks" / f"{network}.pins").read_text(encoding="utf-8")
    mithril = re.search(r"^MithrilNetwork=(\S+)$", pins, re.MULTILINE)
    assert mithril is not None
    assert f"aggregator.{mithril[1]}." in text


def test_only_what_is_asked_for_runs_beside_the_services(compose: Any) -> None:
    """`up -d` starts the node, Ogmios and Kupo; snapshot and rehearsal have profiles."""
    without = sorted(n for n, service in compose["services"].items() if "profiles" not in service)
    assert without == ["cardano-node", "kupo", "ogmios"]
