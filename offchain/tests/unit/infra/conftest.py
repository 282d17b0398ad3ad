"""The files in `infra/`, read as the tools that run them read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

INFRA: Final = Path(__file__).parents[4] / "infra"
NETWORKS: Final = ("preview", "preprod", "mainnet")
_VARIABLE: Final = re.compile(r"\$\{(\w+):-([^}]*)\}")


def interpolated(text: str, **variables: str) -> str:
    """Text with `${NAME:-default}` replaced as compose does it."""
    return _VARIABLE.sub(lambda match: variables.get(match[1], match[2]), text)


@pytest.fixture
def infra() -> Path:
    """The folder."""
    return INFRA


@pytest.fixture
def compose_text() -> str:
    """The compose file, for the default network."""
    return interpolated((INFRA / "docker-compose.yml").read_text(encoding="utf-8"))


@pytest.fixture
def compose(compose_text: str) -> Any:
    """The compose file, parsed."""
    return yaml.safe_load(compose_text)


@pytest.fixture
def documented() -> Any:
    """Version and command line of each program, as its own documentation gives them."""
    return json.loads((INFRA / "documented.json").read_text(encoding="utf-8"))
