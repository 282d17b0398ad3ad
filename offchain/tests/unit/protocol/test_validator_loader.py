"""The blueprint: the checkout's own is read; one with any defect is refused, and the defect named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.outputs import Script
from milestones.documents import BLUEPRINT
from milestones.errors import InvalidBlueprint
from milestones.protocol.validator_loader import (
    CHECKOUT,
    Contract,
    blueprint_scripts,
    load_contract,
    load_versions,
    parse_blueprint,
)


def blueprint(contract: Contract) -> dict[str, Any]:
    """A small blueprint with the real scripts."""
    scripts = {
        "vault.vault.spend": contract.vault_script,
        "vault.vault.else": contract.vault_script,
        "registry.registry.mint": contract.registry_script,
        "board.board.mint": contract.board_script,
    }
    return {
        "preamble": {"title": "t", "version": "1.2.3", "plutusVersion": "v3"},
        "validators": [
            {"title": title, "compiledCode": script.code.hex(), "hash": script.hash().hex()}
            for title, script in scripts.items()
        ],
    }


def test_the_own_contract(contract: Contract) -> None:
    assert contract.vault_hash == contract.vault_script.hash()
    assert contract.policy_id == contract.registry_script.hash()
    assert contract.own_scripts == {
        contract.vault_hash,
        contract.policy_id,
        contract.board_policy,
    }
    assert contract.vault_script.language == "plutus:v3"


def test_a_file_and_its_text_give_the_same(contract: Contract, tmp_path: Path) -> None:
    path = tmp_path / "plutus.json"
    path.write_text(json.dumps(blueprint(contract)))
    assert load_contract(path) == parse_blueprint(path.read_text())
    assert load_contract(path).version == "1.2.3"


def test_every_validator_of_any_blueprint_by_its_title(contract: Contract, tmp_path: Path) -> None:
    assert blueprint_scripts()["vault.vault.spend"] == contract.vault_script
    assert blueprint_scripts()["registry.registry.mint"] == contract.registry_script
    old = Script("plutus:v2", contract.vault_script.code)
    entry = {"title": "theirs", "compiledCode": old.code.hex(), "hash": old.hash().hex()}
    theirs = {"preamble": {"plutusVersion": "v2"}, "validators": [entry]}
    path = tmp_path / "theirs.json"
    path.write_text(json.dumps(theirs))
    assert blueprint_scripts(path) == {"theirs": old}
    for damaged, named in (
        ({**theirs, "preamble": {"plutusVersion": "v9"}}, "plutusVersion"),
        ({**theirs, "preamble": {}}, "plutusVersion"),
        ({**theirs, "validators": [7]}, r"validators\[0\]"),
        ({**theirs, "validators": [{**entry, "title": 7}]}, "title"),
        ({**theirs, "validators": [{**entry, "hash": "00" * 28}]}, "hash"),
        ({**theirs, "preamble": {"plutusVersion": "v3"}}, "hash"),
    ):
        path.write_text(json.dumps(damaged))
        with pytest.raises(InvalidBlueprint, match=named):
            blueprint_scripts(path)


def test_former_versions_come_after_the_one_that_distributions_are_opened_with(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("0.9.0", "0.8.1"):
        text = json.dumps(blueprint(contract)).replace("1.2.3", version)
        (tmp_path / "versions" / version).mkdir(parents=True)
        (tmp_path / "versions" / version / "plutus.json").write_text(text)
    shutil.copytree(CHECKOUT / "compiled", tmp_path / "compiled")
    monkeypatch.setattr("milestones.protocol.validator_loader.CHECKOUT", tmp_path)
    assert [each.version for each in load_versions()] == [contract.version, "0.8.1", "0.9.0"]


STRANGER = Script("plutus:v3", bytes.fromhex("4401020304"))


@pytest.mark.parametrize(
    ("way", "value", "field", "words"),
    [
        (["preamble", "plutusVersion"], "v2", "preamble.plutusVersion", "Plutus V3"),
        (["preamble"], None, "preamble", "missing or of the wrong type"),
        (["preamble", "version"], 1, "version", "missing or of the wrong type"),
        (["validators"], {}, "validators", "missing or of the wrong type"),
        (["validators", 0], {"title": None}, "validators", "no validator vault"),
        (["validators", 0], 7, "validators", "no validator vault"),
        (["validators", 2, "title"], "registry.other", "validators", "no validator registry"),
        (["validators", 0, "compiledCode"], "4401020", "compiledCode", "not hexadecimal"),
        (["validators", 0, "compiledCode"], "440102", "compiledCode", "not a script"),
        (["validators", 0, "compiledCode"], "01", "compiledCode", "not a script"),
        (["validators", 0, "compiledCode"], None, "compiledCode", "missing or of the wrong type"),
        (["validators", 0, "hash"], "00" * 28, "hash", "hash is"),
        (
            ["validators", 0],
            {
                "title": "vault.vault.spend",
                "compiledCode": STRANGER.code.hex(),
                "hash": STRANGER.hash().hex(),
            },
            "validators",
            "another vault",
        ),
        (
            ["validators", 3],
            {
                "title": "board.board.mint",
                "compiledCode": STRANGER.code.hex(),
                "hash": STRANGER.hash().hex(),
            },
            "validators",
            "another vault or board",
        ),
    ],
)
def test_a_blueprint_with_one_defect(
    contract: Contract, way: list[Any], value: Any, field: str, words: str
) -> None:
    raw: Any = blueprint(contract)
    place = raw
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    with pytest.raises(InvalidBlueprint, match=words) as caught:
        parse_blueprint(json.dumps(raw))
    assert caught.value.path.endswith(field)
    assert "make contracts" in caught.value.hint


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "[" * 100_000])
def test_what_is_no_json_object(text: str) -> None:
    with pytest.raises(InvalidBlueprint):
        parse_blueprint(text)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidBlueprint, match="no such file"):
        load_contract(tmp_path / "plutus.json")
    with pytest.raises(InvalidBlueprint, match="can't be read"):
        load_contract(tmp_path)
    binary, huge = tmp_path / "binary", tmp_path / "huge"
    binary.write_bytes(b"\xff\xfd")
    with pytest.raises(InvalidBlueprint, match="not text in UTF-8"):
        load_contract(binary)
    with huge.open("wb") as file:
        file.truncate(BLUEPRINT.most_bytes + 1)
    with pytest.raises(InvalidBlueprint, match="too large"):
        load_contract(huge)
