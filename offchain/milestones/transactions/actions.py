"""What a transaction's redeemers ask of the contract's scripts, and which outputs each rule pays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address
from milestones.cardano.certificates import consenting
from milestones.cardano.outputs import OutputReference, TransactionOutput
from milestones.cardano.parameters import RedeemerPointer
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.transaction import Transaction
from milestones.cardano.value import Value
from milestones.domain.posix_time import in_words, to_posix_seconds
from milestones.errors import InvalidAddress, InvalidEncoding
from milestones.protocol.datums import Notice, Proposal, VaultState
from milestones.protocol.redeemers import Attest, Release
from milestones.protocol.terms import Terms
from milestones.protocol.validator_loader import Contract
from milestones.transactions.places import Place, Recognition, amount_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One script run: where (such as `spend 0`), which script (hash in hexadecimal), and what it is asked.

    `script` is the contract's name for it, and `action` its rule's; `unknown` for what isn't the contract's.
    """

    pointer: str
    script: str
    script_hash: str | None
    action: str
    redeemer_cbor: str


@dataclass(slots=True)
class Actions:
    """All script runs, what they amount to in sentences, what they pay (by output), and what is doubtful."""

    found: tuple[Action, ...] = ()
    sentences: list[str] = field(default_factory=list)
    outputs: dict[int, Place] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


_VAULT: Final = {0: "release", 1: "close"}
_REGISTRY: Final = {0: "open", 1: "attest", 2: "burn"}
_BOARD: Final = {
    0: "birth",
    1: "propose",
    2: "object",
    3: "confirm",
    4: "rotate",
    5: "notify",
    6: "end",
    7: "retire",
}
_NAMES: Final = {"vault": _VAULT, "registry": _REGISTRY, "board": _BOARD}
Outputs = Mapping[OutputReference, TransactionOutput]


def actions_of(transaction: Transaction, known: Outputs, recognition: Recognition) -> Actions:
    """What the redeemers ask. `known` are outputs that the transaction spends or refers to."""
    reader = _Reader(transaction, known, recognition)
    found = []
    for pointer, entry in sorted(transaction.witnesses.redeemers.items()):
        script_hash = reader.script_of(pointer)
        name = None if script_hash is None else recognition.name_of(script_hash)
        data = _data(entry.data)
        action = _action(name, data)
        found.append(
            Action(
                pointer=f"{pointer.purpose} {pointer.index}",
                script=name or "unknown",
                script_hash=None if script_hash is None else script_hash.hex(),
                action=action,
                redeemer_cbor=entry.data.hex(),
            )
        )
        if name is not None and data is not None and script_hash is not None:
            reader.note(action, data, recognition.contract_of(script_hash))
        else:
            whose = "not known" if script_hash is None else script_hash.hex()
            reader.actions.sentences.append(
                f"runs a script that this program doesn't know, at {pointer.purpose}"
                f" {pointer.index}: {whose}"
            )
    reader.actions.found = tuple(found)
    return reader.actions


def _data(raw: bytes) -> PlutusData | None:
    try:
        return plutus_data.decode(raw)
    except InvalidEncoding:
        return None


def _action(name: str | None, data: PlutusData | None) -> str:
    if name is None or not isinstance(data, Constr):
        return "unknown"
    return _NAMES[name].get(data.index, "unknown")


