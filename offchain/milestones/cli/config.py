"""The configuration. This is the only place that reads the environment and the configuration file.

A setting is taken from the first of: the command line, the environment, the YAML file, the default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, ValidationError, WithJsonSchema
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from milestones import documents
from milestones.cardano.network import KNOWN_MAGICS as MAGICS
from milestones.cardano.network import network_id_of
from milestones.cardano.outputs import OutputReference
from milestones.clients.service_address import (
    KUPO,
    MAX_ADDRESS_LENGTH,
    OGMIOS,
    Service,
    ServiceAddress,
)
from milestones.errors import InvalidConfiguration, InvalidInput

Network = Literal["mainnet", "preprod", "preview", "devnet", "testnet"]
VARIABLES: Final[Mapping[str, str]] = {
    "network": "CARDANO_NETWORK",
    "network_magic": "CARDANO_NETWORK_MAGIC",
    "ogmios_url": "OGMIOS_URL",
    "kupo_url": "KUPO_URL",
    "cardano_node_socket": "CARDANO_NODE_SOCKET_PATH",
    "data_directory": "MILESTONES_DATA_DIR",
    "signing_key_path": "MILESTONES_SIGNING_KEY",
    "blueprint_path": "MILESTONES_BLUEPRINT",
    "reference_scripts": "MILESTONES_REFERENCE_SCRIPTS",
    "max_lag_slots": "MILESTONES_MAX_LAG_SLOTS",
    "token_registry": "MILESTONES_TOKEN_REGISTRY",
}
"""The environment variable of each setting."""
CONFIG_VARIABLE: Final = "MILESTONES_CONFIG"
DEFAULT_FILES: Final = ("config.yaml", "offchain/config.yaml")

_PATHS: Final = (
    *("data_directory", "signing_key_path", "cardano_node_socket", "blueprint_path"),
    "token_registry",
)


_REFERENCE: Final = "[0-9a-f]{64}#[0-9]+"
_REFERENCES: Final = {
    "anyOf": [
        {"type": "string", "pattern": f"^{_REFERENCE}( *, *{_REFERENCE})*$"},
        {"type": "array", "items": {"type": "string", "pattern": f"^{_REFERENCE}$"}},
    ]
}


def _address(service: Service) -> BeforeValidator:
    def read(value: Any) -> ServiceAddress:
        try:
            return ServiceAddress.parse(value, service)
        except InvalidConfiguration as error:
            raise ValueError(error.reason, error.hint) from None

    return BeforeValidator(read)


_AS_TEXT: Final = PlainSerializer(str, return_type=str)
_ADDRESS: Final = WithJsonSchema(
    {"type": "string", "minLength": 1, "maxLength": MAX_ADDRESS_LENGTH}
)
_OgmiosAddress = Annotated[ServiceAddress, _address(OGMIOS), _AS_TEXT, _ADDRESS]
_KupoAddress = Annotated[ServiceAddress, _address(KUPO), _AS_TEXT, _ADDRESS]


def _references(value: Any) -> Any:
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise ValueError("a list of <transaction id>#<index> is expected")
    return tuple(_reference(str(entry).strip()) for entry in entries)


def _reference(entry: str) -> OutputReference:
    try:
        return OutputReference.parse(entry)
    except InvalidInput as error:
        raise ValueError(f"{error.reason}: {error.hint}") from None


class Config(BaseSettings):
    """All settings, valid and with absolute paths. Made by `load_config`.

    `reference_scripts` are outputs known to hold the published scripts; none: they are looked up.
    `max_lag_slots` is how far Kupo may be behind the node where something is sent; None: it only warns.
    `token_registry` is a file or folder with entries of CIP-26, which say what decimals tokens have.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    network: Network = "testnet"
    network_magic: int | None = None
    ogmios_url: _OgmiosAddress = ServiceAddress.parse(OGMIOS.example, OGMIOS)
    kupo_url: _KupoAddress = ServiceAddress.parse(KUPO.example, KUPO)
    cardano_node_socket: Path | None = None
    data_directory: Path = Path("data")
    signing_key_path: Path | None = None
    blueprint_path: Path | None = None
    reference_scripts: Annotated[
        tuple[OutputReference, ...], BeforeValidator(_references), WithJsonSchema(_REFERENCES)
    ] = ()
    max_lag_slots: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    token_registry: Path | None = None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Nothing but what `load_config` gives: it must know where each value came from."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        return (init_settings,)

    @property
    def expected_magic(self) -> int | None:
        """The one magic that the node may have; None where any but mainnet's will do."""
        return self.network_magic or MAGICS.get(self.network)

    @property
    def network_id(self) -> int:
        """The id in addresses: 1 on mainnet, 0 elsewhere."""
        return 0 if self.expected_magic is None else network_id_of(self.expected_magic)


