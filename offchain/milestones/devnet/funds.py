"""Where money comes from: the first block, which pays it out, the faucet, and accounts that have some.

Development accounts are keys that everybody knows: they follow from a fixed text, and are worth nothing
on any network. Everything the faucet does is an ordinary signed transaction, judged by the same rules as
all others: ADA comes out of the reserve that genesis gave it, tokens from a native script that asks for
its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import takewhile
from typing import Final

from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Address, StakeAddress, key_credential
from milestones.cardano.certificates import PoolParameters, PoolRegistration, encode_certificate
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.value import AssetId, Value
from milestones.devnet.blocks import MAINNET_DEPOSITS, Block, UtxoSet, forge, included, outputs_at
from milestones.devnet.clock import MAINNET_MAGIC, Calendar
from milestones.devnet.ledger.addresses import LedgerAddress
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.errors import InsufficientFunds, InvalidConfiguration, InvalidInput

SUPPLY_LOVELACE: Final = 45_000_000_000_000_000
"""All the lovelace there will ever be: 45 billion ADA, as on mainnet."""

CHANGE_LOVELACE: Final = 2_000_000
"""The least that is left at the faucet, so that its change stays above min-ADA."""

TOKEN_OUTPUT_LOVELACE: Final = 2_000_000
"""ADA that comes with tokens where none was asked for."""


MAX_ACCOUNTS: Final = 1000
"""How many development accounts a chain may have."""

RESERVES_LOVELACE: Final = 5_000_000_000_000_000
"""What nobody holds at the start, 5 billion ADA: rewards are granted out of it."""

MAX_STAKE_POOLS: Final = 100
"""How many stake pools can be there from the start."""

POOL_SEED: Final = b"stake pool %d of the embedded chain"
"""The seed of pool n's key, counted from 0, is the blake2b_256 hash of this text."""

ACCOUNT_LOVELACE: Final = 10_000_000_000
"""What each development account starts with: 10,000 ADA."""

ACCOUNT_SEED: Final = b"development account %d of the embedded chain"
"""The seed of account n, counted from 0, is the blake2b_256 hash of this text."""


@dataclass(frozen=True, slots=True)
class DevelopmentAccount:
    """An account whose key everybody knows. `seed` is its Ed25519 signing key, 32 bytes."""

    seed: bytes
    address: Address

    @property
    def signing_key_cbor_hex(self) -> str:
        """The `cborHex` of a key file of type `PaymentSigningKeyShelley_ed25519`, as of cardano-cli."""
        return cbor.encode_bytes(self.seed).hex()


def development_accounts(count: int, network_id: int = 0) -> tuple[DevelopmentAccount, ...]:
    """The first `count` development accounts, always the same; 0 to `MAX_ACCOUNTS`.

    `network_id` is 1 on mainnet and 0 elsewhere. Raises `InvalidConfiguration`.
    """
    if not 0 <= count <= MAX_ACCOUNTS:
        raise InvalidConfiguration(
            f"{count} accounts", path="accounts", hint=f"give 0 to {MAX_ACCOUNTS}"
        )
    return tuple(_account(number, network_id) for number in range(count))


def development_pools(count: int, network_id: int = 0) -> tuple[PoolParameters, ...]:
    """The first `count` stake pools that a chain can start with, always the same.

    They make no blocks. `network_id` is 1 on mainnet and 0 elsewhere. Raises `InvalidConfiguration`.
    """
    if not 0 <= count <= MAX_STAKE_POOLS:
        raise InvalidConfiguration(
            f"{count} stake pools", path="stake_pools", hint=f"give 0 to {MAX_STAKE_POOLS}"
        )
    return tuple(_pool(number, network_id) for number in range(count))


def _pool(number: int, network_id: int) -> PoolParameters:
    seed = blake2b_256(POOL_SEED % number)
    verification_key, _ = crypto_sign_seed_keypair(seed)
    key_hash = blake2b_224(verification_key)
    return PoolParameters(
        id=key_hash,
        vrf=blake2b_256(seed),
        pledge_lovelace=0,
        cost_lovelace=MAINNET_PARAMETERS.min_stake_pool_cost,
        margin=Fraction(1, 50),
        reward_account=StakeAddress(network_id, key_credential(key_hash)),
        owners=(key_hash,),
    )


def default_accounts(network_magic: int) -> int:
    """How many the command makes where nothing is said: none where a slip could cost real money."""
    return 0 if network_magic == MAINNET_MAGIC else 10


def _account(number: int, network_id: int) -> DevelopmentAccount:
    seed = blake2b_256(ACCOUNT_SEED % number)
    verification_key, _ = crypto_sign_seed_keypair(seed)
    return DevelopmentAccount(
        seed, Address(network_id, key_credential(blake2b_224(verification_key)))
    )


