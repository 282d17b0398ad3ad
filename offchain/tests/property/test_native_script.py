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
    NativeScript,
    Signed,
    from_json,
    script_of,
    to_json,
)
from milestones.errors import InvalidInput

SLOTS = st.integers(0, (1 << 63) - 1)
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


@given(SCRIPTS)
def test_bytes_and_json_agree_with_another_implementation(native: NativeScript) -> None:
    judged = Judge.from_dict(to_json(native))
    assert judged.to_cbor() == script_of(native).code
    assert bytes(judged.hash()) == script_of(native).hash()
    assert from_json(to_json(native)) == native


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (None, "script"),
        ({"type": "sig"}, "script"),
        ({"type": "sig", "keyHash": "zz" * 28}, "script.keyHash"),
        ({"type": "all", "scripts": [{"type": "after", "slot": -1}]}, "script.scripts[0]"),
        ({"type": "atLeast", "scripts": []}, "script"),
        ({"type": "before", "slot": "7"}, "script"),
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
