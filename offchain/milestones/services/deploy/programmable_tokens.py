"""Programmable tokens (CIP-113) can't be held by a vault: where an opening fails for it, that is said.

Such tokens lie at the address of a script, whoever's they are; the owner is the staking part. Whoever moves
them runs the token's own transfer logic, by a withdrawal, and it wants every one of them back at that
script: so nothing else can ever hold them. Source: CIP-113.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from milestones.cardano.address import Address, Credential
from milestones.errors import (
    ChainRejected,
    InsufficientTokens,
    InvalidAddress,
    InvalidSchedule,
    MilestonesError,
)
from milestones.protocol.distribution import Distribution
from milestones.services.backend import Backend
from milestones.services.sending.funds import Funds, funds_of
from milestones.services.sending.payer import Payer

MISSING_SCRIPTS: Final = 3102
"""Ogmios' code for scripts that must run and aren't given, by their hashes."""
FOREIGN_PURPOSES: Final = frozenset(("withdraw", "spend", "publish", "vote", "propose"))
"""An opening runs minting policies of ours, and nothing else."""
_WHY: Final = (
    "programmable tokens (CIP-113) can't be distributed: their transfer script refuses every output"
    " outside of it"
)


async def explained(
    backend: Backend,
    distribution: Distribution,
    payer: Payer,
    error: InsufficientTokens | ChainRejected,
) -> MilestonesError:
    """What to raise in place of an error that an opening ended with; most often the same."""
    if isinstance(error, ChainRejected):
        return _of_rejection(error, distribution.contract.own_scripts) or error
    if error.asset != str(distribution.token):
        return error
    places = await _held_by_scripts(backend, distribution, await funds_of(backend, payer))
    if places:
        return InvalidSchedule(
            f"the wallet's tokens lie at a script's address, {places[0]}: {_WHY}",
            path="token_policy_id",
            hint="distribute ADA or another token",
            details=error.details,
        )
    if not error.available:
        error.hint = f"{error.hint}; if a wallet shows them there all the same: {_WHY}"
    return error


async def _held_by_scripts(
    backend: Backend, distribution: Distribution, funds: Funds
) -> list[Address]:
    """Addresses of scripts that hold the token in the payer's name, as far as Kupo watches them."""
    token = distribution.token
    owners = {funds.payer.credential, *_staking_parts(funds)}
    matches = await backend.kupo.matches(
        f"{token.policy_id.hex()}.{token.asset_name.hex()}", unspent=True
    )
    found = (_parsed(match.output.address) for match in matches)
    return [
        address
        for address in found
        if address is not None
        and address.payment.kind == "script"
        and address.payment.hash not in distribution.contract.own_scripts
        and address.staking in owners
    ]


def _staking_parts(funds: Funds) -> Iterator[Credential]:
    for address in (_parsed(utxo.output.address) for utxo in funds.utxos):
        if address is not None and address.staking is not None:
            yield address.staking


def _parsed(text: str) -> Address | None:
    try:
        return Address.from_bech32(text)
    except InvalidAddress:
        return None


def _of_rejection(error: ChainRejected, own_scripts: Collection[bytes]) -> ChainRejected | None:
    """The same rejection with what it means, where a script that is none of ours is what it's about."""
    if not names_foreign_script(error.rejection_code, error.data, own_scripts):
        return None
    return ChainRejected(
        f"{error.message}: a script that is none of this contract's has a say over these tokens; {_WHY}",
        rejection_code=error.rejection_code,
        data=error.data,
        hint="distribute ADA or another token",
        inputs_spent=error.inputs_spent,
        script_failed=error.script_failed,
    )


def names_foreign_script(code: int, data: Any, own_scripts: Collection[bytes]) -> bool:
    """Whether a rejection of an opening (Ogmios' code and data) is about a script that is none of ours.

    That is one that must run and isn't given, or anything but a minting policy that runs or should.
    """
    own = {digest.hex() for digest in own_scripts}
    if code == MISSING_SCRIPTS:
        missing = data.get("missingScripts", ()) if isinstance(data, dict) else ()
        return any(isinstance(each, str) and each not in own for each in missing)
    return any(purpose in FOREIGN_PURPOSES for purpose in _purposes(data))


def _purposes(data: Any) -> Iterator[str]:
    if isinstance(data, dict):
        if isinstance(data.get("purpose"), str):
            yield data["purpose"]
        for value in data.values():
            yield from _purposes(value)
    elif isinstance(data, list):
        for value in data:
            yield from _purposes(value)
