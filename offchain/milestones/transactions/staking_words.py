"""What a transaction's certificates and withdrawals do, in sentences."""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano.address import Credential, StakeAddress
from milestones.cardano.certificates import (
    Certificate,
    Delegation,
    Deregistration,
    DRepDeregistration,
    DRepRegistration,
    DRepUpdate,
    PoolRegistration,
    Registration,
)
from milestones.cardano.delegatees import drep_text, pool_text
from milestones.cardano.transaction import TransactionBody
from milestones.cardano.value import Value
from milestones.transactions.places import amount_in_words


def staking_sentences(body: TransactionBody, network_id: int) -> Iterator[str]:
    """A sentence for each withdrawal and certificate, in order."""
    for account, coin in body.withdrawals.items():
        if coin:
            yield f"withdraws {_ada(coin)}, all its rewards, from reward account {account}"
        else:
            yield f"withdraws nothing from reward account {account}: by it, its owner agrees"
    for certificate in body.certificates:
        yield _sentence(certificate, network_id)


def _sentence(certificate: Certificate, network_id: int) -> str:
    match certificate:
        case Registration(credential=who, deposit_lovelace=coin):
            return f"registers reward account {StakeAddress(network_id, who)}{_deposit(coin)}"
        case Deregistration(credential=who, refund_lovelace=coin):
            back = "" if coin is None else f"; its deposit of {_ada(coin)} returns"
            return f"closes reward account {StakeAddress(network_id, who)}{back}"
        case Delegation():
            return _delegation(certificate, network_id)
        case PoolRegistration(pool=pool):
            return f"registers stake pool {pool_text(pool.id)}, or changes what it says of itself"
    return _of_representative(certificate)


def _of_representative(certificate: Certificate) -> str:
    match certificate:
        case DRepRegistration(credential=who, deposit_lovelace=coin):
            return f"registers representative {drep_text(who)}{_deposit(coin)}"
        case DRepDeregistration(credential=who, refund_lovelace=coin):
            return f"ends representative {drep_text(who)}; its deposit of {_ada(coin)} returns"
        case DRepUpdate(credential=who):
            return f"says that representative {drep_text(who)} is there"
    return f"has a certificate of governance: {type(certificate).__name__}"


def _delegation(certificate: Delegation, network_id: int) -> str:
    targets = []
    if certificate.pool_id is not None:
        targets.append(f"its stake to pool {pool_text(certificate.pool_id)}")
    if isinstance(certificate.drep, Credential):
        targets.append(f"its votes to representative {drep_text(certificate.drep)}")
    elif certificate.drep is not None:
        targets.append(f"its votes to the predefined option {drep_text(certificate.drep)}")
    first = ""
    if certificate.deposit_lovelace is not None:
        first = f"registers and{_deposit(certificate.deposit_lovelace)} "
    account = StakeAddress(network_id, certificate.credential)
    return f"{first}delegates of reward account {account} {' and '.join(targets)}"


def _deposit(coin: int | None) -> str:
    return "" if coin is None else f", for a deposit of {_ada(coin)}"


def _ada(coin: int) -> str:
    return amount_in_words(Value(coin))
