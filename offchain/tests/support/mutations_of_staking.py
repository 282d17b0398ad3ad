"""Mutations of certificates and withdrawals."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.support.mutations import STRANGER, accepted, refused, sealed_with_body
from tests.support.proposals import Proposal
from tests.support.proving_ground import ProvingGround
from tests.support.random_scripts import KEY_LOCKS, LOCKS, NATIVE_LOCKS
from tests.support.random_staking import (
    ANCHOR,
    credential_of,
    pool_certificate,
    shows_conway,
)
from tests.support.raw_transactions import key_hash
from tests.support.registrations import (
    DREP_DEPOSIT,
    KEY_DEPOSIT,
    Registrations,
    Who,
    account_of,
)

NOBODY: Who = (0, key_hash(STRANGER))
"""A key that never is registered."""


def _after(p: Proposal) -> Registrations:
    """Who is registered after what the proposal does already."""
    state = p.registrations.copy()
    state.apply({4: p.certificates, 5: p.withdrawals})
    return state


def _key(p: Proposal, known: dict[Who, Any], *, among: bool, free: bool = True) -> Who | None:
    """A key of ours that is, or isn't, among those known, and that the proposal does nothing to."""
    busy = {tuple(each[1]) for each in p.certificates if isinstance(each[1], list)}
    busy |= {credential_of(LOCKS[account[1:]]) for account in p.withdrawals}
    keys = [credential_of(lock) for lock in KEY_LOCKS]
    fitting = [who for who in keys if (who in known) == among and (not free or who not in busy)]
    return fitting[0] if fitting else None


def _with(
    p: Proposal, *certificates: list[Any], account: bytes | None = None, coin: int = 0
) -> bytes | None:
    """Sealed with these more, and all signatures that they want; None where no certificate is judged."""
    if not p.is_valid:
        return None
    p.certificates += certificates
    if account is not None:
        p.withdrawals[account] = coin
    wanted = [key for _, lock in p.staking_locks() for key in lock.keys]
    p.keys = list(dict.fromkeys((*p.keys, *wanted)))
    return p.seal()


@refused(3145)
def registered_twice(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).deposits, among=True)
    return None if who is None else _with(p, [0, list(who)])


@refused(3151)
def registration_with_another_deposit(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).deposits, among=False)
    return None if who is None else _with(p, [7, list(who), KEY_DEPOSIT - 1])


@refused(3151)
def deregistration_with_another_refund(p: Proposal, _: ProvingGround) -> bytes | None:
    state = _after(p)
    who = _key(p, {w: 0 for w, coin in state.rewards.items() if coin == 0}, among=True)
    return None if who is None else _with(p, [8, list(who), KEY_DEPOSIT + 1])


@refused(3146)
def deregistration_of_nobody(p: Proposal, _: ProvingGround) -> bytes | None:
    p.keys.append(STRANGER)
    return _with(p, [1, list(NOBODY)])


@refused(3147)
def deregistration_with_rewards_left(p: Proposal, _: ProvingGround) -> bytes | None:
    state = _after(p)
    who = _key(p, {w: 0 for w, coin in state.rewards.items() if coin}, among=True)
    return None if who is None else _with(p, [1, list(who)])


@refused(3146)
def delegation_of_nobody(p: Proposal, _: ProvingGround) -> bytes | None:
    state = _after(p)
    if not state.pools:
        return None
    p.keys.append(STRANGER)
    return _with(p, [2, list(NOBODY), min(state.pools)])


@refused(3140)
def delegation_to_no_pool(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).deposits, among=True)
    return None if who is None else _with(p, [2, list(who), b"\x99" * 28])


@refused(3146)
def delegation_to_no_representative(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).deposits, among=True)
    return None if who is None else _with(p, [9, list(who), list(NOBODY)])


@refused(3152)
def representative_twice(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).dreps, among=True)
    if who is None:
        return None
    _more_funds(p)
    return _with(p, [16, list(who), DREP_DEPOSIT, None])


@refused(3151)
def representative_with_another_deposit(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).dreps, among=False)
    if who is None or not shows_conway(p) or p.gained() < -DREP_DEPOSIT:
        return None
    _more_funds(p)
    return _with(p, [16, list(who), DREP_DEPOSIT + 1, None])


@refused(3151)
def representative_with_another_refund(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).dreps, among=True)
    if who is None or not shows_conway(p):
        return None
    return _with(p, [17, list(who), DREP_DEPOSIT - 1])


@refused(3153)
def representative_that_is_none_leaves(p: Proposal, _: ProvingGround) -> bytes | None:
    p.keys.append(STRANGER)
    return _with(p, [17, list(NOBODY), DREP_DEPOSIT])


@refused(3153)
def representative_that_is_none_says_more(p: Proposal, _: ProvingGround) -> bytes | None:
    p.keys.append(STRANGER)
    return _with(p, [18, list(NOBODY), ANCHOR])


