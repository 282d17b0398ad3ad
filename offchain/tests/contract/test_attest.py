"""Attacks on attesting: signatures that are none, or of somebody else, or for something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from milestones.cardano.cbor import BYTES, head
from milestones.cardano.hashes import blake2b_224, blake2b_256
from milestones.cardano.plutus_data import Constr, PlutusData
from milestones.cardano.value import AssetId, Value
from milestones.keys.key_files import SigningKey
from milestones.protocol.redeemers import OracleWitness
from milestones.protocol.statements import MilestoneStatement
from milestones.testing.contract import oracles
from milestones.transactions.contract_drafts import Attesting, attest_draft
from milestones.transactions.draft import DraftOutput, Mint, TransactionDraft
from tests.support.hostile import (
    Edit,
    Fake,
    Judge,
    along,
    bare_copy,
    case_name,
    copy_at_home,
    foreign_copy,
    longer,
    minting,
    native_policy,
    shorter,
    sorted_policy,
    under,
    unstaked_copy,
    with_datum,
    with_output,
    with_redeemer,
    with_value,
)
from tests.support.scenes import FIRST, SECOND, Scene

SIGNATURES = (6,)
OTHER = bytes(28)


def attesting(scene: Scene, *witnesses: OracleWitness) -> TransactionDraft:
    """Attests FIRST with these witnesses as they are, claiming that each is an oracle's."""
    honest = scene.opened.attesting(FIRST)
    signers = tuple(blake2b_224(witness.verification_key) for witness in witnesses)
    made = Attesting(replace(honest.attestation, signers=signers), honest.sitting, witnesses)
    return attest_draft(made, terms=scene.opened.terms, scripts=scene.harness.scripts)


def witness(key: SigningKey, data: bytes, prefix: bytes = b"") -> OracleWitness:
    """A key's signature over the prefix and the data."""
    return OracleWitness(key.verification_key, key.sign(prefix + data), prefix)


def everybody(scene: Scene) -> list[OracleWitness]:
    """All three oracles' good signatures."""
    data = scene.opened.statement(FIRST).signed_data
    return [witness(key, data) for key in oracles(scene.harness, 3)]


# -- who signed


def test_quorum_minus_one(scene: Scene, judge: Judge) -> None:
    """One signature where two are asked for."""
    first, second, _ = everybody(scene)
    judge.refused(attesting(scene, first), "mint")
    judge.refused(attesting(scene, second), "mint")
    judge.accepted(attesting(scene, first, second))


def test_nobody(scene: Scene, judge: Judge) -> None:
    """No signature at all."""
    first, _, third = everybody(scene)
    judge.refused(attesting(scene), "mint")
    judge.accepted(attesting(scene, first, third))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_same_oracle_twice(scene: Scene, judge: Judge, place: int) -> None:
    """One oracle's signature counted twice, or three times."""
    one = everybody(scene)[place]
    judge.refused(attesting(scene, one, one), "mint")
    judge.refused(attesting(scene, one, one, one), "mint")
    judge.accepted(attesting(scene, *everybody(scene)))


def test_one_oracle_raw_and_through_a_wallet(scene: Scene, judge: Judge) -> None:
    """Two different signatures of one key."""
    first, second, _ = everybody(scene)
    data = scene.opened.statement(FIRST).signed_data
    again = witness(oracles(scene.harness, 3)[0], data, prefix_for(data))
    judge.refused(attesting(scene, first, again), "mint")
    judge.accepted(attesting(scene, again, second))


@pytest.mark.parametrize("order", [(1, 0), (2, 0), (0, 2, 1), (2, 1, 0)])
def test_oracles_out_of_order(scene: Scene, judge: Judge, order: tuple[int, ...]) -> None:
    """Good signatures, not in the terms' order."""
    witnesses = everybody(scene)
    judge.refused(attesting(scene, *(witnesses[place] for place in order)), "mint")
    judge.accepted(attesting(scene, *(witnesses[place] for place in sorted(order))))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_key_that_is_no_oracle(scene: Scene, judge: Judge, place: int) -> None:
    """The attacker's own signature, good in itself, in front, between and behind."""
    data = scene.opened.statement(FIRST).signed_data
    stranger = witness(scene.harness.key("attacker"), data)
    witnesses = everybody(scene)[:2]
    beside = [*witnesses[:place], stranger, *witnesses[place:]]
    instead = [*witnesses[:1], stranger]
    judge.refused(attesting(scene, *beside), "mint")
    judge.refused(attesting(scene, *instead), "mint")
    judge.accepted(attesting(scene, *witnesses))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_invalid_signature_beside_a_quorum(scene: Scene, judge: Judge, place: int) -> None:
    """Two good signatures suffice, and a third one that isn't would name an oracle who never signed."""
    witnesses = everybody(scene)
    forged = replace(witnesses[place], signature=bytes(64))
    beside = [*witnesses[:place], forged, *witnesses[place + 1 :]]
    judge.refused(attesting(scene, *beside), "mint")
    judge.accepted(attesting(scene, *witnesses))


