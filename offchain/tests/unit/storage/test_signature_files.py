"""`signatures.json` as people hand it in: every defect has a path, and adding loses nothing."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cbor2
import pytest

from milestones.cardano.address import Address, key_credential
from milestones.domain.models import OracleSignature
from milestones.errors import InvalidInput, InvalidSignature
from milestones.keys.key_files import SigningKey
from milestones.protocol.statements import MilestoneStatement
from milestones.storage.signature_files import add_to_signature_file, read_signature_file


def fields(number: int = 0, **changes: Any) -> dict[str, Any]:
    """An entry in JSON; what is None is left out."""
    usual = {
        "oracle_address": Address(0, key_credential(bytes([number]) * 28)).to_bech32(),
        "signature": "01" * 64,
        "signed_data": "9f00ff",
        "signature_timestamp": 1_735_689_600,
        "verification_key": "02" * 32,
    }
    return {name: value for name, value in {**usual, **changes}.items() if value is not None}


def written(folder: Path, content: Any) -> Path:
    file = folder / "signatures.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def test_an_array_and_a_single_entry_are_read(tmp_path: Path) -> None:
    assert len(read_signature_file(written(tmp_path, [fields(0), fields(1)]))) == 2
    (entry,) = read_signature_file(written(tmp_path, fields()))
    assert entry.signed_data == b"\x9f\x00\xff"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"signed_data": None}, "oracle_signatures[1].signed_data"),
        ({"signed_data": "xyz"}, "oracle_signatures[1].signed_data"),
        ({"signed_data": 12}, "oracle_signatures[1].signed_data"),
        ({"oracle_address": "addr_test1nonsense"}, "oracle_signatures[1].oracle_address"),
        ({"oracle_address": None}, "oracle_signatures[1].oracle_address"),
        ({"signature": "abc"}, "oracle_signatures[1].signature"),
        ({"signature_timestamp": "soon"}, "oracle_signatures[1].signature_timestamp"),
        ({"signature_timestamp": 1.5}, "oracle_signatures[1].signature_timestamp"),
        ({"colour": "blue"}, "oracle_signatures[1].colour"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, change: dict[str, Any], path: str) -> None:
    file = written(tmp_path, [fields(), fields(1, **change)])
    with pytest.raises(InvalidSignature) as refused:
        read_signature_file(file)
    assert refused.value.details["path"] == path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "holds no signature"),
        ("null", "holds no signature"),
        ("\x00", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ('"text"', "object is expected"),
        ("[[]]", "object is expected"),
    ],
)
def test_what_is_no_list_of_entries_is_refused(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(InvalidSignature, match=words):
        read_signature_file(written(tmp_path, content))


def test_a_wallets_answer_is_taken_for_the_entry_that_it_is(tmp_path: Path) -> None:
    key = SigningKey.from_bytes(b"w" * 32)
    address = key.address(0)
    said = MilestoneStatement(b"p" * 28, b"d" * 28, b"m1", b"", 1_735_689_600_000).signed_data
    header = cbor2.dumps({1: -8, "address": address.to_bytes()})
    signature = key.sign(cbor2.dumps(["Signature1", header, b"", said]))
    answer = {
        "signature": cbor2.dumps([header, {"hashed": False}, said, signature]).hex(),
        "key": cbor2.dumps({1: 1, 3: -8, -1: 6, -2: key.verification_key}).hex(),
    }
    first, second = read_signature_file(written(tmp_path, [answer, fields()]))
    assert (first.oracle_address, first.signed_data) == (address, said)
    assert second.signed_data == b"\x9f\x00\xff"
    with pytest.raises(InvalidSignature) as refused:
        read_signature_file(written(tmp_path, [fields(), {**answer, "key": "5820"}]))
    assert refused.value.path == "oracle_signatures[1].key"


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSignature, match="there is no file"):
        read_signature_file(tmp_path / "absent.json")
    with pytest.raises(InvalidSignature, match="can't be read"):
        read_signature_file(tmp_path)


def test_entries_added_at_the_same_time_are_all_there(tmp_path: Path) -> None:
    file = tmp_path / "signatures.json"
    entries = [OracleSignature.model_validate(fields(number)) for number in range(12)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda entry: add_to_signature_file(file, entry), entries))
    assert {entry.oracle for entry in read_signature_file(file)} == {e.oracle for e in entries}


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, "[]")
    entry = OracleSignature.model_validate(fields())
    with pytest.raises(InvalidInput, match="can't be written") as refused:
        add_to_signature_file(tmp_path / "signatures.json" / "more.json", entry)
    assert refused.value.path == "output"


def test_what_a_killed_process_has_left_is_swept_when_an_entry_is_added(tmp_path: Path) -> None:
    left = tmp_path / ".signatures.json.0badf00d.tmp"
    others = tmp_path / ".other.json.0badf00d.tmp"
    for each in (left, others):
        each.write_text("[")
    (entry,) = read_signature_file(written(tmp_path, fields()))
    add_to_signature_file(tmp_path / "signatures.json", entry)
    assert (left.exists(), others.exists()) == (False, True)