@dataclass(slots=True)
class _Reader:
    """Reads one transaction's redeemers; what is found is in `actions`."""

    transaction: Transaction
    known: Outputs
    recognition: Recognition
    actions: Actions = field(default_factory=Actions)

    def script_of(self, pointer: RedeemerPointer) -> bytes | None:
        """The hash of the script that a redeemer is for; None where it isn't known.

        An input that isn't known is taken for a vault where the transaction has its token and mints none.
        """
        body = self.transaction.body
        if pointer.purpose == "mint":
            policies = sorted({asset.policy_id for asset in body.mint.assets})
            return policies[pointer.index] if pointer.index < len(policies) else None
        if pointer.purpose in ("withdraw", "publish"):
            return self._staking_script(pointer)
        if pointer.purpose != "spend" or pointer.index >= len(body.inputs):
            return None
        output = self.known.get(body.inputs[pointer.index])
        if output is None:
            return self._vault_that_goes_on()
        try:
            return Address.from_bech32(output.address).payment.hash
        except InvalidAddress:
            return None

    def _staking_script(self, pointer: RedeemerPointer) -> bytes | None:
        body = self.transaction.body
        owners = (
            [account.credential for account in body.withdrawals]
            if pointer.purpose == "withdraw"
            else [consenting(each) for each in body.certificates]
        )
        who = owners[pointer.index] if pointer.index < len(owners) else None
        return None if who is None else who.hash

    def _vault_that_goes_on(self) -> bytes | None:
        outputs = self.transaction.body.outputs
        place = self.recognition.place_of(outputs[0]) if outputs else None
        if place is None or not isinstance(place.subject, VaultState):
            return None
        return Address.from_bech32(outputs[0].address).payment.hash

    def note(self, action: str, data: PlutusData, contract: Contract | None) -> None:
        """Says what a known script is asked, and which outputs its rule pays."""
        try:
            sentences = list(_SENTENCES.get(action, _other)(self, data))
        except InvalidEncoding as error:
            self.actions.doubts.append(f"the redeemer of {action} can't be read: {error.reason}")
            return
        for sentence in sentences:
            if sentence not in self.actions.sentences:
                self.actions.sentences.append(sentence)
        if contract is None:
            raise AssertionError("a script that has a name is some version's")

    def subjects(self, role: str) -> Iterator[tuple[int, Place]]:
        """The outputs of this role, in order."""
        for index, output in enumerate(self.transaction.body.outputs):
            place = self.recognition.place_of(output)
            if place is not None and place.role == role:
                yield index, place

    def ended(self) -> Iterator[tuple[str, Place]]:
        """The contract's outputs among the inputs that are known."""
        for reference in self.transaction.body.inputs:
            output = self.known.get(reference)
            place = None if output is None else self.recognition.place_of(output)
            if place is not None:
                yield str(reference), place


def _release(reader: _Reader, data: PlutusData) -> Iterator[str]:
    """The vault is output 0; the payouts follow in the claims' order."""
    release = Release.from_data(data)
    outputs = reader.transaction.body.outputs
    vault = reader.recognition.place_of(outputs[0]) if outputs else None
    state = vault.subject if vault is not None else None
    if not isinstance(state, VaultState):
        yield "asks a vault to pay, but output 0 is no vault: the contract refuses that"
        return
    terms = reader.known.get(_at(reader.transaction.body.reference_inputs, release.terms))
    page_depth = _page_depth(reader, terms, state)
    yield (
        f"pays {len(release.claims)} of the allocations of distribution {state.distribution_id.hex()}"
        f" out of page {state.page}, by the vault's rule for releases"
    )
    for number, claim in enumerate(release.claims, 1):
        milestone = repr(claim.milestone.decode(errors="backslashreplace"))
        which = (
            f"allocation {(state.page << page_depth) + claim.leaf}"
            if page_depth is not None
            else f"leaf {claim.leaf} of page {state.page}"
        )
        when = in_words(to_posix_seconds(claim.vesting_posix_ms))
        meaning = f"paid to its beneficiary as {which}: milestone {milestone}, vested {when}"
        if number >= len(outputs):
            reader.actions.doubts.append(f"{which} is to be paid, and there is no output for it")
            continue
        reader.actions.outputs[number] = Place("payout", meaning)
        held = outputs[number]
        yield f"output {number}: {amount_in_words(held.value)} to {held.address}, {meaning}"


def _page_depth(reader: _Reader, terms: TransactionOutput | None, state: VaultState) -> int | None:
    """Of the terms, where they are known; else of the bitmap, which says it from eight leaves on."""
    place = None if terms is None else reader.recognition.place_of(terms)
    if place is not None and isinstance(place.subject, Terms):
        return place.subject.page_depth
    leaves = 8 * len(state.claimed)
    return leaves.bit_length() - 1 if leaves > 8 or state.page == 0 else None


def _at(references: tuple[OutputReference, ...], index: int) -> OutputReference:
    return references[index] if index < len(references) else OutputReference(bytes(32), 0)


