"""Whose signatures a transaction needs."""

from __future__ import annotations

from collections.abc import Iterator

from milestones.cardano import cbor
from milestones.cardano.address import Address
from milestones.cardano.cbor import Item
from milestones.transactions.assembly import Assembly


def expected_key_hashes(assembly: Assembly) -> frozenset[bytes]:
    """Key hashes of inputs, collateral, required signers, and all that native scripts name."""
    collateral = assembly.collateral.inputs if assembly.collateral else ()
    addresses = (Address.from_bech32(u.output.address) for u in (*assembly.inputs, *collateral))
    locks = {address.payment.hash for address in addresses if address.payment.kind == "key"}
    natives = (s for s in assembly.draft.scripts if s.language == "native")
    named = {digest for script in natives for digest in _keys(cbor.read(script.code))}
    return frozenset(locks | named | set(assembly.draft.required_signers))


def _keys(script: Item) -> Iterator[bytes]:
    """The key hashes anywhere in a native script (CDDL `native_script`): kind 0 names one."""
    kind, *rest = script.array()
    if kind.integer() == 0:
        yield rest[0].bytes()
    elif kind.integer() in (1, 2, 3):
        for inner in rest[-1].array():
            yield from _keys(inner)
