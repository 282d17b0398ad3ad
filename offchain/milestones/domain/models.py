"""The records of the business, with the field names of the mission's JSON files.

Models check types alone; `schedule` holds the rules. So a distribution found on the chain that breaks
one of them can still be shown, and what is wrong with it be named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidatorFunctionWrapHandler,
    WrapSerializer,
    WrapValidator,
)

from milestones.cardano.outputs import OutputDatum
from milestones.cardano.value import AssetId
from milestones.domain.posix_time import to_posix_ms
from milestones.domain.reading import (
    AddressField,
    HexField,
    Record,
    StakeAddressField,
    TextField,
)
from milestones.errors import InvalidInput

CONTRACT_VERSION: Final = "2.0.0"
"""The version of the contract that this program opens distributions with."""

QuorumStatus = Literal["met", "pending"]
Canceller = Literal["creator", "quorum"]
"""Who may give notice that a distribution will be ended."""
MILESTONE_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class MilestoneIdentifier:
    """A milestone's identifier, checked: 1 to 64 bytes of UTF-8. Make one with `parse`.

    `text` is what people read and write, `raw` the bytes that stand on the chain.
    """

    text: str
    raw: bytes

    @classmethod
    def parse(cls, text: str, path: str = "milestone_identifier") -> MilestoneIdentifier:
        """The identifier that somebody wrote. Raises `InvalidInput` about `path`."""
        hint = "write the identifier as it stands in the schedule"
        try:
            raw = text.encode()
        except UnicodeEncodeError:
            raise InvalidInput("this is not valid Unicode", path=path, hint=hint) from None
        if not 1 <= len(raw) <= MILESTONE_BYTES:
            raise InvalidInput(
                f"an identifier has 1 to {MILESTONE_BYTES} bytes of UTF-8, not {len(raw)}",
                path=path,
                hint=hint,
            )
        return cls(text, raw)

    def __str__(self) -> str:
        return self.text


TransactionStatus = Literal[
    "dry_run",
    "waiting_for_signatures",
    "dropped",
    "prepared",
    "submitted",
    "confirmed",
    "rejected",
    "expired",
    "unknown",
]
"""The life of a transaction of this program, wherever it is spoken of.

`dry_run`: built and not sent. `waiting_for_signatures`: handed out to be signed; what it needs stays
reserved until it is sent, `dropped`, or expired. `prepared`: written down, perhaps sent. `submitted`:
the node took it. `confirmed`: in a block. `rejected`: the chain refused it. `expired`: can never be
included any more. `unknown`: sent and no answer came, or nobody knows it."""


class Allocation(Record):
    """Who gets how much, for which milestone, and not before when.

    `token_amount` is in the token's smallest unit (lovelace for ADA); `vesting_timestamp` is in POSIX
    **seconds**. The payout carries `datum` (CBOR of Plutus Data, inline), the hash of a datum (32 bytes),
    or none of them: a script may need one to be paid.
    """

    beneficiary_address: AddressField
    token_amount: int
    milestone_identifier: TextField
    vesting_timestamp: int
    datum: HexField | None = None
    datum_hash: HexField | None = None

    @property
    def payout_datum(self) -> OutputDatum:
        """The datum of the payout. Raises `InvalidInput` where it is given in both ways."""
        return OutputDatum(self.datum, self.datum_hash)

    @property
    def milestone(self) -> bytes:
        """The milestone's identifier as the chain holds it: UTF-8."""
        return self.milestone_identifier.encode()

    @property
    def vesting_posix_ms(self) -> int:
        """The moment of vesting in the chain's unit."""
        return to_posix_ms(self.vesting_timestamp)


class Allocations(Sequence[Allocation]):
    """Allocations in order, in whatever form they are held: see `columns`."""

    __slots__ = ()

    @property
    def total(self) -> int:
        """What they add up to."""
        raise NotImplementedError

    def documents(self, *, with_nulls: bool = False) -> tuple[dict[str, Any], ...]:
        """The rows as JSON has them. `with_nulls`: a datum that isn't there is named."""
        raise NotImplementedError


def total_of(allocations: Sequence[Allocation]) -> int:
    """What allocations add up to, in the token's smallest unit."""
    if isinstance(allocations, Allocations):
        return allocations.total
    return sum(allocation.token_amount for allocation in allocations)


