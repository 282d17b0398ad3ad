"""Rules of certificates and withdrawals, each broken by one transaction that is valid but for that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import cbor2
import pytest

from milestones.cardano.address import Credential, StakeAddress
from milestones.cardano.certificates import Anchor, PoolParameters
from milestones.cardano.plutus_data import Constr, PlutusMap, decode
from milestones.devnet.ledger.certs import deposits_of, staking_changes
from milestones.devnet.ledger.failures import TransactionRejected
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ledger.resolved_transaction import ResolvedTransaction, resolve
from milestones.devnet.ledger.rules import check
from milestones.devnet.ledger.script_context import TransactionInfo
from milestones.devnet.ledger.staking_state import (
    Account,
    Key,
    RegisteredDRep,
    StakePool,
    StakingState,
)
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.devnet.ogmios.failures import rpc_failure
from milestones.devnet.ogmios.rpc import MISSING
from tests.support.raw_transactions import (
    ALICE,
    BOB,
    YES_MINT,
    YES_V3,
    Draft,
    check_shape,
    key_hash,
    payment,
    script_hash,
    with_collateral,
)

KEY, DEPOSIT, POOL_DEPOSIT = 2_000_000, 2_000_000, 500_000_000
WHO, OTHER = Credential("key", key_hash(ALICE)), Credential("key", key_hash(BOB))
POOL, UNKNOWN = b"\x0f" * 28, b"\x0e" * 28
SCRIPT = Credential("script", script_hash(3, YES_V3))
A, B, S = [0, WHO.hash], [0, OTHER.hash], [1, SCRIPT.hash]
ABSTAIN, NO_CONFIDENCE = [2], [3]
ACCOUNT = b"\xe0" + WHO.hash
OWN_POOL = Credential("key", WHO.hash)


def pool(pool_id: bytes = WHO.hash, **changes: Any) -> list[Any]:
    """A registration of the pool of Alice's key."""
    fields: dict[str, Any] = {
        "operator": pool_id,
        "vrf": b"\x01" * 32,
        "pledge": 0,
        "cost": 170_000_000,
        "margin": cbor2.CBORTag(30, [1, 20]),
        "account": ACCOUNT,
        "owners": [],
        "relays": [],
        "metadata": None,
    }
    return [3, *{**fields, **changes}.values()]


def registered(
    account: Account | None = None, *, drep: Credential | None = None, other_vrf: bytes = b""
) -> StakingState:
    """A pool that is there, perhaps Alice's account, and a representative."""
    state = StakingState()
    parameters = PoolParameters(
        POOL, other_vrf or b"\x02" * 32, 0, 0, Fraction(0), StakeAddress(0, OTHER)
    )
    state.put(Key("pool", Credential("key", POOL)), StakePool(POOL_DEPOSIT, parameters))
    if account is not None:
        state.put(Key("account", WHO), account)
    if drep is not None:
        state.put(Key("drep", drep), RegisteredDRep(500_000_000))
    return state


def draft(
    certificates: list[Any], gained: int = 0, state: StakingState | None = None, version: int = 11
) -> Draft:
    """Alice's payment out of much, with certificates; what they cost or give is in the change."""
    made = payment()
    (source,) = made.utxo
    made.utxo[source][1] = 2_000_000_000
    if certificates:
        made.body[4] = certificates
    made.gained = gained
    parameters = MAINNET_PARAMETERS.with_changes(protocol_version=(version, 0))
    made.environment = replace(
        made.environment,
        staking=state or registered(),
        parameters=parameters,
        epoch=5,
    )
    return made


def withdrawing(amount: int, state: StakingState, account: bytes = ACCOUNT) -> Draft:
    made = draft([], amount, state)
    made.body[5] = {account: amount}
    return made


def code(made: Draft, ogmios: str = "7.0.0") -> tuple[int, Any]:
    try:
        check(decode_transaction(made.seal()), made.known(), made.environment)
    except TransactionRejected as rejected:
        failure = rpc_failure(rejected, ogmios)
        check_shape("submitTransaction", failure, (ogmios,))
        return failure.rpc_code, None if failure.data is MISSING else failure.data
    return 0, None


