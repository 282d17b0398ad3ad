"""Who pays: a payment key, what it owns, and what is on its way to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.clients.kupo_answers import Match
from milestones.clients.mempool import Mempool
from milestones.errors import InvalidAddress, NotFound
from milestones.services.backend import Backend
from milestones.services.sending.tracking import TrackedSubmission


@dataclass(frozen=True, slots=True)
class Funds:
    """A key's spendable outputs, and the address that change goes to.

    `payer` is the payment key's hash (28 bytes). `oldest` is the output that has been on the chain
    longest, of those with ADA alone if there are any: whoever looks at this wallet finds the same, as
    long as it is unspent. `reserved` are outputs that other processes are about to spend, and `holders`
    says who by output; they are in none of `utxos`, and one of them may be the oldest. `not_spent` are the
    key's as well, and carry a script: somebody published it.
    """

    payer: bytes
    utxos: tuple[Utxo, ...]
    change_address: Address
    oldest: Utxo | None = None
    reserved: tuple[Utxo, ...] = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    not_spent: tuple[Utxo, ...] = ()

    @property
    def lovelace(self) -> int:
        """All ADA together."""
        return sum(utxo.output.value.lovelace for utxo in self.utxos)

    @property
    def free_lovelace(self) -> int:
        """All ADA that nobody else has reserved."""
        free = (utxo for utxo in self.utxos if str(utxo.reference) not in self.holders)
        return sum(utxo.output.value.lovelace for utxo in free)

    @property
    def all_utxos(self) -> tuple[Utxo, ...]:
        """With what is reserved."""
        return (*self.utxos, *self.reserved)


async def funds_of(
    backend: Backend,
    payer: bytes,
    pending: Iterable[TrackedSubmission] = (),
    *,
    mempool: Mempool | None = None,
    holders: Mapping[str, str] | None = None,
) -> Funds:
    """What a payment key (hash of 28 bytes) can spend now: at any address with its credential.

    What the `pending` transactions spend, and all others in the `mempool`, is left out, and their change
    counts already: so that commands can follow each other without waiting for a block. Of a mempool that
    is change what a transaction leaves that spends some of the key's; what others pay it counts only in a
    block. `holders` says what is reserved (`<transaction id>#<index>`), and by whom. Change returns to the
    address that holds most, so that a staking part is kept. Raises `NotFound` where Kupo doesn't watch
    the key.
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
    for transaction in (mempool or Mempool()).transactions:
        if not known.keys().isdisjoint(transaction.inputs):
            known |= {utxo.reference: utxo for utxo in transaction.outputs}
        spent.update(transaction.inputs)
    own = {text for text in {u.output.address for u in known.values()} if _is_of(payer, text)}
    utxos = tuple(
        utxo
        for reference, utxo in known.items()
        if reference not in spent and utxo.output.address in own
    )
    usable = tuple(utxo for utxo in utxos if utxo.output.script_hash is None)
    kept = holders or {}
    reserved = tuple(utxo for utxo in usable if str(utxo.reference) in kept)
    return Funds(
        payer=payer,
        utxos=tuple(utxo for utxo in usable if utxo not in reserved) if reserved else usable,
        change_address=_change_address(utxos, payer, backend.network.network_id),
        oldest=_oldest(matches, frozenset(usable)),
        reserved=reserved,
        holders=kept,
        not_spent=tuple(utxo for utxo in utxos if utxo.output.script_hash is not None),
    )


def _oldest(matches: Iterable[Match], usable: Collection[Utxo]) -> Utxo | None:
    found = [match for match in matches if match.utxo in usable]
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
