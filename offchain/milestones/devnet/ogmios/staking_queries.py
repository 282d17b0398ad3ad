"""`queryLedgerState/*` about who is registered: reward accounts, representatives, pools and their stake.

Stakes are those of the moment; a network takes them at the turn of an epoch. Source: Ogmios' `Query.hs`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from milestones.cardano import bech32
from milestones.cardano.address import HASH_LENGTH, Credential, CredentialKind, StakeAddress
from milestones.cardano.certificates import ABSTAIN, NO_CONFIDENCE, DRep, ledger_order
from milestones.cardano.delegatees import pool_text
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.staking_state import StakingState
from milestones.devnet.ogmios import rpc
from milestones.devnet.ogmios.parameters import parameters_json
from milestones.devnet.ogmios.rpc import InvalidRequest
from milestones.devnet.ogmios.staking_json import (
    anchor_json,
    credential_json,
    drep_json,
    lovelace_json,
    pool_json,
)
from milestones.errors import InvalidAddress, InvalidEncoding

_KINDS: Final[tuple[tuple[str, CredentialKind], ...]] = (("keys", "key"), ("scripts", "script"))


def reward_account_summaries(chain: Chain, block: Block, params: dict[str, Any]) -> Any:
    """The accounts that were asked for, as far as they are registered. Raises `NotFetched` on a fork."""
    asked = sorted(_asked(params, _stake_credential), key=ledger_order)
    if chain.fork is not None:
        chain.fork.require_accounts(asked)
    staking = chain.staking_at(block)
    shown = []
    for who in asked:
        account = staking.account(who)
        if account is None:
            continue
        summary = credential_json(who)
        if account.pool_id is not None:
            summary["stakePool"] = {"id": pool_text(account.pool_id)}
        if account.drep is not None:
            summary["delegateRepresentative"] = drep_json(account.drep)
        summary["rewards"] = lovelace_json(account.rewards_lovelace)
        summary["deposit"] = lovelace_json(account.deposit_lovelace)
        shown.append(summary)
    return shown


def delegate_representatives(chain: Chain, block: Block, params: dict[str, Any]) -> Any:
    """The representatives that were asked for, or all; the two predefined options always."""
    staking, asked = chain.staking_at(block), _asked(params, _drep_credential)
    stakes, delegators = _voting(chain, block, staking)
    idle = parameters_json(chain.parameters)["delegateRepresentativeMaxIdleTime"]
    shown = []
    # The ledger sorts representatives otherwise than accounts: keys first.
    for who, drep in sorted(staking.dreps().items(), key=lambda each: (each[0].kind, each[0].hash)):
        if asked and who not in asked:
            continue
        summary = {
            **drep_json(who),
            "mandate": {"epoch": chain.calendar.epoch_of(block.slot) + idle},
            "deposit": lovelace_json(drep.deposit_lovelace),
            **_stake_json(who, stakes, delegators),
        }
        if drep.anchor is not None:
            summary["metadata"] = anchor_json(drep.anchor)
        shown.append(summary)
    options: tuple[DRep, ...] = (ABSTAIN, NO_CONFIDENCE)
    for option in options:
        shown.append({**drep_json(option), **_stake_json(option, stakes, delegators)})
    return shown


def _stake_json(
    drep: DRep, stakes: Mapping[DRep, int], delegators: Mapping[DRep, list[Credential]]
) -> dict[str, Any]:
    known = sorted(delegators.get(drep, ()), key=ledger_order)
    return {
        "stake": lovelace_json(stakes.get(drep, 0)),
        "delegators": [credential_json(who) for who in known],
    }


def _voting(
    chain: Chain, block: Block, staking: StakingState
) -> tuple[dict[DRep, int], dict[DRep, list[Credential]]]:
    """(stake, delegators) of each representative that has any."""
    held = stake_by_account(chain, block, staking)
    stakes: dict[DRep, int] = {}
    delegators: dict[DRep, list[Credential]] = {}
    for who, account in staking.accounts().items():
        if account.drep is not None:
            stakes[account.drep] = stakes.get(account.drep, 0) + held[who]
            delegators.setdefault(account.drep, []).append(who)
    return stakes, delegators


def stake_by_account(chain: Chain, block: Block, staking: StakingState) -> dict[Credential, int]:
    """The lovelace at addresses with each account's credential, and its rewards."""
    accounts = staking.accounts()
    held = {who: account.rewards_lovelace for who, account in accounts.items()}
    for output in chain.utxo_at(block).values() if accounts else ():
        who = output.address.staking
        if isinstance(who, Credential) and who in held:
            held[who] += output.value.lovelace
    return held


