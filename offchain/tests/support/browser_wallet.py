"""A stand-in for `window.cardano`: wallets with real keys, whose signatures another library makes.

pycardano reads what is to be signed, and signs it; pycose writes what `signData` answers. The wallet's
outputs are those of the embedded chain. It refuses as a person would, and disconnects.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cbor2
import pycardano
from cose.algorithms import EdDSA
from cose.headers import Algorithm
from cose.keys import CoseKey
from cose.keys.curves import Ed25519
from cose.keys.keyparam import KpAlg, KpKty, OKPKpCurve, OKPKpX
from cose.keys.keytype import KtyOKP
from cose.messages import Sign1Message
from playwright.async_api import Page

from milestones.devnet.chain import Chain
from milestones.testing.world import World

REFUSED, ACCOUNT_CHANGE = -3, -4
NO_KEY, SIGN_TX_DECLINED, NOT_A_KEYS_ADDRESS, SIGN_DATA_DECLINED = 1, 2, 2, 3


class Thrown(Exception):
    """What a wallet throws: `{code, info}`, or any other value, as real ones do."""

    def __init__(self, code: int | None, info: str) -> None:
        super().__init__(info)
        self.value: Any = info if code is None else {"code": code, "info": info}


@dataclass
class StandInWallet:
    """One wallet; a test changes its fields as a person changes their mind.

    `declines` names the methods that the person declines, `considers` those that they take their time for, as
    long as they are named. `asked` lists what was asked, the oldest first;
    `signed` are the ids (hexadecimal) of the transactions that it signed.
    """

    name: str
    chain: Chain
    keys: tuple[pycardano.PaymentSigningKey, ...]
    network_id: int = 0
    connected: bool = True
    declines: set[str] = field(default_factory=set)
    considers: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)

    @property
    def signing_keys(self) -> dict[bytes, pycardano.PaymentSigningKey]:
        """Its keys, by the hash in their addresses."""
        return {bytes(key.to_verification_key().hash()): key for key in self.keys}

    @property
    def addresses(self) -> list[pycardano.Address]:
        """An address without staking part for each key."""
        network = pycardano.Network.MAINNET if self.network_id else pycardano.Network.TESTNET
        return [
            pycardano.Address(key.to_verification_key().hash(), network=network)
            for key in self.keys
        ]

    @classmethod
    def of(cls, name: str, world: World, *people: str, **changes: Any) -> StandInWallet:
        """A wallet with the keys of these people of the world, as a file gives them to the library."""
        keys = (pycardano.PaymentSigningKey.load(world.key_file(each)) for each in people)
        return cls(name, world.devnet.chain, tuple(keys), **changes)

    def answer(self, method: str, given: list[Any]) -> Any:
        """What it answers. Raises `Thrown`."""
        self.asked.append(method)
        if method in self.declines:
            declined = {"signTx": SIGN_TX_DECLINED, "signData": SIGN_DATA_DECLINED}
            raise Thrown(declined.get(method, REFUSED), "the person said no")
        if method in ("enable", "isEnabled"):
            return method == "enable" or self.connected
        if not self.connected:
            raise Thrown(ACCOUNT_CHANGE, "account changed")
        return getattr(self, f"_{method}")(*given)

    def _getNetworkId(self) -> int:  # noqa: N802 - CIP-30's name
        return self.network_id

    def _getUsedAddresses(self) -> list[str]:  # noqa: N802
        return [bytes(each).hex() for each in self.addresses]

    def _getUnusedAddresses(self) -> list[str]:  # noqa: N802
        return []

    def _getRewardAddresses(self) -> list[str]:  # noqa: N802
        return []

    def _getChangeAddress(self) -> str:  # noqa: N802
        return bytes(self.addresses[0]).hex()

    def _getCollateral(self, _: Any = None) -> None:  # noqa: N802
        raise Thrown(None, "not implemented")

    def _getUtxos(self, *_: Any) -> list[str] | None:  # noqa: N802
        own = {bytes(each) for each in self.addresses}
        found = [
            pycardano.UTxO(
                pycardano.TransactionInput.from_primitive(
                    [reference.transaction_id, reference.index]
                ),
                pycardano.TransactionOutput.from_primitive(cbor2.loads(output.raw)),
            ).to_cbor_hex()
            for reference, output in self.chain.utxo.items()
            if output.address.raw in own
        ]
        return found or None

    def _signTx(self, transaction: str, partial: bool = False) -> str:  # noqa: N802
        """A witness set with its own signatures alone, over the body as pycardano writes it anew."""
        read = pycardano.Transaction.from_cbor(transaction)
        body = read.transaction_body
        needed = {bytes(each) for each in body.required_signers or ()}
        for script in read.transaction_witness_set.native_scripts or ():
            needed |= _members(script)
        for spent in (*body.inputs, *(body.collateral or ())):
            output = self._output(spent)
            if output is None:
                raise Thrown(NO_KEY, f"the input {spent} is not known")
            needed.add(output)
        own = {each: key for each, key in self.signing_keys.items() if each in needed}
        if not own or (not partial and len(own) < len(needed)):
            raise Thrown(NO_KEY, "not all keys that have to sign are here")
        self.signed.append(bytes(body.hash()).hex())
        witnesses = [
            pycardano.VerificationKeyWitness(key.to_verification_key(), key.sign(body.hash()))
            for key in own.values()
        ]
        signed: str = pycardano.TransactionWitnessSet(vkey_witnesses=witnesses).to_cbor_hex()
        return signed

    def sign_whatever(self, transaction: str) -> str:
        """A witness set with the signatures of all its keys, whether the transaction names them or not."""
        body = pycardano.Transaction.from_cbor(transaction).transaction_body
        witnesses = [
            pycardano.VerificationKeyWitness(key.to_verification_key(), key.sign(body.hash()))
            for key in self.keys
        ]
        signed: str = pycardano.TransactionWitnessSet(vkey_witnesses=witnesses).to_cbor_hex()
        return signed

    def _output(self, spent: pycardano.TransactionInput) -> bytes | None:
        """The payment hash of an output's address."""
        for reference, output in self.chain.utxo.items():
            if (reference.transaction_id, reference.index) == (
                bytes(spent.transaction_id),
                spent.index,
            ):
                return bytes(output.address.raw[1:29])
        return None

    def _signData(self, address: str, payload: str) -> dict[str, str]:  # noqa: N802
        """A COSE_Sign1 and a COSE_Key, as CIP-8 and CIP-30 have them; the payload is not hashed."""
        raw = bytes.fromhex(address)
        key = self.signing_keys.get(raw[1:29])
        if key is None:
            raise Thrown(NOT_A_KEYS_ADDRESS, "that address is not mine")
        message = Sign1Message(
            phdr={Algorithm: EdDSA, "address": raw}, payload=bytes.fromhex(payload)
        )
        message.uhdr = {"hashed": False}
        public = {
            KpKty: KtyOKP,
            KpAlg: EdDSA,
            OKPKpCurve: Ed25519,
            OKPKpX: key.to_verification_key().payload,
        }
        written = [
            message.phdr_encoded,
            message.uhdr,
            message.payload,
            key.sign(message._sig_structure),
        ]
        return {
            "signature": cbor2.dumps(written).hex(),
            "key": CoseKey.from_dict(public).encode().hex(),
        }


def _members(script: pycardano.NativeScript) -> set[bytes]:
    """The key hashes in a native script."""
    if isinstance(script, pycardano.ScriptPubkey):
        return {bytes(script.key_hash)}
    inner = getattr(script, "native_scripts", ())
    return {found for each in inner for found in _members(each)}


async def put_into(page: Page, **wallets: StandInWallet) -> None:
    """Gives every page of this window `window.cardano` with these wallets, a little after it has loaded."""
    names = {key: wallet.name for key, wallet in wallets.items()}
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

    async def answer(question: str) -> dict[str, Any]:
        key, method, *given = json.loads(question)
        while method in wallets[key].considers:
            await asyncio.sleep(0.02)
        try:
            return {"result": wallets[key].answer(method, given)}
        except Thrown as thrown:
            return {"thrown": thrown.value}

    await page.context.expose_function("standInWallet", answer)
    await page.context.add_init_script(script=script.replace("WALLETS", json.dumps(names)))
