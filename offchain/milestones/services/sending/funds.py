"""What whoever pays owns, and what is on its way there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, Utxo
from milestones.clients.kupo_answers import Match
from milestones.clients.mempool import Mempool
from milestones.errors import InvalidAddress, NotFound
from milestones.services.backend import Backend
from milestones.services.sending.payer import Payer
from milestones.services.sending.tracking import TrackedSubmission


@dataclass(frozen=True, slots=True)
class Funds:
    """A payer's spendable outputs, and the address that change goes to.

    `oldest` is the output that has been on the chain longest, of those with ADA alone if there are any:
    whoever looks at this wallet finds the same, as long as it is unspent. `reserved` are outputs that other
    processes are about to spend, or that what waits for signatures needs, and `holders` says who by output;
    they are in none of `utxos`, and one of them may be the oldest. `not_spent` are the payer's as well, and
    carry a script: somebody published it. `collateral` is what somebody else puts up; None: the payer does.
    """

    payer: Payer
    utxos: tuple[Utxo, ...]
    change_address: Address
    oldest: Utxo | None = None
    reserved: tuple[Utxo, ...] = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    not_spent: tuple[Utxo, ...] = ()
    collateral: tuple[Utxo, ...] | None = None

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
    payer: Payer,
    pending: Iterable[TrackedSubmission] = (),
    *,
    mempool: Mempool | None = None,
    holders: Mapping[str, str] | None = None,
) -> Funds:
    """What a payer can spend now: at the address that is named, else at any with the credential.

    What the `pending` transactions spend, and all others in the `mempool`, is left out, and their change
    counts already: so that commands can follow each other without waiting for a block. Of a mempool that
    is change what a transaction leaves that spends some of the key's; what others pay it counts only in a
    block. `holders` says what is reserved (`<transaction id>#<index>`), and by whom. Change returns to the
    address that holds most, so that a staking part is kept. Raises `NotFound` where Kupo doesn't watch
    the key.
    """
    matches = [] if payer.wallet is not None else await _matches(backend, payer.pattern)
    waiting = [each.submission for each in pending if each.status == "submitted"]
    spent = {reference for submission in waiting for reference in submission.inputs}
    change = [output.utxo() for submission in waiting for output in submission.change]
    held = payer.wallet or (match.utxo for match in matches)
    known = {utxo.reference: utxo for utxo in (*change, *held)}
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
        collateral=await _collateral(backend, payer, kept),
        oldest=_oldest(matches, frozenset(usable)),
        reserved=reserved,
        holders=kept,
        not_spent=tuple(utxo for utxo in utxos if utxo.output.script_hash is not None),
    )


async def _matches(backend: Backend, pattern: str) -> list[Match]:
    matches = await backend.kupo.matches(pattern, unspent=True)
    if not matches and not await backend.kupo.patterns_including(pattern):
        raise NotFound(
            "Kupo does not index the payer's addresses, so its funds are not known",
            hint="run `milestones init --signing-key-path FILE` with this key, or `milestones init"
            " --payer ADDRESS`, with --payer-account for a whole account",
            details={"pattern": pattern},
        )
    return matches


def _oldest(matches: Iterable[Match], usable: Collection[Utxo]) -> Utxo | None:
    found = [match for match in matches if match.utxo in usable]
    oldest = min(found, key=_age_order, default=None)
    return None if oldest is None else oldest.utxo


def _age_order(match: Match) -> tuple[bool, int, OutputReference]:
    return bool(match.output.value.assets), match.created_at.slot, match.reference


def _is_of(payer: Payer, address: str) -> bool:
    """Whether it spends from there, and this program can read it: others may send to any address."""
    try:
        return payer.owns(Address.from_bech32(address))
    except InvalidAddress:
        return False


async def _collateral(
    backend: Backend, payer: Payer, holders: Mapping[str, str]
) -> tuple[Utxo, ...] | None:
    """What somebody else puts up for the payer; None where the payer does."""
    if payer.collateral is None:
        return None
    address = payer.collateral.to_bech32()
    matches = await backend.kupo.matches(address, unspent=True)
    if not matches and not await backend.kupo.patterns_including(address):
        raise NotFound(
            "Kupo does not index the address that puts up collateral",
            hint="run `milestones init --payer ADDRESS` with it",
            details={"pattern": address},
        )
    free = (match.utxo for match in matches if str(match.reference) not in holders)
    return tuple(utxo for utxo in free if utxo.output.script_hash is None)


def _change_address(utxos: Iterable[Utxo], payer: Payer, network_id: int) -> Address:
    if payer.address is not None:
        return payer.address
    held: dict[str, int] = defaultdict(int)
    for utxo in utxos:
        held[utxo.output.address] += utxo.output.value.lovelace
    if not held:
        return Address(network_id, payer.credential)
    return Address.from_bech32(max(held, key=held.__getitem__))
