"""What the journal keeps of a transaction: its bytes, what it was built for, and what became of it.

Everything here is a value: nothing is read from or written to a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import Field

from milestones.cardano import cbor
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.transaction import Transaction
from milestones.cardano.value import AssetId, Value
from milestones.domain.models import TransactionStatus
from milestones.domain.reading import HexField, Record
from milestones.errors import InvalidEncoding
from milestones.storage.board_payloads import (
    ConfirmationPayload,
    HomePayload,
    NoticePayload,
    ObjectionPayload,
    ProposalPayload,
    ReferenceField,
    RetirementPayload,
    RotationPayload,
)

ENTRY_VERSION: Final = 2
"""Of the entries that this program writes. 1 were the JSON files of version 0.1.0."""

PENDING: Final[tuple[TransactionStatus, ...]] = ("prepared", "submitted", "unknown")
"""The chain may still take it, or has taken it without our knowing."""


class ChangeOutput(Record):
    """An output that returns to who paid: `assets` are quantities by `<policy id>.<name>`, in hexadecimal."""

    reference: ReferenceField
    address: str
    lovelace: int
    assets: dict[str, int] = Field(default_factory=dict)

    @classmethod
    def of(cls, utxo: Utxo) -> ChangeOutput:
        """From an output as it will stand on the chain; no datum and no script is kept."""
        value = utxo.output.value
        return cls(
            reference=utxo.reference,
            address=utxo.output.address,
            lovelace=value.lovelace,
            assets={str(asset): quantity for asset, quantity in value.assets.items()},
        )

    def utxo(self) -> Utxo:
        """As whoever spends it needs it."""
        assets = {}
        for name, quantity in self.assets.items():
            policy_id, _, asset_name = name.partition(".")
            assets[AssetId(bytes.fromhex(policy_id), bytes.fromhex(asset_name))] = quantity
        output = TransactionOutput(self.address, Value(self.lovelace, assets))
        return Utxo(self.reference, output)


class ReleasePayload(Record):
    """Which allocations (from 0) are paid, the ADA that goes with the tokens, the milestone attested too.

    The allowance is what the payer takes out of the vault for it.
    """

    purpose: Literal["release"] = "release"
    allocations: tuple[int, ...]
    attested: str | None = None
    deposits_lovelace: int
    allowance_lovelace: int = 0


class AttestationPayload(Record):
    """What is attested: `signers` and `refused_oracles` are the oracles' hashes (28 bytes).

    An entry taken over from version 0.1.0 has its moment rounded down to a second.
    """

    purpose: Literal["attestation"] = "attestation"
    milestone_identifier: str
    verification_posix_ms: int
    evidence_hash: HexField
    signers: tuple[HexField, ...]
    refused_oracles: tuple[HexField, ...] = ()
    deposit_lovelace: int


class SchedulePartPayload(Record):
    """The part `number` (from 0) of a schedule, and the bytes of metadata that it was cut for."""

    purpose: Literal["schedule_part"] = "schedule_part"
    number: int
    opening_capacity_bytes: int
    part_capacity_bytes: int


class OpeningPayload(Record):
    """An opening: the transactions that carry the schedule's parts, the tokens locked, the deposits.

    The allowances are part of the vaults' deposit.
    """

    purpose: Literal["opening"] = "opening"
    private: bool
    schedule_transactions: tuple[str, ...] = ()
    total_token_amount: int
    terms_deposit_lovelace: int
    vaults_deposit_lovelace: int
    allowances_lovelace: int = 0
    board_deposit_lovelace: int = 0


class ClosingPayload(Record):
    """A closing: what it takes away, and what returns.

    `board_tokens_burnt` counts boards, notices and words that all may go home. `refund_address`
    (Bech32) is where the terms send everything; None: to the creator, who signed.
    """

    purpose: Literal["closing"] = "closing"
    vaults: int
    attestations_burnt: int
    board_tokens_burnt: int = 0
    deposits_returned_lovelace: int
    tokens_returned: int
    refund_address: str | None = None


class ScriptsPayload(Record):
    """Where the contract's scripts are: `<transaction id>#<index>` by hash, in hexadecimal.

    Those that were published before are among them; `deposits_lovelace` is what this transaction adds.
    """

    purpose: Literal["scripts"] = "scripts"
    outputs: dict[str, str]
    deposits_lovelace: int


class StakingPayload(Record):
    """What becomes of a reward account (Bech32). Amounts are lovelace.

    `refund_lovelace` is the deposit that returns; `pool` and `representative` are what is delegated to.
    `paid_to` (Bech32) has what is withdrawn; None: whoever paid, with the change.
    """

    purpose: Literal["staking"] = "staking"
    action: Literal["register", "delegate", "withdraw", "deregister"]
    stake_address: str
    deposit_lovelace: int = 0
    refund_lovelace: int = 0
    withdrawn_lovelace: int = 0
    paid_to: str | None = None
    pool: str | None = None
    representative: str | None = None


Payload = Annotated[
    ReleasePayload
    | AttestationPayload
    | SchedulePartPayload
    | OpeningPayload
    | ClosingPayload
    | ScriptsPayload
    | NoticePayload
    | HomePayload
    | ProposalPayload
    | ObjectionPayload
    | ConfirmationPayload
    | RetirementPayload
    | RotationPayload
    | StakingPayload,
    Field(discriminator="purpose"),
]
"""What a transaction was built for; what its command reports when it finds it again."""

Purpose = Literal[
    "release",
    "attestation",
    "schedule_part",
    "opening",
    "closing",
    "scripts",
    "notice",
    "home",
    "proposal",
    "objection",
    "confirmation",
    "retirement",
    "rotation",
    "staking",
]


class StatusChange(Record):
    """When a submission's status became what (POSIX milliseconds), and why."""

    status: TransactionStatus
    at_posix_ms: int
    note: str = ""


