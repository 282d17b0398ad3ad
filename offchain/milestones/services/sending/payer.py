"""Who pays for a command's transactions: a key that is at hand, or one, or a committee, that is elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from milestones.cardano.address import Address, Credential, key_credential
from milestones.cardano.native_script import from_json, script_address, script_of
from milestones.cardano.outputs import Script
from milestones.errors import InvalidInput
from milestones.keys.key_files import SigningKey
from milestones.services.distribution.naming import must_be_of_network
from milestones.transactions.signers import Signer

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
        if not 300 <= self.valid_for_seconds <= LONGEST_SECONDS:
            raise InvalidInput(
                f"{self.valid_for_seconds} seconds are too few or too many",
                path="valid_for",
                hint="give 5 minutes to 30 days; a network with short forecasts allows less",
            )

    def file_of(self, number: int) -> Path:
        """The file of the transaction of this number, from 0 on: `open.tx`, `open-2.tx`."""
        if number == 0:
            return self.file
        return self.file.with_name(f"{self.file.stem}-{number + 1}{self.file.suffix}")


def account_pattern(staking: Credential) -> str:
    """What the index is asked for: all outputs with this staking part."""
    return f"*/{staking.hash.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Whose outputs pay, where change returns, and who signs.

    `signers` are at hand; without them everything is handed out to be signed (`hand_out`). `address` is
    the one whose outputs pay, and change returns there; all of the credential's pay without it. With
    `whole_account` outputs at every key's address with the same staking part pay, too: a wallet has many
    keys. A committee is a native `script`; no script can hold collateral, so `collateral` is the address of a
    key that does, and signs for it.
    """

    credential: Credential
    signers: tuple[Signer, ...] = ()
    address: Address | None = None
    whole_account: bool = False
    script: Script | None = None
    collateral: Address | None = None
    hand_out: HandOut | None = None

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
        cls, script: Any, network_id: int, hand_out: HandOut, *, collateral: Address | None = None
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
        )

    def must_be_on(self, network_id: int) -> None:
        """The addresses that pay, and put up collateral, are of the node's network. Raises `InvalidAddress`."""
        for address, path in ((self.address, "payer"), (self.collateral, "collateral")):
            if address is not None:
                must_be_of_network(address, network_id, path, where="the node")

    @property
    def valid_for_seconds(self) -> int:
        """How long what it pays for can be included."""
        return USUAL_SECONDS if self.hand_out is None else self.hand_out.valid_for_seconds

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

    def owns(self, address: Address) -> bool:
        """Whether an output at this address can pay."""
        if self._staking is not None:
            return address.payment.kind == "key" and address.staking == self._staking
        if self.address is not None:
            return address == self.address
        return address.payment == self.credential


PaidBy: TypeAlias = SigningKey | Payer
"""Who pays: a key's file, which signs at once, or `Payer.elsewhere`."""
