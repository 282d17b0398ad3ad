"""The hash that binds a transaction to its redeemers, its datums and the cost models.

Source: Alonzo's `hashScriptIntegrity`, `getLanguageView` and `encodeLangViews`; Conway CDDL,
`script_data_hash`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from milestones.cardano import cbor
from milestones.cardano.hashes import blake2b_256
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.scripts import LANGUAGE_NUMBERS

EMPTY_REDEEMERS = b"\xa0"
"""What is hashed in place of redeemers where there are only datums: an empty map."""


def check_script_integrity(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `checkScriptIntegrityHash`."""
    provided, computed = case.body.script_integrity_hash, script_integrity_hash(case)
    if provided != computed:
        yield failures.script_integrity_hash_mismatch(provided, computed)


def script_integrity_hash(case: Case) -> bytes | None:
    """The hash that the body must hold; None without scripts, redeemers and datums."""
    witnesses = case.transaction.witnesses
    languages = {script.language for _, script in case.plutus_needs}
    redeemers, datums = witnesses.redeemers_raw, witnesses.datums_raw
    if not languages and redeemers is None and datums is None:
        return None
    views = language_views(languages, case.parameters.cost_models)
    return blake2b_256((redeemers or EMPTY_REDEEMERS) + (datums or b"") + views)


def language_views(languages: Iterable[str], models: Mapping[str, Sequence[int]]) -> bytes:
    """The cost models of the languages used, encoded; languages without a model are left out.

    Keys are sorted by length, then by bytes, so version 1, whose key is longer, comes last.
    """
    views = dict(_language_view(name, tuple(models[name])) for name in languages if name in models)
    ordered = sorted(views, key=lambda key: (len(key), key))
    return cbor.head(cbor.MAP, len(views)) + b"".join(key + views[key] for key in ordered)


@lru_cache(maxsize=64)
def _language_view(language: str, model: tuple[int, ...]) -> tuple[bytes, bytes]:
    """(key, value). Version 1's are both wrapped in byte strings, its list of indefinite length:

    an oversight of the Alonzo era that became the rule.
    """
    number = cbor.head(cbor.UINT, LANGUAGE_NUMBERS[language])
    entries = b"".join(_integer(entry) for entry in model)
    if language == "plutus:v1":
        return cbor.encode_bytes(number), cbor.encode_bytes(b"\x9f" + entries + b"\xff")
    return number, cbor.head(cbor.ARRAY, len(model)) + entries


def _integer(value: int) -> bytes:
    return cbor.head(cbor.UINT, value) if value >= 0 else cbor.head(cbor.NINT, -1 - value)
