"""Who pays: a payment key, what it owns, and what is on its way to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.clients.kupo_answers import Match
from milestones.errors import InvalidAddress, NotFound
from milestones.services.backend import Backend
from milestones.services.sending.tracking import TrackedSubmission


@dataclass(frozen=True, slots=True)
class Funds:
    """A key's spendable outputs, and the address that change goes to.

    `payer` is the payment key's hash (28 bytes). `oldest` is the output that has been on the chain
    longest, of those with ADA alone if there are any: whoever looks at this wallet finds the same, as
    long as it is unspent.
    """

    payer: bytes
    utxos: tuple[Utxo, ...]
    change_address: Address
    oldest: Utxo | None = None

    @property
    def lovelace(self) -> int:
        """All ADA together."""
        return sum(utxo.output.value.lovelace for utxo in self.utxos)


async def funds_of(
    backend: Backend, payer: bytes, pending: Iterable[TrackedSubmission] = ()
) -> Funds:
    """What a payment key (hash of 28 bytes) can spend now: at any address with its credential.

    What the `pending` transactions in the mempool spend is left out, and their change counts already:
    so that commands can follow each other without waiting for a block. Change returns to the address
    that holds most, so that a staking part is kept. Raises `NotFound` where Kupo doesn't watch the key.
    """
    pattern = f"{payer.hex()}/*"
    matches = await backend.kupo.matches(pattern, unspent=True)
    if not matches and not await backend.kupo.patterns_including(pattern):
        raise NotFound(
            "Kupo does not index this key's addresses, so its funds are not known",
            hint="run `milestones init --signing-key-path FILE` with this key",
            details={"pattern": pattern},
        )
    waiting = [each.submission for each in pending if each.status == "submitted"]
    spent = {reference for submission in waiting for reference in submission.inputs}
    change = [output.utxo() for submission in waiting for output in submission.change]
    known = {utxo.reference: utxo for utxo in (*change, *(match.utxo for match in matches))}
    own = {text for text in {u.output.address for u in known.values()} if _is_of(payer, text)}
    utxos = tuple(
        utxo
        for reference, utxo in known.items()
        if reference not in spent and utxo.output.address in own
    )
    change_address = _change_address(utxos, payer, backend.network.network_id)
    return Funds(payer, utxos, change_address, _oldest(matches, frozenset(utxos)))


def _oldest(matches: Iterable[Match], usable: Collection[Utxo]) -> Utxo | None:
    found = [
        match for match in matches if match.utxo in usable and not match.utxo.output.script_hash
    ]
    oldest = min(found, key=_age_order, default=None)
    return None if oldest is None else oldest.utxo


def _age_order(match: Match) -> tuple[bool, int, OutputReference]:
    return bool(match.output.value.assets), match.created_at.slot, match.reference


def _is_of(payer: bytes, address: str) -> bool:
    """Whether the key spends from it, and this program can read it: others may send to any address."""
    try:
        payment = Address.from_bech32(address).payment
    except InvalidAddress:
        return False
    return payment == key_credential(payer)


def _change_address(utxos: Iterable[Utxo], payer: bytes, network_id: int) -> Address:
    held: dict[str, int] = defaultdict(int)
    for utxo in utxos:
        held[utxo.output.address] += utxo.output.value.lovelace
    if not held:
        return Address(network_id, key_credential(payer))
    return Address.from_bech32(max(held, key=held.__getitem__))
