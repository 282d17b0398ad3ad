"""Money for tests: a key of the chain's own that holds the reserve and may mint any token.

Everything the faucet does is an ordinary signed transaction, judged by the same rules as all others:
ADA comes out of the reserve that genesis gave it, tokens from a native script that asks for its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from milestones.cardano import cbor
from milestones.cardano.address import Address, key_credential
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.value import AssetId, Value
from milestones.devnet import encoding
from milestones.devnet.ledger.addresses import LedgerAddress
from milestones.devnet.utxo import UtxoSet
from milestones.errors import InsufficientFunds, InvalidInput

CHANGE_LOVELACE: Final = 2_000_000
"""The least that is left at the faucet, so that its change stays above min-ADA."""

TOKEN_OUTPUT_LOVELACE: Final = 2_000_000
"""ADA that comes with tokens where none was asked for."""


class Faucet:
    """Makes and signs the faucet's transactions; the key follows from the network's magic alone."""

    def __init__(self, network_magic: int, network_id: int) -> None:
        seed = blake2b_256(b"faucet of the embedded chain, network %d" % network_magic)
        self.verification_key, self._secret = crypto_sign_seed_keypair(seed)
        self.key_hash = blake2b_224(self.verification_key)
        self.address = Address(network_id, key_credential(self.key_hash))
        code = encoding.array((encoding.integer(0), cbor.encode_bytes(self.key_hash)))
        self.script = Script("native", code)
        self.policy_id = self.script.hash()

    def payment(
        self,
        utxo: UtxoSet,
        recipient: LedgerAddress,
        lovelace: int,
        tokens: Mapping[bytes, int],
        *,
        fee_per_byte: int,
        fee_constant: int,
    ) -> bytes:
        """A signed transaction that pays `lovelace` and newly minted `tokens` (quantity by asset name).

        Raises `InvalidInput` for quantities that can't be, `InsufficientFunds` when the reserve is empty.
        """
        _check_tokens(tokens)
        minted = Value(0, {AssetId(self.policy_id, name): n for name, n in tokens.items()})
        paid = Value(lovelace or (TOKEN_OUTPUT_LOVELACE if tokens else 0)) + minted
        source, held_lovelace = self._reserve(utxo)
        fee = 0
        for _ in range(3):  # the fee's own length settles after the first round
            change_lovelace = held_lovelace - paid.lovelace - fee
            if change_lovelace < CHANGE_LOVELACE:
                needed = paid.lovelace + fee + CHANGE_LOVELACE
                raise InsufficientFunds("the faucet", needed, held_lovelace, hint="ask for less")
            raw = self._signed(source, recipient.raw, paid, change_lovelace, fee)
            fee = fee_constant + fee_per_byte * len(raw)
        return raw

    def _reserve(self, utxo: UtxoSet) -> tuple[OutputReference, int]:
        """The richest output of the faucet's that holds no token, and its lovelace."""
        own = self.address.to_bytes()
        held = (
            (output.value.lovelace, reference)
            for reference, output in utxo.items()
            if output.address.raw == own and not output.value.assets
        )
        lovelace, reference = max(held, default=(0, None))
        if reference is None:
            raise InsufficientFunds("the faucet", CHANGE_LOVELACE, 0, hint="start a new chain")
        return reference, lovelace

    def _signed(
        self, source: OutputReference, recipient: bytes, paid: Value, change_lovelace: int, fee: int
    ) -> bytes:
        change = encoding.output(self.address.to_bytes(), Value(change_lovelace))
        entries = {
            0: encoding.inputs((source,)),
            1: encoding.array((encoding.output(recipient, paid), change)),
            2: encoding.integer(fee),
        }
        if paid.assets:
            entries[9] = encoding.assets(paid)
        body = encoding.fields(entries)
        signature = crypto_sign(blake2b_256(body), self._secret)[:64]
        key_witness = encoding.array(map(cbor.encode_bytes, (self.verification_key, signature)))
        witnesses = {0: encoding.array((key_witness,))}
        if paid.assets:
            witnesses[1] = encoding.array((self.script.code,))
        return encoding.transaction(body, encoding.fields(witnesses))


def _check_tokens(tokens: Mapping[bytes, int]) -> None:
    for name, quantity in tokens.items():
        if len(name) > 32 or not 0 < quantity < 1 << 63:
            raise InvalidInput(
                "a token has a name of at most 32 bytes and a quantity of 1 to 2^63 - 1",
                path=f"tokens.{name.hex()}",
            )
