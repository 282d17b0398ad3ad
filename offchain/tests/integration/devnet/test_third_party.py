"""A program of others, as published: PyCardano over its Ogmios backend registers, delegates and withdraws."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pycardano as pc
import pytest
from ogmios.errors import ResponseError
from pycardano.certificate import (
    Certificate,
    DRep,
    DRepKind,
    StakeCredential,
    StakeDelegation,
    StakeDeregistrationConway,
    StakeRegistration,
    StakeRegistrationConway,
    VoteDelegation,
)

from milestones.cardano.address import Credential, StakeAddress
from milestones.devnet.funds import SUPPLY_LOVELACE
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_ADDRESS, ALICE_FUNDS, all_lovelace
from tests.support.hostile import ALWAYS_TRUE
from tests.support.raw_transactions import ALICE

KEY = 2_000_000
PAYMENT = pc.PaymentSigningKey(bytes(ALICE))
STAKE = pc.StakeSigningKey(b"\x07" * 32)
STAKE_HASH = STAKE.to_verification_key().hash()
WHO = Credential("key", STAKE_HASH.payload)
ACCOUNT = StakeAddress(0, WHO)
SCRIPT = pc.PlutusV3Script(ALWAYS_TRUE.code)
OF_SCRIPT = StakeAddress(0, Credential("script", ALWAYS_TRUE.hash()))


class Client:
    """PyCardano, blocking as it is; each call is to be made outside of the chain's loop."""

    def __init__(self, devnet: Devnet) -> None:
        at = urlsplit(devnet.ogmios_url)
        assert at.hostname is not None
        assert at.port is not None
        self._host, self._port = at.hostname, at.port

    @property
    def context(self) -> pc.OgmiosV6ChainContext:
        """A new one each time: it keeps a tip, and so what is unspent, for a second."""
        return pc.OgmiosV6ChainContext(self._host, self._port, network=pc.Network.TESTNET)

    def account(self) -> dict[str, Any]:
        """What the key's account is said to be."""
        summary: dict[str, Any]
        (summary,) = self.context.query_account_reward_summaries(scripts=[], keys=[str(ACCOUNT)])
        return summary

    def send(
        self,
        certificates: Sequence[Certificate] = (),
        withdrawals: Mapping[StakeAddress, int] | None = None,
        refund: int = 0,
        redeemer: pc.Redeemer | None = None,
        keys: Sequence[pc.SigningKey] = (PAYMENT, STAKE),
    ) -> str:
        """Builds, signs and submits: the transaction's id."""
        address = pc.Address.from_primitive(ALICE_ADDRESS)
        context = self.context
        builder = pc.TransactionBuilder(context)
        for output in context.utxos(address):
            builder.add_input(output)
        builder.certificates = list(certificates) or None
        if withdrawals:
            taken = {account.to_bytes(): lovelace for account, lovelace in withdrawals.items()}
            builder.withdrawals = pc.Withdrawals(taken)
        if redeemer is not None:
            builder.collaterals.extend(builder.inputs)
            builder.add_withdrawal_script(SCRIPT, redeemer)
        body = builder.build(change_address=address)
        # Its builder forgets what a deregistration gives back.
        body.outputs[0].amount.coin += refund
        witnesses = builder.build_witness_set()
        witnesses.vkey_witnesses = [
            pc.VerificationKeyWitness(key.to_verification_key(), key.sign(body.hash()))
            for key in keys
        ]
        transaction = pc.Transaction(body, witnesses)
        context.submit_tx(transaction)
        return str(transaction.id)


@pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")
async def test_it_registers_delegates_withdraws_and_leaves(
    start: Callable[[DevnetConfig], Awaitable[Devnet]],
) -> None:
    """A script of its own is asked by a withdrawal of nothing on the way: it evaluates here, and runs."""
    devnet = await start(DevnetConfig(chain=ChainConfig(funds=ALICE_FUNDS, stake_pools=1)))
    chain, client = devnet.chain, Client(devnet)
    (pool,) = chain.staking.pools()
    mine = StakeCredential(STAKE_HASH)
    of_script = StakeCredential(pc.ScriptHash(ALWAYS_TRUE.hash()))

    async def send(*certificates: Certificate, **rest: Any) -> None:
        before = chain.tip.height
        sent = await asyncio.to_thread(partial(client.send, certificates, **rest))
        assert chain.tip.height == before + 1
        (inclusion,) = chain.blocks[-1].inclusions
        assert inclusion.transaction.id.hex() == sent
        assert inclusion.transaction.is_valid
        assert all_lovelace(chain) == SUPPLY_LOVELACE

    async def account() -> dict[str, Any]:
        return await asyncio.to_thread(client.account)

    await send(StakeRegistrationConway(mine, KEY), StakeRegistration(of_script))
    assert (await account())["deposit"] == {"ada": {"lovelace": KEY}}
    await send(
        StakeDelegation(mine, pc.PoolKeyHash(pool)),
        VoteDelegation(mine, DRep(DRepKind.ALWAYS_ABSTAIN)),
    )
    delegated = await account()
    assert delegated["delegateRepresentative"] == {"type": "abstain"}
    assert delegated["stakePool"]["id"].startswith("pool1")
    chain.grant_rewards(WHO, 5_000_000)
    assert (await account())["rewards"] == {"ada": {"lovelace": 5_000_000}}
    await send(withdrawals={OF_SCRIPT: 0}, redeemer=pc.Redeemer(42), keys=[PAYMENT])
    await send(withdrawals={ACCOUNT: 5_000_000})
    assert (await account())["rewards"] == {"ada": {"lovelace": 0}}
    with pytest.raises(ResponseError, match="3141"):
        await send(withdrawals={ACCOUNT: 1})
    # The ledger counts scripts' withdrawals before those of keys; it doesn't, in a transaction of both.
    with pytest.raises(ResponseError, match=r"'purpose': 'withdraw', 'index': 1.*3110"):
        await send(withdrawals={ACCOUNT: 0, OF_SCRIPT: 0}, redeemer=pc.Redeemer(42))
    await send(StakeDeregistrationConway(mine, KEY), refund=KEY)
    assert chain.staking.account(WHO) is None
