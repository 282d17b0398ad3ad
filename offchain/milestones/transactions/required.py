"""Whose signatures a transaction needs: seen from its bytes, and from what its inputs hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from milestones.cardano.address import Address, Credential
from milestones.cardano.certificates import PoolRegistration, consenting
from milestones.cardano.native_script import (
    NativeScript,
    fewest_signers,
    from_cbor,
    signers_of,
    signers_within,
)
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.transaction import Transaction, TransactionBody
from milestones.errors import InvalidAddress

_NOBODY: Final[frozenset[bytes]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredSignatures:
    """Key hashes (28 bytes) that must sign, and native scripts that must agree.

    `unknown` counts inputs whose outputs weren't given: who locks them is not known. Where it is 0, and
    the transaction has no votes, nobody else is needed.
    """

    keys: frozenset[bytes]
    scripts: tuple[NativeScript, ...] = ()
    valid_from_slot: int | None = None
    valid_until_slot: int | None = None
    unknown: int = 0

    @property
    def is_complete(self) -> bool:
        """Whether all are known who must sign."""
        return self.unknown == 0

    def is_needed(self, key_hash: bytes) -> bool:
        """Whether a signature of this key can be of use; also where it isn't known that it can't."""
        named = (signers_of(script) for script in self.scripts)
        return not self.is_complete or key_hash in self.keys.union(*named)

    def fewest(self, signed: Iterable[bytes]) -> frozenset[bytes] | None:
        """As few of those who have signed as are enough; None where they are not.

        Where not all is known that is needed, all of them.
        """
        have = frozenset(signed)
        if not self.is_complete:
            return have
        chosen = self.keys
        for script in self.scripts:
            more = self._fewest_of(script, have, chosen)
            if more is None:
                return None
            chosen |= more
        return chosen if chosen <= have else None

    def missing(self, signed: Iterable[bytes]) -> frozenset[bytes]:
        """Who hasn't signed, and could: of a script that doesn't agree yet, all that count in its validity."""
        have = frozenset(signed)
        open_scripts = (
            signers_within(script, self.valid_from_slot, self.valid_until_slot)
            for script in self.scripts
            if self._fewest_of(script, have) is None
        )
        return self.keys.union(*open_scripts) - have

    def missing_count(self, signed: Iterable[bytes]) -> int | None:
        """How many more must sign at least; None where no signatures are enough: a time lock doesn't hold."""
        have = frozenset(signed) | self.keys
        chosen = self.keys - frozenset(signed)
        for script in self.scripts:
            more = self._fewest_of(script, signers_of(script) | have, have | chosen)
            if more is None:
                return None
            chosen |= more - have
        return len(chosen)

    def _fewest_of(
        self, script: NativeScript, available: frozenset[bytes], anyway: frozenset[bytes] = _NOBODY
    ) -> frozenset[bytes] | None:
        bounds = (self.valid_from_slot, self.valid_until_slot)
        return fewest_signers(script, available, *bounds, anyway=anyway)


def required_signatures(transaction: Transaction, known: Iterable[Utxo] = ()) -> RequiredSignatures:
    """Who must sign. `known` are outputs that it spends, puts up as collateral or refers to."""
    body = transaction.body
    outputs = {utxo.reference: utxo.output for utxo in known}
    spent = (*body.inputs, *body.collateral)
    addresses = [_payment(outputs[each].address) for each in spent if each in outputs]
    keys = {each.hash for each in addresses if each is not None and each.kind == "key"}
    locks = {each.hash for each in addresses if each is not None and each.kind == "script"}
    locks |= {asset.policy_id for asset in body.mint.assets}
    accounts = _accounts(body)
    locks |= {each.hash for each in accounts if each.kind == "script"}
    carried = [output.script for output in outputs.values() if output.script is not None]
    natives = {
        script
        for script in (*transaction.witnesses.scripts, *carried)
        if script.language == "native" and _is_called(script, locks, transaction)
    }
    return RequiredSignatures(
        keys=frozenset(keys | set(body.required_signers) | _owners(body, accounts)),
        scripts=tuple(from_cbor(script.code) for script in sorted(natives, key=lambda s: s.code)),
        valid_from_slot=body.valid_from_slot,
        valid_until_slot=body.valid_until_slot,
        unknown=sum(each not in outputs for each in spent) + len(body.other),
    )


def _is_called(script: Script, locks: set[bytes], transaction: Transaction) -> bool:
    """Whether the script must agree: a witness that nobody needs is refused, so each does."""
    return script in transaction.witnesses.scripts or script.hash() in locks


def _payment(address: str) -> Credential | None:
    try:
        return Address.from_bech32(address).payment
    except InvalidAddress:
        return None


def _accounts(body: TransactionBody) -> set[Credential]:
    """Who must consent to withdrawals and certificates."""
    certified = {consenting(each) for each in body.certificates} - {None}
    return {account.credential for account in body.withdrawals} | {
        each for each in certified if each is not None
    }


def _owners(body: TransactionBody, accounts: set[Credential]) -> set[bytes]:
    pools = [each.pool for each in body.certificates if isinstance(each, PoolRegistration)]
    owners = {owner for pool in pools for owner in pool.owners}
    return owners | {each.hash for each in accounts if each.kind == "key"}
