"""Others on the same work: PyCardano's builder, a plain payment, and a contract that has its list in the datum.

All of it is built for one chain with mainnet's parameters, from the same outputs, and must be accepted there.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pycardano as pc
from figures import Block, Cell, Column, Table, Words
from growth import fits, harness_with_scripts, most, opened, planned
from plots import Line, Plot

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, script_credential
from milestones.cardano.hashes import blake2b_256
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import Value
from milestones.testing.cast import ADA
from milestones.testing.contract import FIRST_SLOT, ContractHarness, base_address, moment
from milestones.transactions.draft import DraftOutput, Layout, Spend, TransactionDraft
from milestones.transactions.tx_builder import BalancedTransaction

BUILDS: Final = 30
BLUEPRINT: Final = Path(__file__).parent / "list_in_datum" / "plutus.json"
LENGTHS: Final = (1, 2, 5, 10, 20, 30, 40, 50, 60, 80, 100, 120, 140, 160)
MOST_IN_A_LIST: Final = 400
"""More are not tried."""
TOKENS: Final = 1_000_000


def others(*, smallest: bool = False) -> list[Block]:
    """Builders beside each other, then contracts; two builds and short lists for a test."""
    return [*builders(2 if smallest else BUILDS), *contracts(2 if smallest else MOST_IN_A_LIST)]


# -- builders


class Offline(pc.ChainContext):  # type: ignore[misc]
    """What PyCardano asks of a chain, answered by the one in this process."""

    def __init__(self, harness: ContractHarness) -> None:
        self._harness = harness

    @cached_property
    def protocol_param(self) -> pc.ProtocolParameters:
        """The same parameters, by its names; those that building does not use are nothing."""
        known, scripts = (
            self._harness.parameters,
            self._harness.parameters.min_fee_reference_scripts,
        )
        unused = dict.fromkeys(pc.ProtocolParameters.__dataclass_fields__)
        models = {
            f"PlutusV{name[-1]}": dict(enumerate(costs))
            for name, costs in known.cost_models.items()
        }
        used = {
            "key_deposit": known.stake_credential_deposit_lovelace,
            "pool_deposit": 0,
            "min_fee_constant": known.min_fee_constant_lovelace,
            "min_fee_coefficient": known.min_fee_coefficient,
            "max_tx_size": known.max_transaction_size,
            "max_val_size": known.max_value_size,
            "price_mem": known.price_memory,
            "price_step": known.price_cpu,
            "max_tx_ex_mem": known.max_execution_units.memory,
            "max_tx_ex_steps": known.max_execution_units.cpu,
            "collateral_percent": known.collateral_percentage,
            "max_collateral_inputs": known.max_collateral_inputs,
            "coins_per_utxo_byte": known.lovelace_per_utxo_byte,
            "cost_models": models,
            "maximum_reference_scripts_size": {"bytes": known.max_reference_scripts_size},
            "min_fee_reference_scripts": {
                "base": float(scripts.base),
                "range": scripts.range_bytes,
                "multiplier": float(scripts.multiplier),
            },
        }
        return pc.ProtocolParameters(**{**unused, **used})

    @property
    def network(self) -> pc.Network:
        """A test network."""
        return pc.Network.TESTNET

    @property
    def last_block_slot(self) -> int:
        """The tip's slot."""
        return self._harness.slot

    def evaluate_tx_cbor(self, cbor: bytes | str) -> Mapping[str, pc.ExecutionUnits]:
        """What the scripts take, as it asks Ogmios for it."""
        raw = bytes.fromhex(cbor) if isinstance(cbor, str) else cbor
        units = dict(self._harness.chain.evaluate(raw, {}))
        return {
            f"{pointer.purpose}:{pointer.index}": pc.ExecutionUnits(each.memory, each.cpu)
            for pointer, each in units.items()
        }


