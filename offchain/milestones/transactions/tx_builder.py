"""Building transactions: from a draft to one that the ledger accepts, signatures aside, at the least fee.

    balanced = balance(draft, parameters=..., wallet=..., change_address=...)
    while balanced.needs_evaluation:
        balanced = balanced.with_units(await ogmios.evaluate(balanced.unsigned()))

The fee depends on the transaction's size, and the size on the fee: the search starts low, builds,
asks what the ledger would charge, and builds again until both agree. Then the ledger's limits on one
transaction are checked, before anybody signs. Nothing here asks whether the contract would accept it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from milestones.cardano import encoding
from milestones.cardano.address import Address
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.parameters import ExecutionUnits, ProtocolParameters, RedeemerPointer
from milestones.cardano.value import Value
from milestones.errors import ExceededLimit, InsufficientFunds, LimitsExceeded
from milestones.transactions import coin_selection, fees
from milestones.transactions.assembly import Assembly, Collateral, expected_key_hashes
from milestones.transactions.coin_selection import change_outputs
from milestones.transactions.draft import TransactionDraft

_PLACEHOLDER_WITNESS: Final = (bytes(32), bytes(64))
_VALIDITY_BYTE: Final = 1
"""The byte that says whether scripts passed does not count in the ledger's size."""
_PLENTY_LOVELACE: Final = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class BalancedTransaction:
    """A transaction ready to evaluate or sign.

    `key_hashes` are those whose signatures the fee pays for; `wallet_inputs` the outputs that were
    selected; `size` the ledger's count of bytes, signatures included; `minimum_fee_lovelace` what the
    ledger charges for exactly this transaction.
    """

    assembly: Assembly
    key_hashes: frozenset[bytes]
    wallet_inputs: tuple[Utxo, ...]
    size: int
    minimum_fee_lovelace: int
    _order: _Order = field(repr=False)

    @property
    def fee_lovelace(self) -> int:
        """The fee that the transaction pays."""
        return self.assembly.fee_lovelace

    @property
    def needs_evaluation(self) -> bool:
        """Whether scripts run whose execution units are still a guess."""
        return self.assembly.assumed_units is not None and bool(self.assembly.redeemers())

    @property
    def id(self) -> bytes:
        """The transaction's id, 32 bytes: no signature changes it."""
        return blake2b_256(self.assembly.body())

    @property
    def inputs(self) -> tuple[Utxo, ...]:
        """All that it spends, sorted."""
        return self.assembly.inputs

    @property
    def outputs(self) -> tuple[Utxo, ...]:
        """All outputs as they will stand on the chain: the draft's, and then change."""
        transaction_id = self.id
        return tuple(
            Utxo(OutputReference(transaction_id, index), output.settled())
            for index, output in enumerate(self.assembly.outputs)
        )

    @property
    def change(self) -> tuple[Utxo, ...]:
        """The last outputs, which are the wallet's."""
        return self.outputs[len(self.assembly.draft.outputs) :]

    @property
    def units(self) -> ExecutionUnits:
        """The execution units of all scripts together."""
        return self.assembly.total_units()

    @property
    def collateral_lovelace(self) -> int:
        """What a failing script would cost; 0 without scripts."""
        return self.assembly.collateral.at_stake_lovelace if self.assembly.collateral else 0

    @property
    def signed_size(self) -> int:
        """The bytes of the transaction once it is signed."""
        return self.size + _VALIDITY_BYTE

    def wallet_after(self, wallet: Iterable[Utxo]) -> tuple[Utxo, ...]:
        """The wallet once this transaction is in: less what it spends, and its change."""
        spent = {utxo.reference for utxo in self.inputs}
        return (*(utxo for utxo in wallet if utxo.reference not in spent), *self.change)

    def unsigned(self) -> bytes:
        """The transaction with placeholders for signatures: what to evaluate, never what to submit."""
        return self.assembly.transaction([_PLACEHOLDER_WITNESS] * len(self.key_hashes))

    def with_units(self, units: Mapping[RedeemerPointer, ExecutionUnits]) -> BalancedTransaction:
        """The same transaction, same inputs, balanced anew for the units that evaluation returned.

        Where these inputs can't pay for the units, another joins them. Places, and with them units, may
        then have changed: `needs_evaluation` is true again.
        """
        inputs = self.wallet_inputs
        order = replace(self._order, units=units, assumed_units=None, include=inputs)
        outcome = _settle(order, inputs)
        if isinstance(outcome, Value):
            return _balance(replace(self._order, include=_with_another(order, inputs, outcome)))
        return _checked(order, outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What `balance` was asked for."""

    draft: TransactionDraft
    parameters: ProtocolParameters
    wallet: tuple[Utxo, ...]
    change_address: Address
    signers: frozenset[bytes] | None
    units: Mapping[RedeemerPointer, ExecutionUnits]
    assumed_units: ExecutionUnits | None
    include: tuple[Utxo, ...]
    within_limits: bool
    collateral_wallet: tuple[Utxo, ...] | None
    collateral_change_address: Address


def balance(
    draft: TransactionDraft,
    *,
    parameters: ProtocolParameters,
    wallet: Iterable[Utxo],
    change_address: Address,
    signers: Collection[bytes] | None = None,
    units: Mapping[RedeemerPointer, ExecutionUnits] | None = None,
    include: Sequence[Utxo] = (),
    within_limits: bool = True,
    collateral_wallet: Iterable[Utxo] | None = None,
    collateral_change_address: Address | None = None,
) -> BalancedTransaction:
    """Adds inputs, collateral, fee and change to a draft.

    `wallet`: outputs that may pay (those with a script are left alone). `signers`: key hashes that will
    sign; by default those that the ledger asks for. `units`: what evaluation returned; without them
    every script gets an equal share of the limit, which is enough to evaluate: then call `with_units`.
    `include`: outputs to spend in any case. `within_limits` False builds what no block would take.
    `collateral_wallet`: outputs to put up, by default the wallet's, and where their change returns.

    Raises `InsufficientFunds` (also for collateral), `InsufficientTokens`, `LimitsExceeded`.
    """
    reserved = [spend.utxo for spend in draft.spends] + list(draft.reference_inputs)
    order = _Order(
        draft=draft,
        parameters=parameters,
        wallet=coin_selection.usable(wallet, reserved=reserved),
        collateral_wallet=None
        if collateral_wallet is None
        else coin_selection.usable(collateral_wallet, reserved=reserved),
        collateral_change_address=collateral_change_address or change_address,
        change_address=change_address,
        signers=None if signers is None else frozenset(signers),
        units=units or {},
        assumed_units=None if units is not None else _equal_share(draft, parameters),
        include=tuple(include),
        within_limits=within_limits,
    )
    try:
        return _balance(order)
    except InsufficientFunds:
        if order.assumed_units is None:
            raise
    # The guess costs up to 1.5 ADA that the scripts won't need: see whether the rest can be paid.
    return _balance(replace(order, assumed_units=ExecutionUnits(0, 0)))


def _equal_share(draft: TransactionDraft, parameters: ProtocolParameters) -> ExecutionUnits:
    runs, limit = max(draft.script_runs(), 1), parameters.max_execution_units
    return ExecutionUnits(limit.memory // runs, limit.cpu // runs)


def _balance(order: _Order) -> BalancedTransaction:
    chosen = order.include
    while isinstance(outcome := _settle(order, chosen), Value):
        chosen = _with_another(order, chosen, outcome)
    return _checked(order, outcome)


def _with_another(order: _Order, chosen: tuple[Utxo, ...], shortage: Value) -> tuple[Utxo, ...]:
    candidates = [utxo for utxo in order.wallet if utxo not in chosen]
    addition = coin_selection.next_input(candidates, shortage)
    if addition is None:
        raise coin_selection.insufficient(_needed(order, chosen, shortage), order.wallet)
    return (*chosen, addition)


def _checked(order: _Order, balanced: BalancedTransaction) -> BalancedTransaction:
    if order.within_limits:
        require_within_limits(balanced.assembly, size=balanced.size)
    return balanced


def _settle(order: _Order, chosen: tuple[Utxo, ...]) -> BalancedTransaction | Value:
    """The transaction with these inputs and the least fee that pays for itself, or what is missing."""
    attempt = _attempt(order, chosen, order.parameters.min_fee_constant_lovelace)
    while isinstance(attempt, BalancedTransaction):
        if attempt.minimum_fee_lovelace <= attempt.fee_lovelace:
            return _lowered(order, chosen, attempt)
        attempt = _attempt(order, chosen, attempt.minimum_fee_lovelace)
    return attempt


def _needed(order: _Order, chosen: tuple[Utxo, ...], shortage: Value) -> Value:
    """What is missing once fee and change are known: seen by adding an output that pays for anything."""
    if shortage.assets:
        return shortage
    plenty = TransactionOutput(order.change_address.to_bech32(), Value(_PLENTY_LOVELACE))
    # Sorted behind every other input, so that no redeemer changes its place.
    gift = Utxo(OutputReference(b"\xff" * 32, 0), plenty)
    outcome = _settle(replace(order, wallet=(*order.wallet, gift)), (*chosen, gift))
    if isinstance(outcome, Value):
        return outcome
    change = outcome.assembly.outputs[len(order.draft.outputs) :]
    least = sum(fees.min_lovelace(output, order.parameters) for output in change)
    return Value(_PLENTY_LOVELACE + least - sum(output.value.lovelace for output in change))


def _lowered(
    order: _Order, chosen: tuple[Utxo, ...], found: BalancedTransaction
) -> BalancedTransaction:
    """A higher fee can make change, and with it the transaction, shorter: then less may do."""
    lower = _attempt(order, chosen, found.minimum_fee_lovelace)
    if isinstance(lower, BalancedTransaction) and lower.minimum_fee_lovelace <= lower.fee_lovelace:
        return lower
    return found


def _attempt(
    order: _Order, chosen: tuple[Utxo, ...], fee_lovelace: int
) -> BalancedTransaction | Value:
    draft, parameters = order.draft, order.parameters
    inputs = sorted(
        {u.reference: u for u in (*chosen, *(s.utxo for s in draft.spends))}.values(),
        key=lambda utxo: utxo.reference,
    )
    if not inputs:
        # What is withdrawn could pay for all: the ledger wants something spent, so that nothing comes twice.
        return Value(fee_lovelace)
    outputs = tuple(fees.with_min_ada(output, parameters) for output in draft.outputs)
    gained = Value(draft.gained_lovelace())
    held = sum((utxo.output.value for utxo in inputs), draft.minted() + gained)
    paid = sum((output.value for output in outputs), Value(fee_lovelace))
    change = change_outputs(held - paid, order.change_address, parameters)
    if isinstance(change, Value):
        return change
    assembly = Assembly(
        draft=draft,
        parameters=parameters,
        inputs=tuple(inputs),
        outputs=(*outputs, *change),
        fee_lovelace=fee_lovelace,
        collateral=_collateral(order, fee_lovelace),
        units=order.units,
        assumed_units=order.assumed_units,
    )
    signers = expected_key_hashes(assembly) if order.signers is None else order.signers
    size = len(assembly.transaction([_PLACEHOLDER_WITNESS] * len(signers))) - _VALIDITY_BYTE
    return BalancedTransaction(
        assembly=assembly,
        key_hashes=signers,
        wallet_inputs=chosen,
        size=size,
        minimum_fee_lovelace=fees.minimum_fee_lovelace(
            size=size,
            units=assembly.total_units(),
            reference_scripts_size=assembly.reference_scripts_size(),
            parameters=parameters,
        ),
        _order=order,
    )


def _collateral(order: _Order, fee_lovelace: int) -> Collateral | None:
    if not order.draft.script_runs():
        return None
    return coin_selection.choose_collateral(
        order.wallet if order.collateral_wallet is None else order.collateral_wallet,
        fee_lovelace=fee_lovelace,
        change_address=order.collateral_change_address,
        parameters=order.parameters,
    )


def require_within_limits(assembly: Assembly, *, size: int) -> None:
    """Raises `LimitsExceeded`, which names every limit exceeded and what each script needs.

    `size` is in bytes, without the byte that says whether scripts passed.
    """
    taken = _taken(assembly, size=size)
    exceeded = [ExceededLimit(*each) for each in taken if each[1] > each[2]]
    if not exceeded:
        return
    hashes = assembly.script_hashes()
    budgets = {
        f"{pointer.purpose} {pointer.index}": {
            "script": hashes[pointer].hex() if pointer in hashes else None,
            "memory": units.memory,
            "cpu": units.cpu,
        }
        for pointer, units in sorted(assembly.budgets().items())
    }
    raise LimitsExceeded(tuple(exceeded), budgets)


def _taken(assembly: Assembly, *, size: int) -> Iterator[tuple[str, int, int, str]]:
    """Of every limit: its name, what the transaction takes, the maximum, the unit."""
    parameters, units = assembly.parameters, assembly.total_units()
    maximum = parameters.max_execution_units
    yield "transaction size", size, parameters.max_transaction_size, "bytes"
    yield "execution memory", units.memory, maximum.memory, "units"
    yield "execution steps", units.cpu, maximum.cpu, "units"
    scripts = assembly.reference_scripts_size()
    yield "reference scripts", scripts, parameters.max_reference_scripts_size, "bytes"
    for index, output in enumerate(assembly.outputs):
        held = len(encoding.value(output.value))
        yield f"value of output {index}", held, parameters.max_value_size, "bytes"
