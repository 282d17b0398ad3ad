"""What transactions cost, read from their bytes, and whether the books balance."""

from __future__ import annotations

from dataclasses import dataclass

from milestones.cardano import cbor
from milestones.cardano.cbor import Item
from milestones.cardano.value import AssetId
from milestones.demo.stage import BENEFICIARIES, FUNDS_LOVELACE, Stage
from milestones.services.results import View
from milestones.services.sending.published_scripts import find_published

FEE_KEY = 2
REDEEMERS_KEY = 5


class TransactionFigures(View):
    """A transaction's size in bytes, its scripts' execution units, and its fee in lovelace."""

    what: str
    transaction_hash: str
    size: int
    memory: int
    cpu: int
    fee_lovelace: int


def figures_of(what: str, transaction_hash: str, transaction_cbor: bytes) -> TransactionFigures:
    """The figures of a transaction of ours."""
    body, witnesses = cbor.read(transaction_cbor).array()[:2]
    units = [_units(redeemer) for redeemer in _redeemers(witnesses)]
    return TransactionFigures(
        what=what,
        transaction_hash=transaction_hash,
        size=len(transaction_cbor),
        memory=sum(memory for memory, _ in units),
        cpu=sum(cpu for _, cpu in units),
        fee_lovelace=_field(body, FEE_KEY).unsigned(),
    )


def _field(fields: Item, wanted: int) -> Item:
    return next(value for key, value in fields.entries() if key.value == wanted)


def _redeemers(witnesses: Item) -> list[Item]:
    found = [value for key, value in witnesses.entries() if key.value == REDEEMERS_KEY]
    return [value for _, value in found[0].entries()] if found else []


def _units(redeemer: Item) -> tuple[int, int]:
    memory, cpu = redeemer.array()[1].array()
    return memory.unsigned(), cpu.unsigned()


class Books(View):
    """Where all lovelace and all tokens are at the end, against what there was at the start.

    `tokens_returned` are those that nobody had earned: the treasury has them back.
    """

    lovelace_at_start: int
    lovelace_with_people: int
    lovelace_in_published_scripts: int
    lovelace_in_fees: int
    tokens_minted: int
    tokens_with_beneficiaries: int
    tokens_returned: int

    @property
    def balanced(self) -> bool:
        """Nothing appeared and nothing is missing, to the lovelace and to the token."""
        accounted = (
            self.lovelace_with_people + self.lovelace_in_published_scripts + self.lovelace_in_fees
        )
        return (
            accounted == self.lovelace_at_start
            and self.tokens_with_beneficiaries + self.tokens_returned == self.tokens_minted
        )


@dataclass(frozen=True, slots=True)
class Holdings:
    """What somebody holds."""

    lovelace: int
    tokens: int


async def holdings_of(stage: Stage, name: str, token: AssetId) -> Holdings:
    """What somebody holds now, as Kupo says."""
    address = stage.address(name).to_bech32()
    matches = await stage.backend.kupo.matches(address, unspent=True)
    values = [match.output.value for match in matches]
    return Holdings(
        sum(value.lovelace for value in values), sum(value.quantity(token) for value in values)
    )


async def close_books(stage: Stage, token: AssetId, minted: int, fees_lovelace: int) -> Books:
    """Adds up what everybody holds when the story is over."""
    held = {name: await holdings_of(stage, name, token) for name in stage.keys}
    published = await find_published(stage.backend)
    places = (published.vault, published.registry, published.board)
    scripts = [utxo for utxo in places if utxo is not None]
    return Books(
        lovelace_at_start=sum(FUNDS_LOVELACE.values()),
        lovelace_with_people=sum(holding.lovelace for holding in held.values()),
        lovelace_in_published_scripts=sum(utxo.output.value.lovelace for utxo in scripts),
        lovelace_in_fees=fees_lovelace,
        tokens_minted=minted,
        tokens_with_beneficiaries=sum(held[name].tokens for name in BENEFICIARIES),
        tokens_returned=held["treasury"].tokens,
    )