@refused(3143)
def pool_that_is_too_cheap(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_pool(p, cost=169_999_999)


@refused(3124)
def pool_of_another_network(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_pool(p, account=account_of(NOBODY, 1))


@refused(3144)
def pool_with_a_hash_too_long(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_pool(p, metadata=["https://example.org", bytes(33)])


@refused(3997)
def pool_with_a_key_in_use(p: Proposal, _: ProvingGround) -> bytes | None:
    there = sorted(_after(p).pools)
    return _with_pool(p, vrf=there[0] + b"\x01" * 4) if there else None


@refused(3101)
def pool_whose_owner_does_not_sign(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_pool(p, owners=[b"\x98" * 28])


def _with_pool(p: Proposal, **changes: Any) -> bytes | None:
    _more_funds(p)
    p.keys.append(STRANGER)
    return _with(p, pool_certificate(NOBODY[1], **{"owners": [], **changes}))


def _more_funds(p: Proposal) -> None:
    """Adds the richest output of a key's that isn't spent."""
    hashes = {lock.hash for lock in KEY_LOCKS}
    there = [
        (output.value.lovelace, ref)
        for ref, output in p.utxo.items()
        if output.address.payment is not None
        and output.address.payment.hash in hashes
        and ref not in (*p.inputs, *p.collateral, *p.references)
        and output.datum is None
        and output.script is None
    ]
    _, richest = max(there)
    p.inputs.append(richest)
    payment = p.utxo[richest].address.payment
    assert payment is not None
    p.keys = list(dict.fromkeys((*p.keys, *LOCKS[payment.hash].keys)))


@refused(3141)
def withdrawal_of_one_lovelace_less(p: Proposal, _: ProvingGround) -> bytes | None:
    return _withdrawing(p, -1)


@refused(3141)
def withdrawal_of_one_lovelace_more(p: Proposal, _: ProvingGround) -> bytes | None:
    return _withdrawing(p, 1)


def _withdrawing(p: Proposal, more: int) -> bytes | None:
    if not shows_conway(p) or not p.is_valid:
        return None
    for account, coin in p.withdrawals.items():
        if coin + more >= 0:
            p.withdrawals[account] = coin + more
            return p.seal()
    return None


@refused(3141)
def withdrawal_from_a_script_that_is_not_registered(p: Proposal, _: ProvingGround) -> bytes | None:
    lock = NATIVE_LOCKS[0]
    who = credential_of(lock)
    if who in p.registrations.deposits or account_of(who) in p.withdrawals or not shows_conway(p):
        return None
    if lock not in p.scripts and lock.hash not in p.brought_scripts():
        p.scripts.append(lock)
    return _with(p, account=account_of(who))


@refused(3150, 3141)
def withdrawal_of_a_key_that_votes_not(p: Proposal, _: ProvingGround) -> bytes | None:
    """Both answers are as urgent; where the account isn't there, it isn't delegated either."""
    state = p.registrations
    who = _key(p, {w: 0 for w in state.deposits if w not in state.votes}, among=True)
    if who is None or not shows_conway(p):
        return None
    return _with(p, account=account_of(who), coin=state.rewards[who])


@refused(3124)
def withdrawal_on_another_network(p: Proposal, _: ProvingGround) -> bytes | None:
    p.keys.append(STRANGER)
    return _with(p, account=account_of(NOBODY, 1))


@accepted
def withdrawals_in_another_order(p: Proposal, _: ProvingGround) -> bytes | None:
    if len(p.withdrawals) < 2:
        return None
    turned = dict(reversed(p.withdrawals.items()))
    return sealed_with_body(p, lambda body: body.update({5: turned}))


@accepted
def a_registration_more(p: Proposal, _: ProvingGround) -> bytes | None:
    who = _key(p, _after(p).deposits, among=False)
    return None if who is None else _with(p, [7, list(who), KEY_DEPOSIT])


@accepted
def a_stranger_is_registered_in_the_old_form(p: Proposal, ground: ProvingGround) -> bytes | None:
    """Nobody need agree, nor be there: not even the script."""
    return _with(p, [0, [1, ground.random.randbytes(28)]])


@refused(3123)
def deposit_that_nobody_pays(p: Proposal, _: ProvingGround) -> bytes | None:
    if not shows_conway(p):
        return None
    more = [0, [0, b"\x97" * 28]]
    return sealed_with_body(p, lambda body: body.update({4: [*body.get(4, []), more]}))


@refused(3101)
def certificate_without_its_signature(p: Proposal, _: ProvingGround) -> bytes:
    p.certificates.append([7, [0, b"\x96" * 28], KEY_DEPOSIT])
    return p.seal()


@refused(3102)
def certificate_without_its_script(p: Proposal, _: ProvingGround) -> bytes:
    p.certificates.append([7, [1, b"\x95" * 28], KEY_DEPOSIT])
    return p.seal()


@refused(3109)
def certificate_without_its_redeemer(p: Proposal, _: ProvingGround) -> bytes | None:
    places = [each for each in p.redeemers if isinstance(each, tuple)]
    if not places or len(p.redeemers) == 1:
        return None
    del p.redeemers[places[0]]
    return p.seal()


@refused(3110)
def redeemer_for_no_certificate(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.redeemers:
        return None
    p.redeemers["publish", len(p.certificates)] = [b"\x00", [100, 100]]
    return p.seal()


@refused(-32602)
def certificate_twice(p: Proposal, _: ProvingGround) -> bytes:
    twice = [0, [0, b"\x94" * 28]]
    return sealed_with_body(p, lambda body: body.update({4: [twice, twice]}))


@refused(-32602)
def no_certificates_in_their_field(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({4: []}))


@refused(-32602)
def no_withdrawals_in_their_field(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({5: {}}))


@refused(-32602)
def certificate_of_an_earlier_era(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({4: [[6, [0, {}]]]}))


@refused(-32602)
def withdrawal_from_a_payment_address(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({5: {b"\x60" + bytes(28): 0}}))


@refused(-32602)
def margin_over_one(p: Proposal, _: ProvingGround) -> bytes:
    over = pool_certificate(bytes(28), margin=cbor2.CBORTag(30, [3, 2]))
    return sealed_with_body(p, lambda body: body.update({4: [over]}))


@refused(3997)
def member_of_the_committee(p: Proposal, _: ProvingGround) -> bytes:
    hot = [14, list(NOBODY), list(NOBODY)]
    return sealed_with_body(p, lambda body: body.update({4: [hot]}))
