"""Documents that a distribution's transactions name: what is announced, and which files are those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from milestones.domain.reading import HexField
from milestones.protocol.anchors import anchors_in
from milestones.services.backend import Backend
from milestones.services.distribution.on_chain import OnChain
from milestones.services.distribution.schedule_source import metadata_at
from milestones.services.results import View
from milestones.services.verify.checks import Check

NamedBy = Literal["opening", "attestation", "proposal", "notice"]


class NamedDocument(View):
    """A document that a transaction names: where it is said to be (None: only its hash is named), and its hash.

    `hash` is blake2b-256, or what somebody gave as the evidence's hash. `file` is the given file that has it.
    """

    named_by: NamedBy
    transaction_hash: str
    url: str | None
    hash: HexField
    file: str | None


@dataclass(frozen=True, slots=True)
class _Source:
    """A transaction that may name documents, and the evidence's hash that stands in its datum."""

    named_by: NamedBy
    transaction_id: bytes
    evidence_hash: bytes = b""


async def named_documents(
    backend: Backend, on_chain: OnChain, files: Mapping[str, bytes]
) -> tuple[NamedDocument, ...]:
    """The documents that the chain names. `files` are blake2b-256 hashes (32 bytes) by name.

    Attestations, of which there may be hundreds, are looked at only where there are files to compare.
    """
    by_hash = {digest: name for name, digest in files.items()}
    found = []
    for source in _sources(on_chain, attestations=bool(files)):
        anchors = anchors_in(await _metadata(backend, source.transaction_id))
        named: list[tuple[str | None, bytes]] = [(each.url, each.hash) for each in anchors]
        if source.evidence_hash and source.evidence_hash not in dict(_swapped(named)):
            named.append((None, source.evidence_hash))
        found += [
            NamedDocument(
                named_by=source.named_by,
                transaction_hash=source.transaction_id.hex(),
                url=url,
                hash=digest,
                file=by_hash.get(digest),
            )
            for url, digest in named
        ]
    return tuple(found)


def _swapped(named: list[tuple[str | None, bytes]]) -> Iterator[tuple[bytes, str | None]]:
    return ((digest, url) for url, digest in named)


def _sources(on_chain: OnChain, *, attestations: bool) -> Iterator[_Source]:
    yield _Source("opening", on_chain.opening.transaction_id)
    groups = on_chain.attestations.values() if attestations else ()
    for live in (each for group in groups for each in group):
        transaction_id = live.utxo.reference.transaction_id
        yield _Source("attestation", transaction_id, live.attestation.evidence_hash)
    for proposed in on_chain.proposals:
        transaction_id = proposed.utxo.reference.transaction_id
        yield _Source("proposal", transaction_id, proposed.proposal.evidence_hash)
    for given in on_chain.notices:
        transaction_id = given.utxo.reference.transaction_id
        yield _Source("notice", transaction_id, given.notice.evidence_hash)


async def _metadata(backend: Backend, transaction_id: bytes) -> bytes:
    matches = await backend.kupo.matches(f"*@{transaction_id.hex()}", resolve_hashes=False)
    if not matches:
        return b""
    found = await metadata_at(backend, matches[0].created_at.slot, transaction_id)
    return found or b""


def document_checks(
    documents: tuple[NamedDocument, ...], files: Mapping[str, bytes]
) -> Iterator[Check]:
    """A line for each given file: whether it is a document that the chain names."""
    for name, digest in files.items():
        matching = [each for each in documents if each.file == name]
        detail = f"{name} is named by the {', the '.join(each.named_by for each in matching)}"
        if not matching:
            detail = (
                f"{name}, of hash {digest.hex()}, is none of the documents that the chain names"
            )
        yield Check.of("anchors", bool(matching), detail)
