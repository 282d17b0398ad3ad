"""The script data hash: what ties redeemers and cost models to the transaction's body.

Source: Alonzo's `hashScriptIntegrity` and the CDDL's note on language views.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from milestones.cardano.cbor import encode_bytes
from milestones.cardano.encoding import LANGUAGE_TAGS, array, integer, mapping
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import ScriptLanguage
from milestones.errors import InvalidInput


def script_data_hash(
    redeemers: bytes,
    languages: Iterable[ScriptLanguage],
    cost_models: Mapping[str, tuple[int, ...]],
) -> bytes:
    """32 bytes over the redeemers as sent and the cost models of the languages that run."""
    return blake2b_256(redeemers + language_views(languages, cost_models))


def language_views(
    languages: Iterable[ScriptLanguage], cost_models: Mapping[str, tuple[int, ...]]
) -> bytes:
    """The cost models as they are hashed: a map in the order of the keys' length, then of the keys.

    Plutus V1 keeps an old mistake: its key and its list are wrapped in byte strings, the list is of
    indefinite length.
    """
    views = [_view(name, cost_models) for name in set(languages)]
    return mapping(sorted(views, key=lambda view: (len(view[0]), view[0])))


def _view(
    language: ScriptLanguage, cost_models: Mapping[str, tuple[int, ...]]
) -> tuple[bytes, bytes]:
    if language not in cost_models:
        raise InvalidInput(
            f"the network's parameters have no cost model for {language}",
            hint="check that the network runs this language",
        )
    costs = [integer(cost) for cost in cost_models[language]]
    key = integer(LANGUAGE_TAGS[language] - 1)
    if language == "plutus:v1":
        return encode_bytes(key), encode_bytes(b"\x9f" + b"".join(costs) + b"\xff")
    return key, array(costs)
