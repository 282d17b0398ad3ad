"""The script that fetches a network's files, run against a server of this test."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

GENESES = ("byron", "shelley", "alonzo", "conway")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@dataclass(frozen=True)
class Source:
    """A made-up preprod behind an address, and a copy of `infra/` that pins it."""

    served: Path
    infra: Path
    url: str

    def fetch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the script."""
        return subprocess.run(
            [str(self.infra / "fetch-config.sh"), *arguments],
            env={**os.environ, "CONFIG_URL": self.url, "MITHRIL_URL": f"{self.url}/mithril"},
            capture_output=True,
            text=True,
            check=False,
        )

    def serve(self, name: str, text: str) -> None:
        """Puts a file of the network's in place."""
        (self.served / "preprod" / name).write_text(text, encoding="utf-8")

    def serve_config(self, **changes: str) -> None:
        """A config.json that names the genesis files with their hashes."""
        self.serve("config.json", json.dumps({**_config(self.served), **changes}, indent=2))


def _genesis(era: str) -> str:
    return json.dumps({"era": era})


def _blake2b(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=32).hexdigest()


def _config(served: Path) -> Mapping[str, str]:
    config = {"Protocol": "Cardano"}
    for era in GENESES:
        config[f"{era.capitalize()}GenesisFile"] = f"{era}-genesis.json"
        config[f"{era.capitalize()}GenesisHash"] = _blake2b(
            served / "preprod" / f"{era}-genesis.json"
        )
    return config


@pytest.fixture
def source(tmp_path: Path, infra: Path) -> Iterator[Source]:
    """A server with everything the script asks for."""
    missing = [tool for tool in ("bash", "curl", "b2sum", "sha256sum") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not here: {', '.join(missing)}")
    served, copy = tmp_path / "served", tmp_path / "infra"
    (served / "preprod").mkdir(parents=True)
    (served / "mithril" / "test-preprod").mkdir(parents=True)
    shutil.copytree(infra / "networks", copy / "networks")
    shutil.copy(infra / "fetch-config.sh", copy)
    handler = functools.partial(_Quiet, directory=str(served))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    source = Source(served, copy, f"http://127.0.0.1:{server.server_port}")
    _fill(source)
    yield source
    server.shutdown()
    server.server_close()


def _fill(source: Source) -> None:
    for era in GENESES:
        source.serve(f"{era}-genesis.json", _genesis(era))
    source.serve("topology.json", json.dumps({"peerSnapshotFile": "peer-snapshot.json"}))
    source.serve("peer-snapshot.json", "{}")
    source.serve_config()
    mithril = source.served / "mithril" / "test-preprod"
    (mithril / "genesis.vkey").write_text("5b31\n", encoding="utf-8")
    (mithril / "ancillary.vkey").write_text("5b32", encoding="utf-8")
    hashes = _config(source.served)
    pins = [
        f"{era}GenesisHash={hashes[f'{era}GenesisHash']}" for era in ("Byron", "Shelley", "Alonzo")
    ]
    pins += ["MithrilNetwork=test-preprod", "Mithril_genesis=5b31"]
    (source.infra / "networks" / "preprod.pins").write_text("\n".join(pins), encoding="utf-8")


def test_the_first_fetch_puts_all_files_in_place_and_records_them(source: Source) -> None:
    """Files, Mithril's keys, and the hashes to compare with next time."""
    done = source.fetch("preprod")
    assert done.returncode == 0, done.stderr
    target = source.infra / "config" / "preprod"
    assert {path.name for path in target.iterdir()} == {
        *(f"{era}-genesis.json" for era in GENESES),
        *("config.json", "topology.json", "peer-snapshot.json", "mithril.env", "SHA256SUMS"),
    }
    keys = (target / "mithril.env").read_text(encoding="utf-8")
    assert keys == "GENESIS_VERIFICATION_KEY=5b31\nANCILLARY_VERIFICATION_KEY=5b32\n"
    assert source.fetch("preprod").returncode == 0


def test_another_networks_genesis_is_refused(source: Source) -> None:
    """The pins say which network this is."""
    source.serve_config(ShelleyGenesisHash="00" * 32)
    done = source.fetch("preprod")
    assert (done.returncode, "another Shelley genesis" in done.stderr) == (1, True)
    assert not (source.infra / "config").exists()


@pytest.mark.parametrize("era", ["shelley", "alonzo", "conway"])
def test_a_genesis_file_that_config_does_not_mean_is_refused(source: Source, era: str) -> None:
    """A single changed byte, with config.json as it was."""
    source.serve(f"{era}-genesis.json", _genesis(era) + " ")
    done = source.fetch("preprod")
    assert (done.returncode, f"{era}-genesis.json has the hash" in done.stderr) == (1, True)


def test_a_file_that_changed_since_is_refused_until_it_is_accepted(source: Source) -> None:
    """The topology has no hash of its own: the record of the first fetch is what holds it."""
    assert source.fetch("preprod").returncode == 0
    kept = (source.infra / "config" / "preprod" / "topology.json").read_bytes()
    source.serve("topology.json", "{}")
    refused = source.fetch("preprod")
    assert (refused.returncode, "topology.json" in refused.stderr) == (1, True)
    assert (source.infra / "config" / "preprod" / "topology.json").read_bytes() == kept
    accepted = source.fetch("preprod", "--update")
    assert accepted.returncode == 0
    assert (source.infra / "config" / "preprod" / "topology.json").read_bytes() == b"{}"
    assert not (source.infra / "config" / "preprod" / "peer-snapshot.json").exists()


def test_an_update_still_has_to_be_the_same_network(source: Source) -> None:
    """Accepting new files does not switch the first two checks off."""
    assert source.fetch("preprod").returncode == 0
    source.serve_config(ByronGenesisHash="00" * 32)
    assert source.fetch("preprod", "--update").returncode == 1


def test_another_key_of_mithrils_than_the_pinned_one_is_refused(source: Source) -> None:
    """Whoever serves the key could serve a snapshot of their own with it."""
    key = source.served / "mithril" / "test-preprod" / "genesis.vkey"
    key.write_text("5b33", encoding="utf-8")
    done = source.fetch("preprod")
    assert (done.returncode, "pinned key" in done.stderr) == (1, True)


def test_a_named_file_can_not_leave_its_folder(source: Source) -> None:
    """Names come from the network."""
    source.serve("topology.json", json.dumps({"peerSnapshotFile": "../../escaped.json"}))
    done = source.fetch("preprod")
    assert (done.returncode, "outside its folder" in done.stderr) == (1, True)


@pytest.mark.parametrize("network", ["", "testnet", "../networks/preprod"])
def test_an_unknown_network_is_refused(source: Source, network: str) -> None:
    """With the names of those that are known."""
    done = source.fetch(network)
    assert (done.returncode, "preprod, preview or mainnet" in done.stderr) == (1, True)
