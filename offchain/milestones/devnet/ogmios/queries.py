"""`queryNetwork/*` and `queryLedgerState/*`: the network's origin, and the state at the tip or one acquired."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from milestones.cardano.certificates import PoolRegistration
from milestones.cardano.delegatees import pool_text
from milestones.cardano.hashes import blake2b_256
from milestones.devnet.blocks import Block, Point, UtxoSet, outputs_at
from milestones.devnet.chain import Chain
from milestones.devnet.clock import BYRON_SLOT_MS, SECURITY_PARAMETER, SLOT_MS, Bound, Era, utc
from milestones.devnet.funds import SUPPLY_LOVELACE
from milestones.devnet.ogmios import rpc, staking_queries
from milestones.devnet.ogmios.messages import message
from milestones.devnet.ogmios.parameters import parameters_json
from milestones.devnet.ogmios.rendering import point_json, utxo_json
from milestones.devnet.ogmios.rpc import InvalidRequest, RpcFailure
from milestones.devnet.ogmios.staking_json import pool_json

ACTIVE_SLOTS_COEFFICIENT: Final = "1/20"
"""A block every twenty seconds on average, which is what real networks aim at."""

_SHELLEY_PARAMETERS: Final = (
    *("minFeeCoefficient", "minFeeConstant", "minUtxoDepositCoefficient"),
    *("minUtxoDepositConstant", "maxBlockBodySize", "maxBlockHeaderSize", "maxTransactionSize"),
    *("stakeCredentialDeposit", "stakePoolDeposit", "stakePoolRetirementEpochBound"),
    *("stakePoolPledgeInfluence", "minStakePoolCost", "monetaryExpansion", "treasuryExpansion"),
    *("desiredNumberOfStakePools", "version"),
)
_BYRON_PARAMETERS: Final = {
    "scriptVersion": 0,
    "slotDuration": BYRON_SLOT_MS,
    "maxBlockBodySize": {"bytes": 2_000_000},
    "maxBlockHeaderSize": {"bytes": 2_000_000},
    "maxTransactionSize": {"bytes": 4096},
    "maxUpdateProposalSize": {"bytes": 700},
    "multiPartyComputationThreshold": "1/50",
    "heavyDelegationThreshold": "3/10000",
    "updateVoteThreshold": "1/1000",
    "updateProposalThreshold": "1/10",
    "updateProposalTimeToLive": 10_000,
    "unlockStakeEpoch": (1 << 64) - 1,
    "softForkInitThreshold": "9/10",
    "softForkMinThreshold": "3/5",
    "softForkDecrementThreshold": "1/20",
    "minFeeConstant": {"ada": {"lovelace": 155_381}},
    "minFeeCoefficient": 44,
}
"""Byron's own parameters, the same on every public network."""

_ALONZO_PARAMETERS: Final = (
    *("minUtxoDepositCoefficient", "collateralPercentage", "plutusCostModels"),
    *("maxCollateralInputs", "maxExecutionUnitsPerBlock", "maxExecutionUnitsPerTransaction"),
    *("maxValueSize", "scriptExecutionPrices"),
)
_CONWAY_PARAMETERS: Final = (
    *("stakePoolVotingThresholds", "constitutionalCommitteeMinSize"),
    *("constitutionalCommitteeMaxTermLength", "governanceActionLifetime"),
    *("governanceActionDeposit", "delegateRepresentativeVotingThresholds"),
    *("delegateRepresentativeDeposit", "delegateRepresentativeMaxIdleTime"),
)

CONSTITUTION: Final = {
    "metadata": {"url": "https://localhost/constitution", "hash": blake2b_256(b"").hex()},
    "guardrails": {"hash": "fa24fb305126805cf2164c161d852a0e7330cf988f1fe558cf7d4a64"},
}
"""Names the guardrails script of the public networks: some clients can't read that there is none."""

CONSTITUTIONAL_COMMITTEE: Final = {"members": [], "quorum": "2/3"}
"""A committee without members."""

_CONWAY_SCRIPT_PARAMETERS: Final = ("plutusCostModels", "minFeeReferenceScripts")


def tip(chain: Chain) -> dict[str, Any]:
    """Slot and id of the latest block."""
    return point_json(chain.tip)


def start_time(chain: Chain) -> str:
    """When the network started."""
    return utc(chain.calendar.start_posix_ms)


def genesis_configuration(chain: Chain, era: Any, version: str) -> dict[str, Any]:
    """The genesis configuration of an era that has one, as Ogmios `version` shows it."""
    dijkstra_known = int(version.partition(".")[0]) >= 7
    era = era.lower() if isinstance(era, str) else era
    if chain.fork is not None and isinstance(era, str) and era in chain.fork.facts.genesis:
        taken_over: dict[str, Any] = chain.fork.facts.genesis[era]
        return taken_over
    if era == "byron":
        return _byron(chain)
    if era == "shelley":
        return _shelley(chain)
    if era == "alonzo":
        return {"era": "alonzo", "updatableParameters": _parameters(chain, _ALONZO_PARAMETERS)}
    if era == "conway":
        return _conway(chain, with_scripts=dijkstra_known)
    if era == "dijkstra" and dijkstra_known:
        return _dijkstra(chain, version)
    raise InvalidRequest(
        "Invalid era parameter. Only 'byron', 'shelley', 'alonzo', 'conway'"
        f"{' and dijkstra' if dijkstra_known else ''} have a genesis configuration"
    )


