"""The first block: where all ADA of a new chain comes from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from milestones.cardano import cbor
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.value import Value
from milestones.devnet import encoding
from milestones.devnet.blocks import Block, forge, included
from milestones.devnet.eras import Calendar
from milestones.devnet.faucet import Faucet
from milestones.devnet.ledger.addresses import LedgerAddress
from milestones.devnet.ledger.transaction import decode_transaction
from milestones.errors import InvalidConfiguration

SUPPLY_LOVELACE: Final = 45_000_000_000_000_000
"""All the lovelace there will ever be: 45 billion ADA, as on mainnet."""


def genesis_block(
    calendar: Calendar, slot: int, funds: Mapping[LedgerAddress, int], born_posix_ms: int
) -> Block:
    """A block of one transaction without inputs that pays `funds` and, to the faucet, the rest.

    It is the only transaction of a chain that no rule is asked about. Its metadata name the network and
    the moment of its making, so that what a client remembers of one chain is unknown to the next.
    Raises `InvalidConfiguration` when the funds exceed the supply.
    """
    rest = SUPPLY_LOVELACE - sum(funds.values())
    if rest <= 0 or any(amount <= 0 for amount in funds.values()):
        raise InvalidConfiguration(
            f"the funds are {SUPPLY_LOVELACE - rest} lovelace in all",
            path="fund",
            hint=f"give positive amounts that sum up to less than {SUPPLY_LOVELACE}",
        )
    reserve = Faucet(calendar.magic, calendar.network_id).address.to_bytes()
    outputs = [encoding.output(address.raw, Value(amount)) for address, amount in funds.items()]
    outputs.append(encoding.output(reserve, Value(rest)))
    name = (calendar.magic, calendar.start_posix_ms, born_posix_ms)
    metadata = encoding.fields({0: encoding.array(map(encoding.integer, name))})
    body = encoding.fields(
        {
            0: encoding.inputs(()),
            1: encoding.array(outputs),
            2: encoding.integer(0),
            7: cbor.encode_bytes(blake2b_256(metadata)),
        }
    )
    return genesis_from(slot, encoding.transaction(body, encoding.fields({}), metadata))


def genesis_from(slot: int, raw: bytes) -> Block:
    """The genesis block with this transaction."""
    return forge(slot, (included({}, decode_transaction(raw)),), None)