def load_config(
    *,
    config_file: Path | None = None,
    overrides: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Config:
    """The configuration of this run. Raises `InvalidConfiguration`: which setting, from where, and what to do.

    `overrides` are the command line's, by field name; None stands for a flag that was not given. Relative
    paths start in `directory` (default: where the program runs). In the file they start in the file's own
    folder; a path that begins with that folder's name (`offchain/data` in `offchain/config.yaml`)
    starts one higher.
    """
    directory = directory or Path.cwd()
    environment = os.environ if environment is None else environment
    file = _file(config_file, environment, directory)
    sources = {
        "the command line": {k: v for k, v in (overrides or {}).items() if v is not None},
        "the environment": _from_environment(environment),
        str(file): _from_file(file),
    }
    found = {
        name: _absolute(values, file if name == str(file) else None, directory)
        for name, values in sources.items()
    }
    return _checked(_built(found, directory), found)


def _file(given: Path | None, environment: Mapping[str, str], directory: Path) -> Path | None:
    named = given or (
        Path(environment[CONFIG_VARIABLE]) if environment.get(CONFIG_VARIABLE) else None
    )
    if named is not None:
        return directory / named.expanduser()
    found = (directory / name for name in DEFAULT_FILES)
    return next((path for path in found if path.is_file()), None)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    return {
        field: environment[variable]
        for field, variable in VARIABLES.items()
        if environment.get(variable)
    }


def _from_file(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    values = documents.read_yaml(file, documents.CONFIGURATION, "config", InvalidConfiguration)
    if not isinstance(values, (dict, type(None))):
        raise InvalidConfiguration(
            f"{file} holds no settings", path="config", hint=documents.CONFIGURATION.hint
        )
    return {
        name: value
        for name, value in (values or {}).items()
        if value is not None and name != "$schema"
    }


def _absolute(values: Mapping[str, Any], file: Path | None, directory: Path) -> dict[str, Any]:
    resolved = dict(values)
    for field in _PATHS:
        if isinstance(resolved.get(field), (str, Path)):
            path = Path(resolved[field]).expanduser()
            resolved[field] = _start(path, file, directory) / path
    return resolved


def _start(path: Path, file: Path | None, directory: Path) -> Path:
    if file is None:
        return directory
    folder = file.resolve().parent
    return folder.parent if path.parts[:1] == (folder.name,) else folder


def _built(found: Mapping[str, dict[str, Any]], directory: Path) -> Config:
    merged: dict[str, Any] = {"data_directory": directory / "data"}
    for values in reversed(list(found.values())):
        merged |= values
    try:
        return Config(**merged)
    except ValidationError as error:
        raise _refusal(error, found) from error


def _refusal(error: ValidationError, found: Mapping[str, dict[str, Any]]) -> InvalidConfiguration:
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    source = _source_of(field, found)
    if first["type"] == "extra_forbidden":
        near = get_close_matches(field, VARIABLES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known settings: {', '.join(VARIABLES)}"
        return InvalidConfiguration(
            f"{source} sets this, which is no setting", path=field, hint=hint
        )
    reason = first["msg"].removeprefix("Value error, ")
    if field in (OGMIOS.setting, KUPO.setting):
        # What was given may hold a password.
        reason, hint = first["ctx"]["error"].args
        return InvalidConfiguration(
            f"{source}: {reason}", path=field, hint=hint, details={"source": source}
        )
    return InvalidConfiguration(
        f"{source} has {first['input']!r:.100}: {reason}",
        path=field,
        hint="correct it there; a flag or a variable overrides a file",
        details={"source": source},
    )


def _source_of(field: str, found: Mapping[str, dict[str, Any]]) -> str:
    source = next((name for name, values in found.items() if field in values), "the default")
    return f"the variable {VARIABLES[field]}" if source == "the environment" else source


def _checked(config: Config, found: Mapping[str, dict[str, Any]]) -> Config:
    magic = config.network_magic
    if config.network in ("testnet", "devnet"):
        fits = magic != MAGICS["mainnet"]
    else:
        fits = magic in (None, MAGICS[config.network])
    if not fits:
        raise InvalidConfiguration(
            f"{_source_of('network_magic', found)} has {magic}, "
            f"which is no magic of {config.network} (set by {_source_of('network', found)})",
            path="network_magic",
            hint="leave network_magic out, or set network to testnet",
        )
    return config
