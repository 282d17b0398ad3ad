"""Pages for a person: the newest block, transactions, addresses and tokens, which a telephone can show."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from milestones.cardano.outputs import OutputReference
from milestones.cardano.value import AssetId
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.clock import utc
from milestones.devnet.control import searching
from milestones.devnet.control.flame_graph import STYLE_PATH
from milestones.devnet.control.plutus_text import item_text, plutus_text
from milestones.devnet.control.profile_page import profile_section
from milestones.devnet.funds import ACCOUNT_LOVELACE, accounts_of
from milestones.devnet.ledger.auxiliary_data import decode_metadata
from milestones.devnet.ledger.outputs import Output
from milestones.devnet.ledger.transaction import Body, Transaction
from milestones.devnet.ledger.utxow import signers
from milestones.devnet.terminal import transaction_words
from milestones.errors import InvalidInput, MilestonesError, NotFound
from milestones.look.pages import STYLESHEET_PATH, templates

if TYPE_CHECKING:
    from jinja2 import Environment

LATEST: Final = 20
"""Transactions, and rows of blocks, that the first page lists."""
SHOWN_WAITING: Final = 50
"""Waiting transactions that the first page lists; the others are counted."""
SHOWN_ACCOUNTS: Final = 10
NO_FORM: Final[Mapping[str, str]] = {"address": "", "ada": "100", "token": "", "quantity": ""}
"""What stands in the faucet's form at first."""


@cache
def _templates() -> Environment:
    return templates("milestones.devnet.control")


def _page(template: str, **content: Any) -> str:
    content = {"stylesheet_path": STYLESHEET_PATH, "flame_path": STYLE_PATH, **content}
    return _templates().get_template(template).render(content)


def refusal(error: MilestonesError, *, looked_for: str = "") -> str:
    """What a person sees instead of the page that was asked for."""
    title = "Not here" if isinstance(error, NotFound) else "That can't be"
    hint, message = error.hint, error.message
    return _page("refusal.html", title=title, message=message, hint=hint, looked_for=looked_for)


# -- the first page


@dataclass(frozen=True, slots=True)
class _Blocks:
    """A block with transactions, or empty ones in a row."""

    first: int
    last: int
    count: int
    at: int


def overview(
    chain: Chain,
    faults: Mapping[str, str | None],
    *,
    before: int | None = None,
    every: int | None = None,
    form: Mapping[str, str] = NO_FORM,
    problem: MilestonesError | None = None,
) -> str:
    """The newest block, what waits, the latest transactions, the faucet, and the latest blocks.

    `before`: only transactions of blocks below this height. `every`: the seconds after which the page is
    loaded again. `form` and `problem` are what the faucet was asked for, and why it didn't pay.
    """
    calendar = chain.calendar
    found = chain.latest_transactions()
    if before is not None:
        found = ((block, each) for block, each in found if block.height < before)
    latest = list(islice(found, LATEST + 1))
    accounts = accounts_of(chain.funding, calendar.network_id)[:SHOWN_ACCOUNTS]
    now_ms = chain.clock.posix_ms() // 1000 * 1000
    return _page(
        "overview.html",
        tip=chain.tip,
        magic=calendar.magic,
        fork=None if chain.fork is None else chain.fork.facts,
        impersonated=sorted(each.hex() for each in chain.impersonated),
        now=now_ms // 1000,
        clock=f"{utc(now_ms)[11:-1]} UTC",
        transaction_count=chain.transaction_count,
        waiting=[each.id.hex() for each in chain.mempool.transactions],
        most_waiting=SHOWN_WAITING,
        faults=[(name, fault) for name, fault in faults.items() if fault is not None],
        latest=[_row(chain, each.transaction, block) for block, each in latest[:LATEST]],
        older=latest[LATEST][0].height + 1 if len(latest) > LATEST else None,
        blocks=list(islice(_blocks(chain), LATEST)),
        every=every,
        form=form,
        problem=problem,
        prefix="addr1…" if calendar.network_id == 1 else "addr_test1…",
        accounts=[str(each.address) for each in accounts],
        account_lovelace=ACCOUNT_LOVELACE,
    )


