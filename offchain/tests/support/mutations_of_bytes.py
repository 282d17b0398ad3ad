"""Mutations of the encoding: what means the same must be accepted, what means nothing refused."""

from __future__ import annotations

from typing import Any

from tests.support.mutations import accepted, refused, sealed_with_body, sealed_with_signatures
from tests.support.proposals import PLAIN, Form, Proposal, value_of
from tests.support.proving_ground import ProvingGround
from tests.support.random_scripts import KEY_LOCKS, NATIVE_LOCKS, Code
from tests.support.raw_transactions import dumps


@accepted
def plain_form(p: Proposal, _: ProvingGround) -> bytes:
    p.form = PLAIN
    return p.seal()


@accepted
def every_form_at_once(p: Proposal, _: ProvingGround) -> bytes | None:
    """Longer outputs have to hold more lovelace: not where theirs is too little for that."""
    p.form = Form(tagged_sets=True, indefinite=True, wide=True)
    if any(value_of(output)[0] < p.least_in(output) for output in p.outputs):
        return None
    return p.seal()


@refused(-32602)
def one_byte_more(p: Proposal, _: ProvingGround) -> bytes:
    return p.seal() + b"\x00"


@refused(-32602)
def one_byte_less(p: Proposal, _: ProvingGround) -> bytes:
    return p.seal()[:-1]


@refused(-32602)
def unknown_field(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.update({23: 0}))


@refused(-32602)
def field_twice(p: Proposal, _: ProvingGround) -> bytes:
    """The fee stands again, under a key that is written in more bytes."""
    return sealed_with_body(p, lambda body: body.update({Code(b"\x18\x02"): body[2]}))


@refused(-32602)
def field_missing(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_body(p, lambda body: body.pop(2))


@refused(-32602)
def nested_too_deep(p: Proposal, _: ProvingGround) -> bytes:
    p.auxiliary = {1: Code(b"\x81" * 600 + b"\x00")}
    return p.seal()


@refused(-32602)
def token_quantity_of_zero(p: Proposal, _: ProvingGround) -> bytes:
    return _with_output(p, [2_000_000, {NATIVE_LOCKS[0].hash: {b"": 0}}])


@refused(-32602)
def policy_without_tokens(p: Proposal, _: ProvingGround) -> bytes:
    return _with_output(p, [2_000_000, {NATIVE_LOCKS[0].hash: {}}])


@refused(-32602)
def token_name_too_long(p: Proposal, _: ProvingGround) -> bytes:
    return _with_output(p, [2_000_000, {NATIVE_LOCKS[0].hash: {bytes(33): 1}}])


def _with_output(p: Proposal, value: Any) -> bytes:
    output = [b"\x60" + KEY_LOCKS[0].hash, value]
    return sealed_with_body(p, lambda body: body.update({1: [*body[1], output]}))


@refused(-32602)
def address_cut_short(p: Proposal, _: ProvingGround) -> bytes:
    output = [b"\x60" + KEY_LOCKS[0].hash[:-1], 2_000_000]
    return sealed_with_body(p, lambda body: body.update({1: [*body[1], output]}))


@refused(-32602)
def minted_quantity_of_zero(p: Proposal, _: ProvingGround) -> bytes:
    mint = {NATIVE_LOCKS[0].hash: {b"": 0}}
    return sealed_with_body(p, lambda body: body.update({9: mint}))


@refused(-32602)
def signature_cut_short(p: Proposal, _: ProvingGround) -> bytes:
    def step(witnesses: dict[int, Any]) -> None:
        witnesses[0] = [[witnesses[0][0][0], witnesses[0][0][1][:-1]]]

    return sealed_with_signatures(p, step)


@refused(-32602)
def empty_set_of_witnesses(p: Proposal, _: ProvingGround) -> bytes:
    return sealed_with_signatures(p, lambda witnesses: witnesses.update({2: []}))


@refused(-32602)
def required_signer_twice(p: Proposal, _: ProvingGround) -> bytes:
    p.fields[14] = [KEY_LOCKS[0].hash] * 2
    return p.seal()


@refused(-32602)
def output_with_two_datums(p: Proposal, _: ProvingGround) -> bytes:
    output = {0: b"\x60" + KEY_LOCKS[0].hash, 1: 2_000_000, 2: [0, bytes(32), bytes(32)]}
    return sealed_with_body(p, lambda body: body.update({1: [*body[1], output]}))


@refused(-32602)
def datum_that_is_no_data(p: Proposal, _: ProvingGround) -> bytes:
    p.datums.append(dumps("a text"))
    return p.seal()


@refused(-32602)
def byte_string_of_a_datum_too_long(p: Proposal, _: ProvingGround) -> bytes:
    p.datums.append(dumps(bytes(65)))
    return p.seal()
