"""Which distribution is meant: a name, resolved on the chain or in the data directory."""

from __future__ import annotations

from milestones.cardano.address import Address
from milestones.cardano.network import kind_of
from milestones.clients.kupo_answers import Match
from milestones.errors import InvalidAddress, InvalidInput, NotFound
from milestones.protocol.datums import TERMS_LABEL, terms_token_name
from milestones.protocol.distribution import ContractAddress, DistributionName
from milestones.services.backend import Backend, Workspace, chain_of
from milestones.services.distribution.local import local_distribution


def must_be_of_network(
    address: Address, network_id: int, path: str, *, where: str = "the distribution"
) -> None:
    """An address that somebody gave belongs to the network of what it is for. Raises `InvalidAddress`."""
    if address.network_id != network_id:
        raise InvalidAddress(
            f"this is an address of {kind_of(address.network_id)}, and {where} is on"
            f" {kind_of(network_id)}",
            path=path,
            hint=f"give an address of the network that {where} is on",
            details={"address": address.to_bech32()},
        )


def must_be_of_contract(contract_address: ContractAddress, workspace: Workspace) -> None:
    """The address is one of the contract's on the configured network. Raises `InvalidAddress`."""
    payment, contract, network = (
        contract_address.payment,
        workspace.contract,
        workspace.network,
    )
    named = contract_address if isinstance(contract_address, Address) else contract_address.address
    if named.network_id != network.network_id:
        raise InvalidAddress(
            f"this is an address of {kind_of(named.network_id)}, and the configuration names"
            f" {network.name}",
            path="contract_address",
            hint="give the distribution's address on that network, or name the other one in the"
            " configuration: CARDANO_NETWORK, or --network",
            details={"contract_address": named.to_bech32()},
        )
    if payment.kind != "script" or payment.hash != contract.vault_hash:
        raise InvalidAddress(
            "this is not an address of this contract",
            path="contract_address",
            hint="give the contract_address that register-milestone printed,"
            " or name the blueprint of the version that opened it",
        )
    if isinstance(contract_address, Address) and contract_address.staking is None:
        raise InvalidAddress(
            "this address of the contract names no distribution",
            path="contract_address",
            hint="give the contract_address that register-milestone printed, staking part included",
        )


async def identify(backend: Backend, contract_address: ContractAddress) -> DistributionName:
    """The name with the id: the one in the address' staking part or, under a script's, the only one there.

    Raises `InvalidInput` where the address leaves it open, `NotFound` where there is none.
    """
    must_be_of_contract(contract_address, backend)
    if isinstance(contract_address, DistributionName):
        return contract_address
    policy_id, text = backend.contract.policy_id, contract_address.to_bech32()
    staking = contract_address.staking
    by_key = None if staking is None or staking.kind != "key" else staking.hash
    # Anybody can open a distribution under somebody else's staking part, also under another's id. So the
    # id that the address holds comes first; and only where it isn't there is all else here looked through.
    if by_key is not None and text in await _addresses_of(backend, by_key):
        return DistributionName(contract_address, by_key)
    matches = await backend.kupo.matches(text, policy_id=policy_id.hex())
    found = sorted({each for match in matches for each in _opened_in(match, policy_id)})
    if by_key is not None and (not found or by_key in found):
        return DistributionName(contract_address, by_key)
    if not found:
        raise await never_opened(backend, contract_address)
    if len(found) == 1 and by_key is None:
        return DistributionName(contract_address, found[0])
    raise InvalidInput(
        "this address alone doesn't say which distribution is meant",
        path="contract_address",
        hint="write <address>#<id>, the id being one of " + ", ".join(x.hex() for x in found),
        details={"distribution_ids": [each.hex() for each in found]},
    )


def _opened_in(match: Match, policy_id: bytes) -> list[bytes]:
    names = [each.asset_name for each in match.output.value.assets if each.policy_id == policy_id]
    return [name[len(TERMS_LABEL) :] for name in names if name.startswith(TERMS_LABEL)]


