"""What an output is to the contract: by its address, its token, and what its datum says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from milestones.cardano.address import Address
from milestones.cardano.outputs import TransactionOutput
from milestones.cardano.value import AssetId, Value
from milestones.errors import InvalidAddress, InvalidInput
from milestones.protocol.datums import (
    ATTESTATION_LABEL,
    BOARD_LABEL,
    HOME_LABEL,
    NOTICE_LABEL,
    PROPOSAL_LABEL,
    TERMS_LABEL,
    VAULT_LABEL,
    Attestation,
    Board,
    Notice,
    Proposal,
    VaultState,
)
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract

Subject = Terms | VaultState | Attestation | Board | Proposal | Notice


@dataclass(frozen=True, slots=True)
class Place:
    """What an output is for. `role` is one word; `subject` what its datum says, where that is known."""

    role: str
    meaning: str
    subject: Subject | None = None

    @property
    def knows_datum(self) -> bool:
        """Whether this program knows what the datum says."""
        return self.subject is not None


_ROLES: Final = (
    (TERMS_LABEL, "terms"),
    (VAULT_LABEL, "vault"),
    (ATTESTATION_LABEL, "attestation"),
    (NOTICE_LABEL, "notice"),
    (HOME_LABEL, "home"),
    (PROPOSAL_LABEL, "proposal"),
    (BOARD_LABEL, "board"),
)
_MEANINGS: Final = {
    "terms": "the terms of distribution {id}: they stay as they are until it ends",
    "vault": "page {page} of distribution {id}: {remaining:,} of its token are left there, which only its"
    " rules pay out",
    "attestation": "that milestone {milestone} of distribution {id} is complete",
    "notice": "notice that distribution {id} will be ended",
    "home": "the word that all of distribution {id} may go home",
    "proposal": "a proposal that milestone {milestone} of distribution {id} is complete, and its bond",
    "board": "the board that says which oracles of distribution {id} count",
}


@dataclass(frozen=True, slots=True)
class Recognition:
    """The versions of the contract that this program knows."""

    contracts: Sequence[Contract]

    def contract_of(self, script_hash: bytes) -> Contract | None:
        """The version that has a script with this hash (28 bytes)."""
        return next((each for each in self.contracts if script_hash in each.own_scripts), None)

    @property
    def marks(self) -> frozenset[bytes]:
        """The policies of tokens that mark the contract's outputs."""
        return frozenset(p for each in self.contracts for p in (each.policy_id, each.board_policy))

    def name_of(self, script_hash: bytes) -> str | None:
        """What the contract calls its script with this hash."""
        contract = self.contract_of(script_hash)
        if contract is None:
            return None
        names = {
            contract.vault_hash: "vault",
            contract.policy_id: "registry",
            contract.board_policy: "board",
        }
        return names[script_hash]

    def place_of(self, output: TransactionOutput) -> Place | None:
        """What an output is to the contract; None where it is nothing to it.

        What is at the contract's address without a token of the contract's can never be spent.
        """
        contract = self._at(output.address)
        if contract is None:
            return None
        if output.script_hash is not None and output.inline_datum is None:
            name = self.name_of(output.script_hash)
            what = f"the contract's script {name}" if name else "a script that isn't known"
            return Place("publication", f"publishes {what}; its deposit stays there for ever")
        for asset in output.value.assets:
            if asset.policy_id in (contract.policy_id, contract.board_policy):
                return _marked(asset, contract, output)
        return Place(
            "without_token", "at the contract's address without a token of the contract's: for ever"
        )

    def _at(self, address: str) -> Contract | None:
        try:
            payment = Address.from_bech32(address).payment
        except InvalidAddress:
            return None
        found = self.contract_of(payment.hash) if payment.kind == "script" else None
        return found if found is not None and payment.hash == found.vault_hash else None


def _marked(asset: AssetId, contract: Contract, output: TransactionOutput) -> Place:
    role = next((role for label, role in _ROLES if asset.asset_name.startswith(label)), "unknown")
    on_board = asset.policy_id == contract.board_policy
    if on_board != (role in ("notice", "home", "proposal", "board")):
        role = "unknown"
    subject = _subject(role, output)
    if subject is None:
        return Place(role, "one of the contract's, whose datum can't be read")
    return Place(role, _MEANINGS[role].format(**_facts(subject)), subject)


def _subject(role: str, output: TransactionOutput) -> Subject | None:
    if output.inline_datum is None:
        return None
    try:
        if role == "terms":
            network_id = Address.from_bech32(output.address).network_id
            return Terms.found(output.inline_datum, network_id)
        kind = _DATUMS.get(role)
        return None if kind is None else kind.decode(output.inline_datum)
    except InvalidInput:
        return None


_DATUMS: Final[dict[str, type[VaultState | Attestation | Board | Proposal | Notice]]] = {
    "vault": VaultState,
    "attestation": Attestation,
    "notice": Notice,
    "home": Notice,
    "proposal": Proposal,
    "board": Board,
}


def _facts(subject: Subject) -> dict[str, object]:
    facts: dict[str, object] = {"id": subject.distribution_id.hex()}
    if isinstance(subject, VaultState):
        facts |= {"page": subject.page, "remaining": subject.remaining}
    if isinstance(subject, (Attestation, Proposal)):
        facts["milestone"] = repr(subject.milestone_identifier)
    return facts


def name_of(asset: AssetId) -> str:
    """A token's name as text; empty where it isn't printable. Anybody can give a token any name."""
    try:
        text = asset.asset_name.decode()
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() else ""


def amount_in_words(value: Value) -> str:
    """A value as people read it: ADA with six digits, tokens by name and policy."""
    parts = [f"{quantity:,} {_token(asset)}" for asset, quantity in value.assets.items()]
    if value.lovelace or not parts:
        sign, lovelace = "-" if value.lovelace < 0 else "", abs(value.lovelace)
        parts.insert(0, f"{sign}{lovelace // 1_000_000:,}.{lovelace % 1_000_000:06} ADA")
    return ", ".join(parts)


def _token(asset: AssetId) -> str:
    name = name_of(asset) or f"0x{asset.asset_name.hex()}"
    return f"{name} (policy {asset.policy_id.hex()})"
