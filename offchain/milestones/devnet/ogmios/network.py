"""`queryNetwork/*`: the tip, the calendar's origin, and the genesis configurations."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Final

from milestones.cardano.hashes import blake2b_256
from milestones.devnet.chain import Chain
from milestones.devnet.eras import BYRON_SLOT_MS, SECURITY_PARAMETER, SLOT_MS
from milestones.devnet.genesis import SUPPLY_LOVELACE
from milestones.devnet.ogmios.rendering import point_json
from milestones.devnet.ogmios.rpc import InvalidRequest

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


def utc(posix_ms: int) -> str:
    """A moment as Ogmios writes it: no fraction where there is none."""
    moment = datetime.fromtimestamp(posix_ms // 1000, timezone.utc)
    fraction = f".{posix_ms % 1000:03d}".rstrip("0") if posix_ms % 1000 else ""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def tip(chain: Chain) -> dict[str, Any]:
    """Slot and id of the latest block."""
    return point_json(chain.tip)


def start_time(chain: Chain) -> str:
    """When the network started."""
    return utc(chain.calendar.start_posix_ms)


def genesis_configuration(chain: Chain, era: Any, version: str) -> dict[str, Any]:
    """The genesis configuration of an era that has one, as Ogmios `version` shows it."""
    dijkstra_known = int(version.partition(".")[0]) >= 7
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
    raise InvalidRequest("field 'era' must be one of byron, shelley, alonzo, conway")


def _parameters(chain: Chain, names: tuple[str, ...]) -> dict[str, Any]:
    known = chain.parameters.to_ogmios()
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
    (genesis,) = chain.blocks[0].inclusions
    funds: dict[str, int] = {}
    for output in genesis.transaction.body.outputs:
        funds[str(output.address)] = funds.get(str(output.address), 0) + output.value.lovelace
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
        "initialFunds": {text: {"ada": {"lovelace": n}} for text, n in funds.items()},
        "initialStakePools": {"stakePools": {}, "delegators": {}},
    }


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
    known = chain.parameters.to_ogmios(version)
    price = {key: n for key, n in known["minFeeReferenceScripts"].items() if key != "base"}
    sizes = ("maxReferenceScriptsSizePerTransaction", "maxReferenceScriptsSizePerBlock")
    return {
        "era": "dijkstra",
        **{name: known[name] for name in sizes},
        "minFeeReferenceScripts": price,
    }