def accounts_of(genesis: Block, network_id: int) -> tuple[DevelopmentAccount, ...]:
    """The development accounts that a chain's first block pays to."""
    (first,) = genesis.inclusions
    paid = {
        each.address.raw
        for each in first.transaction.body.outputs
        if each.value.lovelace == ACCOUNT_LOVELACE
    }
    every = (_account(number, network_id) for number in range(MAX_ACCOUNTS))
    return tuple(takewhile(lambda account: account.address.to_bytes() in paid, every))


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
        held = (
            (output.value.lovelace, reference)
            for reference, output in outputs_at(utxo, (self.address.to_bytes(),)).items()
            if not output.value.assets
        )
        lovelace, reference = max(held, default=(0, None))
        if reference is None:
            raise InsufficientFunds("the faucet", CHANGE_LOVELACE, 0, hint="start a new chain")
        return reference, lovelace

    def _signed(
        self, source: OutputReference, recipient: bytes, paid: Value, change_lovelace: int, fee: int
    ) -> bytes:
        change = output(self.address.to_bytes(), Value(change_lovelace))
        entries = {
            0: encoding.references((source,)),
            1: encoding.array((output(recipient, paid), change)),
            2: encoding.integer(fee),
        }
        if paid.assets:
            entries[9] = encoding.multi_asset(paid)
        body = fields(entries)
        signature = crypto_sign(blake2b_256(body), self._secret)[:64]
        parts = (self.verification_key, signature)
        key_witness = encoding.array([cbor.encode_bytes(part) for part in parts])
        witnesses = {0: encoding.array((key_witness,))}
        if paid.assets:
            witnesses[1] = encoding.array((self.script.code,))
        return transaction(body, fields(witnesses))


def _check_tokens(tokens: Mapping[bytes, int]) -> None:
    for name, quantity in tokens.items():
        if len(name) > 32 or not 0 < quantity < 1 << 63:
            raise InvalidInput(
                "a token has a name of at most 32 bytes and a quantity of 1 to 2^63 - 1",
                path=f"tokens.{name.hex()}",
            )


def genesis_block(
    calendar: Calendar,
    slot: int,
    funds: Mapping[LedgerAddress, int],
    born_posix_ms: int,
    *,
    accounts: int = 0,
    stake_pools: int = 0,
    parent: Block | None = None,
) -> Block:
    """A block of one transaction without inputs that pays `funds` and, to the faucet, the rest.

    So many development `accounts` get `ACCOUNT_LOVELACE` each, whatever else is paid to them; so many
    `stake_pools` are registered.

    Like what is placed, it is a transaction that no rule is asked about. Its metadata name the network and
    the moment of its making, so that what a client remembers of one chain is unknown to the next.
    Raises `InvalidConfiguration` when the funds exceed the supply.
    """
    developers = development_accounts(accounts, calendar.network_id)
    pools = development_pools(stake_pools, calendar.network_id)
    available = SUPPLY_LOVELACE - RESERVES_LOVELACE - len(pools) * MAINNET_DEPOSITS.pool_lovelace
    rest = available - sum(funds.values()) - accounts * ACCOUNT_LOVELACE
    if rest <= 0 or any(amount <= 0 for amount in funds.values()):
        raise InvalidConfiguration(
            f"the funds are {available - rest} lovelace in all",
            path="fund",
            hint=f"give positive amounts that sum up to less than {available}",
        )
    reserve = Faucet(calendar.magic, calendar.network_id).address.to_bytes()
    outputs = [output(address.raw, Value(amount)) for address, amount in funds.items()]
    outputs += [output(each.address.to_bytes(), Value(ACCOUNT_LOVELACE)) for each in developers]
    outputs.append(output(reserve, Value(rest)))
    name = (calendar.magic, calendar.start_posix_ms, born_posix_ms)
    certificates = [encode_certificate(PoolRegistration(pool)) for pool in pools]
    more = {4: encoding.tagged_set(certificates)} if pools else {}
    return genesis_from(slot, out_of_nothing(outputs, map(encoding.integer, name), more), parent)


def out_of_nothing(
    outputs: Sequence[bytes], name: Iterable[bytes], more: Mapping[int, bytes] | None = None
) -> bytes:
    """A transaction without inputs and signatures, which no rule is asked about: the first, and what is placed.

    `name` makes its id unique: CBOR items, under label 0 of its metadata. `more` are further fields.
    """
    metadata = fields({0: encoding.array(tuple(name))})
    entries = {
        0: encoding.references(()),
        1: encoding.array(outputs),
        2: encoding.integer(0),
        7: cbor.encode_bytes(blake2b_256(metadata)),
    }
    body = fields(dict(sorted({**entries, **(more or {})}.items())))
    return transaction(body, fields({}), metadata)


def reserves_of(genesis: Block) -> int:
    """The lovelace that a chain's first block left to nobody: for rewards."""
    (first,) = genesis.inclusions
    held = sum(output.value.lovelace for output in first.produced.values())
    deposits = sum(change.after.deposit_lovelace for change in first.staking if change.after)
    return max(0, SUPPLY_LOVELACE - held - deposits)


def genesis_from(slot: int, raw: bytes, parent: Block | None) -> Block:
    """The genesis block with this transaction; a fork's first own block has a parent."""
    return forge(slot, (included({}, decode_transaction(raw)),), parent)


# -- encodings, definite and shortest, with outputs in the map form. Source: Conway CDDL.


def fields(entries: Mapping[int, bytes]) -> bytes:
    """A map with small integers as keys: a body, an output, a witness set."""
    return encoding.mapping((encoding.integer(number), item) for number, item in entries.items())


def output(address: bytes, value: Value) -> bytes:
    """An output without datum or script."""
    return fields({0: cbor.encode_bytes(address), 1: encoding.value(value)})


def transaction(body: bytes, witnesses: bytes, auxiliary_data: bytes = b"\xf6") -> bytes:
    """A transaction that claims to be valid; without auxiliary data, null stands in its place."""
    return encoding.array((body, witnesses, b"\xf5", auxiliary_data))
