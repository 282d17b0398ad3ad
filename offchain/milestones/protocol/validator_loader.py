"""The compiled contract, out of its blueprint (CIP-57, `plutus.json`).

Nothing in the blueprint is believed that can be recomputed: both hashes are, and the registry must
know the vault and the board that come with it. Raises `InvalidBlueprint`, which says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from milestones.cardano import cbor
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.documents import BLUEPRINT, read_text
from milestones.errors import InvalidBlueprint, InvalidEncoding
from milestones.notation import parse_json

PURPOSES: Final = {"vault": "spend", "registry": "mint", "board": "mint"}
CHECKOUT: Final = Path(__file__).parents[3] / "contracts"
"""Where the blueprints are in a checkout; a package carries them beside this file."""
_LANGUAGES: Final[dict[str, ScriptLanguage]] = {
    "v1": "plutus:v1",
    "v2": "plutus:v2",
    "v3": "plutus:v3",
}


@dataclass(frozen=True, slots=True)
class Contract:
    """The three scripts. `version` is the blueprint's, such as `2.0.0`.

    `vault_hash` is where money is, `policy_id` the registry's policy, `board_policy` that of `board`.
    """

    vault_script: Script
    registry_script: Script
    board_script: Script
    vault_hash: bytes
    policy_id: bytes
    board_policy: bytes
    version: str

    @property
    def scripts(self) -> tuple[Script, Script, Script]:
        """Vault, registry and board: what is published."""
        return self.vault_script, self.registry_script, self.board_script

    @property
    def own_scripts(self) -> frozenset[bytes]:
        """The hashes of the scripts."""
        return frozenset((self.vault_hash, self.policy_id, self.board_policy))


def load_contract(path: Path | None = None) -> Contract:
    """The contract from a blueprint file; without a path, from the one that belongs to this program."""
    if path is None:
        return parse_blueprint(_own_blueprint(), "the packaged plutus.json")
    return parse_blueprint(_read(path), str(path))


def load_versions() -> tuple[Contract, ...]:
    """Every version that came with this program: the one that distributions are opened with comes first."""
    return (load_contract(), *map(load_contract, sorted(_former_versions())))


def parse_blueprint(text: str, name: str = "plutus.json") -> Contract:
    """The contract from a blueprint's text; `name` is what errors call it."""
    blueprint = _json_object(text, name)
    preamble = _field(blueprint, "preamble", dict, name)
    if preamble.get("plutusVersion") != "v3":
        raise _refusal(
            "the blueprint is not of a Plutus V3 contract", name, "preamble.plutusVersion"
        )
    vault, registry, board = (_script(blueprint, module, name) for module in PURPOSES)
    vault_hash, board_policy = vault.hash(), board.hash()
    if vault_hash not in registry.code or board_policy not in registry.code:
        raise _refusal("the registry was built for another vault or board", name, "validators")
    return Contract(
        vault_script=vault,
        registry_script=registry,
        board_script=board,
        vault_hash=vault_hash,
        policy_id=registry.hash(),
        board_policy=board_policy,
        version=_field(preamble, "version", str, name),
    )


def blueprint_scripts(path: Path | None = None) -> dict[str, Script]:
    """Every validator of a blueprint by its title, of any contract; without a path, of this program's own."""
    text, name = (_own_blueprint(), "plutus.json") if path is None else (_read(path), str(path))
    blueprint = _json_object(text, name)
    version = _field(_field(blueprint, "preamble", dict, name), "plutusVersion", str, name)
    language = _LANGUAGES.get(version)
    if language is None:
        raise _refusal(
            "the blueprint is of no known Plutus version", name, "preamble.plutusVersion"
        )
    found = {}
    for index, entry in enumerate(_field(blueprint, "validators", list, name)):
        here = f"{name}: validators[{index}]"
        if not isinstance(entry, dict):
            raise _refusal(
                "the field is missing or of the wrong type", name, f"validators[{index}]"
            )
        found[_field(entry, "title", str, here)] = _checked_script(entry, here, language)
    return found


def _own_blueprint() -> str:
    packaged = resources.files("milestones.protocol") / "plutus.json"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return _read(CHECKOUT / "compiled" / "plutus.json")


def _former_versions() -> Iterable[Path]:
    packaged = Path(__file__).parent / "versions"
    folder = packaged if packaged.is_dir() else CHECKOUT / "versions"
    return folder.glob("*/plutus.json")


def _read(path: Path) -> str:
    return read_text(path, BLUEPRINT, str(path), InvalidBlueprint)


def _json_object(text: str, name: str) -> dict[str, Any]:
    try:
        blueprint = parse_json(text)
    except ValueError as error:
        raise _refusal(f"the file is not JSON: {error}", name) from None
    if not isinstance(blueprint, dict):
        raise _refusal("the file holds no JSON object", name)
    return blueprint


def _script(blueprint: dict[str, Any], module: str, name: str) -> Script:
    suffix = f".{PURPOSES[module]}"
    for index, entry in enumerate(_field(blueprint, "validators", list, name)):
        title = entry.get("title") if isinstance(entry, dict) else None
        if isinstance(title, str) and title.startswith(f"{module}.") and title.endswith(suffix):
            return _checked_script(entry, f"{name}: validators[{index}]")
    raise _refusal(f"no validator {module}.…{suffix}", name, "validators")


def _checked_script(
    entry: dict[str, Any], name: str, language: ScriptLanguage = "plutus:v3"
) -> Script:
    code = _hexadecimal(entry, "compiledCode", name)
    try:
        cbor.read(code).bytes()
    except InvalidEncoding as error:
        raise _refusal(f"not a script: {error.reason}", name, "compiledCode") from None
    script = Script(language, code)
    if script.hash() != _hexadecimal(entry, "hash", name):
        raise _refusal(f"the code's hash is {script.hash().hex()}, not this", name, "hash")
    return script


def _hexadecimal(entry: dict[str, Any], key: str, name: str) -> bytes:
    try:
        return bytes.fromhex(_field(entry, key, str, name))
    except ValueError:
        raise _refusal("this is not hexadecimal", name, key) from None


def _field(entry: dict[str, Any], key: str, kind: type[Any], name: str) -> Any:
    value = entry.get(key)
    if not isinstance(value, kind):
        raise _refusal("the field is missing or of the wrong type", name, key)
    return value


def _refusal(message: str, name: str, field: str = "") -> InvalidBlueprint:
    path = f"{name}: {field}" if field else name
    return InvalidBlueprint(message, path=path, hint=BLUEPRINT.hint)
