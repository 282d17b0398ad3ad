"""A transaction with everything that its rules look up, looked up once, and what it is judged against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from milestones.cardano.certificates import consenting
from milestones.cardano.outputs import OutputReference, Script
from milestones.cardano.parameters import RedeemerPointer
from milestones.devnet.ledger.failures import ScriptSubject
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters
from milestones.devnet.ledger.staking_state import StakingState
from milestones.devnet.ledger.transaction import Body, Transaction


@dataclass(frozen=True, slots=True)
class Environment:
    """The network at one slot. Ledger rules: `LedgerEnv` and `UtxoEnv`.

    `network_id` is 1 on mainnet and 0 elsewhere; `slot` the slot that the transaction would enter the
    chain in. Slot 0 begins at `system_start_posix_ms` and every slot lasts `slot_length_ms`.
    `horizon_slot` is the first slot whose time can't be foreseen yet; None if there is no limit. `staking`
    is who is registered before the transaction.
    `impersonated` are credentials whose witnesses are waived: keys, and the keys of native scripts. No ledger
    has that.
    """

    slot: int
    system_start_posix_ms: int
    parameters: Parameters = field(default=MAINNET_PARAMETERS)
    network_id: int = 0
    network_magic: int = 42
    slot_length_ms: int = 1000
    horizon_slot: int | None = None
    epoch: int = 0
    staking: StakingState = field(default_factory=StakingState)
    impersonated: frozenset[bytes] = frozenset()

    def start_of(self, slot: int) -> int:
        """POSIX milliseconds at which `slot` begins."""
        return self.system_start_posix_ms + slot * self.slot_length_ms


@dataclass(frozen=True, slots=True)
class ScriptNeeded:
    """A script that must agree, what it guards, and the redeemer that it would be run with."""

    pointer: RedeemerPointer
    subject: ScriptSubject
    script_hash: bytes


@dataclass(frozen=True, slots=True)
class ResolvedTransaction:
    """What the rules read. Inputs that are unknown stand in none of the three mappings.

    `reference_scripts` are the scripts that spent and referenced outputs bring, `scripts` these and
    the witnesses': by hash. `scripts_needed` are in the ledger's order.
    """

    transaction: Transaction
    environment: Environment
    inputs: Mapping[OutputReference, Output]
    reference_inputs: Mapping[OutputReference, Output]
    collateral: Mapping[OutputReference, Output]
    reference_scripts: Mapping[bytes, Script]
    scripts: Mapping[bytes, Script]
    scripts_needed: tuple[ScriptNeeded, ...]

    @property
    def body(self) -> Body:
        """The transaction's body."""
        return self.transaction.body

    @property
    def parameters(self) -> Parameters:
        """The parameters in force."""
        return self.environment.parameters

    @property
    def plutus_scripts_needed(self) -> list[tuple[ScriptNeeded, Script]]:
        """Those of the scripts needed that are at hand and Plutus scripts."""
        return [
            (needed, script)
            for needed in self.scripts_needed
            if (script := self.scripts.get(needed.script_hash)) and script.language != "native"
        ]

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All outputs, the collateral return last."""
        returned = self.body.collateral_return
        return self.body.outputs if returned is None else (*self.body.outputs, returned)


def resolve(
    transaction: Transaction, unspent: Mapping[OutputReference, Output], environment: Environment
) -> ResolvedTransaction:
    """Looks up the outputs and scripts that `transaction` names. Ledger: `getScriptsProvided`."""
    body = transaction.body
    inputs = {ref: unspent[ref] for ref in body.inputs if ref in unspent}
    references = {ref: unspent[ref] for ref in body.reference_inputs if ref in unspent}
    brought = [output.script for output in (*inputs.values(), *references.values())]
    reference_scripts = {script.hash(): script for script in brought if script is not None}
    return ResolvedTransaction(
        transaction=transaction,
        environment=environment,
        inputs=inputs,
        reference_inputs=references,
        collateral={ref: unspent[ref] for ref in body.collateral if ref in unspent},
        reference_scripts=reference_scripts,
        scripts={**reference_scripts, **transaction.witnesses.scripts},
        scripts_needed=(
            *_spending(body, inputs),
            *_withdrawing(body),
            *_certifying(body),
            *_minting(body),
        ),
    )


def _spending(body: Body, inputs: Mapping[OutputReference, Output]) -> list[ScriptNeeded]:
    """Ledger: `getSpendingScriptsNeeded`. A pointer's index counts all inputs, in order."""
    found = []
    for index, reference in enumerate(body.inputs):
        output = inputs.get(reference)
        if output is not None and output.address.script_hash is not None:
            pointer = RedeemerPointer("spend", index)
            found.append(ScriptNeeded(pointer, reference, output.address.script_hash))
    return found


def _minting(body: Body) -> list[ScriptNeeded]:
    """Ledger: `getMintingScriptsNeeded`. A policy's id is its script's hash."""
    return [
        ScriptNeeded(RedeemerPointer("mint", index), policy_id, policy_id)
        for index, policy_id in enumerate(body.mint.policies())
    ]


def _withdrawing(body: Body) -> list[ScriptNeeded]:
    """Ledger: `getWithdrawingScriptsNeeded`. A pointer's index counts all withdrawals, in order."""
    return [
        ScriptNeeded(RedeemerPointer("withdraw", index), address, address.credential.hash)
        for index, address in enumerate(body.withdrawals)
        if address.credential.kind == "script"
    ]


def _certifying(body: Body) -> list[ScriptNeeded]:
    """Ledger: `certifyingScriptsNeeded`. A pointer's index counts all certificates."""
    found = []
    for index, certificate in enumerate(body.certificates):
        who = consenting(certificate)
        if who is not None and who.kind == "script":
            found.append(ScriptNeeded(RedeemerPointer("publish", index), certificate, who.hash))
    return found