@pytest.mark.parametrize("bit", [1, 1 << 255, 1 << 256, 1 << 510])
def test_one_bit_of_a_signature(scene: Scene, judge: Judge, bit: int) -> None:
    """A bit flipped, in either half."""
    first, second, _ = everybody(scene)
    flipped = int.from_bytes(second.signature, "big") ^ bit
    forged = replace(second, signature=flipped.to_bytes(64, "big"))
    judge.refused(attesting(scene, first, forged), "mint")
    judge.accepted(attesting(scene, first, second))


def test_another_oracles_signature(scene: Scene, judge: Judge) -> None:
    """The key of one oracle, the signature of another."""
    first, second, _ = everybody(scene)
    judge.refused(attesting(scene, first, replace(second, signature=first.signature)), "mint")
    judge.accepted(attesting(scene, first, second))


@pytest.mark.parametrize(
    ("part", "length"), [("signature", 63), ("signature", 65), ("verification_key", 31)]
)
def test_signature_or_key_of_another_length(
    scene: Scene, judge: Judge, part: str, length: int
) -> None:
    """Bytes cut off or added."""
    first, second, _ = everybody(scene)
    changed = (getattr(second, part) + b"\0")[:length]
    judge.refused(attesting(scene, first, replace(second, **{part: changed})), "mint")
    judge.accepted(attesting(scene, first, second))


# -- what was signed


@pytest.mark.parametrize(
    "change",
    [
        {"policy_id": OTHER},
        {"distribution_id": OTHER},
        {"milestone": b"milestone-002"},
        {"milestone": b""},
        {"evidence_hash": b"\1" * 32},
        {"evidence_hash": b""},
        {"verification_posix_ms": 0},
        {"verification_posix_ms": 1_700_000_000_001},
    ],
    ids=case_name,
)
def test_replayed_signature(scene: Scene, judge: Judge, change: dict[str, object]) -> None:
    """A quorum has signed, but for another contract, distribution, milestone, evidence or time."""
    statement = scene.opened.statement(FIRST)
    other: MilestoneStatement = replace(statement, **change)  # type: ignore[arg-type]
    honest = attesting(scene, *everybody(scene))
    keys = oracles(scene.harness, 3)
    replayed = attesting(scene, *(witness(key, other.signed_data) for key in keys))
    judge.refused(replayed, "mint")
    judge.accepted(honest)


def test_redeemer_says_something_else_than_was_signed(scene: Scene, judge: Judge) -> None:
    """Evidence or time changed in redeemer and datum, which agree with each other."""
    honest = attesting(scene, *everybody(scene))
    for field, datum_field, value in ((4, 2, b"\1" * 32), (5, 3, 5)):
        wrong = with_redeemer(honest, "mint", (field,), value)
        judge.refused(with_datum(wrong, 0, (datum_field,), value), "mint")
    judge.accepted(honest)


def test_attestation_of_another_milestone_with_these_signatures(scene: Scene, judge: Judge) -> None:
    """Redeemer, datum and token say SECOND; the oracles have signed FIRST."""
    statement = scene.opened.statement(SECOND)
    data = scene.opened.statement(FIRST).signed_data
    witnesses = [witness(key, data) for key in oracles(scene.harness, 3)]
    terms, scripts = scene.opened.terms, scene.harness.scripts
    made = Attesting.of(scene.opened.sitting, statement, witnesses)
    judge.refused(attest_draft(made, terms=terms, scripts=scripts), "mint")
    judge.accepted(scene.opened.attest_draft(SECOND))


def test_a_milestone_without_a_name(scene: Scene, judge: Judge) -> None:
    """All oracles sign that "" was reached."""
    judge.refused(scene.opened.attest_draft(""), "mint")
    judge.accepted(scene.opened.attest_draft("m"))


def test_a_statement_in_another_encoding(scene: Scene, judge: Judge) -> None:
    """The same list with a definite length was signed: other bytes."""
    data = scene.opened.statement(FIRST).signed_data
    assert (data[0], data[-1]) == (0x9F, 0xFF)
    definite = b"\x85" + data[1:-1]
    keys = oracles(scene.harness, 3)
    judge.refused(attesting(scene, *(witness(key, definite) for key in keys)), "mint")
    judge.accepted(attesting(scene, *(witness(key, data) for key in keys)))