def _blocks(chain: Chain) -> Iterator[_Blocks]:
    """The blocks, the newest first; a row for all that are empty between two that are not."""
    shown, first = None, 0
    for each in reversed(chain.blocks):
        if shown is not None and (shown.inclusions or each.inclusions):
            yield _Blocks(first, shown.height, len(shown.inclusions), _start(chain, shown.slot))
            shown = None
        shown, first = shown or each, each.height
    if shown is not None:
        yield _Blocks(first, shown.height, len(shown.inclusions), _start(chain, shown.slot))


def _start(chain: Chain, slot: int) -> int:
    """When a slot begins, POSIX seconds."""
    return chain.calendar.start_of(slot) // 1000


def block(chain: Chain, height: int) -> str:
    """One block. Raises `NotFound`."""
    shown = chain.at_height(height)
    if shown is None:
        raise NotFound(f"there is no block {height}", hint="start at /")
    neighbours = (("Before", height - 1), ("After", height + 1))
    return _page(
        "block.html",
        height=height,
        header_hash=shown.header_hash.hex(),
        slot=shown.slot,
        at=_start(chain, shown.slot),
        size=shown.body_size,
        listed=[_row(chain, each.transaction, shown) for each in shown.inclusions],
        neighbours=[each for each in neighbours if chain.at_height(each[1]) is not None],
    )


def found(chain: Chain, kind: str, name: str) -> str:
    """An `address`, or a `token` by its policy, its name, or both. Raises `NotFound`."""
    if kind == "address":
        known = searching.of_address(chain, name)
        tokens = known.value.assets.items()
    else:
        named = searching.tokens_named(chain, name)
        if not named:
            raise NotFound(f"nobody holds a token {name[:120]!r}", hint="start at /")
        known = searching.of_tokens(chain, named)
        tokens = {each: known.value.quantity(each) for each in sorted(named)}.items()
    return _page(
        "found.html",
        kind=kind.capitalize(),
        name=name,
        lovelace=known.value.lovelace,
        held_count=known.held_count,
        tokens=[*map(_token, tokens)],
        holders=[(str(address), quantity) for address, quantity in known.holders],
        listed=[_row(chain, each.transaction, block) for block, each in known.transactions],
        unspent=[_output(output, reference) for reference, output in known.shown],
    )


# -- a transaction


@dataclass(frozen=True, slots=True)
class _Row:
    """A transaction as a line; `height` and `at` (POSIX seconds) are None while it waits."""

    id: str
    words: str
    fee: int
    size: int
    is_valid: bool
    height: int | None
    at: int | None


def _row(chain: Chain, shown: Transaction, block: Block | None) -> _Row:
    return _Row(
        id=shown.id.hex(),
        words=transaction_words(shown),
        fee=shown.body.fee,
        size=len(shown.raw),
        is_valid=shown.is_valid,
        height=None if block is None else block.height,
        at=None if block is None else _start(chain, block.slot),
    )


def _units(memory: int, cpu: int) -> str:
    return f"{memory:,} memory, {cpu:,} steps"


def transaction(chain: Chain, transaction_id: str) -> str:
    """One transaction, wherever it is. Raises `NotFound`."""
    try:
        wanted = bytes.fromhex(transaction_id)
    except ValueError:
        wanted = b""
    shown = chain.transaction(wanted)
    if shown is None:
        raise NotFound("there is no such transaction", hint="start at /")
    place, body = chain.place_of(wanted), shown.body
    return _page(
        "transaction.html",
        shown=_row(chain, shown, None if place is None else place[0]),
        slot=0 if place is None else place[0].slot,
        inputs=_sources(chain, body.inputs, shown),
        reference_inputs=_sources(chain, body.reference_inputs, shown),
        collateral=_sources(chain, body.collateral, shown),
        outputs=[_output(each, reader=shown) for each in body.outputs],
        returned=[_output(each, reader=shown) for each in _returned(body)],
        minted=[*map(_token, body.mint.assets.items())],
        redeemers=[
            {
                "pointer": f"{each.pointer.purpose} {each.pointer.index}",
                "units": _units(each.units.memory, each.units.cpu),
                "data": plutus_text(each.data),
            }
            for each in shown.witnesses.redeemers
        ],
        profile=profile_section(chain, shown),
        metadata=_metadata(shown),
        validity=_validity(body),
        signers=[key.key.hex() for key in shown.witnesses.keys],
        waived=_waived(chain, shown),
    )


