"""What a transaction does, in words: decoded from its bytes, by whoever is about to sign or send it.

Nothing is believed that the bytes don't say. An output is called the contract's only where it is at the
contract's address with a token of the contract's; a datum, a script or a token that isn't known is shown
as such. Of inputs the bytes hold no more than where they are: what they are worth is known where the
outputs that they spend are given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from milestones.cardano.address import Address
from milestones.cardano.outputs import OutputReference, TransactionOutput, Utxo
from milestones.cardano.slots import SlotClock
from milestones.cardano.transaction import Transaction, network_id_of_address
from milestones.cardano.value import AssetId, Value
from milestones.domain.posix_time import in_words as moment_in_words
from milestones.domain.posix_time import to_posix_seconds
from milestones.errors import InvalidAddress
from milestones.protocol.validator_loader import Contract
from milestones.transactions.actions import Action, Actions, actions_of
from milestones.transactions.places import Place, Recognition, amount_in_words, name_of
from milestones.transactions.required import RequiredSignatures, required_signatures
from milestones.transactions.signing import is_genuine
from milestones.transactions.staking_words import staking_sentences

NetworkKind = Literal["mainnet", "testnet", "mixed", "unknown"]
DatumKind = Literal["none", "hash", "known", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetInWords:
    """So much of a token: `asset` is `<policy id>.<name>` in hexadecimal, `name` its name where it is text."""

    asset: str
    name: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputInWords:
    """An output: what it is for, whose it is, and what it holds.

    `role` is what it is to the contract, or to whoever pays; `meaning` says it in a sentence. `locked_by` is
    what opens it; `datum` whether this program knows what it says, `datum_cbor` its bytes or its hash.
    """

    index: int
    role: str
    meaning: str
    address: str
    locked_by: Literal["key", "script", "byron"]
    lovelace: int
    assets: tuple[AssetInWords, ...] = ()
    datum: DatumKind = "none"
    datum_cbor: str | None = None
    reference_script: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputInWords:
    """An input; everything but `reference` is None where the output isn't known."""

    reference: str
    role: str | None = None
    meaning: str | None = None
    address: str | None = None
    lovelace: int | None = None
    assets: tuple[AssetInWords, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceInWords:
    """What an address or a reward account has more, or less, once the transaction is in, fee and all."""

    address: str
    lovelace: int
    assets: tuple[AssetInWords, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionInWords:
    """A transaction, whole. Hashes are in hexadecimal; times are slots, and POSIX milliseconds where known.

    `summary` says in sentences what it does, each by which rule of the contract. `balances` are known where
    all inputs are. `signed_by` are keys whose signatures verify; `not_genuine` those whose don't; `missing`
    are needed still, as far as is known: `unknown_inputs` counts those whose owners aren't. Of a committee all
    are named who could still sign; `missing_count` says how many more signatures are enough, None where none
    are. `scripts` are those that it carries itself. `doubts` are what a person should look at twice.
    """

    transaction_hash: str
    summary: tuple[str, ...]
    network: NetworkKind
    fee_lovelace: int
    collateral_at_stake_lovelace: int | None
    valid_from_slot: int | None
    valid_until_slot: int | None
    valid_from_posix_ms: int | None = None
    valid_until_posix_ms: int | None = None
    outputs: tuple[OutputInWords, ...]
    inputs: tuple[InputInWords, ...]
    actions: tuple[Action, ...] = ()
    minted: tuple[AssetInWords, ...] = ()
    balances: tuple[BalanceInWords, ...] = ()
    signed_by: tuple[str, ...] = ()
    not_genuine: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    missing_count: int | None = 0
    unknown_inputs: int = 0
    reference_inputs: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    metadata_labels: tuple[int, ...] = ()
    doubts: tuple[str, ...] = ()


def in_words(
    transaction: Transaction,
    known: Iterable[Utxo],
    contracts: Sequence[Contract],
    clock: SlotClock | None = None,
) -> TransactionInWords:
    """What a transaction does. `known` are outputs that it spends, refers to, or puts at stake.

    `clock` says when its slots are; a slot beyond what it can foresee has no time.
    """
    known = tuple(known)
    outputs = {utxo.reference: utxo.output for utxo in known}
    recognition = Recognition(contracts)
    body = transaction.body
    actions = actions_of(transaction, outputs, recognition)
    spent = [outputs[each] for each in body.inputs if each in outputs]
    committees = {
        each.hash() for each in transaction.witnesses.scripts if each.language == "native"
    }
    own = frozenset(each.address for each in spent if _is_payer(each.address, committees))
    places = _places(transaction, recognition, actions, own)
    collateral = _collateral(transaction, outputs)
    required = required_signatures(transaction, known)
    signed = [each for each in transaction.witnesses.keys if is_genuine(each, transaction.id.raw)]
    bad = [each for each in transaction.witnesses.keys if each not in signed]
    signers = frozenset(each.key_hash for each in signed)
    return TransactionInWords(
        transaction_hash=str(transaction.id),
        summary=(
            *actions.sentences,
            *staking_sentences(body, 1 if _network(transaction) == "mainnet" else 0),
            *_flows(places, own, recognition.marks),
            _costs(body.fee_lovelace, collateral),
            _validity(transaction, clock),
        ),
        network=_network(transaction),
        fee_lovelace=body.fee_lovelace,
        collateral_at_stake_lovelace=collateral,
        valid_from_slot=body.valid_from_slot,
        valid_until_slot=body.valid_until_slot,
        valid_from_posix_ms=_moment(clock, body.valid_from_slot),
        valid_until_posix_ms=_moment(clock, body.valid_until_slot),
        outputs=tuple(places),
        inputs=tuple(_input(each, outputs.get(each), recognition) for each in body.inputs),
        actions=actions.found,
        minted=assets_in_words(body.mint),
        balances=_balances(transaction, outputs),
        signed_by=tuple(sorted(each.hex() for each in signers)),
        not_genuine=tuple(sorted(each.key_hash.hex() for each in bad)),
        missing=tuple(sorted(each.hex() for each in required.missing(signers))),
        missing_count=required.missing_count(signers),
        unknown_inputs=required.unknown,
        reference_inputs=tuple(str(each) for each in body.reference_inputs),
        scripts=tuple(
            f"{each.language} {recognition.name_of(each.hash()) or 'unknown'} {each.hash().hex()}"
            for each in transaction.witnesses.scripts
        ),
        metadata_labels=tuple(sorted(transaction.metadata)),
        doubts=tuple(_doubts(transaction, places, actions, required)),
    )


def _moment(clock: SlotClock | None, slot: int | None) -> int | None:
    if clock is None or slot is None:
        return None
    horizon = clock.horizon_slot
    return clock.start_of(slot) if horizon is None or slot <= horizon else None


def _validity(transaction: Transaction, clock: SlotClock | None) -> str:
    def when(slot: int) -> str:
        posix_ms = _moment(clock, slot)
        at = "" if posix_ms is None else f" ({moment_in_words(to_posix_seconds(posix_ms))})"
        return f"slot {slot}{at}"

    start, end = transaction.body.valid_from_slot, transaction.body.valid_until_slot
    first = "at any time" if start is None else f"from {when(start)} on"
    return f"can be in a block {first}" + ("" if end is None else f", before {when(end)}")


def _places(
    transaction: Transaction, recognition: Recognition, actions: Actions, own: frozenset[str]
) -> list[OutputInWords]:
    found = []
    for index, output in enumerate(transaction.body.outputs):
        place = actions.outputs.get(index) or recognition.place_of(output)
        if place is None:
            place = _plain(output, own)
        found.append(_output(index, output, place))
    return found


def _plain(output: TransactionOutput, own: frozenset[str]) -> Place:
    if output.address in own:
        return Place("change", "returns to an address that is spent from")
    if _lock(output.address) == "script":
        return Place("unknown_script", "locked by a script that this program doesn't know")
    return Place("payment", "paid by nobody's rule but whoever signs")


def _output(index: int, output: TransactionOutput, place: Place) -> OutputInWords:
    datum: DatumKind = "none"
    raw = None
    if output.inline_datum is not None:
        datum, raw = ("known" if place.knows_datum else "unknown"), output.inline_datum.hex()
    elif output.datum_hash is not None:
        datum, raw = "hash", output.datum_hash.hex()
    return OutputInWords(
        index=index,
        role=place.role,
        meaning=place.meaning,
        address=output.address,
        locked_by=_lock(output.address),
        lovelace=output.value.lovelace,
        assets=assets_in_words(output.value),
        datum=datum,
        datum_cbor=raw,
        reference_script=None if output.script_hash is None else output.script_hash.hex(),
    )


def _input(
    reference: OutputReference, output: TransactionOutput | None, recognition: Recognition
) -> InputInWords:
    if output is None:
        return InputInWords(reference=str(reference))
    place = recognition.place_of(output)
    if place is None:
        is_key = _lock(output.address) != "script"
        what = "a key's" if is_key else "of a script that this program doesn't know"
        place = Place("payer" if is_key else "unknown_script", what)
    return InputInWords(
        reference=str(reference),
        role=place.role,
        meaning=place.meaning,
        address=output.address,
        lovelace=output.value.lovelace,
        assets=assets_in_words(output.value),
    )


def assets_in_words(value: Value) -> tuple[AssetInWords, ...]:
    """The tokens of a value, each with its name."""
    return tuple(
        AssetInWords(asset=str(asset), name=name_of(asset), quantity=quantity)
        for asset, quantity in value.assets.items()
    )


def _lock(address: str) -> Literal["key", "script", "byron"]:
    try:
        return Address.from_bech32(address).payment.kind
    except InvalidAddress:
        return "byron"


def _is_payer(address: str, committees: Collection[bytes]) -> bool:
    """Whether a key or one of these native scripts (hashes) opens an address: what returns there is change."""
    try:
        lock = Address.from_bech32(address).payment
    except InvalidAddress:
        return False
    return lock.kind == "key" or lock.hash in committees


def _flows(
    places: Iterable[OutputInWords], own: frozenset[str], marks: frozenset[bytes]
) -> Iterator[str]:
    """What goes where by nobody's rule, what is locked, and what returns; payouts are said by their rule.

    `marks` are the contract's own policies, whose tokens are worth nothing: they aren't counted.
    """
    for place in places:
        held_assets = {_asset(each.asset): each.quantity for each in place.assets}
        assets = {a: n for a, n in held_assets.items() if a.policy_id not in marks}
        held = amount_in_words(Value(place.lovelace, assets))
        if place.role in ("payment", "unknown_script"):
            how = "" if own else ", if it isn't change"
            yield f"pays {held} to {place.address}: {place.meaning}{how}"
        elif place.role == "bond":
            yield f"pays {held} to {place.address}: {place.meaning}"
        elif place.role == "change":
            yield f"returns {held} to {place.address}"
        elif place.role not in ("payout", "refund"):
            yield f"locks {held} in output {place.index}: {place.meaning}"


def _costs(fee_lovelace: int, collateral_lovelace: int | None) -> str:
    fee = f"costs a fee of {amount_in_words(Value(fee_lovelace))}"
    if collateral_lovelace == 0:
        return fee
    at_stake = (
        "not known here"
        if collateral_lovelace is None
        else amount_in_words(Value(collateral_lovelace))
    )
    return f"{fee}; collateral at stake, if a script fails: {at_stake}"


def _asset(text: str) -> AssetId:
    policy, _, name = text.partition(".")
    return AssetId(bytes.fromhex(policy), bytes.fromhex(name))


def _network(transaction: Transaction) -> NetworkKind:
    body = transaction.body
    outputs = (*body.outputs, *((body.collateral_return,) if body.collateral_return else ()))
    found = {network_id_of_address(output.address) for output in outputs} - {None}
    found |= {account.network_id for account in body.withdrawals}
    if body.network_id is not None:
        found.add(body.network_id)
    if len(found) > 1:
        return "mixed"
    return {1: "mainnet", 0: "testnet", None: "unknown"}[found.pop() if found else None]  # type: ignore[return-value]


def _collateral(
    transaction: Transaction, outputs: Mapping[OutputReference, TransactionOutput]
) -> int | None:
    """What is lost if a script fails; None where it isn't known."""
    body = transaction.body
    if not body.collateral:
        return 0
    if any(each not in outputs for each in body.collateral):
        return body.total_collateral_lovelace
    put_up = sum(outputs[each].value.lovelace for each in body.collateral)
    return put_up - (body.collateral_return.value.lovelace if body.collateral_return else 0)


def _balances(
    transaction: Transaction, outputs: Mapping[OutputReference, TransactionOutput]
) -> tuple[BalanceInWords, ...]:
    body = transaction.body
    if any(each not in outputs for each in body.inputs):
        return ()
    change: dict[str, Value] = {}
    for each in body.inputs:
        output = outputs[each]
        change[output.address] = change.get(output.address, Value()) - output.value
    for output in body.outputs:
        change[output.address] = change.get(output.address, Value()) + output.value
    for account, coin in body.withdrawals.items():
        change[str(account)] = Value(-coin)
    return tuple(
        BalanceInWords(address=address, lovelace=value.lovelace, assets=assets_in_words(value))
        for address, value in change.items()
    )


def _doubts(
    transaction: Transaction,
    places: Iterable[OutputInWords],
    actions: Actions,
    required: RequiredSignatures,
) -> Iterator[str]:
    yield from actions.doubts
    if required.missing_count(()) is None:
        yield "a native script that it needs agrees to nothing in this validity, whoever signs"
    for name in transaction.body.other:
        yield f"it has {name}, which this program doesn't read"
    if not transaction.is_valid:
        yield "it says itself that a script fails: its collateral would be taken"
    if transaction.body.valid_until_slot is None:
        yield "it never expires: once signed, it can be sent at any time, as long as its inputs are there"
    for place in places:
        if place.role == "without_token":
            yield f"output {place.index} is lost: {place.meaning}"
    if _network(transaction) == "mixed":
        yield "its addresses are of several networks: no network takes it"