@dataclass
class Theirs:
    """The transaction of a draft as PyCardano builds it, with the inputs that our builder has chosen."""

    harness: ContractHarness
    draft: TransactionDraft
    ours: BalancedTransaction

    def utxo(self, utxo: Utxo) -> pc.UTxO:
        """An output of the chain, as it is there."""
        reference = utxo.reference
        raw = self.harness.chain.utxo[reference].raw
        spent = pc.TransactionInput.from_primitive([reference.transaction_id, reference.index])
        return pc.UTxO(spent, pc.TransactionOutput.from_cbor(raw))

    def prepared(self) -> Callable[[], pc.Transaction]:
        """Everything read; what is returned builds and signs."""
        harness, draft, ours = self.harness, self.draft, self.ours
        referred = {utxo.reference: self.utxo(utxo) for utxo in draft.reference_inputs}
        layout = Layout(ours.assembly.layout.inputs, tuple(sorted(referred)), ())
        spends = [(self.utxo(each.utxo), _redeemer(each, layout)) for each in draft.spends]
        wallet = [self.utxo(each) for each in ours.wallet_inputs]
        collateral = [self.utxo(each) for each in harness.wallet if each not in ours.wallet_inputs]
        outputs = [
            pc.TransactionOutput.from_cbor(each.encoded())
            for each in ours.assembly.outputs[: len(draft.outputs)]
        ]
        signing = pc.PaymentSigningKey(blake2b_256(b"payer"))
        change = pc.Address.from_primitive(harness.address.to_bech32())
        context = Offline(harness)
        scripts = [each for each in referred.values() if each.output.script is not None]

        def build() -> pc.Transaction:
            builder = pc.TransactionBuilder(context)
            for utxo, redeemer in spends:
                builder.add_script_input(utxo, script=scripts[0], redeemer=pc.Redeemer(redeemer))
            for utxo in wallet:
                builder.add_input(utxo)
            for utxo in referred.values():
                builder.reference_inputs.add(utxo)
            for output in outputs:
                builder.add_output(output)
            if spends:
                builder.collaterals = collateral[:1]
            builder.validity_start = draft.valid_from_slot
            return builder.build_and_sign([signing], change_address=change)

        return build


def _redeemer(spend: Spend, layout: Layout) -> pc.serialization.RawCBOR:
    if spend.redeemer is None:
        raise ValueError("what is spent by key is the wallet's")
    given = spend.redeemer if isinstance(spend.redeemer, bytes) else spend.redeemer(layout)
    return pc.serialization.RawCBOR(given)


def builders(times: int) -> list[Block]:
    """A payment of tokens, a claim and a batch: by both builders."""
    harness = harness_with_scripts()
    world = opened(harness, planned(harness, 100))[0].attest()[0]
    harness.give(Value(20 * ADA) + Value.of(harness.token, TOKENS))
    works: dict[str, TransactionDraft] = {
        "a plain payment of tokens": TransactionDraft(outputs=(payment(harness),)),
        "a claim": world.release_draft([0]),
        "a batch of 20": world.release_draft(range(20)),
    }
    rows: list[list[Cell]] = []
    for name, draft in works.items():
        balanced = harness.balanced(draft)
        ours, busy = median_of(times, lambda: harness.signed(harness.balanced(draft)))  # noqa: B023
        rows.append([name, "this project's", ours.size, ours.fee_lovelace, 1_000 * busy])
        built, busy = median_of(times, Theirs(harness, draft, balanced).prepared())
        raw, fee = built.to_cbor(), built.transaction_body.fee
        with harness.undone():
            harness.chain.submit(raw)
        rows.append([name, "PyCardano's", len(raw), fee, 1_000 * busy])
    (plain, their_plain), (claim, their_claim) = rows[:2], rows[2:4]
    return [
        Words(
            f"A claim costs {_n(claim[3]) / _n(plain[3]):.2f} times as much as a plain payment of tokens."
            " PyCardano's builder needs"
            f" {_n(their_claim[4]) / _n(claim[4]):.1f} times the processor time for the same claim, and"
            f" {_n(their_plain[4]) / _n(plain[4]):.1f} times for the same payment. Its fees are"
            f" {_n(their_claim[3]) / _n(claim[3]):.3f} and {_n(their_plain[3]) / _n(plain[3]):.3f} times"
            " ours: it pays for a reserve of execution units, unless it is asked not to."
        ),
        Table(
            [
                Column("built", None),
                Column("builder", None),
                Column("bytes"),
                Column("fee (lovelace)"),
                Column("build, evaluate, sign (ms of processor)", 1),
            ],
            rows,
        ),
    ]


def payment(harness: ContractHarness) -> DraftOutput:
    """A million of the token to a base address."""
    value = Value.of(harness.token, TOKENS)
    return DraftOutput(address=base_address(harness, "beneficiary"), value=value)


def median_of(times: int, work: Callable[[], Any]) -> tuple[Any, float]:
    """What the work gives, and the median of the processor seconds that it takes."""
    results, seconds = [], []
    for _ in range(times):
        started = time.process_time()
        results.append(work())
        seconds.append(time.process_time() - started)
    return results[-1], statistics.median(seconds)


# -- contracts


