"""How much lovelace the contract's outputs must hold (min-ADA), computed without a chain at hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from milestones.cardano import cbor, encoding
from milestones.cardano.address import Address, key_credential
from milestones.cardano.outputs import NO_DATUM, OutputDatum, TransactionOutput
from milestones.cardano.prices import min_lovelace
from milestones.cardano.value import LOVELACE, AssetId, Value
from milestones.domain.allocation_table import AllocationTable
from milestones.domain.columns import ADDRESS_BYTES, SHORT_ADDRESS_HEADER, AllocationColumns
from milestones.domain.models import Allocation
from milestones.protocol.datums import Attestation, Proposal, bitmap_length
from milestones.protocol.distribution import Distribution

ADA_VAULT_LOVELACE: Final = 3_200_000
ADA_VAULT_LOVELACE_PER_BITMAP_BYTE: Final = 8_920
"""What the contract asks of a vault of an ADA distribution on top of its sum: twice its min-ADA today, so
that claims need no top-up were the ledger's price to double."""
USUAL_EVIDENCE: Final = bytes(32)
LARGEST_MOMENT_POSIX_MS: Final = 1 << 40


@dataclass(frozen=True, slots=True)
class Deposits:
    """Lovelace that stays locked until the distribution is closed. `vaults_lovelace` is one a page.

    `allowances_lovelace`, what whoever pays out may take, is part of the vaults'. `board_lovelace` is 0
    where the oracles can't be replaced.
    """

    terms_lovelace: int
    vaults_lovelace: tuple[int, ...]
    attestations_lovelace: Mapping[str, int]
    allowances_lovelace: int = 0
    board_lovelace: int = 0

    @property
    def opening_lovelace(self) -> int:
        """What opening needs: terms, vaults, and a board."""
        return self.terms_lovelace + sum(self.vaults_lovelace) + self.board_lovelace


def payout_min_lovelace(
    allocation: Allocation,
    token: AssetId,
    lovelace_per_utxo_byte: int,
    *,
    without_datum: bool = False,
) -> int:
    """The least lovelace beside the tokens of a payout; for ADA, the least payout there can be."""
    return _deposit(
        allocation.beneficiary_address,
        Value.of(token, allocation.token_amount).assets,
        lovelace_per_utxo_byte,
        NO_DATUM if without_datum else allocation.payout_datum,
    )


def largest_payout_minimum(network_id: int, lovelace_per_utxo_byte: int) -> int:
    """The least payout of ADA to an address of the longer kind, without a datum."""
    somebody = key_credential(bytes(28))
    return _deposit(Address(network_id, somebody, somebody), {}, lovelace_per_utxo_byte)


def doubtful(
    allocations: AllocationTable, token: AssetId, network_id: int, lovelace_per_utxo_byte: int
) -> list[int]:
    """The indices, ascending, of the few whose payout the ledger may refuse: any other is large enough."""
    least = 1
    if token == LOVELACE:
        least = largest_payout_minimum(network_id, lovelace_per_utxo_byte)
    return sorted({*allocations.smaller_than(least), *allocations.with_datum()})


class PayoutMinimums:
    """`payout_min_lovelace` of many: reckoned once for all payouts of one size."""

    def __init__(self, token: AssetId, lovelace_per_utxo_byte: int) -> None:
        self._token, self._price = token, lovelace_per_utxo_byte
        self._known: dict[tuple[object, ...], int] = {}

    def of(self, columns: AllocationColumns, row: int) -> int:
        """The least lovelace of the payout of one row."""
        amount = 0 if self._token == LOVELACE else columns.amounts[row]
        # What the size hangs on: an address of either length, and the bytes that the amount takes.
        key = (
            columns.addresses[ADDRESS_BYTES * row] >= SHORT_ADDRESS_HEADER,
            len(cbor.head(cbor.UINT, amount)),
            columns.datums.get(row),
        )
        if key not in self._known:
            self._known[key] = payout_min_lovelace(columns[row], self._token, self._price)
        return self._known[key]


def _deposit(
    address: Address,
    tokens: Mapping[AssetId, int],
    lovelace_per_utxo_byte: int,
    datum: OutputDatum = NO_DATUM,
    *,
    held_lovelace: int = 0,
) -> int:
    def encoded(lovelace: int) -> bytes:
        return encoding.output(
            address, Value(lovelace, tokens), inline_datum=datum.inline, datum_hash=datum.hash
        )

    return min_lovelace(encoded, lovelace_per_utxo_byte, held_lovelace=held_lovelace)