def _waived(chain: Chain, shown: Transaction) -> list[str]:
    """Credentials whose witnesses this chain doesn't ask for, and that did not sign."""
    spent = map(chain.output, (*shown.body.inputs, *shown.body.collateral))
    owners = {each.address.payment.hash for each in spent if each and each.address.payment}
    return sorted(each.hex() for each in (owners & chain.impersonated) - signers(shown))


@dataclass(frozen=True, slots=True)
class _Token:
    """A quantity, the name that people gave the token if it can be read, and the token."""

    quantity: int
    name: str
    asset: str


@dataclass(frozen=True, slots=True)
class _Output:
    """An output with where it comes from; empty and 0 are what there isn't."""

    origin: str = ""
    index: int = 0
    address: str = ""
    lovelace: int = 0
    tokens: tuple[_Token, ...] = ()
    datum_hash: str = ""
    datum: str = ""
    script: str = ""
    script_hash: str = ""


def _sources(
    chain: Chain, references: Iterable[OutputReference], reader: Transaction
) -> list[_Output]:
    """The outputs that a transaction spends or looks at, each with where it comes from."""
    listed = []
    for reference in references:
        output = chain.output(reference)
        if output is None:
            listed.append(_Output(reference.transaction_id.hex(), reference.index))
        else:
            listed.append(_output(output, reference, reader))
    return listed


def _output(
    output: Output, reference: OutputReference | None = None, reader: Transaction | None = None
) -> _Output:
    """An output; a datum that is only hashed is shown where the reading transaction brings it along."""
    digest, datum, script = output.datum_hash, output.datum, output.script
    if datum is None and digest is not None and reader is not None:
        datum = reader.witnesses.datums.get(digest)
    return _Output(
        origin="" if reference is None else reference.transaction_id.hex(),
        index=0 if reference is None else reference.index,
        address=str(output.address),
        lovelace=output.value.lovelace,
        tokens=tuple(map(_token, output.value.assets.items())),
        datum_hash="" if digest is None else digest.hex(),
        datum="" if datum is None else plutus_text(datum),
        script="" if script is None else script.language,
        script_hash="" if script is None else script.hash().hex(),
    )


def _returned(body: Body) -> list[Output]:
    return [] if body.collateral_return is None else [body.collateral_return]


def _token(entry: tuple[AssetId, int]) -> _Token:
    asset, quantity = entry
    try:
        name = asset.asset_name.decode()
    except UnicodeDecodeError:
        name = ""
    return _Token(quantity, name if name.isprintable() else "", str(asset))


def _metadata(shown: Transaction) -> list[tuple[int, str]]:
    if shown.auxiliary_data is None:
        return []
    decoded = decode_metadata(shown.auxiliary_data)
    return [(label, item_text(item)) for label, item in decoded.items()]


def _validity(body: Body) -> str:
    if body.invalid_before is None and body.invalid_after is None:
        return "all"
    since = "from the start" if body.invalid_before is None else f"from {body.invalid_before:,}"
    until = "for ever" if body.invalid_after is None else f"until before {body.invalid_after:,}"
    return f"{since}, {until}"


# -- the faucet's form


def faucet_arguments(form: Mapping[str, str]) -> dict[str, Any]:
    """What the faucet is asked for, as its JSON says it. Raises `InvalidInput` that names the field."""
    asked: dict[str, Any] = {"address": form["address"].strip()}
    lovelace = _lovelace(form["ada"].replace(",", "").strip())
    if lovelace:
        asked["lovelace"] = lovelace
    name, quantity = form["token"].strip(), form["quantity"].replace(",", "").strip()
    if name or quantity:
        if not quantity.isdecimal() or len(quantity) > 19:
            raise InvalidInput("give a whole number of the token", path="quantity")
        asked["tokens"] = {name.encode().hex(): int(quantity)}
    return asked


def _lovelace(ada: str) -> int:
    whole, _, fraction = ada.partition(".")
    digits = whole + fraction.ljust(6, "0")
    if ada and not (
        digits.isdecimal() and digits.isascii() and len(fraction) <= 6 and len(digits) < 20
    ):
        raise InvalidInput("give ADA with at most six decimals, such as 2.5", path="ada")
    return int(digits) if ada else 0