def _open(reader: _Reader, _: PlutusData) -> Iterator[str]:
    for _index, place in reader.subjects("terms"):
        terms = place.subject
        if not isinstance(terms, Terms):
            continue
        total = amount_in_words(Value.of(terms.token, terms.total_token_amount))
        reclaim = terms.reclaim_after_posix_ms
        back = (
            "nothing can be taken back"
            if reclaim is None
            else f"what is unclaimed can be taken back from {in_words(to_posix_seconds(reclaim))} on"
        )
        yield (
            f"opens distribution {terms.distribution_id.hex()}: {total} for its"
            f" allocations, {terms.quorum_threshold} of {len(terms.oracles)}"
            f" oracles are a quorum, {back}"
        )


def _attest(_: _Reader, data: PlutusData) -> Iterator[str]:
    attest = Attest.from_data(data)
    milestone = repr(attest.milestone.decode(errors="backslashreplace"))
    moment = in_words(to_posix_seconds(attest.verification_posix_ms))
    who = (
        f"by {len(attest.witnesses)} oracles' signatures"
        if attest.witnesses
        else "by the creator's waiver, or by a proposal that is confirmed"
    )
    yield f"attests that milestone {milestone} was reached at {moment}, {who}"


def _burn(reader: _Reader, _: PlutusData) -> Iterator[str]:
    ended = [(f"{place.role} {reference}", place.subject) for reference, place in reader.ended()]
    which = (
        f": {', '.join(name for name, _ in ended)}"
        if ended
        else "; what it spends isn't known here"
    )
    yield f"ends the distribution, and burns its tokens{which}"
    homes = {str(each.refund.address) for _, each in ended if isinstance(each, Terms)}
    for index, output in enumerate(reader.transaction.body.outputs):
        if output.address in homes:
            meaning = "goes to the address that the terms name for what is left"
            reader.actions.outputs[index] = Place("refund", meaning)
            yield f"output {index}: {amount_in_words(output.value)} to {output.address}, {meaning}"


def _propose(reader: _Reader, _: PlutusData) -> Iterator[str]:
    for index, place in reader.subjects("proposal"):
        proposal = place.subject
        if isinstance(proposal, Proposal):
            due = in_words(to_posix_seconds(proposal.due_at_posix_ms))
            yield (
                f"proposes that milestone {proposal.milestone_identifier!r} is complete, which counts from"
                f" {due} on unless oracles object; the bond is in output {index}"
            )


def _notify(reader: _Reader, _: PlutusData) -> Iterator[str]:
    for role in ("notice", "home"):
        for _index, place in reader.subjects(role):
            notice = place.subject
            if isinstance(notice, Notice) and not notice.is_home:
                when = in_words(to_posix_seconds(notice.said_at_posix_ms))
                yield f"gives notice that the distribution will be ENDED, said at {when}; it can't be withdrawn"
            elif isinstance(notice, Notice):
                yield "says that everything of the distribution may go home"


def _to_output(what: str, role: str) -> Callable[[_Reader, PlutusData], Iterator[str]]:
    """For rules that pay the output whose place stands first among the redeemer's fields."""

    def read(reader: _Reader, data: PlutusData) -> Iterator[str]:
        numbers = data.fields if isinstance(data, Constr) else ()
        index = next((n for n in reversed(numbers[:3]) if isinstance(n, int)), None)
        if index is not None and role:
            index = index + 1 if role == "after" else index
            if 0 <= index < len(reader.transaction.body.outputs):
                where = "back" if role != "signed" else "where the oracles that object have signed"
                reader.actions.outputs[index] = Place(
                    "bond", f"a proposal's bond, which goes {where}"
                )
        yield what

    return read


def _other(_: _Reader, __: PlutusData) -> Iterator[str]:
    return iter(())


_SENTENCES: Final[dict[str, Callable[[_Reader, PlutusData], Iterator[str]]]] = {
    "release": _release,
    "open": _open,
    "attest": _attest,
    "burn": _burn,
    "propose": _propose,
    "notify": _notify,
    "object": _to_output("stops a proposal, by oracles' objection", "signed"),
    "confirm": _to_output("confirms a proposal that nobody objected to", "after"),
    "retire": _to_output("retires a proposal that nobody confirmed", "bond"),
    "rotate": _to_output("replaces the oracles that count, by the vote of those who sit", ""),
    "end": _to_output("ends the board's outputs beside the distribution", ""),
    "birth": _to_output("makes the first board, by which the oracles can be replaced", ""),
}
