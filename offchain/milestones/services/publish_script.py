"""`publish-script`: the contract's reference scripts, once per network, for everybody."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from milestones.cardano.outputs import Script, Utxo
from milestones.domain.fields import HexField
from milestones.services.backend import Backend, chain_time, require_network, staleness
from milestones.services.preflight import must_be_indexed
from milestones.services.results import Result, View
from milestones.services.submitting.earlier import still_pending
from milestones.services.submitting.funds import funds_of
from milestones.services.submitting.reference_scripts import find_published
from milestones.services.submitting.standing import wait_for_index
from milestones.services.submitting.submission import (
    Errand,
    SubmissionState,
    build,
    deliver,
    see_through,
    valid_until,
)
from milestones.storage.submission import ScriptsPayload, Submission
from milestones.transactions.publish import publication_address, publish_draft
from milestones.transactions.tx_builder import SignedTransaction
from milestones.transactions.wallet import SigningKey

COMMAND = "publish-script"


class PublishedScript(View):
    """An output that carries a script: `<transaction id>#<index>`, the script's hash and bytes."""

    reference: str
    script_hash: HexField
    size: int


class Published(Result):
    """Where both scripts are. Amounts are lovelace; None where nothing was to be done."""

    status: Literal["already_published"] | SubmissionState
    address: str
    vault: PublishedScript
    registry: PublishedScript
    transaction_hash: str | None = None
    fee_estimate: int | None = None
    deposits_lovelace: int | None = None


async def publish_script(
    backend: Backend, *, key: SigningKey, dry_run: bool = False, wait: bool = False
) -> Published:
    """Publishes what is missing of the two scripts; says so when nothing is.

    The outputs can never be spent by anybody: their lovelace is the price of the publication. Raises
    `NotFound` where Kupo doesn't index the place, `InsufficientFunds`, `ChainRejected`.
    """
    await require_network(backend)
    warnings = tuple(await staleness(backend))
    address = publication_address(backend.contract, backend.network.network_id)
    await must_be_indexed(backend, address)
    sole = f"publish {backend.contract.policy_id.hex()}"
    if not dry_run:
        pending = await still_pending(backend, command=COMMAND, distribution_id=None)
        same = [submission for submission in pending if submission.sole == sole]
        if same:
            return await _resumed(backend, same[-1], warnings, wait=wait)
    await wait_for_index(backend)
    found = await find_published(backend)
    places = _places(utxo for utxo in (found.vault, found.registry) if utxo is not None)
    missing = [script for script in _scripts(backend) if script.hash() not in places]
    if not missing:
        return _published(backend, "already_published", places, {}, warnings)
    signed, limit = await _build(backend, key, missing)
    places |= _places(signed.outputs)
    facts = _facts(signed, missing)
    errand = Errand(
        command=COMMAND,
        signed=signed,
        valid_until_slot=limit,
        sole=sole,
        payload=ScriptsPayload(
            outputs={digest.hex(): place for digest, place in places.items()},
            deposits_lovelace=facts["deposits_lovelace"],
        ),
    )
    state = await deliver(backend, errand, dry_run=dry_run, wait=wait)
    return _published(backend, state, places, facts, warnings)


def _scripts(backend: Backend) -> tuple[Script, Script]:
    return backend.contract.vault_script, backend.contract.registry_script


async def _build(
    backend: Backend, key: SigningKey, missing: list[Script]
) -> tuple[SignedTransaction, int]:
    funds = await funds_of(backend, key)
    limit = valid_until(await chain_time(backend))
    draft = publish_draft(backend.contract, network_id=backend.network.network_id, scripts=missing)
    draft = dataclasses.replace(draft, valid_until_slot=limit)
    parameters = await backend.ogmios.protocol_parameters()
    return await build(backend, draft, funds, parameters), limit


def _places(utxos: Iterable[Utxo]) -> dict[bytes, str]:
    return {
        utxo.output.script_hash: str(utxo.reference)
        for utxo in utxos
        if utxo.output.script_hash is not None
    }


def _facts(signed: SignedTransaction, missing: list[Script]) -> dict[str, Any]:
    published = signed.outputs[: len(missing)]
    return {
        "transaction_hash": signed.id.hex(),
        "fee_estimate": signed.fee_lovelace,
        "deposits_lovelace": sum(utxo.output.value.lovelace for utxo in published),
    }


async def _resumed(
    backend: Backend, submission: Submission, warnings: tuple[str, ...], *, wait: bool
) -> Published:
    """The result of an earlier run whose transaction is still on its way."""
    if wait:
        await see_through(backend, submission.transaction_id)
    payload = submission.payload
    known = payload if isinstance(payload, ScriptsPayload) else None
    places = (
        {bytes.fromhex(digest): place for digest, place in known.outputs.items()} if known else {}
    )
    facts = {
        "transaction_hash": submission.transaction_id,
        "fee_estimate": submission.fee_lovelace,
        "deposits_lovelace": known.deposits_lovelace if known else None,
    }
    note = f"transaction {submission.transaction_id} of an earlier run is still on its way"
    state: SubmissionState = "confirmed" if wait else "submitted"
    return _published(backend, state, places, facts, (*warnings, note))


def _published(
    backend: Backend,
    status: Literal["already_published"] | SubmissionState,
    places: Mapping[bytes, str],
    facts: Mapping[str, Any],
    warnings: tuple[str, ...],
) -> Published:
    vault, registry = (
        PublishedScript(
            reference=places.get(script.hash(), "unknown"),
            script_hash=script.hash(),
            size=len(script.code),
        )
        for script in _scripts(backend)
    )
    address = publication_address(backend.contract, backend.network.network_id)
    return Published(
        status=status,
        address=address.to_bech32(),
        vault=vault,
        registry=registry,
        warnings=warnings,
        **facts,
    )
