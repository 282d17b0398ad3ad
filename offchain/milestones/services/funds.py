"""Who pays: a key, what it owns, and what is on its way to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.value import AssetId, Value
from milestones.errors import NotFound
from milestones.services.backend import Backend
from milestones.services.standing import find_block
from milestones.storage.journal import Submission
from milestones.transactions.wallet import SigningKey


@dataclass(frozen=True, slots=True)
class Funds:
    """A key's spendable outputs, and the address that change goes to."""

    key: SigningKey
    utxos: tuple[Utxo, ...]
    change_address: Address

    @property
    def lovelace(self) -> int:
        """All ADA together."""
        return sum(utxo.output.value.lovelace for utxo in self.utxos)


async def funds_of(backend: Backend, key: SigningKey) -> Funds:
    """What the key can spend now: at any address with its payment credential.

    What transactions in the journal spend is left out, and their change counts already: so that
    commands can follow each other without waiting for a block. Change returns to the address that
    holds most, so that a staking part is kept. Raises `NotFound` where Kupo doesn't watch the key.
    """
    pattern = f"{key.key_hash.hex()}/*"
    matches = await backend.kupo.matches(pattern, unspent=True)
    if not matches and not await backend.kupo.patterns_including(pattern):
        raise NotFound(
            "Kupo does not index this key's addresses, so its funds are not known",
            hint="run `milestones init --signing-key-path FILE` with this key",
            details={"pattern": pattern},
        )
    pending = [s for s in backend.storage.journal.pending() if await _is_open(backend, s)]
    spent = {reference for submission in pending for reference in submission.inputs}
    known = {match.reference: match.utxo for match in matches}
    for submission in pending:
        for entry in _change_in(submission):
            utxo = _utxo_from_json(entry)
            if Address.from_bech32(utxo.output.address).payment.hash == key.key_hash:
                known.setdefault(utxo.reference, utxo)
    utxos = tuple(utxo for reference, utxo in known.items() if reference not in spent)
    return Funds(key, utxos, _change_address(utxos, key, backend.network.network_id))


async def _is_open(backend: Backend, submission: Submission) -> bool:
    """Whether a block may still come with it: none has it so far, and its time is not up.

    The journal keeps what nobody has asked for again as pending, long after its change is spent.
    """
    if await find_block(backend, submission.transaction_id) is not None:
        return False
    tip, limit = await backend.ogmios.network_tip(), submission.valid_until_slot
    return limit is None or tip is None or tip.slot < limit


def change_to_json(utxos: Iterable[Utxo]) -> list[Any]:
    """Outputs as the journal keeps them under `change`."""
    return [
        {
            "reference": str(utxo.reference),
            "address": utxo.output.address,
            "lovelace": utxo.output.value.lovelace,
            "assets": {str(asset): n for asset, n in utxo.output.value.assets.items()},
        }
        for utxo in utxos
    ]


def _change_in(submission: Submission) -> list[Any]:
    change = submission.details.get("change")
    return change if isinstance(change, list) else []


def _utxo_from_json(entry: Any) -> Utxo:
    assets = {}
    for name, quantity in entry["assets"].items():
        policy_id, _, asset_name = name.partition(".")
        assets[AssetId(bytes.fromhex(policy_id), bytes.fromhex(asset_name))] = quantity
    output = TransactionOutput(entry["address"], Value(entry["lovelace"], assets))
    return Utxo(OutputReference.parse(entry["reference"]), output)


def _change_address(utxos: Iterable[Utxo], key: SigningKey, network_id: int) -> Address:
    largest = max(utxos, key=lambda utxo: utxo.output.value.lovelace, default=None)
    if largest is None:
        return key.address(network_id)
    return Address.from_bech32(largest.output.address)
