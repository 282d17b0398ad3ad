"""A transaction with everything that its rules look up, looked up once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import RedeemerPointer
from milestones.devnet.ledger.environment import Environment
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import Parameters
from milestones.devnet.ledger.rendering import reference_json
from milestones.devnet.ledger.transaction import Body, Transaction


@dataclass(frozen=True, slots=True)
class Need:
    """A script that must agree, and the redeemer that it would be run with.

    `subject` is the output that it guards, or the policy's id.
    """

    pointer: RedeemerPointer
    subject: OutputReference | bytes
    script_hash: bytes

    def to_json(self) -> dict[str, Any]:
        """Ogmios' `ScriptPurpose`."""
        if isinstance(self.subject, OutputReference):
            return {"purpose": "spend", "outputReference": reference_json(self.subject)}
        return {"purpose": "mint", "policy": self.subject.hex()}


@dataclass(frozen=True, slots=True)
class Case:
    """What the rules read. Inputs that are unknown stand in none of the three mappings.

    `reference_scripts` are the scripts that spent and referenced outputs bring, `scripts` these and
    the witnesses': by hash. `needs` are in the order of redeemer pointers.
    """

    transaction: Transaction
    environment: Environment
    inputs: Mapping[OutputReference, Output]
    reference_inputs: Mapping[OutputReference, Output]
    collateral: Mapping[OutputReference, Output]
    reference_scripts: Mapping[bytes, Script]
    scripts: Mapping[bytes, Script]
    needs: tuple[Need, ...]

    @property
    def body(self) -> Body:
        """The transaction's body."""
        return self.transaction.body

    @property
    def parameters(self) -> Parameters:
        """The parameters in force."""
        return self.environment.parameters

    @property
    def plutus_needs(self) -> list[tuple[Need, Script]]:
        """The needs whose script is at hand and a Plutus script."""
        return [
            (need, script)
            for need in self.needs
            if (script := self.scripts.get(need.script_hash)) and script.language != "native"
        ]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All outputs, the collateral return last."""
        returned = self.body.collateral_return
        return self.body.outputs if returned is None else (*self.body.outputs, returned)


def open_case(
    transaction: Transaction, utxo: Mapping[OutputReference, Output], environment: Environment
) -> Case:
    """Looks up the outputs and scripts that `transaction` names. Ledger: `getScriptsProvided`."""
    body = transaction.body
    inputs = {ref: utxo[ref] for ref in body.inputs if ref in utxo}
    references = {ref: utxo[ref] for ref in body.reference_inputs if ref in utxo}
    brought = [output.script for output in (*inputs.values(), *references.values())]
    reference_scripts = {script.hash(): script for script in brought if script is not None}
    return Case(
        transaction=transaction,
        environment=environment,
        inputs=inputs,
        reference_inputs=references,
        collateral={ref: utxo[ref] for ref in body.collateral if ref in utxo},
        reference_scripts=reference_scripts,
        scripts={**reference_scripts, **transaction.witnesses.scripts},
        needs=(*_spending(body, inputs), *_minting(body)),
    )


def _spending(body: Body, inputs: Mapping[OutputReference, Output]) -> list[Need]:
    """Ledger: `getSpendingScriptsNeeded`. A pointer's index counts all inputs, in order."""
    needs = []
    for index, reference in enumerate(body.inputs):
        output = inputs.get(reference)
        if output is not None and output.address.script_hash is not None:
            pointer = RedeemerPointer("spend", index)
            needs.append(Need(pointer, reference, output.address.script_hash))
    return needs


def _minting(body: Body) -> list[Need]:
    """Ledger: `getMintingScriptsNeeded`. A policy's id is its script's hash."""
    return [
        Need(RedeemerPointer("mint", index), policy_id, policy_id)
        for index, policy_id in enumerate(body.mint.policies())
    ]
