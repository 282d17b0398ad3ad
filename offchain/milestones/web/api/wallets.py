"""Whose outputs pay for what is built, and how it is handed over to be signed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, Field

from milestones.cardano.address import Address
from milestones.cardano.transaction import Transaction
from milestones.domain.posix_time import to_posix_seconds
from milestones.domain.reading import HexField, Record
from milestones.errors import InvalidInput
from milestones.keys.browser_wallet import read_address, read_outputs
from milestones.services.results import View
from milestones.services.sending.payer import HandOver, Payer
from milestones.transactions.signers import SigningRequest
from milestones.transactions.words import TransactionInWords, in_words
from milestones.web.api.operation import Asked, Operation
from milestones.web.serving import Serving

MOST_OUTPUTS: Final = 1_000
R = TypeVar("R")
AddressText = Annotated[str, Field(max_length=400)]


class Wallet(Record):
    """A wallet in the browser. `outputs` is what its `getUtxos()` answered, `change_address` is one of its own.

    Addresses are in Bech32, or in hexadecimal as wallets answer them. `acting_address` is the one whose key
    acts, where one has to, such as a creator's; else it is the change address.
    """

    outputs: Annotated[
        tuple[Annotated[str, Field(max_length=40_000)], ...], Field(max_length=MOST_OUTPUTS)
    ]
    change_address: AddressText
    acting_address: AddressText | None = None


class Committee(Record):
    """A committee: its native script as cardano-cli writes it, and the address that puts up collateral.

    That address is a member's, who then signs as well. Kupo has to watch both. What is built can be sent for
    `valid_for_seconds`, two days unless it is given.
    """

    script: dict[str, Any]
    collateral: AddressText
    valid_for_seconds: Annotated[int, Field(ge=300, le=30 * 86_400)] = 2 * 86_400


class WalletPays(Record):
    """What every request for a transaction has: whose outputs pay. A wallet, or a committee."""

    wallet: Wallet | None = None
    committee: Committee | None = None


def read_addresses(text: str, path: str) -> tuple[Address, ...]:
    """Addresses between commas. Raises `InvalidAddress` with a path such as `oracles[2]`."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(read_address(part, f"{path}[{number}]") for number, part in enumerate(parts))


def _with_lists(value: Any) -> Any:
    """JSON as it was sent: in records, lists are tuples."""
    if isinstance(value, tuple):
        return [_with_lists(each) for each in value]
    if isinstance(value, dict):
        return {name: _with_lists(each) for name, each in value.items()}
    return value


class BuiltTransaction(View):
    """A transaction to be signed (`signTx`, with `partialSign`), and what it does, in words.

    `to_sign` are key hashes; after `valid_until` (POSIX seconds) its signatures are worthless.
    """

    transaction_hash: str
    transaction_cbor: HexField
    to_sign: tuple[str, ...]
    valid_until: int | None
    words: TransactionInWords


class Built(View):
    """What was built, in the order in which it has to be sent. Nothing is sent or reserved."""

    transactions: tuple[BuiltTransaction, ...]


@dataclass(slots=True)
class Desk:
    """Takes what a service builds for a wallet. One serves one request."""

    serving: Serving
    asked: list[SigningRequest] = field(default_factory=list)

    def payer(self, body: WalletPays) -> Payer:
        """Whoever pays. Raises `InvalidInput` with a path such as `wallet.outputs[3]`."""
        if body.wallet is not None and body.committee is None:
            return self._of_wallet(body.wallet)
        if body.committee is not None and body.wallet is None:
            return Payer.committee(
                _with_lists(body.committee.script),
                self.serving.backend.network.network_id,
                None,
                collateral=read_address(body.committee.collateral, "committee.collateral"),
                hand_over=HandOver(self.asked.append, body.committee.valid_for_seconds),
            )
        raise InvalidInput(
            "a wallet or a committee pays, one of them",
            path="wallet",
            hint="give what the wallet's getUtxos() and getChangeAddress() returned",
        )

    def _of_wallet(self, wallet: Wallet) -> Payer:
        acting: Address | None = None
        if wallet.acting_address is not None:
            acting = read_address(wallet.acting_address, "wallet.acting_address")
        return Payer.of_wallet(
            read_outputs(wallet.outputs, "wallet.outputs"),
            read_address(wallet.change_address, "wallet.change_address"),
            HandOver(self.asked.append),
            acting=acting,
        )

    async def build(self, body: WalletPays, work: Callable[[Payer], Awaitable[R]]) -> R:
        """What a service reports that builds for whoever pays, when its turn has come."""
        payer = self.payer(body)
        async with self.serving.builds:
            return await work(payer)

    async def built(self) -> tuple[BuiltTransaction, ...]:
        """What was built, in words as well."""
        backend = self.serving.backend
        clock = await backend.ogmios.slot_clock()
        versions = backend.versions or (backend.contract,)
        found = []
        for each in self.asked:
            until = each.valid_until_slot
            found.append(
                BuiltTransaction(
                    transaction_hash=str(each.transaction_id),
                    transaction_cbor=each.transaction_cbor,
                    to_sign=tuple(sorted(key.hex() for key in each.wanted)),
                    valid_until=None if until is None else to_posix_seconds(clock.start_of(until)),
                    words=in_words(
                        Transaction.read(each.transaction_cbor), each.resolved, versions, clock
                    ),
                )
            )
        return tuple(found)


Build = Callable[[Asked, Payer], Awaitable[BaseModel]]


def building(
    *,
    path: str,
    name: str,
    summary: str,
    service: Build,
    answer: type[Built],
    body: type[WalletPays],
) -> Operation:
    """An operation that builds transactions for a wallet: `service` does it, as a dry run that the wallet pays.

    `path` is behind the distribution's. `answer` has what the service reports as `report`.
    """

    async def perform(asked: Asked) -> BaseModel:
        desk = Desk(asked.serving)
        report = await desk.build(asked.body, lambda payer: service(asked, payer))
        return answer.model_validate({"transactions": await desk.built(), "report": report})

    return Operation(
        method="POST",
        path=f"/distributions/{{distribution}}{path}",
        name=name,
        summary=summary,
        perform=perform,
        answer=answer,
        body=body,
    )
