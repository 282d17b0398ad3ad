"""Who pays: a key, what it owns, and what is on its way to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.clients.kupo_answers import Match
from milestones.errors import InvalidAddress, NotFound
from milestones.services.backend import Backend
from milestones.services.submitting.earlier import on_its_way
from milestones.transactions.wallet import SigningKey


@dataclass(frozen=True, slots=True)
class Funds:
    """A key's spendable outputs, and the address that change goes to.

    `oldest` is the one that has been on the chain longest, of those with ADA alone if there are any:
    whoever looks at this wallet finds the same, as long as it is unspent.
    """

    key: SigningKey
    utxos: tuple[Utxo, ...]
    change_address: Address
    oldest: Utxo | None = None

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
    # Asked first: what a block takes up meanwhile is then either still here, or already there.
    pending = await on_its_way(backend)
    matches = await backend.kupo.matches(pattern, unspent=True)
    if not matches and not await backend.kupo.patterns_including(pattern):
        raise NotFound(
            "Kupo does not index this key's addresses, so its funds are not known",
            hint="run `milestones init --signing-key-path FILE` with this key",
            details={"pattern": pattern},
        )
    spent = {reference for submission in pending for reference in submission.inputs}
    change = [output.utxo() for each in pending for output in each.change]
    known = {utxo.reference: utxo for utxo in (*change, *(match.utxo for match in matches))}
    own = {text for text in {u.output.address for u in known.values()} if _is_of(key, text)}
    utxos = tuple(
        utxo
        for reference, utxo in known.items()
        if reference not in spent and utxo.output.address in own
    )
    change_address = _change_address(utxos, key, backend.network.network_id)
    return Funds(key, utxos, change_address, _oldest(matches, frozenset(utxos)))


def _oldest(matches: Iterable[Match], usable: Collection[Utxo]) -> Utxo | None:
    found = [
        match for match in matches if match.utxo in usable and not match.utxo.output.script_hash
    ]
    age = min(found, key=_youth, default=None)
    return None if age is None else age.utxo


def _youth(match: Match) -> tuple[bool, int, OutputReference]:
    return bool(match.output.value.assets), match.created_at.slot, match.reference


def _is_of(key: SigningKey, address: str) -> bool:
    """Whether the key spends from it, and this program can read it: others may send to any address."""
    try:
        payment = Address.from_bech32(address).payment
    except InvalidAddress:
        return False
    return payment == key_credential(key.key_hash)


def _change_address(utxos: Iterable[Utxo], key: SigningKey, network_id: int) -> Address:
    held: dict[str, int] = defaultdict(int)
    for utxo in utxos:
        held[utxo.output.address] += utxo.output.value.lovelace
    if not held:
        return key.address(network_id)
    return Address.from_bech32(max(held, key=held.__getitem__))
