"""Ledger rules `CERTS`, `DELEG`, `POOL` and `GOVCERT`, and those of withdrawals.

A transaction's withdrawals are taken first, then its certificates work in order, each on what those before
it left. The ledger goes on after a failure. Source: Conway's `Ledger.hs`, `Certs.hs`, `Deleg.hs` and
`GovCert.hs`, Shelley's `Pool.hs`; `conwayTotalDepositsTxCerts` and `conwayTotalRefundsTxCerts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from milestones.cardano.address import Credential
from milestones.cardano.certificates import (
    Certificate,
    Delegation,
    Deregistration,
    DRepDeregistration,
    DRepRegistration,
    DRepUpdate,
    PoolParameters,
    PoolRegistration,
    Registration,
)
from milestones.devnet.ledger import staking_failures as failures
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction
from milestones.devnet.ledger.staking_state import (
    Account,
    Change,
    Key,
    RegisteredDRep,
    StakePool,
    StakingState,
    pool_key,
)
from milestones.devnet.ledger.transaction import Body

MAX_METADATA_HASH_BYTES = 32
"""Bytes that the hash of a pool's metadata may have."""


class Deposits(NamedTuple):
    """The deposits in force that certificates need not say. Lovelace."""

    account_lovelace: int
    pool_lovelace: int


def deposits_of(parameters: Parameters) -> Deposits:
    """Those of a network's parameters."""
    return Deposits(parameters.stake_credential_deposit, parameters.stake_pool_deposit)


def accounts_of(body: Body) -> frozenset[Credential]:
    """The reward accounts that a transaction withdraws from, registers, delegates or closes."""
    withdrawn = {each.credential for each in body.withdrawals}
    certified = {
        each.credential
        for each in body.certificates
        if isinstance(each, Registration | Deregistration | Delegation)
    }
    return frozenset(withdrawn | certified)


# -- withdrawals