# -- wallets' prefixes

HEADER = bytes(range(70))
SIG_STRUCTURE = b"\x84\x6aSignature1"


def prefix_for(payload: bytes, header: bytes = HEADER) -> bytes:
    """CIP-8's Sig_structure up to the payload."""
    start = SIG_STRUCTURE + b"\x58" + bytes((len(header),)) + header
    return start + b"\x40" + head(BYTES, len(payload))


PREFIXES = {
    "another context": lambda p: b"\x84\x69Signature" + prefix_for(p)[12:],
    "four signers' context": lambda p: b"\x85" + prefix_for(p)[1:],
    "a byte more in front": lambda p: b"\0" + prefix_for(p),
    "a byte more behind": lambda p: prefix_for(p) + b"\0",
    "without the payload's head": lambda p: prefix_for(p)[:-2],
    "payload's length one too many": lambda p: prefix_for(p + b"\0"),
    "payload's length one too few": lambda p: prefix_for(p[:-1]),
    "payload's head longer than needed": lambda p: (
        prefix_for(p)[:-2] + b"\x59\0" + bytes((len(p),))
    ),
    "external data": lambda p: prefix_for(p)[:-3] + b"\x41\0" + prefix_for(p)[-2:],
    "external data before nothing": lambda p: prefix_for(p)[:-3] + b"\x41" + prefix_for(p)[-2:],
    "header's length one too many": lambda p: (
        prefix_for(p)[:13] + bytes((71,)) + prefix_for(p)[14:]
    ),
    "header's length one too few": lambda p: prefix_for(p)[:13] + bytes((69,)) + prefix_for(p)[14:],
    "header's length in two bytes": lambda p: (
        SIG_STRUCTURE + b"\x59\0" + bytes((70,)) + HEADER + prefix_for(p)[-3:]
    ),
    "short header in the head": lambda p: SIG_STRUCTURE + b"\x43abc" + prefix_for(p)[-3:],
    "payload as a text": lambda p: prefix_for(p)[:-2] + b"\x78" + bytes((len(p),)),
    "only a context": lambda p: prefix_for(p)[:12],
    "one byte": lambda p: prefix_for(p)[:1],
    "a longer message whose tail is the payload": lambda p: (
        prefix_for(b"I agree to lunch. " + p) + b"I agree to lunch. "
    ),
    "a message that ends with a whole Sig_structure": lambda p: (
        prefix_for(prefix_for(p) + p) + prefix_for(p)
    ),
    "a message hidden in the header": lambda p: (
        SIG_STRUCTURE
        + b"\x58\x03"
        + b"abc"
        + b"\x40"
        + b"\x58\x78"
        + bytes(60)
        + prefix_for(p)[-3:]
    ),
    "twelve kilobytes": lambda p: prefix_for(p)[:-3] + bytes(12_000) + prefix_for(p)[-3:],
}


@pytest.mark.parametrize("prefix", PREFIXES.values(), ids=PREFIXES)
def test_prefix_that_smuggles_another_message(
    scene: Scene, judge: Judge, prefix: Callable[[bytes], bytes]
) -> None:
    """Each oracle has really signed these bytes; they are no wallet's signature over the payload."""
    data = scene.opened.statement(FIRST).signed_data
    assert 24 <= len(data) < 256
    first, second, third = oracles(scene.harness, 3)
    hostile = attesting(scene, witness(first, data), witness(second, data, prefix(data)))
    judge.refused(hostile, "mint")
    honest = attesting(scene, witness(first, data), witness(third, data, prefix_for(data)))
    judge.accepted(honest)


@pytest.mark.parametrize("length", [0, 1, 24, 255])
def test_headers_of_any_length_that_one_byte_says(scene: Scene, judge: Judge, length: int) -> None:
    """A wallet's header may hold anything; signed with another payload it is refused."""
    data = scene.opened.statement(FIRST).signed_data
    prefix = prefix_for(data, bytes(length))
    keys = oracles(scene.harness, 3)[:2]
    good = [witness(key, data, prefix) for key in keys]
    other = [
        replace(w, signature=key.sign(prefix + b"other")) for w, key in zip(good, keys, strict=True)
    ]
    judge.refused(attesting(scene, *other), "mint")
    judge.accepted(attesting(scene, *good))


def long_statement(scene: Scene, length: int) -> tuple[str, bytes]:
    """A milestone's name whose statement has so many bytes, and the statement."""
    for name in ("m" * count for count in range(length)):
        data = scene.opened.statement(name).signed_data
        if len(data) == length:
            return name, data
    raise AssertionError(f"no name makes a statement of {length} bytes")