class ListContract:
    """The contract with its list in the datum, published on a chain."""

    def __init__(self, harness: ContractHarness) -> None:
        self.harness = harness
        blueprint = json.loads(BLUEPRINT.read_text(encoding="utf-8"))
        code = bytes.fromhex(blueprint["validators"][0]["compiledCode"])
        self.script = Script("plutus:v3", code)
        self.address = Address(0, script_credential(self.script.hash()))
        output = DraftOutput(address=harness.address, script=self.script)
        sent = harness.send(TransactionDraft(outputs=(output,)))
        self.published = sent.outputs[0]
        harness.wallet = tuple(each for each in harness.wallet if each != self.published)

    def state(self, count: int) -> bytes:
        """A list of so many people, a million of the token each, vested: the datum's CBOR."""
        address = base_address(self.harness, "beneficiary").to_data()
        entry: PlutusData = Constr(0, (address, TOKENS, moment(FIRST_SLOT) * 1_000))
        token = self.harness.token
        policy, name = token.policy_id, token.asset_name
        return plutus_data.encode(Constr(0, (policy, name, (entry,) * count)))

    def opening(self, count: int) -> TransactionDraft:
        """Puts a list on the chain."""
        value = Value.of(self.harness.token, TOKENS * count)
        output = DraftOutput(address=self.address, value=value, inline_datum=self.state(count))
        return TransactionDraft(outputs=(output,))

    def claim(self, held: Utxo, count: int, index: int) -> TransactionDraft:
        """Pays whoever stands at this place."""
        rest = DraftOutput(
            address=self.address,
            value=held.output.value - Value.of(self.harness.token, TOKENS),
            inline_datum=self.state(count - 1),
        )
        return TransactionDraft(
            spends=(Spend(held, plutus_data.encode(index)),),
            outputs=(rest, payment(self.harness)),
            reference_inputs=(self.published,),
            valid_from_slot=self.harness.slot,
        )

    def fits(self, count: int) -> bool:
        """Whether so many can be opened, and the last of them paid."""
        harness = self.harness
        with harness.undone():
            harness.give(Value(200 * ADA) + Value.of(harness.token, TOKENS * count))
            if not fits(harness, lambda: self.opening(count)):
                return False
            held = harness.send(self.opening(count)).outputs[0]
            return fits(harness, lambda: self.claim(held, count, count - 1))

    def row(self, count: int) -> list[Cell]:
        """A list of so many: its datum, its deposit, opening it, and the dearest claim out of it."""
        harness = self.harness
        with harness.undone():
            harness.give(Value(200 * ADA) + Value.of(harness.token, TOKENS * count))
            sent = harness.send(self.opening(count))
            held = sent.outputs[0]
            claim = harness.balanced(self.claim(held, count, count - 1))
            with harness.undone():
                harness.submit(harness.signed(claim))
            deposit = held.output.value.lovelace / ADA
            row = [len(self.state(count)), deposit, sent.fee_lovelace, claim.size]
            return [*row, claim.units.memory, claim.fee_lovelace]


def contracts(limit: int) -> list[Block]:
    """The list in the datum beside this project's tree, as long as the list fits."""
    harness = harness_with_scripts()
    contract = ListContract(harness)
    largest = most(contract.fits, limit)
    sizes = [*(size for size in LENGTHS if size < largest), largest]
    rows = [
        [size, *contract.row(size), *tree] for size, tree in zip(sizes, trees(sizes), strict=True)
    ]
    first, last = rows[0], rows[-1]
    dearer = next((row for row in rows if _n(row[6]) > _n(row[8])), last)
    return [
        Words(
            f"A list in the datum ends at {largest} people: its claim takes {_n(last[4]):,} bytes and"
            f" {_n(last[5]):,} units of memory there. From {dearer[0]} people on a claim is dearer than out of"
            f" a tree. Its deposit is {_n(last[2]):.1f} ADA at the end, where the tree's vaults hold"
            f" {_n(last[7]):.1f}. It knows neither oracles nor batches, and can't be closed."
        ),
        Plot(
            "performance-list",
            "A claim out of a list in the datum, and out of this project's tree",
            "people",
            "lovelace",
            [
                Line("list in the datum", [(_n(row[0]), _n(row[6])) for row in rows]),
                Line("this contract", [(_n(row[0]), _n(row[8])) for row in rows]),
            ],
            f"The fee of a claim out of a list in the datum grows from {first[6]:,} lovelace with one person to"
            f" {last[6]:,} with {last[0]}, where the list ends. Out of a tree it grows from {first[8]:,} to"
            f" {last[8]:,}, and goes on.",
        ),
        Table(
            [
                Column("people"),
                Column("datum (bytes)"),
                Column("its deposit (ADA)", 2),
                Column("opening (lovelace)"),
                Column("claim (bytes)"),
                Column("memory"),
                Column("claim (lovelace)"),
                Column("this contract: deposit of the vaults (ADA)", 2),
                Column("its claim (lovelace)"),
            ],
            rows,
        ),
    ]


def trees(sizes: Sequence[int]) -> Iterator[list[Cell]]:
    """Of this project's contract: the vaults' deposit in ADA, and the fee of a claim, for as many people."""
    harness = harness_with_scripts()
    for size in sizes:
        with harness.undone():
            world = opened(harness, planned(harness, size))[0].attest()[0]
            deposit = sum(vault.output.value.lovelace for vault in world.vaults) / ADA
            yield [deposit, harness.balanced(world.release_draft([size - 1])).fee_lovelace]


def _n(cell: Cell) -> float:
    """A cell that is a number."""
    if not isinstance(cell, (int, float)):
        raise TypeError(f"{cell!r} is no number")
    return cell
