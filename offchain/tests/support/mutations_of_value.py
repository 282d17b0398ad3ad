"""Mutations of fee, change, tokens and outputs."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.support.mutations import (
    accepted,
    accepted_but_not_kept,
    more_lovelace,
    refused,
    sealed_with_body,
)
from tests.support.proposals import Proposal, copied, flat, value_of, with_lovelace
from tests.support.proving_ground import ProvingGround
from tests.support.random_scripts import KEY_LOCKS, NATIVE_LOCKS
from tests.support.random_transactions import byron_address
from tests.support.raw_transactions import dumps, hash256, script_ref


@refused(3122)
def fee_one_lovelace_short(p: Proposal, _: ProvingGround) -> bytes:
    p.fee_offset = -1
    return p.seal()


@accepted
def fee_one_lovelace_more(p: Proposal, _: ProvingGround) -> bytes:
    p.fee_offset += 1
    return p.seal()


@accepted
def fee_exactly_the_least(p: Proposal, _: ProvingGround) -> bytes:
    p.fee_offset = 0
    return p.seal()


@refused(3123)
def change_one_lovelace_more(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: _replace_last(body, 1))


@refused(3123)
def change_one_lovelace_less(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: _replace_last(body, -1))


def _replace_last(body: dict[int, Any], lovelace: int) -> None:
    body[1] = [*body[1][:-1], more_lovelace(body[1][-1], lovelace)]


@refused(3123)
def token_out_of_nothing(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_other_quantity(p, 1)


@refused(3123)
def token_vanishes(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_other_quantity(p, -1)


def _with_other_quantity(p: Proposal, more: int) -> bytes | None:
    """Changes the first quantity of an output that is over one, behind the balance's back."""

    def step(body: dict[int, Any]) -> None:
        body[1] = outputs = copied(body[1])
        for output in outputs:
            _, tokens = value_of(output)
            for policy, name, quantity in flat(tokens):
                if quantity > 1:
                    tokens[policy][name] += more
                    return
        raise NothingThere

    try:
        return sealed_with_body(p, step)
    except NothingThere:
        return None


class NothingThere(Exception):
    """A transaction without what a mutation changes."""


@refused(3123)
def mint_one_more(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.mint:
        return None
    policy, name, quantity = next(flat(p.mint))
    if quantity == -1:
        return None
    minted = copied(p.mint)
    minted[policy][name] += 1
    return sealed_with_body(p, lambda body: body.update({9: minted}))


@accepted
def outputs_in_another_order(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({1: body[1][::-1]}))


@accepted
def one_more_output(p: Proposal, _: ProvingGround) -> bytes:
    p.outputs.append([b"\x60" + KEY_LOCKS[1].hash, 2_000_000])
    return p.seal()


@accepted
def output_with_exactly_the_least(p: Proposal, _: ProvingGround) -> bytes:
    return _poorest(p, 0)


@refused(3125)
def output_one_lovelace_short(p: Proposal, _: ProvingGround) -> bytes:
    return _poorest(p, -1)


def _poorest(p: Proposal, more: int) -> bytes:
    output: Any = [b"\x60" + KEY_LOCKS[1].hash, 2_000_000, hash256(b"")]
    p.outputs.append(with_lovelace(output, p.least_in(output) + more))
    return p.seal()


@refused(3120)
def value_one_byte_too_large(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_large_value(p, 23)


@accepted_but_not_kept
def value_as_large_as_may_be(p: Proposal, _: ProvingGround) -> bytes | None:
    return _with_large_value(p, 22)


def _with_large_value(p: Proposal, name_bytes: int) -> bytes | None:
    """A value that takes 4,978 bytes and the length of one name, in the ledger's own encoding."""
    policy = NATIVE_LOCKS[0].hash
    if policy in p.mint:
        return None
    names = [number.to_bytes(32, "big") for number in range(141)]
    tokens = dict.fromkeys((*names, b"", bytes(name_bytes)), 1)
    _mint_natively(p, tokens)
    p.outputs.append([b"\x60" + KEY_LOCKS[0].hash, [30_000_000, {policy: tokens}]])
    raw = p.seal()
    return raw if len(raw) <= 16_384 else None


def _mint_natively(p: Proposal, tokens: dict[bytes, int]) -> None:
    """Under the policy that wants a signature only."""
    policy = NATIVE_LOCKS[0]
    p.mint[policy.hash] = tokens
    if policy.hash not in p.brought_scripts() and policy not in p.scripts:
        p.scripts.append(policy)
    if policy.keys[0] not in p.keys:
        p.keys.append(policy.keys[0])


@refused(3124)
def output_on_another_network(p: Proposal, _: ProvingGround) -> bytes:
    p.outputs.append([b"\x61" + KEY_LOCKS[0].hash, 2_000_000])
    return p.seal()


@refused(3126)
def byron_output_with_attributes_too_long(p: Proposal, _: ProvingGround) -> bytes:
    p.outputs.append([byron_address(65), 3_000_000])
    return p.seal()


@accepted
def byron_output_with_the_longest_attributes(p: Proposal, _: ProvingGround) -> bytes | None:
    if p.redeemers:
        return None
    p.outputs.append([byron_address(64), 3_000_000])
    return p.seal()


@accepted
def byron_output_where_no_script_looks(p: Proposal, _: ProvingGround) -> bytes | None:
    if p.redeemers:
        return None
    p.outputs.append([byron_address(), 3_000_000])
    return p.seal()


@refused(3004)
def byron_output_where_scripts_look(p: Proposal, _: ProvingGround) -> bytes | None:
    if not p.redeemers:
        return None
    p.outputs.append([byron_address(), 3_000_000])
    return p.seal()


@accepted
def pointer_address_of_the_highest_numbers(p: Proposal, _: ProvingGround) -> bytes:
    return _with_pointer(p, "8fffffff7f83ff7f83ff7f")


@refused(-32602)
def pointer_address_of_a_number_too_high(p: Proposal, ground: ProvingGround) -> bytes:
    pointers = ("90808080000000", "0084800000", "0000848000", "00808080000000", "0000", "00000000")
    return _with_pointer(p, ground.random.choice(pointers))


def _with_pointer(p: Proposal, pointer: str) -> bytes:
    p.outputs.append([b"\x40" + KEY_LOCKS[0].hash + bytes.fromhex(pointer), 2_000_000])
    return p.seal()


@refused(3004)
def inline_datum_shown_to_version_1(p: Proposal, _: ProvingGround) -> bytes | None:
    if not any(lock.version == 1 for _, lock in p.needed_locks()):
        return None
    datum = [1, cbor2.CBORTag(24, dumps(1))]
    p.outputs.append({0: b"\x60" + KEY_LOCKS[0].hash, 1: 2_000_000, 2: datum})
    return p.seal()


@refused(3116)
def malformed_reference_script(p: Proposal, _: ProvingGround) -> bytes:
    p.outputs.append({0: b"\x60" + KEY_LOCKS[0].hash, 1: 3_000_000, 3: script_ref(3, b"\x43abc")})
    return p.seal()
