"""Where a setting comes from, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.outputs import OutputReference
from milestones.cli.config import Config, load_config
from milestones.errors import InvalidConfiguration

REFERENCE = "ab" * 32


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "offchain").mkdir()
    return tmp_path


def load(directory: Path, **arguments: Any) -> Config:
    return load_config(directory=directory, **{"environment": {}, **arguments})


def test_defaults(project: Path) -> None:
    config = load(project)
    assert config.network == "testnet"
    assert (str(config.ogmios_url), str(config.kupo_url)) == (
        "ws://localhost:1337",
        "http://localhost:1442",
    )
    assert config.data_directory == project / "data"
    assert (config.signing_key_path, config.reference_scripts) == (None, ())


def test_the_command_line_beats_the_environment_beats_the_file(project: Path) -> None:
    (project / "config.yaml").write_text(
        "network: preview\nogmios_url: ws://file:1\nkupo_url: http://file:1\n"
    )
    config = load(
        project,
        environment={"OGMIOS_URL": "ws://variable:2/", "KUPO_URL": "http://variable:2"},
        overrides={"kupo_url": "http://flag:3", "ogmios_url": None},
    )
    assert config.network == "preview"
    assert str(config.ogmios_url) == "ws://variable:2"
    assert str(config.kupo_url) == "http://flag:3"


def test_the_process_environment_is_the_default(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARDANO_NETWORK", "preprod")
    monkeypatch.setenv("OGMIOS_URL", "")
    monkeypatch.setenv("NETWORK", "nonsense")
    config = load_config(directory=project)
    assert (config.network, str(config.ogmios_url)) == ("preprod", "ws://localhost:1337")


@pytest.mark.parametrize("runs_in", [".", "offchain"])
def test_the_quickstarts_file_means_one_folder_wherever_it_runs(
    project: Path, runs_in: str
) -> None:
    (project / "offchain" / "config.yaml").write_text(
        "network: testnet\nogmios_url: ws://localhost:1337\n"
        "kupo_url: http://localhost:1442\ndata_directory: offchain/data\n"
    )
    config = load((project / runs_in).resolve())
    assert config.data_directory == (project / "offchain" / "data").resolve()


def test_paths_in_a_file_start_beside_it_and_others_where_one_works(project: Path) -> None:
    file = project / "offchain" / "mine.yaml"
    file.write_text("data_directory: store\nsigning_key_path: ~/payment.skey\n")
    config = load(project, config_file=Path("offchain/mine.yaml"))
    assert config.data_directory == (project / "offchain" / "store").resolve()
    assert config.signing_key_path == Path.home() / "payment.skey"
    config = load(
        project,
        environment={"MILESTONES_CONFIG": str(file), "MILESTONES_DATA_DIR": "elsewhere"},
        overrides={"signing_key_path": Path("keys/a.skey")},
    )
    assert config.data_directory == project / "elsewhere"
    assert config.signing_key_path == project / "keys" / "a.skey"


@pytest.mark.parametrize(
    ("network", "magic", "expected"),
    [
        ("mainnet", None, 764824073),
        ("preprod", None, 1),
        ("preview", 2, 2),
        ("devnet", None, 42),
        ("devnet", 7, 7),
        ("testnet", None, None),
        ("testnet", 1097911063, 1097911063),
    ],
)
def test_magics(project: Path, network: str, magic: int | None, expected: int | None) -> None:
    config = load(project, overrides={"network": network, "network_magic": magic})
    assert config.expected_magic == expected


def test_reference_scripts_are_a_list_or_a_line(project: Path) -> None:
    expected = (OutputReference(b"\xab" * 32, 0), OutputReference(b"\xab" * 32, 1))
    line = {"MILESTONES_REFERENCE_SCRIPTS": f"{REFERENCE}#0, {REFERENCE}#1"}
    assert load(project, environment=line).reference_scripts == expected
    (project / "config.yaml").write_text(
        f'reference_scripts:\n- "{REFERENCE}#0"\n- "{REFERENCE}#1"\n'
    )
    assert load(project).reference_scripts == expected


@pytest.mark.parametrize(
    ("text", "field", "said"),
    [
        ("network: moon\n", "network", "'moon'"),
        ("ogmios_url: http://x\n", "ogmios_url", "ws://"),
        ("kupo_url: ws://x\n", "kupo_url", "http://"),
        ("ogmios_url: ws://x:99999\n", "ogmios_url", "port out of range"),
        ("network_magic: many\n", "network_magic", "'many'"),
        ("reference_scripts: [abc]\n", "reference_scripts", "output reference"),
        ("reference_scripts: 3\n", "reference_scripts", "list"),
        ("network: mainnet\nnetwork_magic: 1\n", "network_magic", "no magic of mainnet"),
        ("network: devnet\nnetwork_magic: 764824073\n", "network_magic", "no magic of devnet"),
        ("data_directory: [1]\n", "data_directory", "[1]"),
        ("a: [\n", "config", "line 2"),
        ("- a\n", "config", "no settings"),
        ("just words\n", "config", "no settings"),
        ("1: 2\n", "config", "not text"),
    ],
)
def test_a_wrong_file_is_named_with_the_field(
    project: Path, text: str, field: str, said: str
) -> None:
    file = project / "config.yaml"
    file.write_text(text)
    with pytest.raises(InvalidConfiguration) as caught:
        load(project)
    assert caught.value.path == field
    assert str(file) in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint


def test_an_unknown_setting_brings_the_nearest_to_mind(project: Path) -> None:
    (project / "config.yaml").write_text("ogmiosurl: ws://x\n")
    with pytest.raises(InvalidConfiguration) as caught:
        load(project)
    assert caught.value.hint == "did you mean ogmios_url?"
    (project / "config.yaml").write_text("colour: red\n")
    with pytest.raises(InvalidConfiguration) as caught:
        load(project)
    assert "kupo_url" in caught.value.hint


def test_a_wrong_variable_or_flag_is_named(project: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="the variable OGMIOS_URL"):
        load(project, environment={"OGMIOS_URL": "localhost:1337"})
    with pytest.raises(InvalidConfiguration, match="the command line"):
        load(project, overrides={"network": "moon"})


def test_a_file_that_was_asked_for_must_exist(project: Path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"there is no file .*mine\.yaml"):
        load(project, config_file=Path("mine.yaml"))
    with pytest.raises(InvalidConfiguration, match=r"there is no file .*theirs\.yaml"):
        load(project, environment={"MILESTONES_CONFIG": "theirs.yaml"})


def test_an_empty_file_sets_nothing(project: Path) -> None:
    (project / "config.yaml").write_text("# nothing yet\nnetwork:\n")
    assert load(project) == load(project / "offchain").model_copy(
        update={"data_directory": project / "data"}
    )


@pytest.mark.parametrize(
    ("variable", "value", "field"),
    [
        ("OGMIOS_URL", "http://alice:s3cret@host:1337", "ogmios_url"),
        ("OGMIOS_URL", "ws://alice:s3cret@host:0", "ogmios_url"),
        ("KUPO_URL", "https://host:port?apikey=s3cret", "kupo_url"),
        ("KUPO_URL", "http://host#s3cret", "kupo_url"),
    ],
)
def test_a_wrong_address_is_named_with_its_variable_and_without_its_secrets(
    project: Path, variable: str, value: str, field: str
) -> None:
    with pytest.raises(InvalidConfiguration, match=f"the variable {variable}") as caught:
        load(project, environment={variable: value})
    assert caught.value.path == field
    assert "s3cret" not in str(caught.value.to_json())
    (project / "config.yaml").write_text(f"{field}: '{value}'\n")
    with pytest.raises(InvalidConfiguration, match=r"config\.yaml") as caught:
        load(project)
    assert caught.value.path == field
    assert "s3cret" not in str(caught.value.to_json())


def test_an_address_is_taken_as_windows_and_shells_write_it(project: Path) -> None:
    config = load(
        project, environment={"OGMIOS_URL": "WS://Host:1337/\r", "KUPO_URL": "\thttp://h\n"}
    )
    assert str(config.ogmios_url) == "ws://host:1337"
    assert str(config.kupo_url) == "http://h"


def test_a_configuration_that_is_shown_keeps_its_secrets(project: Path) -> None:
    config = load(
        project,
        environment={"OGMIOS_URL": "ws://alice:s3cret@h", "KUPO_URL": "http://h?apikey=s3cret"},
    )
    assert "s3cret" not in f"{config!r} {config} {config.model_dump()} {config.model_dump_json()}"
