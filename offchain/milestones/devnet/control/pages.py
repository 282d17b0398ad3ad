"""Pages for a person: the tip, blocks and transactions, as plain HTML that a telephone can read."""

from __future__ import annotations

from html import escape

from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Transaction
from milestones.devnet.ogmios.network import utc
from milestones.errors import NotFound

RECENT_BLOCKS = 20

_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem}"
    "code{overflow-wrap:anywhere}table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.25rem .5rem;border-bottom:1px solid #8884;vertical-align:top}"
)


def overview(chain: Chain) -> str:
    """Tip, what waits, and the latest blocks."""
    rows = "".join(_block_row(chain, each) for each in reversed(chain.blocks[-RECENT_BLOCKS:]))
    waiting = "".join(_transaction_row(each) for each in chain.mempool.transactions)
    return _page(
        "Embedded chain",
        f"<p>Tip: block {_block_link(chain.tip)}, slot {chain.tip.slot}; "
        f"the chain's time is {utc(chain.clock.posix_ms())}.</p>"
        + (f"<h2>Waiting</h2><table>{waiting}</table>" if waiting else "")
        + f"<h2>Latest blocks</h2><table><tr><th>Height<th>Slot<th>Time<th>Transactions{rows}</table>",
    )


def block(chain: Chain, height: int) -> str:
    """One block. Raises `NotFound`."""
    if height >= len(chain.blocks):
        raise NotFound(f"there is no block {height}", hint="start at /")
    shown = chain.blocks[height]
    rows = "".join(_transaction_row(each.transaction) for each in shown.inclusions)
    return _page(
        f"Block {height}",
        f"<p><code>{shown.header_hash.hex()}</code><br>slot {shown.slot}, "
        f"{utc(chain.calendar.start_of(shown.slot))}, {shown.body_size} bytes</p>"
        f"<table>{rows or '<tr><td>No transactions.'}</table>",
    )


def transaction(chain: Chain, transaction_id: str) -> str:
    """One transaction, wherever it is. Raises `NotFound`."""
    shown, where = _find(chain, transaction_id)
    body = shown.body
    tables = [
        _table("Inputs", [f"<code>{escape(str(each))}</code>" for each in body.inputs]),
        _table("References", [f"<code>{escape(str(x))}</code>" for x in body.reference_inputs]),
        _table("Outputs", [_output(each) for each in body.outputs]),
        _table(
            "Minted",
            [f"{n} <code>{escape(str(asset))}</code>" for asset, n in body.mint.assets.items()],
        ),
        _table(
            "Redeemers",
            [
                f"{each.pointer.purpose} {each.pointer.index}: {each.units.memory} memory, "
                f"{each.units.cpu} steps<br><code>{each.data.hex()}</code>"
                for each in shown.witnesses.redeemers
            ],
        ),
    ]
    valid = "" if shown.is_valid else " <b>Its scripts failed: the collateral was taken.</b>"
    return _page(
        "Transaction",
        f"<p><code>{transaction_id}</code><br>{where}; {len(shown.raw)} bytes, "
        f"fee {_ada(body.fee)}.{valid}</p>" + "".join(tables),
    )


def _find(chain: Chain, transaction_id: str) -> tuple[Transaction, str]:
    try:
        wanted = bytes.fromhex(transaction_id)
    except ValueError:
        wanted = b""
    place = chain.place_of(wanted)
    if place is not None:
        found = place[0].inclusions[place[1]].transaction
        return found, f"in block {_block_link(place[0])}, slot {place[0].slot}"
    for waiting in chain.mempool.transactions:
        if waiting.id == wanted:
            return waiting, "waiting for a block"
    raise NotFound("there is no such transaction", hint="start at /")


def _output(output: Output) -> str:
    tokens = "".join(
        f"<br>{n} <code>{escape(str(asset))}</code>" for asset, n in output.value.assets.items()
    )
    datum = output.datum or output.datum_hash
    shown = "" if datum is None else f"<br>datum <code>{datum.hex()}</code>"
    script = output.script
    script_text = "" if script is None else f"<br>script <code>{script.hash().hex()}</code>"
    address = f"<code>{escape(str(output.address))}</code>"
    return f"{address}<br>{_ada(output.value.lovelace)}{tokens}{shown}{script_text}"


def _ada(lovelace: int) -> str:
    return f"{lovelace // 1_000_000}.{lovelace % 1_000_000:06d} ADA"


def _table(title: str, rows: list[str]) -> str:
    if not rows:
        return ""
    return f"<h2>{title}</h2><table>{''.join(f'<tr><td>{row}' for row in rows)}</table>"


def _block_link(shown: Block) -> str:
    return f'<a href="/block/{shown.height}">{shown.height}</a>'


def _block_row(chain: Chain, shown: Block) -> str:
    moment = utc(chain.calendar.start_of(shown.slot))
    count = len(shown.inclusions)
    return f"<tr><td>{_block_link(shown)}<td>{shown.slot}<td>{moment}<td>{count}"


def _transaction_row(shown: Transaction) -> str:
    digest = shown.id.hex()
    return f'<tr><td><a href="/transaction/{digest}"><code>{digest}</code></a>'


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f'<h1>{title}</h1>{content}<p><a href="/">Overview</a></p></html>'
    )
