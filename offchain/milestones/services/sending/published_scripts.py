"""The published scripts: outputs of lovelace only, at the bare script address, which nobody can spend."""

from __future__ import annotations

import logging
from typing import Final

from milestones.cardano.outputs import Utxo
from milestones.clients.mempool import Mempool
from milestones.errors import NotFound
from milestones.services.backend import Backend
from milestones.transactions.contract_drafts import PublishedScripts, publication_address

_LOG: Final = logging.getLogger(__name__)


async def find_published(backend: Backend, mempool: Mempool | None = None) -> PublishedScripts:
    """The published scripts that are usable, the oldest of each first; junk is passed over.

    With a `mempool`, those that wait there for a block are found, too.
    """
    contract = backend.contract
    found: dict[bytes, Utxo] = {}
    for utxo in await _candidates(backend, mempool or Mempool()):
        script = utxo.output.script
        if script is not None and script in contract.scripts:
            found.setdefault(script.hash(), utxo)
    for script_hash, utxo in found.items():
        where = {"script": script_hash.hex(), "output": str(utxo.reference)}
        _LOG.debug("published script found", extra=where)
    return PublishedScripts(contract, *(found.get(script.hash()) for script in contract.scripts))


async def _candidates(backend: Backend, mempool: Mempool) -> list[Utxo]:
    configured = await backend.ogmios.utxo(backend.reference_scripts)
    address = publication_address(backend.contract, backend.network.network_id).to_bech32()
    indexed = await backend.kupo.matches(address, unspent=True)
    matches = mempool.applied(indexed, lambda output: output.address == address)
    # An output with a datum or tokens would make every claim dearer.
    plain = [
        match.utxo
        for match in sorted(
            matches, key=lambda match: (match.created_at.slot, match.transaction_index)
        )
        if match.datum is None and match.datum_hash is None and not match.output.value.assets
    ]
    return [*configured, *plain]


async def require_published(backend: Backend) -> PublishedScripts:
    """The published scripts. Raises `NotFound` where those that every claim needs are missing.

    `board`, which few run, travels in the transaction where nobody has published it.
    """
    found = await find_published(backend)
    if found.vault is None or found.registry is None:
        raise NotFound(
            "the contract's scripts are not published on this network, or Kupo does not index them",
            hint="run `milestones init`, then `milestones publish-script`",
        )
    return found
