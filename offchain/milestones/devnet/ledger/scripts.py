"""Scripts as they travel: in witness sets, in reference outputs, in auxiliary data.

Source: Conway CDDL, `script` and `script_ref`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.outputs import Script, ScriptLanguage
from milestones.devnet.ledger.native_scripts import check_native_script
from milestones.errors import InvalidEncoding

LANGUAGES: Final[tuple[ScriptLanguage, ...]] = ("native", "plutus:v1", "plutus:v2", "plutus:v3")
"""A script's language by its tag on the wire."""

LANGUAGE_NUMBERS: Final[Mapping[str, int]] = {"plutus:v1": 0, "plutus:v2": 1, "plutus:v3": 2}
"""A Plutus language's number in cost models and language views."""


def decode_reference_script(item: Item) -> Script:
    """The script of an output: tag 24 around the bytes of `[language, script]`."""
    if item.tag != 24 or item.kind != cbor.TAG:
        raise InvalidEncoding(f"not a reference script at byte {item.start}")
    parts = cbor.read(item.value.bytes()).array()
    language = parts[0].unsigned() if len(parts) == 2 else -1
    if not 0 <= language < len(LANGUAGES):
        raise InvalidEncoding(f"not a script of a known language at byte {item.start}")
    return native_script(parts[1]) if language == 0 else plutus_script(language, parts[1])


def native_script(item: Item) -> Script:
    """A native script; its bytes are those it was received in."""
    check_native_script(item)
    return Script("native", item.raw)


def plutus_script(language: int, item: Item) -> Script:
    """A Plutus script of version `language` (1 to 3). Whether it is well-formed is a rule's business."""
    return Script(LANGUAGES[language], item.bytes())