async def locate(backend: Backend, distribution_id: bytes) -> DistributionName:
    """Where the distribution with this id is. Raises `NotFound` where it never was on the chain."""
    addresses = await _addresses_of(backend, distribution_id)
    if not addresses:
        opening = await _opening_on_its_way(backend, distribution_id)
        raise opening or NotFound(
            f"the distribution {distribution_id.hex()} is not on the chain",
            hint="if it was deployed just now, wait for the next block; else run `milestones init`",
            details={"distribution_id": distribution_id.hex()},
        )
    return DistributionName(Address.from_bech32(addresses[-1]), distribution_id)


async def _addresses_of(backend: Backend, distribution_id: bytes) -> list[str]:
    """Where terms with this id are or were, the newest first."""
    token = f"{backend.contract.policy_id.hex()}.{terms_token_name(distribution_id).hex()}"
    return [match.output.address for match in await backend.kupo.matches(token)]


def known_name(workspace: Workspace, contract_address: ContractAddress) -> DistributionName:
    """The name with the id, as far as this data directory knows it; nobody is asked.

    Raises `InvalidInput` where it knows of none and the address doesn't hold the id.
    """
    must_be_of_contract(contract_address, workspace)
    if isinstance(contract_address, DistributionName):
        return contract_address
    ids = workspace.storage.schedules.distribution_ids()
    staking = contract_address.staking
    if staking is not None and staking.kind == "key" and (staking.hash in ids or not ids):
        return DistributionName(contract_address, staking.hash)
    for distribution_id in ids:
        found = local_distribution(workspace, distribution_id)
        if found is not None and found.address == contract_address:
            return found.name
    if staking is not None and staking.kind == "key":
        return DistributionName(contract_address, staking.hash)
    raise InvalidInput(
        "this address alone doesn't say which distribution is meant",
        path="contract_address",
        hint="write <address>#<id>, as register-milestone printed it",
    )


async def _opening_on_its_way(backend: Backend, distribution_id: bytes) -> NotFound | None:
    """What became of the opening that this data directory's journal has last; None where it has none."""
    sent = backend.storage.journal.of(
        distribution_id, purpose="opening", chain=await chain_of(backend)
    )
    if not sent:
        return None
    transaction_id, history = sent[-1].transaction_id, sent[-1].history
    waits = bool(await backend.ogmios.in_mempool([transaction_id]))
    hint = "run `milestones deploy` again: it goes on with that transaction where it still can"
    if waits:
        words, hint = "waits in the mempool: no block has it", "wait for the next block"
    elif any(change.status == "confirmed" for change in history):
        words = "was rolled back: a block had it, and the chain has it no more"
    else:
        words = "is in no block that Kupo has read, and not in the mempool"
    return NotFound(
        f"the distribution is not on the chain: its opening, transaction {transaction_id}, {words}",
        hint=hint,
        details={
            "transaction_hash": transaction_id,
            "status": "submitted" if waits else "unknown",
        },
    )


async def never_opened(
    backend: Backend, address: Address, distribution_id: bytes | None = None
) -> NotFound:
    """The error for an address at which no distribution is; the journal may know of an opening.

    `distribution_id` (28 bytes) is the one that the address' staking part holds, unless given.
    """
    text = address.to_bech32()
    indexed = await backend.kupo.patterns_including(text)
    staking = address.staking
    if distribution_id is None and staking is not None and staking.kind == "key":
        distribution_id = staking.hash
    if indexed and distribution_id is not None:
        opening = await _opening_on_its_way(backend, distribution_id)
        if opening is not None:
            opening.details["contract_address"] = text
            return opening
    hint = (
        "check the address; if it was deployed just now, wait for the next block"
        if indexed
        else "Kupo does not index this contract: run `milestones init` first"
    )
    return NotFound(
        f"no contract UTxO was found at {text}: the address is invalid, or the contract has not"
        " been deployed",
        hint=hint,
        details={"contract_address": text},
    )