def _as_they_are(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, Allocations) else read(value)


def _as_documents(value: Any, write: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
    if isinstance(value, Allocations) and info.mode == "json":
        return value.documents(with_nulls=not info.exclude_none)
    return write(tuple(value))


if TYPE_CHECKING:
    AllocationsField = Sequence[Allocation]
else:
    AllocationsField = Annotated[
        tuple[Allocation, ...], WrapValidator(_as_they_are), WrapSerializer(_as_documents)
    ]
"""A list of allocations; columns are taken as they are."""


class ContractMetadata(Record):
    """What the terms say about themselves. `created_at` is in POSIX seconds."""

    created_at: int
    network_magic: int
    contract_version: TextField = CONTRACT_VERSION
    description: TextField = ""


class MilestoneSchedule(Record):
    """A whole distribution as people write it down.

    `token_policy_id` (28 bytes) and `token_name` (up to 32) are hexadecimal in JSON; both empty mean
    lovelace. `creator` and `oracle_addresses` stand for their payment credentials. Either
    `reclaim_after` (POSIX seconds) or `irrevocable` is given. `page_depth` is None for the usual paging.

    What follows is off unless it is asked for. `allowance_lovelace`: what whoever pays out may take for
    every claim. `staking`: the staking part of the distribution's address. `refund_address` (with a datum
    as payouts have it): where money returns when somebody else than the creator's key ends the
    distribution, by default the creator's address. `cancel_by`: who may give notice; it takes effect after
    `cancel_grace_seconds`, at least seven days. `waiver_after` (POSIX seconds): from then on the creator
    alone can attest. `objectors`: how many oracles stop a proposal, which is due after
    `review_period_seconds`, at least a day, and holds `review_bond_lovelace`. `rotatable`: an output
    (`<transaction id>#<index>`) that the opening spends; then a quorum of the oracles can replace them.
    """

    token_policy_id: HexField
    token_name: HexField
    beneficiary_allocations: AllocationsField
    oracle_addresses: tuple[AddressField, ...]
    quorum_threshold: int
    creator: AddressField
    reclaim_after: int | None = None
    irrevocable: bool = False
    contract_metadata: ContractMetadata
    page_depth: int | None = None
    allowance_lovelace: int = 0
    staking: StakeAddressField | None = None
    refund_address: AddressField | None = None
    refund_datum: HexField | None = None
    refund_datum_hash: HexField | None = None
    cancel_by: tuple[Canceller, ...] = ()
    cancel_grace_seconds: int = 0
    waiver_after: int | None = None
    objectors: int = 0
    review_period_seconds: int = 0
    review_bond_lovelace: int = 0
    rotatable: TextField | None = None

    @property
    def token(self) -> AssetId:
        """What is distributed."""
        return AssetId(self.token_policy_id, self.token_name)

    @property
    def total_token_amount(self) -> int:
        """The sum of all allocations."""
        return total_of(self.beneficiary_allocations)


class OracleSignature(Record):
    """One oracle's word for one milestone: an entry of `signatures.json`.

    A raw signature comes with `verification_key` (32 bytes); one that a wallet made through CIP-30's
    `signData` with `cose_sign1` and `cose_key`, and then `signature` may be left out.
    `signature_timestamp` (POSIX seconds) is a note, it isn't signed.
    """

    oracle_address: AddressField
    signature: HexField | None = None
    signed_data: HexField
    signature_timestamp: int
    verification_key: HexField | None = None
    cose_sign1: HexField | None = None
    cose_key: HexField | None = None

    @property
    def oracle(self) -> bytes:
        """The hash (28 bytes) that stands for this oracle in the terms."""
        return self.oracle_address.payment.hash


class MilestoneCompletion(Record):
    """The local record of one milestone of one distribution: who has signed, and whether they suffice.

    `verification_timestamp` is when the oracles say that it was reached (POSIX seconds, rounded down;
    the exact moment is in what they signed), None while nobody has signed.
    """

    milestone_identifier: TextField
    distribution_id: HexField
    oracle_signatures: tuple[OracleSignature, ...] = ()
    verification_timestamp: int | None = None
    quorum_status: QuorumStatus = "pending"
    quorum_threshold: int
    total_oracles: int
