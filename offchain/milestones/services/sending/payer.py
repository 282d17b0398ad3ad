"""Who pays for a command's transactions: a key that is at hand, or one, or a committee, that is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

from milestones.cardano.address import Address, Credential, key_credential
from milestones.cardano.native_script import from_json, script_address, script_of
from milestones.cardano.outputs import Script, Utxo
from milestones.errors import InvalidInput
from milestones.keys.key_files import SigningKey
from milestones.services.distribution.naming import must_be_of_network
from milestones.transactions.signers import Signer, SigningRequest

USUAL_SECONDS: Final = 7_200
"""How long a transaction can be included; after that it is known to be void, and safe to replace."""
LONGEST_SECONDS: Final = 30 * 86_400
"""No node foresees its slots further than that."""


@dataclass(frozen=True, slots=True)
class HandOut:
    """Where transactions go instead of to the chain: a file for whoever signs, further ones numbered.

    `valid_for_seconds`: until when they must be signed and sent. What they need stays reserved as long.
    """

    file: Path
    valid_for_seconds: int = USUAL_SECONDS

    def __post_init__(self) -> None:
        _must_be_possible(self.valid_for_seconds)

    def file_of(self, number: int) -> Path:
        """The file of the transaction of this number, from 0 on: `open.tx`, `open-2.tx`."""
        if number == 0:
            return self.file
        return self.file.with_name(f"{self.file.stem}-{number + 1}{self.file.suffix}")


@dataclass(frozen=True, slots=True)
class HandOver:
    """Who is given what a dry run builds, to be signed: nothing is written down or reserved for it.

    `valid_for_seconds`: until when it must be signed and sent.
    """

    take: Callable[[SigningRequest], None]
    valid_for_seconds: int = USUAL_SECONDS

    def __post_init__(self) -> None:
        _must_be_possible(self.valid_for_seconds)


def _must_be_possible(valid_for_seconds: int) -> None:
    if not 300 <= valid_for_seconds <= LONGEST_SECONDS:
        raise InvalidInput(
            f"{valid_for_seconds} seconds are too few or too many",
            path="valid_for",
            hint="give 5 minutes to 30 days; a network with short forecasts allows less",
        )


def account_pattern(staking: Credential) -> str:
    """What the index is asked for: all outputs with this staking part."""
    return f"*/{staking.hash.hex()}"


@dataclass(frozen=True, kw_only=True)
class Payer:
    """Whose outputs pay, where change returns, and who signs.

    `signers` are at hand; without them everything is handed out to be signed (`hand_out`). `address` is
    the one whose outputs pay, and change returns there; all of the credential's pay without it. With
    `whole_account` outputs at every key's address with the same staking part pay, too: a wallet has many
    keys. A committee is a native `script`; no script can hold collateral, so `collateral` is the address of a
    key that does, and signs for it.

    A wallet that nobody here watches says itself what it holds: `wallet`. `hand_over` is given what a dry run
    builds: anybody may ask for a transaction, and most are never signed.
    """

    credential: Credential
    signers: tuple[Signer, ...] = ()
    address: Address | None = None
    whole_account: bool = False
    script: Script | None = None
    collateral: Address | None = None
    hand_out: HandOut | None = None
    wallet: tuple[Utxo, ...] | None = None
    hand_over: HandOver | None = None

    @classmethod
    def of(cls, who: PaidBy) -> Payer:
        """A key that pays and signs; a payer as it is."""
        if isinstance(who, Payer):
            return who
        return cls(credential=key_credential(who.key_hash), signers=(who,))

    @classmethod
    def elsewhere(
        cls, address: Address, hand_out: HandOut, *, whole_account: bool = False
    ) -> Payer:
        """A key that is elsewhere, or a wallet of many: what is built is handed out unsigned.

        Raises `InvalidInput` about `payer` for a script's address, and about `payer_account` for one without
        a staking part.
        """
        if address.payment.kind == "script":
            raise InvalidInput(
                "the address is a script's, and that script isn't given",
                path="payer",
                hint="give the native script's file, as cardano-cli writes it, instead of its address",
            )
        if whole_account and address.staking is None:
            raise InvalidInput(
                "the address has no staking part, which its account would have in common",
                path="payer_account",
                hint="give --payer with an address that has one, or leave --payer-account out",
            )
        return cls(
            credential=address.payment,
            address=address,
            whole_account=whole_account,
            hand_out=hand_out,
        )

    @classmethod
    def committee(
        cls,
        script: Any,
        network_id: int,
        hand_out: HandOut | None,
        *,
        collateral: Address | None = None,
        hand_over: HandOver | None = None,
    ) -> Payer:
        """A committee: a native script in cardano-cli's JSON, which pays from all addresses of its own.

        Change returns to the address that holds most, so that a staking part is kept. Raises
        `InvalidEncoding` about `payer`, and `InvalidInput` about `collateral` where no key puts up any.
        """
        if collateral is None or collateral.payment.kind != "key":
            raise InvalidInput(
                "a committee's own outputs can't be collateral: the ledger wants a key's",
                path="collateral",
                hint="give --collateral with the address of a member, who then signs as well",
            )
        address = script_address(script, network_id, "payer")
        return cls(
            credential=address.payment,
            script=script_of(from_json(script, "payer")),
            collateral=collateral,
            hand_out=hand_out,
            hand_over=hand_over,
        )

    @classmethod
    def of_wallet(
        cls,
        outputs: Iterable[Utxo],
        change_address: Address,
        hand_over: HandOver,
        *,
        acting: Address | None = None,
    ) -> Payer:
        """A wallet with any number of keys, whose spendable `outputs` it names itself.

        What it says of them is believed: the chain takes no transaction that rests on anything else.
        `acting` is the address whose key acts, where one has to: a creator's; by default the change's. Raises
        `InvalidInput` about `change_address` where no key could spend the change.
        """
        if change_address.payment.kind != "key":
            raise InvalidInput(
                "change can't return to a script's address",
                path="change_address",
                hint="give an address of the wallet",
            )
        return cls(
            credential=(acting or change_address).payment,
            address=change_address,
            wallet=tuple(outputs),
            hand_over=hand_over,
        )

    def must_be_on(self, network_id: int) -> None:
        """The addresses that pay, and put up collateral, are of the node's network. Raises `InvalidAddress`."""
        for address, path in ((self.address, "payer"), (self.collateral, "collateral")):
            if address is not None:
                must_be_of_network(address, network_id, path, where="the node")

    @property
    def valid_for_seconds(self) -> int:
        """How long what it pays for can be included."""
        handed = self.hand_out or self.hand_over
        return USUAL_SECONDS if handed is None else handed.valid_for_seconds

    @property
    def pattern(self) -> str:
        """What the index is asked for: its outputs."""
        if self._staking is not None:
            return account_pattern(self._staking)
        if self.address is not None:
            return self.address.to_bech32()
        return f"{self.credential.hash.hex()}/*"

    @property
    def _staking(self) -> Credential | None:
        return self.address.staking if self.whole_account and self.address is not None else None

    @cached_property
    def _wallet_addresses(self) -> frozenset[str]:
        return frozenset(utxo.output.address for utxo in self.wallet or ())

    def owns(self, address: Address) -> bool:
        """Whether an output at this address can pay."""
        if self.wallet is not None:
            return address == self.address or (
                address.payment.kind == "key" and address.to_bech32() in self._wallet_addresses
            )
        if self._staking is not None:
            return address.payment.kind == "key" and address.staking == self._staking
        if self.address is not None:
            return address == self.address
        return address.payment == self.credential


PaidBy: TypeAlias = SigningKey | Payer
"""Who pays: a key's file, which signs at once, or `Payer.elsewhere`."""
