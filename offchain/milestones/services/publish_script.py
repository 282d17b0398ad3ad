"""`publish-script`: the contract's reference scripts, once per network, for everybody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Literal

from milestones.cardano.address import Address
from milestones.cardano.outputs import Utxo
from milestones.domain.models import TransactionStatus
from milestones.domain.reading import HexField
from milestones.protocol.validator_loader import Contract
from milestones.services.backend import Backend
from milestones.services.preflight import must_be_indexed
from milestones.services.results import View
from milestones.services.sending.payer import PaidBy
from milestones.services.sending.published_scripts import find_published
from milestones.services.sending.reports import SentResult
from milestones.services.sending.run import Run, SubmissionRequest
from milestones.services.sending.runner import SendingCommand, perform
from milestones.services.sending.waiting import wait_for_index
from milestones.storage.submission import ScriptsPayload
from milestones.transactions.contract_drafts import publication_address, publish_draft


class PublishedScript(View):
    """An output that carries a script: `<transaction id>#<index>`, the script's hash and bytes."""

    reference: str
    script_hash: HexField
    size: int


class Published(SentResult):
    """Where the scripts are. Amounts are lovelace; None where nothing was to be done."""

    status: Literal["already_published"] | TransactionStatus
    address: str
    vault: PublishedScript
    registry: PublishedScript
    board: PublishedScript
    transaction_hash: str | None = None
    fee_estimate: int | None = None
    deposits_lovelace: int | None = None


async def publish_script(
    backend: Backend, *, key: PaidBy, dry_run: bool = False, wait: bool = False
) -> Published:
    """Publishes what is missing of the three scripts; says so when nothing is.

    The outputs can never be spent by anybody: their lovelace is the price of the publication. Raises
    `NotFound` where Kupo doesn't index the place, `InsufficientFunds`, `ChainRejected`.
    """
    contract = backend.contract
    command = _PublishScript(
        contract=contract, address=publication_address(contract, backend.network.network_id)
    )
    return await perform(backend, command, key=key, dry_run=dry_run, wait=wait)


@dataclass(kw_only=True)
class _PublishScript(SendingCommand[Published]):
    """One publication; `places` are the outputs that hold the scripts, by the script's hash."""

    name = "publish-script"
    contract: Contract
    address: Address
    places: dict[bytes, str] = field(default_factory=dict)

    async def build(self, run: Run) -> AsyncIterator[SubmissionRequest]:
        """Looks which scripts are there, and publishes the others."""
        backend, sole = run.backend, f"publish {self.contract.policy_id.hex()}"
        await must_be_indexed(backend, self.address)
        if run.resume_instead(lambda submission: submission.sole == sole):
            return
        await wait_for_index(backend)
        found = await find_published(backend, run.mempool)
        self.places = _places(
            utxo for utxo in (found.vault, found.registry, found.board) if utxo is not None
        )
        missing = [script for script in self.contract.scripts if script.hash() not in self.places]
        if not missing:
            return
        context = await run.context(found)
        draft = publish_draft(self.contract, network_id=backend.network.network_id, scripts=missing)
        built = await context.build(draft)
        published = built.outputs[: len(missing)]
        self.places |= _places(published)
        yield SubmissionRequest(
            transaction=built,
            sole=sole,
            payload=ScriptsPayload(
                outputs={digest.hex(): place for digest, place in self.places.items()},
                deposits_lovelace=sum(utxo.output.value.lovelace for utxo in published),
            ),
        )

    def report(self, run: Run) -> Published:
        """Where the scripts are, and what it took."""
        sent = next(reversed(run.transactions.values()), None)
        payload = None if sent is None else sent.submission.payload
        places = self.places
        if isinstance(payload, ScriptsPayload):
            places = {bytes.fromhex(digest): place for digest, place in payload.outputs.items()}
        vault, registry, board = (
            PublishedScript(
                reference=places[script.hash()], script_hash=script.hash(), size=len(script.code)
            )
            for script in self.contract.scripts
        )
        return Published(
            status="already_published" if sent is None else sent.status,
            address=self.address.to_bech32(),
            vault=vault,
            registry=registry,
            board=board,
            transaction_hash=None if sent is None else sent.submission.transaction_id,
            fee_estimate=None if sent is None else sent.submission.fee_lovelace,
            deposits_lovelace=(
                payload.deposits_lovelace if isinstance(payload, ScriptsPayload) else None
            ),
        )


def _places(utxos: Iterable[Utxo]) -> dict[bytes, str]:
    return {
        utxo.output.script_hash: str(utxo.reference)
        for utxo in utxos
        if utxo.output.script_hash is not None
    }
