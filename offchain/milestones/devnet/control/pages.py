"""Pages for a person: the tip, blocks and transactions, as plain HTML that a telephone can read."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import AssetId
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.clock import utc
from milestones.devnet.control.markup import code, page, section
from milestones.devnet.control.plutus_text import item_text, plutus_text
from milestones.devnet.control.profile_page import profile_section
from milestones.devnet.ledger.auxiliary_data import decode_metadata
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Body, Transaction
from milestones.errors import NotFound


def digest_link(kind: str, digest: bytes) -> str:
    """A link to the page of something that is known by its hash."""
    return f'<a href="/{kind}/{digest.hex()}">{code(digest.hex())}</a>'


def ada(lovelace: int) -> str:
    """An amount for a person."""
    return f"{lovelace // 1_000_000:,}.{lovelace % 1_000_000:06d} ADA"


RECENT_BLOCKS = 20

SHOWN_WAITING = 50
"""Waiting transactions that the overview lists; the others are counted."""


def refusal(message: str, hint: str) -> str:
    """What a person sees instead of the page that was asked for."""
    return page("Not here", f"<p>{escape(message)}</p><p>{escape(hint)}</p>")


def overview(chain: Chain) -> str:
    """Tip, what waits, and the latest blocks."""
    rows = "".join(_block_row(chain, each) for each in reversed(chain.blocks[-RECENT_BLOCKS:]))
    transactions = chain.mempool.transactions
    waiting = [digest_link("transaction", each.id) for each in transactions[:SHOWN_WAITING]]
    if len(transactions) > SHOWN_WAITING:
        waiting.append(f"and {len(transactions) - SHOWN_WAITING:,} more")
    return page(
        "Embedded chain",
        _marks(chain) + f"<p>Tip: block {_block_link(chain.tip)}, slot {chain.tip.slot}. "
        f"The chain's time is {_moment(chain.clock.posix_ms() // 1000 * 1000)}.</p>"
        + section("Waiting for a block", waiting)
        + "<h2>Latest blocks</h2><table><tr><th>Block<th>Slot<th>Time<th>Transactions"
        + f"{rows}</table>",
    )


def _marks(chain: Chain) -> str:
    """That this is a fork, and whose witnesses are waived."""
    shown = ""
    if chain.fork is not None:
        facts = chain.fork.facts
        shown += (
            f"<p><b>A fork of {escape(facts.calendar.network_name)}</b> at block {facts.height}, slot "
            f"{facts.point.slot}: what happens here happens here only."
        )
    if chain.impersonated:
        names = " ".join(code(each.hex()) for each in sorted(chain.impersonated))
        shown += f"<p><b>No witness is asked</b> of these credentials, which no network would do: {names}"
    return shown


def block(chain: Chain, height: int) -> str:
    """One block. Raises `NotFound`."""
    shown = chain.at_height(height)
    if shown is None:
        raise NotFound(f"there is no block {height}", hint="start at /")
    neighbours = [
        f'<a href="/block/{other}">{name}</a>'
        for name, other in (("Before", height - 1), ("After", height + 1))
        if chain.at_height(other) is not None
    ]
    rows = [
        f"{digest_link('transaction', each.transaction.id)}<br>{_summary(each.transaction)}"
        for each in shown.inclusions
    ]
    return page(
        f"Block {height}",
        f"<p>{code(shown.header_hash.hex())}<br>slot {shown.slot}, "
        f"{_moment(chain.calendar.start_of(shown.slot))}, {shown.body_size:,} bytes</p>"
        + section("Transactions", rows or ["None."])
        + f"<p>{' '.join(neighbours)}</p>",
    )


def transaction(chain: Chain, transaction_id: str) -> str:
    """One transaction, wherever it is. Raises `NotFound`."""
    shown, where = _find(chain, transaction_id)
    body = shown.body
    valid = "" if shown.is_valid else " <b>Its scripts failed: the collateral was taken.</b>"
    return page(
        "Transaction",
        f"<p>{code(transaction_id)}<br>{where}; {_summary(shown)}.{valid}</p>"
        + section("Inputs", _sources(chain, body.inputs, shown))
        + section("Reference inputs", _sources(chain, body.reference_inputs, shown))
        + section("Collateral", _sources(chain, body.collateral, shown))
        + section("Outputs", [_output(each, shown) for each in body.outputs])
        + section("Collateral returned", _returned(body, shown))
        + section("Minted and burned", _tokens(body.mint.assets.items()))
        + section("Redeemers", _redeemers(shown))
        + profile_section(chain, shown)
        + section("Metadata", _metadata(shown))
        + section("Valid in slots", _validity(body))
        + section("Signed by", [code(key.key.hex()) for key in shown.witnesses.keys]),
    )


def _summary(shown: Transaction) -> str:
    """Size, fee, and what the scripts of a transaction use in all."""
    redeemers = shown.witnesses.redeemers
    units = ""
    if redeemers:
        memory = sum(each.units.memory for each in redeemers)
        cpu = sum(each.units.cpu for each in redeemers)
        units = f", {_units(memory, cpu)}"
    return f"{len(shown.raw):,} bytes, fee {ada(shown.body.fee)}{units}"


def _units(memory: int, cpu: int) -> str:
    return f"{memory:,} memory, {cpu:,} steps"


def _find(chain: Chain, transaction_id: str) -> tuple[Transaction, str]:
    try:
        wanted = bytes.fromhex(transaction_id)
    except ValueError:
        wanted = b""
    found = chain.transaction(wanted)
    if found is None:
        raise NotFound("there is no such transaction", hint="start at /")
    place = chain.place_of(wanted)
    if place is None:
        return found, "waiting for a block"
    moment = _moment(chain.calendar.start_of(place[0].slot))
    return found, f"in block {_block_link(place[0])}, slot {place[0].slot}, {moment}"


def _sources(chain: Chain, references: Iterable[OutputReference], reader: Transaction) -> list[str]:
    """The outputs that a transaction spends or looks at, each with where it comes from."""
    rows = []
    for reference in references:
        output = chain.output(reference)
        origin = f"{digest_link('transaction', reference.transaction_id)} #{reference.index}"
        rows.append(origin if output is None else f"{origin}<br>{_output(output, reader)}")
    return rows


def _output(output: Output, reader: Transaction) -> str:
    """An output; a datum that is only hashed is shown where the transaction brings it along."""
    lines = [code(str(output.address)), ada(output.value.lovelace)]
    lines += _tokens(output.value.assets.items())
    shown = "<br>".join(lines)
    digest = output.datum_hash
    datum = output.datum or (None if digest is None else reader.witnesses.datums.get(digest))
    if digest is not None:
        shown += f"<br>datum hash {code(digest.hex())}"
    if datum is not None:
        shown += f"<br>datum {_data(datum)}"
    if output.script is not None:
        shown += f"<br>{output.script.language} script {code(output.script.hash().hex())}"
    return shown


def _returned(body: Body, shown: Transaction) -> list[str]:
    return [] if body.collateral_return is None else [_output(body.collateral_return, shown)]


def _tokens(assets: Iterable[tuple[AssetId, int]]) -> list[str]:
    """Quantities with the names that people gave the tokens, as far as these can be read."""
    return [f"{quantity:,} {_name(asset)}{code(str(asset))}" for asset, quantity in assets]


def _name(asset: AssetId) -> str:
    try:
        name = asset.asset_name.decode()
    except UnicodeDecodeError:
        return ""
    return f"<b>{escape(name)}</b> " if name and name.isprintable() else ""


def _redeemers(shown: Transaction) -> list[str]:
    return [
        f"{each.pointer.purpose} {each.pointer.index}: "
        f"{_units(each.units.memory, each.units.cpu)}{_data(each.data)}"
        for each in shown.witnesses.redeemers
    ]


def _metadata(shown: Transaction) -> list[str]:
    if shown.auxiliary_data is None:
        return []
    return [
        f"label {label}<pre>{escape(item_text(item))}</pre>"
        for label, item in decode_metadata(shown.auxiliary_data).items()
    ]


def _data(data: bytes) -> str:
    return f"<pre>{escape(plutus_text(data))}</pre>"


def _validity(body: Body) -> list[str]:
    if body.invalid_before is None and body.invalid_after is None:
        return []
    since = "from the start" if body.invalid_before is None else f"from {body.invalid_before}"
    until = "for ever" if body.invalid_after is None else f"until before {body.invalid_after}"
    return [f"{since}, {until}"]


def _moment(posix_ms: int) -> str:
    """A moment, which a narrow screen may break between day and hour."""
    return utc(posix_ms).replace("T", " ").replace("Z", " UTC")


def _block_link(shown: Block) -> str:
    return f'<a href="/block/{shown.height}">{shown.height}</a>'


def _block_row(chain: Chain, shown: Block) -> str:
    moment = _moment(chain.calendar.start_of(shown.slot))
    count = len(shown.inclusions)
    return f"<tr><td>{_block_link(shown)}<td>{shown.slot}<td>{moment}<td>{count}"