def check_withdrawals_delegated(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateWithdrawalsDelegated`, of keys only, from protocol 10 on."""
    if not resolved.transaction.is_valid or resolved.parameters.protocol_version[0] < 10:
        return
    staking = resolved.environment.staking
    accounts = [each.credential for each in resolved.body.withdrawals]
    keys = [credential for credential in accounts if credential.kind == "key"]
    idle = [each.hash for each in keys if (a := staking.account(each)) is None or a.drep is None]
    if idle:
        yield failures.ConwayWdrlNotDelegatedToDRep(tuple(idle))


def check_withdrawals(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rules: `testIncompleteAndMissingWithdrawals`, and `CERTS` before protocol 11.

    Each takes all that its account holds.
    """
    if not resolved.transaction.is_valid:
        return
    missing, incomplete = {}, {}
    environment = resolved.environment
    for address, lovelace in resolved.body.withdrawals.items():
        account = environment.staking.account(address.credential)
        if account is None or address.network_id != environment.network_id:
            missing[address] = lovelace
        elif account.rewards_lovelace != lovelace:
            incomplete[address] = lovelace, account.rewards_lovelace
    if resolved.parameters.protocol_version[0] < 11:
        wrong = {**missing, **{each: supplied for each, (supplied, _) in incomplete.items()}}
        if wrong:
            yield failures.WithdrawalsNotInRewardsCERTS(wrong)
        return
    if missing:
        yield failures.ConwayWithdrawalsMissingAccounts(missing)
    if incomplete:
        yield failures.ConwayIncompleteWithdrawals(incomplete)


def check_withdrawals_network(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateWrongNetworkWithdrawal`."""
    expected = resolved.environment.network_id
    foreign = [each for each in resolved.body.withdrawals if each.network_id != expected]
    if foreign:
        yield failures.WrongNetworkWithdrawal(expected, tuple(foreign))


# -- certificates


def check_certificates(resolved: ResolvedTransaction) -> Iterator[LedgerFailure]:
    """Ledger rule: `CERTS`. Scripts that are declared to fail let no certificate work."""
    if resolved.transaction.is_valid and resolved.body.certificates:
        environment = resolved.environment
        parameters = resolved.parameters
        state = StakingState(environment.staking)
        _withdraw(state, resolved.body)
        certifier = Certifier(
            state, deposits_of(parameters), environment.epoch, environment.network_id, parameters
        )
        for certificate in resolved.body.certificates:
            yield from certifier.certify(certificate)


def staking_changes(
    body: Body, staking: StakingState, deposits: Deposits, epoch: int
) -> tuple[Change, ...]:
    """What a valid transaction's withdrawals and certificates change."""
    if not body.certificates and not body.withdrawals:
        return ()
    state = StakingState(staking)
    _withdraw(state, body)
    certifier = Certifier(state, deposits, epoch)
    for certificate in body.certificates:
        for _ in certifier.certify(certificate):
            pass
    return state.changes()


def _withdraw(state: StakingState, body: Body) -> None:
    """Ledger: `drainAccounts`."""
    for address in body.withdrawals:
        account = state.account(address.credential)
        if account is not None:
            state.put(Key("account", address.credential), replace(account, rewards_lovelace=0))


@dataclass(frozen=True, slots=True)
class Certifier:
    """Lets certificates work on a state, one after the other.

    Without `parameters` nothing that they say is compared: what has been judged is only done again.
    """

    state: StakingState
    deposits: Deposits
    epoch: int
    network_id: int = 0
    parameters: Parameters | None = None

    def certify(self, certificate: Certificate) -> Iterator[LedgerFailure]:
        """Ledger rule: `CERT`. Does what a certificate says, and yields what is wrong with it."""
        match certificate:
            case Registration():
                yield from self._register(certificate.credential, certificate.deposit_lovelace)
            case Deregistration():
                yield from self._deregister(certificate)
            case Delegation():
                yield from self._delegate(certificate)
            case PoolRegistration(pool=pool):
                yield from self._register_pool(pool)
            case DRepRegistration():
                yield from self._register_drep(certificate)
            case DRepDeregistration():
                yield from self._deregister_drep(certificate)
            case DRepUpdate():
                yield from self._update_drep(certificate)

    @property
    def _version(self) -> int:
        return 11 if self.parameters is None else self.parameters.protocol_version[0]

    def _register(self, who: Credential, deposit: int | None) -> Iterator[LedgerFailure]:
        expected = self.deposits.account_lovelace
        if deposit is not None and deposit != expected and self.parameters is not None:
            yield (
                failures.IncorrectDepositDELEG(deposit)
                if self._version < 11
                else failures.DepositIncorrectDELEG(deposit, expected)
            )
        if self.state.account(who) is not None:
            yield failures.StakeKeyRegisteredDELEG(who)
        self.state.put(Key("account", who), Account(expected))

    def _deregister(self, certificate: Deregistration) -> Iterator[LedgerFailure]:
        who, refund = certificate.credential, certificate.refund_lovelace
        account = self.state.account(who)
        if account is None:
            yield failures.StakeKeyNotRegisteredDELEG(who)
            return
        if refund is not None and refund != account.deposit_lovelace:
            yield (
                failures.IncorrectDepositDELEG(refund)
                if self._version < 11
                else failures.RefundIncorrectDELEG(refund, account.deposit_lovelace)
            )
        if account.rewards_lovelace:
            yield failures.StakeKeyHasNonZeroAccountBalanceDELEG(account.rewards_lovelace)
        self.state.put(Key("account", who), None)

    def _delegate(self, certificate: Delegation) -> Iterator[LedgerFailure]:
        who, deposit = certificate.credential, certificate.deposit_lovelace
        if deposit is not None:
            yield from self._register(who, deposit)
        pool_id, drep = certificate.pool_id, certificate.drep
        if pool_id is not None and self.state.pool(pool_id) is None:
            yield failures.DelegateeStakePoolNotRegisteredDELEG(pool_id)
        if isinstance(drep, Credential) and self._version > 9 and self.state.drep(drep) is None:
            yield failures.DelegateeDRepNotRegisteredDELEG(drep)
        account = self.state.account(who)
        if account is None:
            yield failures.StakeKeyNotRegisteredDELEG(who)
            return
        account = replace(account, pool_id=pool_id) if pool_id is not None else account
        account = replace(account, drep=drep) if drep is not None else account
        self.state.put(Key("account", who), account)

    def _register_pool(self, pool: PoolParameters) -> Iterator[LedgerFailure]:
        known = self.state.pool(pool.id)
        if self.parameters is not None:
            yield from self._check_pool(pool, self.parameters)
        if known is None:
            entry = StakePool(self.deposits.pool_lovelace, pool)
        else:
            current = known.in_epoch(self.epoch)
            entry = replace(known, parameters=current, next=pool, next_epoch=self.epoch + 1)
        self.state.put(pool_key(pool.id), entry)

    def _check_pool(self, pool: PoolParameters, parameters: Parameters) -> Iterator[LedgerFailure]:
        """Ledger rule: `POOL`, what it asks of a registration."""
        if pool.reward_account.network_id != self.network_id:
            yield failures.WrongNetworkPOOL(self.network_id, pool.id)
        if pool.metadata is not None and len(pool.metadata.hash) > MAX_METADATA_HASH_BYTES:
            yield failures.PoolMedataHashTooBig(pool.id, len(pool.metadata.hash))
        if pool.cost_lovelace < parameters.min_stake_pool_cost:
            yield failures.StakePoolCostTooLowPOOL(
                pool.cost_lovelace, parameters.min_stake_pool_cost
            )
        if self._version >= 11 and pool.vrf in self._foreign_vrfs(pool.id):
            yield failures.VRFKeyHashAlreadyRegistered(pool.id, pool.vrf)

    def _foreign_vrfs(self, pool_id: bytes) -> set[bytes]:
        """VRF keys in use by other pools, now or from the next epoch on."""
        used = set()
        for other, each in self.state.pools().items():
            if other != pool_id:
                used.add(each.in_epoch(self.epoch).vrf)
                used |= set() if each.next is None else {each.next.vrf}
        return used

    def _register_drep(self, certificate: DRepRegistration) -> Iterator[LedgerFailure]:
        who, deposit = certificate.credential, certificate.deposit_lovelace
        if self.state.drep(who) is not None:
            yield failures.ConwayDRepAlreadyRegistered(who)
        if self.parameters is not None and deposit != self.parameters.drep_deposit:
            yield failures.ConwayDRepIncorrectDeposit(deposit, self.parameters.drep_deposit)
        self.state.put(Key("drep", who), RegisteredDRep(deposit, certificate.anchor))

    def _deregister_drep(self, certificate: DRepDeregistration) -> Iterator[LedgerFailure]:
        """Whoever delegated to it is delegated to nobody. Ledger: `clearDRepDelegations`."""
        who, refund = certificate.credential, certificate.refund_lovelace
        known = self.state.drep(who)
        if known is None:
            yield failures.ConwayDRepNotRegistered(who)
            return
        if refund != known.deposit_lovelace:
            yield failures.ConwayDRepIncorrectRefund(refund, known.deposit_lovelace)
        self.state.put(Key("drep", who), None)
        for credential, account in self.state.accounts().items():
            if account.drep == who:
                self.state.put(Key("account", credential), replace(account, drep=None))

    def _update_drep(self, certificate: DRepUpdate) -> Iterator[LedgerFailure]:
        known = self.state.drep(certificate.credential)
        if known is None:
            yield failures.ConwayDRepNotRegistered(certificate.credential)
            return
        key = Key("drep", certificate.credential)
        self.state.put(key, replace(known, anchor=certificate.anchor))


# -- the balance


def total_deposits(resolved: ResolvedTransaction) -> int:
    """What certificates deposit, lovelace. Ledger: `conwayTotalDepositsTxCerts`.

    A pool deposits once: not where it is registered, nor for being registered twice.
    """
    parameters, staking = resolved.parameters, resolved.environment.staking
    pools, total = set(), 0
    for certificate in resolved.body.certificates:
        match certificate:
            case Registration():
                total += parameters.stake_credential_deposit
            case Delegation(deposit_lovelace=int()):
                total += parameters.stake_credential_deposit
            case DRepRegistration():
                total += parameters.drep_deposit
            case PoolRegistration(pool=pool) if staking.pool(pool.id) is None:
                pools.add(pool.id)
    return total + len(pools) * parameters.stake_pool_deposit


def total_refunds(resolved: ResolvedTransaction) -> int:
    """What certificates give back, lovelace. Ledger: `conwayTotalRefundsTxCerts`.

    Of an account that this transaction registers, the parameter's deposit; of another, its own.
    """
    registered, total = set(), 0
    for certificate in resolved.body.certificates:
        match certificate:
            case Registration(credential=who) | Delegation(credential=who, deposit_lovelace=int()):
                registered.add(who)
            case Deregistration(credential=who):
                account = resolved.environment.staking.account(who)
                if who in registered:
                    registered.discard(who)
                    total += resolved.parameters.stake_credential_deposit
                elif account is not None:
                    total += account.deposit_lovelace
            case DRepDeregistration(refund_lovelace=refund):
                total += refund
    return total
