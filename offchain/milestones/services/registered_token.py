"""What a token is registered with: its decimals and ticker, out of the chain (CIP-68) or a file (CIP-26).

Neither is ever guessed: a token that nobody has registered is counted in its smallest unit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import BaseModel

from milestones import documents
from milestones.cardano.plutus_data import Constr, PlutusMap, decode
from milestones.cardano.value import AssetId, Value
from milestones.domain.tables import MOST_DECIMALS
from milestones.errors import InvalidConfiguration, InvalidEncoding, InvalidInput
from milestones.look.figures import FUNGIBLE_LABELS, amount
from milestones.services.backend import Backend, Workspace
from milestones.services.results import View
from milestones.transactions.places import amount_in_words, name_of

REFERENCE_LABEL: Final = bytes.fromhex("000643b0")
"""Begins the name of the token whose output describes others. Source: CIP-67, CIP-68, label 100."""


class RegisteredToken(View):
    """Decimals (0 to 19) and ticker of a token, and where they are from. `source` is words for people."""

    decimals: int
    ticker: str | None
    kind: Literal["chain", "file"]
    source: str


async def registered_token(backend: Backend, token: AssetId) -> RegisteredToken | None:
    """What the token is registered with in the configured file, else on the chain; None where it isn't.

    On the chain only a token that begins with a label of CIP-68 is, and only where Kupo has the one output
    with its reference token. Raises `InvalidConfiguration` about the file.
    """
    return registered_in_file(backend, subject_of(token)) or await _on_chain(backend, token)


async def registered_tokens(
    backend: Backend, tokens: Iterable[AssetId]
) -> dict[AssetId, RegisteredToken]:
    """As `registered_token`, those of the tokens that are registered."""
    found = {each: await registered_token(backend, each) for each in dict.fromkeys(tokens)}
    return {each: registered for each, registered in found.items() if registered is not None}


async def amount_of(backend: Backend, token: AssetId, units: int) -> str:
    """So much of a token in words, for a question: with its decimals where it is registered, by whose word.

    The token is named by its policy, too: anybody can give a token any name. Raises `InvalidConfiguration`.
    """
    known = await registered_token(backend, token)
    if known is None:
        return amount_in_words(Value.of(token, units))
    unit = known.ticker or name_of(token) or f"0x{token.asset_name.hex()}"
    return (
        f"{amount(units, known.decimals)} {unit} ({units:,} of the smallest unit, {known.decimals} decimals as"
        f" {known.source} says; policy {token.policy_id.hex()})"
    )


def tokens_in(result: BaseModel) -> Iterator[AssetId]:
    """The tokens that a result's amounts are of."""
    for each in (result, *(value for _, value in result)):
        for one in each if isinstance(each, tuple) else (each,):
            fields = ("token_policy_id", "token_name")
            policy_id, name = (getattr(one, field, None) for field in fields)
            if isinstance(policy_id, bytes) and isinstance(name, bytes):
                yield AssetId(policy_id, name)


async def _on_chain(backend: Backend, token: AssetId) -> RegisteredToken | None:
    label, name = token.asset_name[:4], token.asset_name[4:]
    if label not in FUNGIBLE_LABELS:
        return None
    reference = AssetId(token.policy_id, REFERENCE_LABEL + name)
    pattern = f"{reference.policy_id.hex()}.{reference.asset_name.hex()}"
    held = await backend.kupo.matches(pattern, unspent=True)
    if len(held) != 1 or held[0].datum is None:
        return None
    try:
        datum = decode(held[0].datum)
    except InvalidEncoding:
        return None
    if not isinstance(datum, Constr) or not datum.fields:
        return None
    described = datum.fields[0]
    pairs = described.pairs if isinstance(described, PlutusMap) else ()
    fields = {key: value for key, value in pairs if isinstance(key, bytes)}
    decimals, ticker = fields.get(b"decimals"), fields.get(b"ticker")
    if not isinstance(decimals, int) or not 0 <= decimals <= MOST_DECIMALS:
        return None
    return RegisteredToken(
        decimals=decimals,
        ticker=_ticker(ticker.decode(errors="replace") if isinstance(ticker, bytes) else None),
        kind="chain",
        source="its metadata on the chain (CIP-68)",
    )


def subject_of(token: AssetId) -> str:
    """What a token registry calls a token: its policy and its name in hexadecimal; empty for ADA."""
    return token.policy_id.hex() + token.asset_name.hex()


def registered_in_file(workspace: Workspace, subject: str) -> RegisteredToken | None:
    """What the configured token registry has of it; None without one, or without the token in it.

    That is a file with an entry of CIP-26 or a list of them, or a folder with a file `<subject>.json` each.
    The signatures of an entry aren't looked at: whoever configures the file vouches for it. Raises
    `InvalidConfiguration`.
    """
    registry = workspace.token_registry
    if registry is None or not subject:
        return None
    file = registry / f"{subject}.json" if registry.is_dir() else registry
    if file != registry and not file.exists():
        return None
    try:
        read = documents.read_json(file, documents.TOKEN_REGISTRY, "token_registry", InvalidInput)
    except InvalidInput as error:
        raise InvalidConfiguration(error.reason, path="token_registry", hint=error.hint) from None
    entries = [each for each in _entries(read) if each.get("subject") == subject]
    if not entries or "decimals" not in entries[0]:
        return None
    decimals = _value(entries[0], "decimals")
    if len(entries) > 1 or type(decimals) is not int or not 0 <= decimals <= MOST_DECIMALS:
        found = "two entries" if len(entries) > 1 else f"{json.dumps(decimals)[:40]} decimals"
        raise InvalidConfiguration(
            f"{file} has {found} for {subject}",
            path="token_registry",
            hint=f"correct it: one entry, and 0 to {MOST_DECIMALS} decimals",
        )
    ticker = _value(entries[0], "ticker")
    return RegisteredToken(
        decimals=decimals,
        ticker=_ticker(ticker if isinstance(ticker, str) else None),
        kind="file",
        source=f"{file.name} (CIP-26)" if file == registry else f"{registry.name}/ (CIP-26)",
    )


def _entries(read: Any) -> Iterator[Mapping[str, Any]]:
    listed = read if isinstance(read, list) else [read]
    return (each for each in listed if isinstance(each, dict))


def _value(entry: Mapping[str, Any], name: str) -> Any:
    """A field's value; a field is an object with a value, a number and signatures."""
    field = entry.get(name)
    return field.get("value") if isinstance(field, dict) else field


def _ticker(text: str | None) -> str | None:
    """Some letters and digits, as a unit behind an amount can be; None for anything else."""
    is_plain = text is not None and text.isascii() and text.isalnum() and 1 <= len(text) <= 9
    return text if is_plain else None


def as_registered(given: int | None, registered: RegisteredToken | None) -> int | None:
    """The decimals to read or write amounts with: as given, else as registered.

    Raises `InvalidInput` where the two differ: a factor of ten, or more, in somebody's payment.
    """
    if registered is None:
        return given
    if given not in (None, registered.decimals):
        raise InvalidInput(
            f"{given} are given, and the token has {registered.decimals}, as {registered.source} says",
            path="decimals",
            hint="leave --decimals out, or correct what the token is registered with",
        )
    return registered.decimals
