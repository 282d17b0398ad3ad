"""`stake show`, and whose a distribution's reward account is: a key's, or a native script's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from milestones.cardano.address import Address, StakeAddress
from milestones.cardano.certificates import ABSTAIN
from milestones.cardano.delegatees import drep_text, pool_text
from milestones.cardano.native_script import from_json, script_of
from milestones.cardano.outputs import Script
from milestones.clients.ogmios_answers import RewardAccount
from milestones.domain.reading import AddressField
from milestones.domain.schedule import parse_schedule
from milestones.errors import InvalidInput
from milestones.protocol.distribution import ContractAddress
from milestones.protocol.staking import own_stake_script
from milestones.services.backend import Backend, Workspace, require_network
from milestones.services.distribution.local import local_distribution
from milestones.services.distribution.naming import must_be_of_contract
from milestones.services.results import Result

NOBODYS = "the distribution's terms name no staking credential: its stake is nobody's"


@dataclass(frozen=True, slots=True)
class StakeHolder:
    """A distribution's address, its reward account, and the native script that controls it, if one does."""

    contract_address: Address
    account: StakeAddress
    script: Script | None = None


class StakeShown(Result):
    """A reward account as it is at the ledger's tip; amounts are lovelace, None where it isn't registered.

    `credential` is a key's or a script's. `pool` is what it is staked with; `representative` is `abstain`,
    `no_confidence` or an id. `treasury_rule` says whether it is as the constitution asks of ADA out of the
    treasury: votes delegated to abstain, and no pool; `meaning` says so in words.
    """

    contract_address: AddressField
    stake_address: str
    credential: Literal["key", "script"]
    registered: bool
    deposit_lovelace: int | None = None
    rewards_lovelace: int | None = None
    pool: str | None = None
    representative: str | None = None
    treasury_rule: Literal["met", "not_met"]
    meaning: str


async def stake_show(backend: Backend, *, contract_address: ContractAddress) -> StakeShown:
    """What became of the reward account of a distribution's staking credential; anybody can ask.

    Raises `InvalidInput` where the terms name none, and `ServiceUnavailable`.
    """
    await require_network(backend)
    address, stake = stake_address_of(backend, contract_address)
    account = await backend.ogmios.reward_account(stake.credential)
    met, meaning = _treasury_rule(account)
    return StakeShown(
        contract_address=address,
        stake_address=str(stake),
        credential=stake.credential.kind,
        registered=account is not None,
        deposit_lovelace=None if account is None else account.deposit_lovelace,
        rewards_lovelace=None if account is None else account.rewards_lovelace,
        pool=None if account is None or account.pool_id is None else pool_text(account.pool_id),
        representative=None if account is None or account.drep is None else drep_text(account.drep),
        treasury_rule="met" if met else "not_met",
        meaning=meaning,
    )


def _treasury_rule(account: RewardAccount | None) -> tuple[bool, str]:
    """Source: Article VII, section 6 of the Cardano constitution."""
    if account is None:
        return False, (
            "not registered: its votes are delegated to nobody, and the constitution asks of ADA out of"
            " the treasury that they are delegated to abstain"
        )
    votes = account.drep == ABSTAIN
    if votes and account.pool_id is None:
        return True, (
            "delegated to the predefined option abstain, and to no stake pool: as the constitution asks of"
            " ADA out of the treasury (Article VII, section 6)"
        )
    wrong = [] if votes else ["its votes are not delegated to abstain"]
    wrong += [] if account.pool_id is None else ["it is delegated to a stake pool"]
    return False, (
        f"{', and '.join(wrong)}: of ADA out of the treasury the constitution asks otherwise (Article VII,"
        " section 6)"
    )


def stake_address_of(
    workspace: Workspace, contract_address: ContractAddress
) -> tuple[Address, StakeAddress]:
    """A distribution's address and its reward account. Raises `InvalidInput` where it is the id's, nobody's."""
    must_be_of_contract(contract_address, workspace)
    address = contract_address
    known = set(workspace.storage.schedules.distribution_ids())
    if not isinstance(address, Address):
        known.add(address.distribution_id)
        address = address.address
    staking = address.staking
    if staking is None or (staking.kind == "key" and staking.hash in known):
        raise InvalidInput(
            NOBODYS,
            path="contract_address",
            hint="it can't be added later: another distribution's terms can, `register-milestone --staking`",
        )
    return address, StakeAddress(address.network_id, staking)


def stake_holder(
    workspace: Workspace,
    contract_address: ContractAddress,
    stake_script: Mapping[str, Any] | None = None,
) -> StakeHolder:
    """Whose stake it is. `stake_script` is cardano-cli's JSON of the script that the credential is of.

    Without it, the script that `register-milestone --staking creator` makes is made again, where the data
    directory has the schedule. Raises `InvalidInput` about `stake_script` where neither fits.
    """
    address, account = stake_address_of(workspace, contract_address)
    if account.credential.kind == "key":
        if stake_script is not None:
            raise InvalidInput(
                "the staking credential is a key's, and no script's",
                path="stake_script",
                hint="leave it out; the key signs: --stake-key",
            )
        return StakeHolder(address, account)
    script = _made_again(workspace, address) if stake_script is None else None
    if stake_script is not None:
        script = script_of(from_json(stake_script, "stake_script"))
    if script is None or script.hash() != account.credential.hash:
        words = (
            "this is not the script" if stake_script is not None else "the script isn't known here"
        )
        raise InvalidInput(
            f"{words} of the staking credential {account.credential.hash.hex()}",
            path="stake_script",
            hint="give the file that register-milestone wrote beside the schedule: *.stake-script.json",
        )
    return StakeHolder(address, account, script)


def _made_again(workspace: Workspace, address: Address) -> Script | None:
    for distribution_id in workspace.storage.schedules.distribution_ids():
        document = workspace.storage.schedules.find(distribution_id)
        found = local_distribution(workspace, distribution_id)
        if document is None or found is None or found.address != address:
            continue
        try:
            return script_of(own_stake_script(parse_schedule(document), None, workspace.contract))
        except InvalidInput:
            continue
    return None