def estimated_deposits(distribution: Distribution, lovelace_per_utxo_byte: int) -> Deposits:
    """The deposits of a distribution: its terms, its vaults, and an attestation of each milestone.

    An attestation is taken with 32 bytes of evidence and as many signers as the quorum. A vault needs
    this on top of its page's sum; it contains the allowance of its claims.
    """
    return Deposits(
        _terms_deposit(distribution, lovelace_per_utxo_byte),
        tuple(_vault_deposits(distribution, lovelace_per_utxo_byte)),
        {
            milestone: attestation_deposit(distribution, milestone, lovelace_per_utxo_byte)
            for milestone in distribution.allocations.milestones()
        },
        distribution.terms.allowance_lovelace * len(distribution.allocations),
        _board_deposit(distribution, lovelace_per_utxo_byte),
    )


def _terms_deposit(distribution: Distribution, lovelace_per_utxo_byte: int) -> int:
    tokens, datum = {distribution.terms_token: 1}, distribution.terms.encode()
    return _deposit(distribution.address, tokens, lovelace_per_utxo_byte, OutputDatum(datum))


def _board_deposit(distribution: Distribution, lovelace_per_utxo_byte: int) -> int:
    board = distribution.first_board
    if board is None:
        return 0
    tokens = {AssetId(distribution.contract.board_policy, board.token_name): 1}
    datum = OutputDatum(board.encode())
    return _deposit(distribution.address, tokens, lovelace_per_utxo_byte, datum)


def vault_funding(distribution: Distribution, page: int) -> tuple[int, bool]:
    """The lovelace that a vault gets at its opening beside its page's sum, and whether that is all.

    If not, it is the allowance of its allocations, and min-ADA comes on top.
    """
    terms = distribution.terms
    if distribution.token == LOVELACE:
        bitmap = ADA_VAULT_LOVELACE_PER_BITMAP_BYTE * bitmap_length(terms.page_depth)
        allowances = terms.allowance_lovelace << terms.page_depth
        return ADA_VAULT_LOVELACE + bitmap + allowances, True
    if not terms.allowance_lovelace:
        return 0, False
    leaves = (terms.paging.index_of(page, leaf) for leaf in range(terms.paging.page_size))
    allocations = sum(index in distribution.allocations for index in leaves)
    return terms.allowance_lovelace * allocations, False


def _vault_deposits(distribution: Distribution, lovelace_per_utxo_byte: int) -> list[int]:
    deposits = []
    for vault in distribution.fresh_vaults():
        lovelace, is_whole = vault_funding(distribution, vault.page)
        if is_whole:
            deposits.append(lovelace)
            continue
        value = Value.of(distribution.vault_token, 1) + Value.of(
            distribution.token, vault.remaining
        )
        needed = _deposit(
            distribution.address,
            value.assets,
            lovelace_per_utxo_byte,
            OutputDatum(vault.encode()),
            held_lovelace=lovelace,
        )
        deposits.append(needed + lovelace)
    return deposits


def attestation_deposit(
    distribution: Distribution, milestone_identifier: str, lovelace_per_utxo_byte: int
) -> int:
    """The deposit of an attestation of this milestone, signed by as many oracles as the quorum."""
    terms = distribution.terms
    datum = Attestation(
        distribution.id,
        milestone_identifier.encode(),
        USUAL_EVIDENCE,
        LARGEST_MOMENT_POSIX_MS,
        terms.oracles[: terms.quorum_threshold],
    ).encode()
    tokens = {distribution.attestation_token(milestone_identifier): 1}
    return _deposit(distribution.address, tokens, lovelace_per_utxo_byte, OutputDatum(datum))


def proposal_deposit(
    distribution: Distribution, milestone_identifier: str, lovelace_per_utxo_byte: int
) -> int:
    """What a proposal of this milestone must hold, whatever the bond: 32 bytes of evidence, and a bond
    that returns to an address with a staking part.
    """
    terms, policy_id = distribution.terms, distribution.contract.policy_id
    somebody = key_credential(distribution.id)
    proposal = Proposal(
        policy_id,
        distribution.id,
        milestone_identifier.encode(),
        USUAL_EVIDENCE,
        LARGEST_MOMENT_POSIX_MS,
        LARGEST_MOMENT_POSIX_MS,
        Address(terms.network_id, somebody, somebody).to_data(),
    )
    tokens = {AssetId(distribution.contract.board_policy, proposal.token_name): 1}
    datum = OutputDatum(proposal.encode())
    return _deposit(distribution.address, tokens, lovelace_per_utxo_byte, datum)


def vault_min_lovelace(vault: TransactionOutput, lovelace_per_utxo_byte: int) -> int:
    """What the ledger asks of an output with an inline datum as it is now."""
    address, tokens = Address.from_bech32(vault.address), vault.value.assets
    return _deposit(address, tokens, lovelace_per_utxo_byte, OutputDatum(vault.inline_datum))