@pytest.mark.parametrize("length", [254, 255, 256, 257, 410])
def test_payload_of_hundreds_of_bytes(scene: Scene, judge: Judge, length: int) -> None:
    """A payload's length in a byte too few, or in a form that CBOR allows but no wallet writes."""
    name, data = long_statement(scene, length)
    keys = oracles(scene.harness, 3)[:2]

    def draft(prefix: bytes) -> TransactionDraft:
        made = scene.opened.attesting(name)
        witnesses = [witness(key, data, prefix) for key in keys]
        made = Attesting(made.attestation, made.sitting, witnesses)
        return attest_draft(made, terms=scene.opened.terms, scripts=scene.harness.scripts)

    honest = prefix_for(data)
    start = honest[: -len(head(BYTES, length))]
    others = (b"\x58" + bytes((length % 256,)), b"\x59" + length.to_bytes(2, "big"))
    for end in (*others, b"\x5a" + length.to_bytes(4, "big")):
        if start + end != honest:
            judge.refused(draft(start + end), "mint")
    judge.accepted(draft(honest))


# -- terms


@pytest.mark.parametrize("fake", [bare_copy, foreign_copy, unstaked_copy, copy_at_home])
def test_fake_terms(scene: Scene, judge: Judge, fake: Fake) -> None:
    """The terms' datum, there or elsewhere, without their token or with another policy's."""
    copy = fake(scene.harness, scene.opened.terms)
    fooled = replace(scene.opened, terms=copy).attest_draft(FIRST)
    judge.refused(fooled, "mint")
    judge.accepted(scene.opened.attest_draft(FIRST))