def _pool_stakes(chain: Chain, block: Block, staking: StakingState) -> dict[bytes, int]:
    held = stake_by_account(chain, block, staking)
    stakes = dict.fromkeys(staking.pools(), 0)
    for who, account in staking.accounts().items():
        if account.pool_id in stakes:
            stakes[account.pool_id] += held[who]
    return stakes


def stake_pools(chain: Chain, block: Block, params: dict[str, Any]) -> Any:
    """The pools that were asked for, or all; with their stake where that is wished."""
    staking, epoch = chain.staking_at(block), chain.calendar.epoch_of(block.slot)
    wanted: set[bytes] | None = None
    if params.get("stakePools") is not None:
        ids = rpc.member(params, "stakePools", list)
        wanted = {_pool_id(rpc.member(each, "id", str)) for each in ids}
    with_stake = params.get("includeStake", False)
    if not isinstance(with_stake, bool):
        raise InvalidRequest("field 'includeStake' must be a boolean")
    stakes = _pool_stakes(chain, block, staking) if with_stake else {}
    shown = {}
    for pool_id, pool in sorted(staking.pools().items()):
        if wanted is None or pool_id in wanted:
            stake = {"stake": lovelace_json(stakes[pool_id])} if with_stake else {}
            shown[pool_text(pool_id)] = {**pool_json(pool.in_epoch(epoch)), **stake}
    return shown


def live_stake_distribution(chain: Chain, block: Block, _params: dict[str, Any]) -> Any:
    """Each pool's part of all that is delegated to pools."""
    staking, epoch = chain.staking_at(block), chain.calendar.epoch_of(block.slot)
    stakes = _pool_stakes(chain, block, staking)
    total = sum(stakes.values())
    shown = {}
    for pool_id, pool in sorted(staking.pools().items()):
        part = Fraction(stakes[pool_id], total or 1)
        shown[pool_text(pool_id)] = {
            "stake": f"{part.numerator}/{part.denominator}",
            "vrf": pool.in_epoch(epoch).vrf.hex(),
        }
    return shown


def treasury_and_reserves(chain: Chain, block: Block, _params: dict[str, Any]) -> Any:
    """Nothing goes to the treasury here; rewards come out of the reserves."""
    later = chain.blocks[block.height + 1 - chain.first_height :]
    granted = sum(grant.lovelace for each in later for grant in each.grants)
    reserves = chain.reserves_lovelace + granted
    return {"treasury": lovelace_json(0), "reserves": lovelace_json(reserves)}


# -- what is asked for


def _asked(
    params: dict[str, Any], read: Callable[[str, CredentialKind], Credential]
) -> set[Credential]:
    """The credentials under `keys` and `scripts`; what is in base16 is of the kind that the field says."""
    if unknown := params.keys() - {"keys", "scripts"}:
        raise InvalidRequest(f"field '{min(unknown)}' is not known")
    found = set()
    for name, kind in _KINDS:
        texts: Iterable[Any] = rpc.member(params, name, list) if name in params else ()
        for text in texts:
            if not isinstance(text, str):
                raise InvalidRequest("a credential must be a string")
            found.add(read(text, kind))
    return found


def _stake_credential(text: str, kind: CredentialKind) -> Credential:
    if text.startswith("stake") and not text.startswith("stake_vkh"):
        try:
            return StakeAddress.from_bech32(text).credential
        except InvalidAddress as error:
            raise InvalidRequest(error.message) from None
    return _credential(text, kind, {"stake_vkh": "key", "script": "script"})


def _drep_credential(text: str, kind: CredentialKind) -> Credential:
    return _credential(text, kind, {"drep_vkh": "key", "drep_script": "script"})


def _credential(
    text: str, kind: CredentialKind, prefixes: Mapping[str, CredentialKind]
) -> Credential:
    """In base16, or in Bech32 with one of the prefixes, which says the kind."""
    if len(text) == 2 * HASH_LENGTH:
        try:
            return Credential(kind, bytes.fromhex(text))
        except ValueError:
            pass
    try:
        prefix, raw = bech32.decode(text)
    except InvalidEncoding:
        prefix, raw = "", b""
    if prefix not in prefixes or len(raw) != HASH_LENGTH:
        known = ", ".join(prefixes)
        raise InvalidRequest(
            "Unable to decode credential. It must be a hash of 28 bytes in base16, or in bech32 with one of"
            f" these prefixes: {known}."
        )
    return Credential(prefixes[prefix], raw)


def _pool_id(text: str) -> bytes:
    try:
        prefix, raw = bech32.decode(text)
    except InvalidEncoding:
        prefix, raw = "", b""
    if prefix != "pool" or len(raw) != HASH_LENGTH:
        raise InvalidRequest(f"{text[:64]!r} is not a stake pool's id")
    return raw