ACCEPTED: dict[str, Callable[[], Draft]] = {
    "old registration": lambda: draft([[0, A]], -KEY),
    "registration": lambda: draft([[7, A, KEY]], -KEY),
    "a stranger's, old": lambda: draft([[0, B]], -KEY),
    "old deregistration": lambda: draft([[1, A]], KEY, registered(Account(KEY))),
    "deregistration": lambda: draft([[8, A, KEY]], KEY, registered(Account(KEY))),
    "of another deposit": lambda: draft([[8, A, 5]], 5, registered(Account(5))),
    "to a pool": lambda: draft([[2, A, POOL]], 0, registered(Account(KEY))),
    "to abstain": lambda: draft([[9, A, ABSTAIN]], 0, registered(Account(KEY))),
    "to a representative": lambda: draft([[9, A, B]], 0, registered(Account(KEY), drep=OTHER)),
    "to both": lambda: draft([[10, A, POOL, NO_CONFIDENCE]], 0, registered(Account(KEY))),
    "registered to a pool": lambda: draft([[11, A, POOL, KEY]], -KEY),
    "registered to abstain": lambda: draft([[12, A, ABSTAIN, KEY]], -KEY),
    "registered to both": lambda: draft([[13, A, POOL, ABSTAIN, KEY]], -KEY),
    "all in one": lambda: draft([[0, A], [2, A, POOL], [9, A, ABSTAIN], [1, A]], 0),
    "in and out again": lambda: draft([[7, A, KEY], [8, A, KEY]], 0),
    "out and in again": lambda: draft([[1, A], [0, A]], 5 - KEY, registered(Account(5))),
    "a representative": lambda: draft([[16, A, 500_000_000, None]], -500_000_000),
    "its vote, at once": lambda: draft(
        [[16, A, 500_000_000, ["https://x", bytes(32)]], [12, A, A, KEY]], -502_000_000
    ),
    "its update": lambda: draft([[18, A, None]], 0, registered(drep=WHO)),
    "its end": lambda: draft([[17, A, 500_000_000]], 500_000_000, registered(drep=WHO)),
    "a pool": lambda: draft([pool()], -POOL_DEPOSIT),
    "a pool twice": lambda: draft([pool(), pool(cost=170_000_001)], -POOL_DEPOSIT),
    "all": lambda: withdrawing(7, registered(Account(KEY, 7, drep="abstain"))),
    "nothing": lambda: withdrawing(0, registered(Account(KEY, 0, drep="abstain"))),
    "what scripts without redeemers don't guard": lambda: draft([[0, S]], -KEY),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_the_ledger_takes(name: str) -> None:
    assert code(ACCEPTED[name]()) == (0, None)


def test_withdrawn_and_closed_in_one_transaction() -> None:
    made = withdrawing(7, registered(Account(KEY, 7, drep="abstain")))
    made.body[4], made.gained = [[1, A]], 7 + KEY
    assert code(made) == (0, None)


WHO_JSON = {"from": "verificationKey"}
REFUSED: dict[str, tuple[Callable[[], Draft], int]] = {
    "registered twice": (lambda: draft([[0, A]], -KEY, registered(Account(KEY))), 3145),
    "registered twice in one": (lambda: draft([[0, A], [7, A, KEY]], -2 * KEY), 3145),
    "another deposit": (lambda: draft([[7, A, KEY + 1]], -KEY), 3139),
    "another refund": (lambda: draft([[8, A, 5]], KEY, registered(Account(KEY))), 3139),
    "nobody leaves": (lambda: draft([[1, A]], 0), 3146),
    "rewards are left": (
        lambda: draft([[1, A]], KEY, registered(Account(KEY, 7))),
        3147,
    ),
    "nobody delegates": (lambda: draft([[2, A, POOL]]), 3146),
    "to an unknown pool": (lambda: draft([[2, A, UNKNOWN]], 0, registered(Account(KEY))), 3140),
    "to an unknown one": (lambda: draft([[9, A, B]], 0, registered(Account(KEY))), 3146),
    "a representative twice": (
        lambda: draft([[16, A, 500_000_000, None]], -500_000_000, registered(drep=WHO)),
        3152,
    ),
    "a representative's deposit": (lambda: draft([[16, A, 1, None]], -500_000_000), 3151),
    "a representative's refund": (lambda: draft([[17, A, 1]], 1, registered(drep=WHO)), 3151),
    "no representative leaves": (lambda: draft([[17, A, 500_000_000]], 500_000_000), 3153),
    "no representative says more": (lambda: draft([[18, A, None]]), 3153),
    "too cheap a pool": (lambda: draft([pool(cost=169_999_999)], -POOL_DEPOSIT), 3143),
    "a pool elsewhere": (
        lambda: draft([pool(account=b"\xe1" + WHO.hash)], -POOL_DEPOSIT),
        3124,
    ),
    "a pool's long hash": (
        lambda: draft([pool(metadata=["https://x", bytes(33)])], -POOL_DEPOSIT),
        3144,
    ),
    "another pool's key": (
        lambda: draft([pool()], -POOL_DEPOSIT, registered(other_vrf=b"\x01" * 32)),
        3170,
    ),
    "an owner didn't sign": (lambda: draft([pool(owners=[OTHER.hash])], -POOL_DEPOSIT), 3101),
    "a delegator didn't sign": (
        lambda: draft([[12, B, ABSTAIN, KEY]], -KEY),
        3101,
    ),
    "too little": (
        lambda: withdrawing(6, registered(Account(KEY, 7, drep="abstain"))),
        3141,
    ),
    "from nobody": (lambda: withdrawing(0, registered()), 3141),
    "no vote": (lambda: withdrawing(7, registered(Account(KEY, 7, POOL))), 3150),
    "elsewhere": (
        lambda: withdrawing(0, registered(Account(KEY, drep="abstain")), b"\xe1" + WHO.hash),
        3124,
    ),
    "no deposit paid": (lambda: draft([[0, A]]), 3123),
    "two deposits paid for a pool": (
        lambda: draft([pool(), pool(cost=170_000_001)], -2 * POOL_DEPOSIT),
        3123,
    ),
    "no script": (lambda: draft([[7, S, KEY]], -KEY), 3102),
    "an empty list": (lambda: payment_with(4, []), -32602),
    "no withdrawals": (lambda: payment_with(5, {}), -32602),
    "a certificate twice": (lambda: payment_with(4, [[0, A], [0, A]]), -32602),
    "a genesis delegation": (lambda: payment_with(4, [[5, WHO.hash, WHO.hash, bytes(32)]]), -32602),
    "a part too many": (lambda: payment_with(4, [[0, A, 1]]), -32602),
    "a short hash": (lambda: payment_with(4, [[0, [0, b"\x01" * 27]]]), -32602),
    "a credential of no kind": (lambda: payment_with(4, [[0, [2, WHO.hash]]]), -32602),
    "a margin over one": (
        lambda: payment_with(4, [pool(margin=cbor2.CBORTag(30, [2, 1]))]),
        -32602,
    ),
    "no reward account": (lambda: payment_with(5, {b"\x60" + WHO.hash: 1}), -32602),
    "a long address": (
        lambda: payment_with(4, [[18, A, ["x" * 129, bytes(32)]]]),
        -32602,
    ),
    "a retirement": (lambda: payment_with(4, [[4, POOL, 7]]), 3997),
    "a committee's key": (lambda: payment_with(4, [[14, A, B]]), 3997),
}


def payment_with(field: int, value: Any) -> Draft:
    made = payment()
    made.body[field] = value
    return made


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_ledger_refuses(name: str) -> None:
    make, expected = REFUSED[name]
    assert code(make())[0] == expected


@pytest.mark.parametrize("name", REFUSED)
def test_ogmios_6_has_an_answer_to_each(name: str) -> None:
    make, expected = REFUSED[name]
    earlier = {3139: 3151, 3170: 3997}
    assert code(make(), "6.14.0")[0] == earlier.get(expected, expected)


def test_names_of_protocol_10_are_what_ogmios_6_knows() -> None:
    deposit = {"providedDeposit": {"ada": {"lovelace": KEY + 1}}}
    for version in (10, 11):
        made = draft([[7, A, KEY + 1]], -KEY, version=version)
        assert code(made, "6.14.0") == (3151, deposit)
    assert code(draft([[7, A, KEY + 1]], -KEY, version=10), "7.0.0") == (3151, deposit)
    made = withdrawing(6, registered(Account(KEY, 7, drep="abstain")))
    account = str(StakeAddress(0, WHO))
    for ogmios, shown in (("6.14.0", 6), ("7.0.0", 7)):
        wrong = {"incompleteWithdrawals": {account: {"ada": {"lovelace": shown}}}}
        assert code(made, ogmios) == (3141, wrong)


def test_the_failing_scripts_of_a_transaction_undo_its_certificates() -> None:
    """Declared invalid, no certificate is judged; the balance still is."""
    made = with_collateral(draft([[1, A]], 0))
    made.body[9] = {script_hash(3, b"\x45\x01\x01\x00\x26\x01"): {b"": 1}}
    made.witnesses[7] = [b"\x45\x01\x01\x00\x26\x01"]
    made.witnesses[5] = {(1, 0): [7, [2000, 300_000]]}
    made.languages, made.is_valid = {3}, False
    assert code(made) == (0, None)


# -- what scripts are shown


def context(made: Draft, version: int) -> tuple[ResolvedTransaction, Any]:
    resolved = resolve(decode_transaction(made.seal()), made.known(), made.environment)
    return resolved, decode(TransactionInfo(resolved, version)._encoded)


def shown_certificates(certificates: list[Any], version: int) -> Any:
    return context(draft(certificates), version)[1].fields[{1: 4, 2: 5, 3: 5}[version]]


C = Constr
A_DATA, S_DATA = C(0, (WHO.hash,)), C(1, (SCRIPT.hash,))


def test_certificates_as_version_3_sees_them() -> None:
    nothing = C(1)
    pairs: list[tuple[Any, Any]] = [
        ([0, A], C(0, (A_DATA, nothing))),
        ([7, S, 5], C(0, (S_DATA, C(0, (5,))))),
        ([1, A], C(1, (A_DATA, nothing))),
        ([8, A, 6], C(1, (A_DATA, C(0, (6,))))),
        ([2, A, POOL], C(2, (A_DATA, C(0, (POOL,))))),
        ([9, A, S], C(2, (A_DATA, C(1, (C(0, (S_DATA,)),))))),
        ([10, A, POOL, ABSTAIN], C(2, (A_DATA, C(2, (POOL, C(1)))))),
        ([12, A, NO_CONFIDENCE, 7], C(3, (A_DATA, C(1, (C(2),)), 7))),
        ([16, A, 8, None], C(4, (A_DATA, 8))),
        ([18, A, ["https://x", bytes(32)]], C(5, (A_DATA,))),
        ([17, A, 9], C(6, (A_DATA, 9))),
        (pool(), C(7, (WHO.hash, b"\x01" * 32))),
    ]
    shown = shown_certificates([wire for wire, _ in pairs], 3)
    assert list(shown) == [data for _, data in pairs]


@pytest.mark.parametrize("version", [1, 2])
def test_certificates_as_versions_1_and_2_see_them(version: int) -> None:
    staking = C(0, (A_DATA,))
    pairs: list[tuple[Any, Any]] = [
        ([0, A], C(0, (staking,))),
        ([8, A, 6], C(1, (staking,))),
        ([2, A, POOL], C(2, (staking, POOL))),
        (pool(), C(3, (WHO.hash, b"\x01" * 32))),
    ]
    shown = shown_certificates([wire for wire, _ in pairs], version)
    assert list(shown) == [data for _, data in pairs]
    for conway in ([9, A, ABSTAIN], [11, A, POOL, KEY], [16, A, 8, None]):
        with pytest.raises(TransactionRejected, match="can't be shown"):
            shown_certificates([conway], version)


def test_withdrawals_are_shown_in_two_orders() -> None:
    """The ledger sorts scripts before keys, Plutus keys before scripts; redeemers count the ledger's."""
    made = draft([])
    made.body[5] = {ACCOUNT: 1, b"\xf0" + SCRIPT.hash: 2}
    resolved, third = context(made, 3)
    assert third.fields[6] == PlutusMap(((S_DATA, 2), (A_DATA, 1)))
    keys_first = ((C(0, (A_DATA,)), 1), (C(0, (S_DATA,)), 2))
    assert context(made, 2)[1].fields[6] == PlutusMap(keys_first)
    assert context(made, 1)[1].fields[5] == tuple(C(0, pair) for pair in keys_first)
    (needed,) = resolved.scripts_needed
    assert (needed.pointer.purpose, needed.pointer.index) == ("withdraw", 0)


def with_script(made: Draft, version: int, script: bytes, pointer: tuple[int, int]) -> Draft:
    made.witnesses[{1: 3, 2: 6, 3: 7}[version]] = [script]
    made.witnesses[5] = {pointer: [7, [2000, 300_000]]}
    made.languages = {version}
    return with_collateral(made)


@pytest.mark.parametrize(("version", "script"), [(1, YES_MINT), (2, YES_MINT), (3, YES_V3)])
def test_plutus_scripts_agree_to_certificates_and_withdrawals(version: int, script: bytes) -> None:
    """The withdrawal of nothing, by which many contracts run a check, and the account's own closing."""
    who = Credential("script", script_hash(version, script))
    state = StakingState()
    state.put(Key("account", who), Account(KEY))
    made = draft([], 0, state)
    made.body[5] = {b"\xf0" + who.hash: 0}
    assert code(with_script(made, version, script, (3, 0))) == (0, None)
    made = draft([[0, B], [1, [1, who.hash]]], 0, state)
    assert code(with_script(made, version, script, (2, 1))) == (0, None)
    made.witnesses[5] = {(2, 0): [7, [2000, 300_000]]}
    assert code(made)[0] == 3109


@pytest.mark.parametrize(("there", "missing"), [((2, 0), "withdraw"), ((3, 0), "publish")])
def test_a_missing_redeemer_says_what_it_is_for(there: tuple[int, int], missing: str) -> None:
    state = StakingState()
    state.put(Key("account", SCRIPT), Account(KEY))
    made = with_script(draft([[1, S]], KEY, state), 3, YES_V3, there)
    made.body[5] = {b"\xf0" + SCRIPT.hash: 0}
    found, data = code(made)
    assert found == 3109
    assert [each["purpose"] for each in data["missingRedeemers"]] == [missing]


# -- what is registered


def test_a_representative_that_leaves_takes_its_delegations_along() -> None:
    state = registered(Account(KEY, drep=OTHER), drep=OTHER)
    made = draft([[17, B, 500_000_000]], 500_000_000, state)
    body = decode_transaction(made.seal()).body
    state.apply(staking_changes(body, state, deposits_of(MAINNET_PARAMETERS), 5))
    assert state.account(WHO) == Account(KEY)
    assert state.drep(OTHER) is None


def test_a_pool_that_says_something_else_says_it_from_the_next_epoch_on() -> None:
    state = registered()
    metadata = ["https://x", b"\x07" * 32]
    for cost in (170_000_000, 170_000_001):
        made = draft([pool(cost=cost, metadata=metadata)], 0, state)
        body = decode_transaction(made.seal()).body
        changes = staking_changes(body, state, deposits_of(MAINNET_PARAMETERS), 5)
        state.apply(changes)
    entry = state.pool(WHO.hash)
    assert entry is not None
    assert [entry.in_epoch(n).cost_lovelace for n in (5, 6)] == [170_000_000, 170_000_001]
    assert entry.parameters.metadata == Anchor("https://x", b"\x07" * 32)
    state.undo(changes)
    undone = state.pool(WHO.hash)
    assert undone is not None
    assert undone.in_epoch(6).cost_lovelace == 170_000_000