def test_terms_of_another_distribution(scene: Scene, judge: Judge) -> None:
    """The attacker's own distribution, whose quorum is one, vouches for this one's milestone."""
    lax = scene.open(scene.other(quorum_threshold=1))
    single = everybody(scene)[:1]
    honest = attesting(scene, *everybody(scene))
    made = scene.opened.attesting(FIRST)
    signers = (blake2b_224(single[0].verification_key),)
    made = Attesting(replace(made.attestation, signers=signers), made.sitting, single)
    judge.refused(attest_draft(made, terms=lax.terms, scripts=scene.harness.scripts), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("role", ["vault", "attestation"])
def test_something_else_in_place_of_the_terms(scene: Scene, judge: Judge, role: str) -> None:
    """A vault or an attestation is where the redeemer says the terms are."""
    opened = scene.attested
    other = opened.vaults[0] if role == "vault" else opened.attestations[SECOND]
    judge.refused(replace(opened, terms=other).attest_draft(FIRST), "mint")
    judge.accepted(opened.attest_draft(FIRST))


# -- what is minted, and where to


@pytest.mark.parametrize("label", ["the same", "TERM", "VALT", "another milestone's"])
def test_one_token_too_many(scene: Scene, judge: Judge, label: str) -> None:
    """A spare token for the attacker, made with one quorum's signatures."""
    honest, known = scene.opened.attest_draft(FIRST), scene.opened.distribution
    name = {
        "the same": known.attestation_token(FIRST),
        "TERM": known.terms_token,
        "VALT": known.vault_token,
        "another milestone's": known.attestation_token(SECOND),
    }[label].asset_name
    judge.refused(minting(honest, name, 1), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("label", ["TERM", "VALT", "another milestone's"])
def test_another_token_instead(scene: Scene, judge: Judge, label: str) -> None:
    """Mints and holds a token that isn't this milestone's."""
    honest, known = scene.opened.attest_draft(FIRST), scene.opened.distribution
    right = known.attestation_token(FIRST)
    wrong = {
        "TERM": known.terms_token,
        "VALT": known.vault_token,
        "another milestone's": known.attestation_token(SECOND),
    }[label]
    swapped = minting(minting(honest, right.asset_name, -1), wrong.asset_name, 1)
    judge.refused(with_output(swapped, 0, value=Value.of(wrong, 1)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("behind", [False, True], ids=["before ours", "behind ours"])
def test_foreign_mint_alongside(scene: Scene, judge: Judge, behind: bool) -> None:
    """Another policy mints in the same transaction, on either side of our token."""
    honest = scene.opened.attest_draft(FIRST)
    policy = sorted_policy(scene.harness, "attacker", behind=behind)
    mint = Mint(policy.hash(), {b"": 1})
    judge.refused(along(honest, mints=(mint,), scripts=(policy,)), "mint")
    judge.accepted(honest)


def test_token_to_the_attacker(scene: Scene, judge: Judge) -> None:
    """The output stands where it should, without the token, which goes elsewhere."""
    honest = scene.opened.attest_draft(FIRST)
    token = Value.of(scene.opened.distribution.attestation_token(FIRST), 1)
    thief = DraftOutput(address=scene.harness.address, value=token)
    judge.refused(along(with_value(honest, 0, -token), outputs=(thief,)), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("where", ["attacker", "no staking part", "another distribution's"])
def test_attestation_elsewhere(scene: Scene, judge: Judge, where: str) -> None:
    """At the attacker's address it could be spent, under another staking part nobody would find it."""
    honest = scene.opened.attest_draft(FIRST)
    address = {
        "attacker": scene.harness.address,
        "no staking part": replace(honest.outputs[0].address, staking=None),
        "another distribution's": scene.other(quorum_threshold=1).address,
    }[where]
    judge.refused(with_output(honest, 0, address=address), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize("behind", [False, True], ids=["before ours", "behind ours"])
def test_dust_beside_the_token(scene: Scene, judge: Judge, behind: bool) -> None:
    """A foreign token in the attestation's output, on either side of ours."""
    policy = sorted_policy(scene.harness, "attacker", behind=behind)
    scene.harness.send(TransactionDraft(mints=(Mint(policy.hash(), {b"": 1}),), scripts=(policy,)))
    honest = scene.opened.attest_draft(FIRST)
    dust = Value(0, {AssetId(policy.hash(), b""): 1})
    judge.refused(with_value(honest, 0, dust), "mint")
    judge.accepted(honest)


def test_reference_script(scene: Scene, judge: Judge) -> None:
    """A script in the attestation, which every claim would pay for."""
    honest = scene.opened.attest_draft(FIRST)
    script = native_policy(scene.harness, "attacker")
    judge.refused(with_output(honest, 0, script=script), "mint")
    judge.accepted(honest)


def test_no_inline_datum(scene: Scene, judge: Judge) -> None:
    """No datum, or only its hash."""
    honest = scene.opened.attest_draft(FIRST)
    datum = honest.outputs[0].inline_datum
    assert datum is not None
    judge.refused(with_output(honest, 0, inline_datum=None), "mint")
    hashed = with_output(honest, 0, inline_datum=None, datum_hash=blake2b_256(datum))
    judge.refused(hashed, "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0,), OTHER),
        ((1,), b"milestone-002"),
        ((2,), b"\1" * 32),
        ((3,), 0),
        ((4,), ()),
        ((4,), shorter),
        ((4,), longer),
        ((4, 0), OTHER),
        ((), longer),
        ((), shorter),
        ((), Constr(1)),
        ((), 0),
    ],
    ids=case_name,
)
def test_datum_says_something_else(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """Each field in turn: signers who did not sign, other evidence, another distribution."""
    honest = scene.opened.attest_draft(FIRST)
    judge.refused(with_datum(honest, 0, path, value), "mint")
    judge.accepted(honest)


# -- the redeemer


@pytest.mark.parametrize("path", [(0,), (2,)], ids=["terms", "output"])
@pytest.mark.parametrize("place", [-1, 2, 1 << 70])
def test_nothing_there(scene: Scene, judge: Judge, path: tuple[int, ...], place: int) -> None:
    """A place behind or before what there is (output 1 is change, so it exists: not meant here)."""
    honest = scene.opened.attest_draft(FIRST)
    judge.refused(with_redeemer(honest, "mint", path, place), "mint")
    judge.accepted(honest)


def test_change_in_place_of_the_attestation(scene: Scene, judge: Judge) -> None:
    """The redeemer points to the change."""
    honest = scene.opened.attest_draft(FIRST)
    judge.refused(with_redeemer(honest, "mint", (2,), 1), "mint")
    judge.accepted(honest)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), longer),
        ((), shorter),
        ((), Constr(3)),
        ((), Constr(0)),
        ((), under(0)),
        ((), under(3)),
        ((), 0),
        (SIGNATURES, ()),
        (SIGNATURES, shorter),
        (SIGNATURES, longer),
        ((6, 0), 0),
        ((1,), b""),
        ((2,), b""),
        ((3,), 0),
        ((4,), 0),
        ((5,), b""),
        (SIGNATURES, b"\0" * 12_000),
    ],
    ids=case_name,
)
def test_redeemer_of_another_shape(
    scene: Scene, judge: Judge, path: tuple[int, ...], value: PlutusData | Edit
) -> None:
    """A field more or less, other constructors, signatures cut in the middle."""
    honest = scene.opened.attest_draft(FIRST)
    judge.refused(with_redeemer(honest, "mint", path, value), "mint")
    judge.accepted(honest)