def _parameters(chain: Chain, names: tuple[str, ...]) -> dict[str, Any]:
    known = parameters_json(chain.parameters)
    return {name: known[name] for name in names}


def _byron(chain: Chain) -> dict[str, Any]:
    return {
        "era": "byron",
        "genesisKeyHashes": [],
        "genesisDelegations": {},
        "startTime": start_time(chain),
        "initialFunds": {},
        "initialVouchers": {},
        "securityParameter": SECURITY_PARAMETER,
        "networkMagic": chain.calendar.magic,
        "updatableParameters": _BYRON_PARAMETERS,
    }


def _shelley(chain: Chain) -> dict[str, Any]:
    calendar = chain.calendar
    return {
        "era": "shelley",
        "startTime": start_time(chain),
        "networkMagic": calendar.magic,
        "network": "mainnet" if calendar.network_id else "testnet",
        "activeSlotsCoefficient": ACTIVE_SLOTS_COEFFICIENT,
        "securityParameter": SECURITY_PARAMETER,
        "epochLength": calendar.epoch_slots,
        "slotsPerKesPeriod": 129_600,
        "maxKesEvolutions": 62,
        "slotLength": {"milliseconds": SLOT_MS},
        "updateQuorum": 5,
        "maxLovelaceSupply": SUPPLY_LOVELACE,
        "initialParameters": _parameters(chain, _SHELLEY_PARAMETERS),
        "initialDelegates": [],
        "initialFunds": _initial_funds(chain.funding),
        "initialStakePools": {"stakePools": _genesis_pools(chain), "delegators": {}},
    }


@lru_cache(maxsize=4)
def _initial_funds(funding: Block) -> dict[str, Any]:
    """Kept: there may be thousands of wallets, and every client asks."""
    (genesis,) = funding.inclusions
    funds: dict[str, int] = {}
    for output in genesis.transaction.body.outputs:
        funds[str(output.address)] = funds.get(str(output.address), 0) + output.value.lovelace
    return {text: {"ada": {"lovelace": n}} for text, n in funds.items()}


def _genesis_pools(chain: Chain) -> dict[str, Any]:
    (genesis,) = chain.funding.inclusions
    registered = (each for each in genesis.transaction.body.certificates)
    pools = [each.pool for each in registered if isinstance(each, PoolRegistration)]
    return {pool_text(pool.id): pool_json(pool) for pool in pools}


def _conway(chain: Chain, *, with_scripts: bool) -> dict[str, Any]:
    names = _CONWAY_PARAMETERS + (_CONWAY_SCRIPT_PARAMETERS if with_scripts else ())
    return {
        "era": "conway",
        "constitution": CONSTITUTION,
        "constitutionalCommittee": CONSTITUTIONAL_COMMITTEE,
        "updatableParameters": _parameters(chain, names),
    }


def _dijkstra(chain: Chain, version: str) -> dict[str, Any]:
    """The next era's constants, which clients may ask for before it comes."""
    known = parameters_json(chain.parameters, version)
    price = {key: n for key, n in known["minFeeReferenceScripts"].items() if key != "base"}
    sizes = ("maxReferenceScriptsSizePerTransaction", "maxReferenceScriptsSizePerBlock")
    return {
        "era": "dijkstra",
        **{name: known[name] for name in sizes},
        "minFeeReferenceScripts": price,
    }


PREFIX: Final = "queryLedgerState/"

FIXED_ANSWERS: Final[dict[str, Any]] = {
    "constitution": CONSTITUTION,
    "constitutionalCommittee": CONSTITUTIONAL_COMMITTEE,
    "governanceProposals": [],
    "operationalCertificates": {},
}
"""True answers on a chain where nobody votes, and no pool makes blocks."""

UNAVAILABLE: Final = frozenset(
    {"nonces", "projectedRewards", "rewardsProvenance", "stakePoolsPerformances"}
)
"""Queries about the making of blocks and its rewards, which this chain does not have."""


