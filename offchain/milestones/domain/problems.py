"""What rules have in common: what they depend on, and problems that several fields can have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, StakeAddress
from milestones.cardano.network import kind_of
from milestones.domain.models import MILESTONE_BYTES
from milestones.domain.reading import Problem
from milestones.errors import InvalidEncoding

AMOUNT_LIMIT: Final = 1 << 63
DATUM_BYTES: Final = 8_192
"""A payout's datum travels in the transaction that pays it, beside everything else."""
HASH_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the rules depend on beside the schedule itself.

    `now_posix_ms` is the chain's time, or this machine's where no chain is asked. `own_scripts` are the
    hashes (28 bytes) of the contract's scripts. `scripts_may_benefit` lets scripts be beneficiaries
    without a datum: a Plutus V1 or V2 script could never spend such a payout; the hash doesn't say which
    it is, so it takes somebody who knows the script to say so. `is_series`: the rows are cut into several
    distributions, so that neither their number nor their sum has a limit.
    """

    now_posix_ms: int
    own_scripts: Collection[bytes] = ()
    scripts_may_benefit: bool = False
    is_series: bool = False


def network_problems(
    address: Address | StakeAddress, network_id: int, path: str
) -> Iterator[Problem]:
    """An address that belongs to another network than the distribution."""
    if address.network_id != network_id:
        yield Problem(
            path,
            f"an address of {kind_of(address.network_id)} in a distribution on {kind_of(network_id)}",
            "give the address that belongs to the network, or correct the network's magic",
        )


def amount_problems(amount: int, path: str) -> Iterator[Problem]:
    """An amount that is none, or more than the ledger can hold."""
    if amount <= 0:
        yield Problem(
            path,
            f"an amount is greater than zero, not {amount}",
            "give the amount in the token's smallest unit, or leave the allocation out",
        )
    elif amount >= AMOUNT_LIMIT:
        yield Problem(
            path,
            f"{amount} is over 2^63 - 1, the ledger's limit",
            "give the amount in the token's smallest unit",
        )


def milestone_problems(identifier: str, path: str) -> Iterator[Problem]:
    """A milestone's identifier that is empty or too long."""
    length = len(identifier.encode())
    if not 1 <= length <= MILESTONE_BYTES:
        yield Problem(
            path,
            f"an identifier has 1 to {MILESTONE_BYTES} bytes of UTF-8, not {length}",
            "give a name that is not empty, or a shorter one",
        )


def datum_problems(datum: bytes | None, datum_hash: bytes | None, prefix: str) -> Iterator[Problem]:
    """A datum that no output can carry; the fields are named `datum` and `datum_hash` after `prefix`."""
    if datum is not None and datum_hash is not None:
        yield Problem(
            f"{prefix}datum_hash",
            "a datum and the hash of a datum are both given",
            "give the datum itself, unless the script's language is Plutus V1",
        )
    if datum is not None:
        yield from _inline_problems(datum, f"{prefix}datum")
    if datum_hash is not None and len(datum_hash) != HASH_BYTES:
        yield Problem(
            f"{prefix}datum_hash",
            f"the hash of a datum has {HASH_BYTES} bytes, not {len(datum_hash)}",
            "give 64 hexadecimal digits, as `cardano-cli hash-script-data` prints them",
        )


def _inline_problems(datum: bytes, path: str) -> Iterator[Problem]:
    if len(datum) > DATUM_BYTES:
        yield Problem(
            path,
            f"a datum of {len(datum)} bytes: over {DATUM_BYTES} may not fit into the payout's"
            " transaction",
            "let the datum name a document by its hash",
        )
        return
    try:
        plutus_data.decode(datum)
    except InvalidEncoding as error:
        yield Problem(
            path,
            f"this is not Plutus Data: {error.reason}",
            "give the datum's CBOR in hexadecimal",
        )
