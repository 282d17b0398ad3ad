"""Native scripts: the same bytes, hashes and JSON as an independent library has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycardano.nativescript import NativeScript as Judge

from milestones.cardano.native_script import (
    After,
    All,
    AtLeast,
    Before,
    Either,
    Locks,
    NativeScript,
    Signed,
    can_agree,
    fewest_signers,
    from_json,
    most_signers,
    script_of,
    to_json,
)
from milestones.errors import InvalidInput

SLOTS = st.integers(0, (1 << 63) - 1)
FEW: st.SearchStrategy[NativeScript] = st.one_of(
    st.builds(Signed, st.integers(0, 5).map(lambda number: bytes([number]) * 28)),
    st.builds(After, st.integers(0, 9)),
    st.builds(Before, st.integers(0, 9)),
)
"""Leaves of few keys and slots, so that they stand several times."""
KEYS = st.frozensets(st.integers(0, 5).map(lambda number: bytes([number]) * 28))
LEAVES: st.SearchStrategy[NativeScript] = st.one_of(
    st.builds(Signed, st.binary(min_size=28, max_size=28)),
    st.builds(After, SLOTS),
    st.builds(Before, SLOTS),
)


def _of(children: st.SearchStrategy[NativeScript]) -> st.SearchStrategy[NativeScript]:
    several = st.lists(children, min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(All, several),
        st.builds(Either, several),
        st.builds(AtLeast, st.integers(0, 5), several),
    )


SCRIPTS = st.recursive(LEAVES, _of, max_leaves=12)
COMMITTEES = st.recursive(FEW, _of, max_leaves=12)


@given(SCRIPTS)
def test_bytes_and_json_agree_with_another_implementation(native: NativeScript) -> None:
    judged = Judge.from_dict(to_json(native))
    assert judged.to_cbor() == script_of(native).code
    assert bytes(judged.hash()) == script_of(native).hash()
    assert from_json(to_json(native)) == native


@given(COMMITTEES, KEYS, KEYS, st.integers(0, 9), st.integers(0, 10))
def test_whoever_signs_no_more_signatures_are_taken_than_the_fee_is_planned_for(
    native: NativeScript, anyway: frozenset[bytes], others: frozenset[bytes], first: int, last: int
) -> None:
    taken = fewest_signers(native, anyway | others, first, last, anyway=anyway)
    if taken is not None:
        assert len(taken - anyway) <= len(most_signers(native, anyway))


@given(COMMITTEES, st.integers(0, 9), st.integers(0, 9), st.integers(0, 10))
def test_the_narrowed_validity_is_the_best_that_there_is(
    native: NativeScript, now: int, first: int, last: int
) -> None:
    if first <= now < last and can_agree(native, first, last):
        assert can_agree(native, *Locks.of(native).narrowed(now, now, None, last))
        assert can_agree(native, *Locks.of(native).narrowed(now, now, first, None))


@pytest.mark.parametrize(
    ("native", "anyway", "count"),
    [
        (AtLeast(2, tuple(Signed(bytes([n]) * 28) for n in range(3))), (), 2),
        (AtLeast(2, tuple(Signed(bytes([n]) * 28) for n in range(3))), (1,), 1),
        (AtLeast(2, tuple(Signed(bytes([n]) * 28) for n in range(3))), (9,), 2),
        (
            AtLeast(2, (All((Signed(bytes(28)), Signed(b"a" * 28))), After(5), Signed(b"b" * 28))),
            (),
            3,
        ),
    ],
)
def test_how_many_signatures_a_fee_is_planned_for(
    native: NativeScript, anyway: tuple[int, ...], count: int
) -> None:
    assert len(most_signers(native, frozenset(bytes([n]) * 28 for n in anyway))) == count


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (None, "script"),
        ({"type": "sig"}, "script"),
        ({"type": "sig", "keyHash": "zz" * 28}, "script.keyHash"),
        ({"type": "all", "scripts": [{"type": "after", "slot": -1}]}, "script.scripts[0]"),
        ({"type": "atLeast", "scripts": []}, "script"),
        ({"type": "before", "slot": "7"}, "script"),
        ({"type": "after", "slot": True}, "script"),
        ({"type": "atLeast", "required": True, "scripts": []}, "script"),
    ],
)
def test_what_is_no_native_script(raw: object, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        from_json(raw)
    assert refused.value.path == path


def test_scripts_in_scripts_have_an_end() -> None:
    raw: dict[str, object] = {"type": "after", "slot": 1}
    for _ in range(200):
        raw = {"type": "all", "scripts": [raw]}
    with pytest.raises(InvalidInput, match="over 100 deep"):
        from_json(raw)