class Entry(Record):
    """The part of a submission that nothing is looked up by.

    `prepared_slot` is the slot of the newest block when it was written down, 0 where that isn't known.
    `change` are the outputs that return to who paid. Fee, collateral, size in bytes and execution units
    are the transaction's own. `payload` is None where an older or damaged entry's can't be read: the
    transaction is followed to its end all the same. `history` is never empty, oldest first.
    """

    version: int = ENTRY_VERSION
    prepared_slot: int = 0
    inputs: tuple[ReferenceField, ...]
    change: tuple[ChangeOutput, ...] = ()
    fee_lovelace: int
    collateral_lovelace: int = 0
    size: int
    memory: int = 0
    cpu: int = 0
    payload: Payload | None = None
    history: Annotated[tuple[StatusChange, ...], Field(min_length=1)]


class Submission(Entry):
    """A signed transaction and its history.

    `transaction_id` is 64 lower-case hexadecimal digits. `valid_until_slot` is the first slot in which it
    can't be included any more; None if it never expires. `chain` says on which chain, `sole` what no second
    transaction of the same command and distribution may do; None in both: not known.
    """

    transaction_id: str
    command: str
    distribution_id: HexField | None = None
    transaction_cbor: HexField
    valid_until_slot: int | None = None
    chain: str | None = None
    sole: str | None = None

    @property
    def status(self) -> TransactionStatus:
        """The newest status."""
        return self.history[-1].status

    @property
    def purpose(self) -> Purpose | None:
        """What it was built for; None where its payload can't be read."""
        return None if self.payload is None else self.payload.purpose

    @property
    def is_pending(self) -> bool:
        """Whether the chain may still take it, or has taken it without our knowing."""
        return self.status in PENDING

    def is_void(self, slot: int) -> bool:
        """Whether it can't be included any more, after this slot."""
        return self.valid_until_slot is not None and self.valid_until_slot <= slot

    def is_unsettled(self, slot: int) -> bool:
        """Whether at this slot a block may still bring it, or a rollback take it away and bring it back."""
        if self.status == "confirmed":
            return self.valid_until_slot is None or slot < self.valid_until_slot
        return self.is_pending

    def is_of(self, chain: str | None, distribution_id: bytes | None, command: str | None) -> bool:
        """Whether it belongs to these; None stands for any."""
        return (
            (None in (chain, self.chain) or chain == self.chain)
            and distribution_id in (None, self.distribution_id)
            and command in (None, self.command)
        )

    @property
    def prepared_at_posix_ms(self) -> int:
        """When it was written down first."""
        return self.history[0].at_posix_ms