class LedgerState:
    """One client's view of the ledger. `acquired` is the block it asked to stay at; None: the tip."""

    def __init__(self, chain: Chain, version: str) -> None:
        self._chain, self._version = chain, version
        self.acquired: Block | None = None

    def acquire(self, params: dict[str, Any]) -> dict[str, Any]:
        """Stays at a point until released. Raises `RpcFailure` 2000 for one that can't be had."""
        if "point" not in params:
            raise InvalidRequest('field "point" not found')
        point = rpc.point(params["point"])
        self.acquired = self._find(point)
        return {"acquired": "ledgerState", "point": point_json(self.acquired)}

    def _find(self, point: Point | None) -> Block:
        block = None if point is None else self._chain.block_at(point)
        if point is not None and block is None:
            raise _cannot_acquire("Target doesn't or no longer exist.")
        if block is None or self._chain.tip.height - block.height > SECURITY_PARAMETER:
            raise _cannot_acquire("Target point is too old.")
        return block

    def release(self) -> dict[str, Any]:
        """Follows the tip again."""
        self.acquired = None
        return {"released": "ledgerState"}

    def query(self, name: str, params: dict[str, Any]) -> Any:
        """Answers `queryLedgerState/<name>`."""
        if name == "dump":
            # Ogmios' schema names no failure of its own for this query.
            raise InvalidRequest("this chain has no node's state that could be dumped to a file")
        if name not in _WITH_ARGUMENTS:
            rpc.no_arguments(params)
        if name in UNAVAILABLE:
            raise RpcFailure(2002, message(2002))
        block = self._current()
        if name in FIXED_ANSWERS:
            return FIXED_ANSWERS[name]
        if name in OF_STAKING:
            return OF_STAKING[name](self._chain, block, params)
        return _QUERIES[name](self, block, params)

    def _current(self) -> Block:
        if self.acquired is None:
            return self._chain.tip
        if not self._chain.contains(self.acquired):
            raise RpcFailure(2003, message(2003), "Acquired point no longer exist.")
        return self.acquired

    def _tip(self, block: Block, _params: dict[str, Any]) -> Any:
        return point_json(block)

    def _epoch(self, block: Block, _params: dict[str, Any]) -> Any:
        return self._chain.calendar.epoch_of(block.slot)

    def _era_start(self, _block: Block, _params: dict[str, Any]) -> Any:
        return _bound_json(self._chain.calendar.shelley)

    def _era_summaries(self, block: Block, _params: dict[str, Any]) -> Any:
        return [_era_json(era) for era in self._chain.calendar.eras(block.slot)]

    def _protocol_parameters(self, _block: Block, _params: dict[str, Any]) -> Any:
        return parameters_json(self._chain.parameters, self._version)

    def _utxo(self, block: Block, params: dict[str, Any]) -> Any:
        utxo: UtxoSet = self._chain.utxo_at(block)
        if "outputReferences" in params:
            try:
                asked = rpc.member(params, "outputReferences", list)
                wanted = {rpc.output_reference(each) for each in asked}
                self._chain.require_outputs(wanted)
                return utxo_json({each: utxo[each] for each in wanted if each in utxo})
            except InvalidRequest:
                if "addresses" not in params:
                    raise
        if "addresses" in params:
            addresses = rpc.member(params, "addresses", list)
            wanted_at = {rpc.address(each).raw for each in addresses}
            if self._chain.fork is not None:
                for each in sorted(wanted_at):
                    self._chain.fork.require_address(each)
            return utxo_json(outputs_at(utxo, wanted_at))
        rpc.no_arguments(params)
        if self._chain.fork is not None:
            raise _not_whole()
        return utxo_json(dict(utxo))


def _not_whole() -> RpcFailure:
    reason = (
        "a fork fetches what is asked for, not everything: ask by addresses or outputReferences"
    )
    return RpcFailure(2002, message(2002), reason)


_QUERIES: Final[dict[str, Callable[[LedgerState, Block, dict[str, Any]], Any]]] = {
    "epoch": LedgerState._epoch,
    "eraStart": LedgerState._era_start,
    "eraSummaries": LedgerState._era_summaries,
    "protocolParameters": LedgerState._protocol_parameters,
    "tip": LedgerState._tip,
    "utxo": LedgerState._utxo,
}


OF_STAKING: Final[dict[str, Callable[[Chain, Block, dict[str, Any]], Any]]] = {
    "delegateRepresentatives": staking_queries.delegate_representatives,
    "liveStakeDistribution": staking_queries.live_stake_distribution,
    "rewardAccountSummaries": staking_queries.reward_account_summaries,
    "stakePools": staking_queries.stake_pools,
    "treasuryAndReserves": staking_queries.treasury_and_reserves,
}
"""Queries about who is registered."""

_WITH_ARGUMENTS: Final = frozenset(
    {
        *("delegateRepresentatives", "dump", "governanceProposals", "projectedRewards"),
        *("rewardAccountSummaries", "stakePools", "utxo"),
    }
)
"""Queries whose `params` may hold something."""


def is_known(name: str, method: str) -> bool:
    """Whether `method` is `queryLedgerState/<name>`, and there is such a query."""
    known = any(
        name in each for each in (UNAVAILABLE, FIXED_ANSWERS, OF_STAKING, _QUERIES, {"dump"})
    )
    return known and method == PREFIX + name


def _cannot_acquire(why: str) -> RpcFailure:
    return RpcFailure(2000, message(2000), why)


def _bound_json(bound: Bound) -> dict[str, Any]:
    seconds = bound.elapsed_ms // 1000
    return {"time": {"seconds": seconds}, "slot": bound.slot, "epoch": bound.epoch}


def _era_json(era: Era) -> dict[str, Any]:
    return {
        "start": _bound_json(era.start),
        "end": _bound_json(era.end),
        "parameters": {
            "epochLength": era.epoch_slots,
            "slotLength": {"milliseconds": era.slot_ms},
            "safeZone": era.safe_zone_slots,
        },
    }
