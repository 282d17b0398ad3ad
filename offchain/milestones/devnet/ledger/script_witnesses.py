"""Scripts, datums and redeemers: all that are needed, and none that aren't.

Source: Babbage's and Alonzo's `UTXOW`.
"""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano.outputs import OutputReference
from milestones.devnet.ledger import failures
from milestones.devnet.ledger.case import Case
from milestones.devnet.ledger.failures import LedgerFailure, Unsupported
from milestones.devnet.ledger.native_scripts import native_script_holds
from milestones.devnet.ledger.plutus_core import verdict
from milestones.devnet.ledger.signatures import signers


def check_native_scripts(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateFailedBabbageScripts`, of needed scripts only."""
    body, keys = case.body, signers(case.transaction)
    needed = {need.script_hash for need in case.needs}
    failing = [
        digest
        for digest, script in case.scripts.items()
        if digest in needed
        and script.language == "native"
        and not native_script_holds(script.code, keys, body.invalid_before, body.invalid_after)
    ]
    if failing:
        yield failures.failing_native_scripts(failing)


def check_needed_scripts(case: Case) -> Iterator[LedgerFailure]:
    """Witnesses bring exactly what is needed and no reference brings. `babbageMissingScripts`."""
    needed = {need.script_hash for need in case.needs} - case.reference_scripts.keys()
    received = case.transaction.witnesses.scripts.keys()
    if missing := needed - received:
        yield failures.missing_scripts(missing)
    if extraneous := received - needed:
        yield failures.extraneous_scripts(extraneous)


def check_datums(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `missingRequiredDatums`.

    A Plutus script's output needs its datum: inline, or among the witnesses. Plutus V3 can do without.
    Beyond those, witnesses may bring datums of outputs and of referenced outputs only.
    """
    orphans, required = _input_datums(case)
    if orphans:
        yield failures.orphan_script_inputs(orphans)
    brought = case.transaction.witnesses.datums.keys()
    if missing := required - brought:
        yield failures.missing_datums(missing)
    shown = (*case.outputs, *case.reference_inputs.values())
    allowed = {output.datum_hash for output in shown}
    if extraneous := brought - required - allowed:
        yield failures.extraneous_datums(extraneous)


def _input_datums(case: Case) -> tuple[list[OutputReference], set[bytes]]:
    """(inputs without a datum, hashes of the datums needed). Ledger: `getInputDataHashesTxBody`."""
    orphans, required = [], set()
    for need, script in case.plutus_needs:
        if not isinstance(need.subject, OutputReference):
            continue
        output = case.inputs[need.subject]
        if output.datum_hash is not None:
            required.add(output.datum_hash)
        elif output.datum is None and script.language != "plutus:v3":
            orphans.append(need.subject)
    return orphans, required


def check_redeemers(case: Case) -> Iterator[LedgerFailure]:
    """One redeemer a Plutus script that runs. Ledger rule: `hasExactSetOfRedeemers`."""
    needs = {need.pointer: need for need, _ in case.plutus_needs}
    pointers = [redeemer.pointer for redeemer in case.transaction.witnesses.redeemers]
    if extraneous := [pointer for pointer in pointers if pointer not in needs]:
        yield failures.extraneous_redeemers(extraneous)
    if missing := [need.to_json() for pointer, need in needs.items() if pointer not in pointers]:
        yield failures.missing_redeemers(missing)


def check_scripts_well_formed(case: Case) -> Iterator[LedgerFailure]:
    """Ledger rule: `validateScriptsWellFormed`, of witnesses and of new outputs' reference scripts."""
    created = [output.script for output in case.outputs if output.script is not None]
    version = case.parameters.protocol_version[0]
    malformed = set()
    for script in (*case.transaction.witnesses.scripts.values(), *created):
        finding = verdict(script, version)
        if finding.malformed:
            malformed.add(script.hash())
        elif finding.unsupported:
            yield Unsupported(finding.unsupported)
    if malformed:
        yield failures.malformed_scripts(malformed)
