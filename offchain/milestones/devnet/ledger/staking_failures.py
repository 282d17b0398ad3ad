"""Why the ledger refuses a transaction for its certificates or withdrawals: its predicate failures.

Source: Conway's `Ledger.hs`, `Certs.hs`, `Deleg.hs` and `GovCert.hs`, Shelley's `Pool.hs` and `Utxo.hs`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from milestones.cardano.address import Credential, StakeAddress
from milestones.devnet.ledger.failures import LedgerFailure

# -- LEDGER, and before protocol 11 CERTS


@dataclass(frozen=True)
class ConwayWdrlNotDelegatedToDRep(LedgerFailure):
    """Keys (28 bytes) withdraw whose accounts are delegated to no representative."""

    key_hashes: tuple[bytes, ...]


@dataclass(frozen=True)
class ConwayWithdrawalsMissingAccounts(LedgerFailure):
    """Withdrawals from accounts that are not registered, or of another network: lovelace by account."""

    withdrawals: Mapping[StakeAddress, int]


@dataclass(frozen=True)
class ConwayIncompleteWithdrawals(LedgerFailure):
    """Withdrawals of other amounts than accounts hold: (supplied, expected) lovelace by account."""

    withdrawals: Mapping[StakeAddress, tuple[int, int]]


@dataclass(frozen=True)
class WithdrawalsNotInRewardsCERTS(LedgerFailure):
    """The last two in one, before protocol 11: lovelace supplied, by account."""

    withdrawals: Mapping[StakeAddress, int]


# -- DELEG


@dataclass(frozen=True)
class IncorrectDepositDELEG(LedgerFailure):
    """A certificate's deposit or refund is not the one in force. Before protocol 11."""

    supplied_lovelace: int


@dataclass(frozen=True)
class DepositIncorrectDELEG(LedgerFailure):
    """A registration's deposit is not the parameter's."""

    supplied_lovelace: int
    expected_lovelace: int


@dataclass(frozen=True)
class RefundIncorrectDELEG(LedgerFailure):
    """A deregistration's refund is not what was deposited."""

    supplied_lovelace: int
    expected_lovelace: int


@dataclass(frozen=True)
class StakeKeyRegisteredDELEG(LedgerFailure):
    """The account is registered already. Later sources: `AccountAlreadyRegistered`."""

    credential: Credential


@dataclass(frozen=True)
class StakeKeyNotRegisteredDELEG(LedgerFailure):
    """The account is not registered."""

    credential: Credential


@dataclass(frozen=True)
class StakeKeyHasNonZeroAccountBalanceDELEG(LedgerFailure):
    """An account that is to be closed holds rewards."""

    balance_lovelace: int


@dataclass(frozen=True)
class DelegateeDRepNotRegisteredDELEG(LedgerFailure):
    """Nobody with this credential is registered as a representative."""

    credential: Credential


@dataclass(frozen=True)
class DelegateeStakePoolNotRegisteredDELEG(LedgerFailure):
    """No pool with this id (28 bytes) is registered."""

    pool_id: bytes


# -- POOL


@dataclass(frozen=True)
class StakePoolCostTooLowPOOL(LedgerFailure):
    """A pool's cost is less than the least."""

    supplied_lovelace: int
    minimum_lovelace: int


@dataclass(frozen=True)
class WrongNetworkPOOL(LedgerFailure):
    """A pool's reward account is of another network than `expected_network_id`."""

    expected_network_id: int
    pool_id: bytes


@dataclass(frozen=True)
class PoolMedataHashTooBig(LedgerFailure):
    """The hash of a pool's metadata has over 32 bytes. The ledger spells it so."""

    pool_id: bytes
    size_bytes: int


@dataclass(frozen=True)
class VRFKeyHashAlreadyRegistered(LedgerFailure):
    """Another pool uses this VRF key (its hash, 32 bytes). From protocol 11 on."""

    pool_id: bytes
    vrf: bytes


# -- GOVCERT


@dataclass(frozen=True)
class ConwayDRepAlreadyRegistered(LedgerFailure):
    """The representative is registered already."""

    credential: Credential


@dataclass(frozen=True)
class ConwayDRepNotRegistered(LedgerFailure):
    """The representative is not registered."""

    credential: Credential


@dataclass(frozen=True)
class ConwayDRepIncorrectDeposit(LedgerFailure):
    """A representative's deposit is not the parameter's."""

    supplied_lovelace: int
    expected_lovelace: int


@dataclass(frozen=True)
class ConwayDRepIncorrectRefund(LedgerFailure):
    """A representative's refund is not what was deposited."""

    supplied_lovelace: int
    expected_lovelace: int


# -- UTXO


@dataclass(frozen=True)
class WrongNetworkWithdrawal(LedgerFailure):
    """Withdrawals from accounts of another network than `expected_network_id`."""

    expected_network_id: int
    accounts: tuple[StakeAddress, ...]
