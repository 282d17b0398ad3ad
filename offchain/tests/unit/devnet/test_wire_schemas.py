"""The guard over the answers must be able to complain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support import wire_schemas

JSON = "application/json;charset=utf-8"
TIP = {"slot": 1, "id": "00" * 32}
MATCH = {
    "transaction_index": 0,
    "transaction_id": "00" * 32,
    "output_index": 0,
    "address": "addr1x",
    "value": {"coins": 1, "assets": {}},
    "datum_hash": None,
    "script_hash": None,
    "created_at": {"slot_no": 1, "header_hash": "00" * 32},
    "spent_at": None,
}


@pytest.fixture
def observer() -> wire_schemas.WireObserver:
    """A guard, where the schemas are at hand."""
    if wire_schemas.directory() is None:
        pytest.skip(f"{wire_schemas.VARIABLE} names no directory with the schemas")
    return wire_schemas.WireObserver()


def test_without_the_variable_nothing_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(wire_schemas.VARIABLE, raising=False)
    assert wire_schemas.directory() is None


@pytest.mark.parametrize("missing", wire_schemas.FILES)
def test_a_schema_that_is_not_where_the_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setenv(wire_schemas.VARIABLE, str(tmp_path))
    for file in wire_schemas.FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert wire_schemas.directory() == tmp_path
    (tmp_path / missing).unlink()
    with pytest.raises(FileNotFoundError, match=missing):
        wire_schemas.directory()


@pytest.mark.parametrize("version", ["6.14.0", "7.0.0"])
def test_ogmios_answers(observer: wire_schemas.WireObserver, version: str) -> None:
    def answer(**fields: object) -> None:
        observer.ogmios_answered(version, json.dumps({"jsonrpc": "2.0", "id": None, **fields}))

    answer(method="queryNetwork/tip", result=TIP)
    answer(error={"code": -32600, "message": "x"})
    assert (observer.seen, observer.complaints) == (2, [])
    answer(method="queryNetwork/tip", result={**TIP, "height": 1})
    answer(method="queryNetwork/blockHeight", result="1")
    answer(method="submitTransaction", error={"code": 3117, "message": "x"})
    answer(error={"code": 1, "message": "x"})
    assert len(observer.complaints) == 4


def test_kupo_answers(observer: wire_schemas.WireObserver) -> None:
    def answer(method: str, path: str, value: object, status: int = 200) -> None:
        observer.kupo_answered(method, path, status, JSON, json.dumps(value).encode())

    answer("GET", "/v1/matches/*", [MATCH])
    answer("GET", "/datums/00", None)
    answer("GET", "/matches/x", {"hint": "x"}, 400)
    assert (observer.seen, observer.complaints) == (3, [])
    answer("GET", "/matches", [{**MATCH, "address": 5}])
    answer("GET", "/matches", [{**MATCH, "spent_at": {}}])
    answer("GET", "/datums/00", {"datum": 5})
    answer("DELETE", "/patterns/*", {})
    answer("GET", "/health", {}, 503)
    answer("GET", "/matches", [], 201)
    assert len(observer.complaints) == 6
