"""The one reader of files that people name, and the one writer: the same rules for every kind."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milestones.documents import (
    CONFIGURATION,
    KEY,
    SCHEDULE,
    Kind,
    read_bytes,
    read_json,
    read_object,
    read_yaml,
    write_new,
)
from milestones.errors import InvalidConfiguration, InvalidInput, InvalidKeyFile, InvalidSignature
from milestones.notation import DEEPEST, parse_json, parse_yaml
from milestones.recognition import looks_like, recognised

SMALL = Kind("a small file", 100, "give a small file")


def refused(path: Path, kind: Kind = SCHEDULE) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_object(path, kind, "schedule", InvalidInput)
    error = caught.value
    assert error.path == "schedule"
    assert str(path) in error.message
    assert error.hint
    assert error.message.isprintable()
    return error


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "file.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# -- files and what is none


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path, words in (
            (tmp_path, "it is a folder"),
            (tmp_path / "pipe", "a pipe into which nobody writes"),
            (tmp_path / "socket", "it is a socket"),
            (Path("/dev/zero"), "it is a device"),
            (Path("/dev/full"), "it is a device"),
            (tmp_path / "loop", "can't be read"),
            (tmp_path / "absent", "there is no file"),
            (tmp_path / "dangling", "there is no file"),
            (tmp_path / "absent" / "inside", "there is no file"),
            (tmp_path / ("n" * 300), "can't be read"),
        ):
            assert words in refused(path).message


def test_a_pipe_is_read_while_somebody_writes_into_it(tmp_path: Path) -> None:
    """As the shell makes them of `<(gpg --decrypt FILE)`."""
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(
            read_object, Path(f"/dev/fd/{reader}"), SCHEDULE, "schedule", InvalidInput
        )
        os.write(writer, b'{"a":')
        os.write(writer, b" 1}")
        os.close(writer)
        assert reading.result(60) == {"a": 1}
    os.close(reader)


def test_a_name_that_no_file_can_have_is_no_file() -> None:
    with pytest.raises(InvalidInput, match="there is no file"):
        read_bytes(Path("a\0b"), SMALL, "schedule", InvalidInput)


def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert "too large for a key" in refused(path, KEY).message
    assert read_bytes(written(tmp_path, b"x" * 100), SMALL, "f", InvalidInput) == b"x" * 100
    with pytest.raises(InvalidInput, match="too large for a small file"):
        read_bytes(written(tmp_path, b"x" * 101), SMALL, "f", InvalidInput)


def test_a_file_that_the_field_names_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "absent.skey"
    with pytest.raises(InvalidKeyFile) as caught:
        read_object(path, KEY, str(path), InvalidKeyFile)
    assert caught.value.message == f"{path}: there is no such file"
    path.write_text("no JSON")
    with pytest.raises(InvalidKeyFile) as caught:
        read_object(path, KEY, str(path), InvalidKeyFile)
    assert caught.value.message.count(str(path)) == 1


# -- encodings


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("utf-16", "in UTF-16"),
        ("utf-16-le", "in UTF-16"),
        ("utf-16-be", "in UTF-16"),
        ("utf-32", "in UTF-32"),
        ("utf-32-le", "UTF-32"),
        ("latin-1", "line 2"),
        ("cp1252", "line 2"),
    ],
)
def test_another_encoding_is_named_with_the_way_out(
    tmp_path: Path, encoding: str, words: str
) -> None:
    path = written(tmp_path, '{"a": 1,\n "b": "é"}'.encode(encoding))
    error = refused(path)
    assert words in error.message
    assert "save it as UTF-8" in error.hint


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_makes_no_difference(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, '{"é": 1}'.encode(encoding))
    assert read_object(path, SCHEDULE, "schedule", InvalidInput) == {"é": 1}
    path = written(tmp_path, "network: devnet".encode(encoding))
    assert read_yaml(path, CONFIGURATION, "c", InvalidConfiguration) == {"network": "devnet"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04rest", "a workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\x00" * 9, "is not JSON"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in refused(written(tmp_path, content)).message


# -- names that stand twice


@pytest.mark.parametrize(
    "text",
    [
        '{"network": 1, "network": 2}',
        '{"network": 1, "network": 1}',
        '[{"a": {"network": 1, "b": 2, "network": 3}}]',
        '{"network": 1, "\\u006eetwork": 2}',
        "network: 1\nnetwork: 2",
        'network: 1\n"network": 2',
        "network: 1\n!!str network: 2",
        "a:\n - network: 1\n   b: 2\n   'network': 3",
        "{network: 1, network: 2}",
    ],
)
def test_a_name_that_stands_twice_is_refused(text: str) -> None:
    parse = parse_json if text[0] in "{[" and '"' in text else parse_yaml
    with pytest.raises(ValueError, match="'network' twice"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: &x 1\nb: *x", "alias"),
        ("<<: {a: 1}\na: &x {}\nb: *x", "alias"),
        ("1: one", "not text"),
        ("yes: one", "not text"),
        ("? [a]\n: one", "not text"),
        ("a: !!python/object/apply:os.system [true]", "line 1"),
        ("a: 1\n---\nb: 2", "line 2"),
        ("a: [", "line 1"),
        ("[" * 5_000, "nested deeper"),
        ("a: b: c", "line 1"),
    ],
)
def test_yaml_is_plain_values(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_yaml(text)


def test_what_is_wrong_in_a_configuration_is_said_without_showing_the_line() -> None:
    with pytest.raises(ValueError, match="line 2") as caught:
        parse_yaml("network: devnet\nogmios_url: ws://user:secret@host: x")
    assert "secret" not in str(caught.value)


# -- numbers and depth


def test_numbers_keep_every_digit() -> None:
    found = parse_json(
        "[1, -0.1, 1.20, 1e3, 0.1234567890123456789, 123456789012345678901234567890]"
    )
    assert found[1:5] == [
        Decimal(each) for each in ("-0.1", "1.20", "1e3", "0.1234567890123456789")
    ]
    assert found[5] == 123456789012345678901234567890
    assert isinstance(found[3], Decimal)


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "[Infinity]", "-Infinity", "1e999999999", "1e-999999999", "1e9999999999999999999"),
        *("9" * 401, "0." + "9" * 401),
    ],
)
def test_numbers_out_of_all_bounds_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_json(text)


def test_depth_is_bounded() -> None:
    assert parse_json("[" * DEEPEST + "]" * DEEPEST)
    for depth in (DEEPEST + 1, 2_000, 1_000_000):
        with pytest.raises(ValueError, match="nested deeper"):
            parse_json("[" * depth + "]" * depth)


@given(st.recursive(st.integers() | st.text() | st.none() | st.booleans(), st.lists, max_leaves=9))
def test_json_is_read_as_it_was_written(value: Any) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps({"name": value}, ensure_ascii=False)) == {"name": value}


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for parse in (parse_json, parse_yaml):
        with suppress(ValueError):
            parse(text)
    looks_like(text)


# -- what it is instead


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("beneficiary_address,token_amount\naddr_test1,5\n", "CSV"),
        ("a;b;c\n1;2;3", "CSV"),
        ("a\tb\n1\t2", "CSV"),
        ("network: devnet\nkupo_url: http://x\n", "YAML"),
        ("---\na: 1", "YAML"),
        ("- a: 1\n- b: 2\n", "YAML"),
        ("[section]\na = 1", "TOML"),
        ('network = "devnet"', "TOML"),
        ("<!DOCTYPE html>", "a web page"),
        ("-----BEGIN PRIVATE KEY-----", "PEM"),
        ("{'a': 1}", "double quotation marks"),
        ("{\u201ca\u201d: 1}", "typographic"),
        ('{"a": 1}\n{"a": 2}\n', "several JSON values"),
        ('{\n  // about it\n  "a": 1\n}', "comments"),
        ("ab" * 40, "hexadecimal"),
        ("addr_test1vpdwryatu622vp6nrcs0shvrtzk7nfr55n69438pt6tzmgg2d6gkm\n", "an address"),
        ("addr_xsk1" + "q" * 60, "a key in Bech32"),
        (" ".join(["abandon"] * 15), "a phrase"),
    ],
)
def test_what_it_looks_like_is_said_and_never_shown(tmp_path: Path, text: str, words: str) -> None:
    error = refused(written(tmp_path, text))
    assert words in error.message
    assert text.rsplit(maxsplit=1)[-1] not in error.message or len(text.rsplit(maxsplit=1)[-1]) < 4


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ({"type": "PaymentSigningKeyShelley_ed25519", "cborHex": "58"}, SCHEDULE, "it is a key"),
        ({"type": "Tx ConwayEra", "cborHex": "84"}, KEY, "holds no key"),
        ({"beneficiary_allocations": [], "oracle_addresses": []}, KEY, "it is a schedule"),
        ([{"beneficiary_address": "", "token_amount": 1}], SCHEDULE, "a list of allocations"),
        ({"allocations": [], "distribution_id": ""}, SCHEDULE, "it is a claim file"),
        ([{"oracle_address": "", "signed_data": ""}], SCHEDULE, "it is signatures"),
        ({"signature": "", "key": ""}, SCHEDULE, "it is signatures"),
        ({"preamble": {}, "validators": []}, SCHEDULE, "it is a blueprint"),
        ({"schedule_file": "x"}, SCHEDULE, "schedule_file"),
        ({"txFeePerByte": 44}, SCHEDULE, "cardano-cli's form"),
        ({"error": {}}, SCHEDULE, "an error"),
    ],
)
def test_another_kind_of_file_is_recognised(
    tmp_path: Path, value: Any, kind: Kind, words: str
) -> None:
    assert words in refused(written(tmp_path, json.dumps(value)), kind).message


@given(
    st.recursive(
        st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_is_not_known_is_nothing_else(value: Any) -> None:
    assert recognised(value) is None


# -- writing


def test_what_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_new(path, "same", "output", InvalidInput)
    write_new(path, "same", "output", InvalidInput)
    for other in ("other", "sam", "samee", ""):
        with pytest.raises(InvalidInput, match="is already there, and holds something else"):
            write_new(path, other, "output", InvalidInput)
    assert path.read_text() == "same"


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: path.symlink_to("/dev/full")])
def test_what_is_no_file_is_not_written_to(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "there"
    make(path)
    with pytest.raises(InvalidSignature, match="is already there"):
        write_new(path, "text", "output", InvalidSignature)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="can't be written") as caught:
        write_new(tmp_path / "absent" / "file", "text", "output", InvalidInput)
    assert caught.value.path == "output"


def test_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    write_new(tmp_path / "key", "text", "output", InvalidInput, owner_only=True)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_whole_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InvalidInput, match="No space left"):
        write_new(tmp_path / "file", "text", "output", InvalidInput)
    assert list(tmp_path.iterdir()) == []


def test_json_of_another_kind_of_value_is_no_object(tmp_path: Path) -> None:
    assert "is not a JSON object" in refused(written(tmp_path, "[]")).message
    assert read_json(written(tmp_path, "[]"), SCHEDULE, "schedule", InvalidInput) == []