@dataclass(frozen=True, slots=True)
class TransactionFacts:
    """What a transaction's bytes say: its id (hexadecimal) and, in the entry's units, the rest."""

    transaction_id: str
    inputs: tuple[OutputReference, ...]
    fee_lovelace: int
    valid_until_slot: int | None
    collateral_lovelace: int
    size: int
    memory: int
    cpu: int

    @classmethod
    def read(cls, transaction_cbor: bytes) -> TransactionFacts:
        """From a whole transaction. Raises `InvalidEncoding` where it isn't one."""
        transaction = Transaction.read(transaction_cbor)
        body = transaction.body
        units = [entry.units for entry in transaction.witnesses.redeemers.values()]
        return cls(
            transaction_id=str(transaction.id),
            inputs=body.inputs,
            fee_lovelace=body.fee_lovelace,
            valid_until_slot=body.valid_until_slot,
            collateral_lovelace=body.total_collateral_lovelace or 0,
            size=len(transaction_cbor),
            memory=sum(each.memory for each in units),
            cpu=sum(each.cpu for each in units),
        )


def id_of(transaction_cbor: bytes) -> str | None:
    """The id (hexadecimal) of a transaction; None where the bytes don't begin as one's do.

    Only the body is looked at: a part of a schedule has some 15 kB behind it.
    """
    if transaction_cbor[:1] not in _ARRAY_HEADS:
        return None
    try:
        return blake2b_256(cbor.read_first(transaction_cbor, 1).raw).hex()
    except InvalidEncoding:
        return None


_ARRAY_HEADS: Final = (b"\x84", b"\x83", b"\x9f")
"""Of four items, of three as before Alonzo, or of as many as come."""


def chains_of(submissions: Iterable[Submission]) -> list[tuple[Submission, ...]]:
    """Groups transactions that spend each other's outputs; each is in one group, and no group is empty.

    The last of a group is one whose outputs no other spends; before it is what it rests upon, parents
    first, as far as no earlier group has that. So a block that has a group's last one, or one before that
    block, has all of them: only the last has to be asked about. Where that one is nowhere,
    `chains_of(group[:-1])` says what to ask about next. Groups are in the order of their last ones.
    """
    by_id = {bytes.fromhex(each.transaction_id): each for each in submissions}
    parents = {
        identifier: [
            reference.transaction_id
            for reference in each.inputs
            if reference.transaction_id in by_id and reference.transaction_id != identifier
        ]
        for identifier, each in by_id.items()
    }
    spent = {parent for found in parents.values() for parent in found}
    taken: set[bytes] = set()
    groups = []
    for newest in [*(each for each in by_id if each not in spent), *by_id]:
        # Of damaged entries two may say that they spend each other: then neither is the newest.
        if newest not in taken:
            order = _rests_upon(newest, parents, taken)
            groups.append(tuple(by_id[identifier] for identifier in order))
    return groups


def _rests_upon(newest: bytes, parents: dict[bytes, list[bytes]], taken: set[bytes]) -> list[bytes]:
    """Depth first and without recursion, parents before children: a chain may have thousands of links."""
    order: list[bytes] = []
    waiting: list[tuple[bytes, bool]] = [(newest, False)]
    while waiting:
        identifier, parents_are_in = waiting.pop()
        if parents_are_in:
            order.append(identifier)
        elif identifier not in taken:
            taken.add(identifier)
            waiting.append((identifier, True))
            waiting.extend((parent, False) for parent in reversed(parents[identifier]))
    return order
