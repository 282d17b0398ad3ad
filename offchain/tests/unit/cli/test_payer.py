"""Who pays: options that belong together, and those that don't."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from milestones.cardano.address import Address, key_credential
from milestones.cardano.native_script import script_address
from milestones.cli.output import Output
from milestones.cli.session import Session
from milestones.errors import InvalidAddress, InvalidInput
from milestones.services.sending.payer import HandOut, Payer

KEY = key_credential(bytes(28))
ENTERPRISE, BASE = str(Address(0, KEY)), str(Address(0, KEY, KEY))
SCRIPT = {"type": "sig", "keyHash": "00" * 28}
USUAL: dict[str, Any] = {
    "signing_key_path": None,
    "payer": ENTERPRISE,
    "unsigned_out": Path("out.tx"),
    "valid_for": None,
    "collateral": None,
    "account": False,
}


@pytest.fixture
def session() -> Session:
    return Session(None, {"network": "preprod"}, Output(form="json"))


@pytest.fixture
def committee(tmp_path: Path) -> str:
    file = tmp_path / "committee.json"
    file.write_text(json.dumps(SCRIPT), encoding="utf-8")
    return str(file)


def test_an_address_pays_alone_or_with_its_account(session: Session) -> None:
    alone = session.payer(**{**USUAL, "payer": BASE, "valid_for": "6h"})
    assert isinstance(alone, Payer)
    assert (alone.pattern, alone.valid_for_seconds) == (BASE, 21_600)
    whole = session.payer(**{**USUAL, "payer": BASE, "account": True})
    assert isinstance(whole, Payer)
    assert whole.pattern == f"*/{KEY.hash.hex()}"
    assert whole.owns(Address(0, key_credential(b"k" * 28), KEY))
    assert not whole.owns(Address(0, KEY))


def test_a_committees_script_pays_and_somebodys_key_puts_up_collateral(
    session: Session, committee: str
) -> None:
    payer = session.payer(**{**USUAL, "payer": committee, "collateral": ENTERPRISE})
    assert isinstance(payer, Payer)
    assert payer.pattern == f"{script_address(SCRIPT, 0).payment.hash.hex()}/*"
    assert str(payer.collateral) == ENTERPRISE


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"unsigned_out": None}, "payer"),
        ({"unsigned_out": None, "payer": None, "account": True}, "payer_account"),
        ({"unsigned_out": None, "payer": None, "valid_for": "1d"}, "valid_for"),
        ({"unsigned_out": None, "payer": None, "collateral": ENTERPRISE}, "collateral"),
        ({"payer": None}, "payer"),
        ({"signing_key_path": Path("my.skey")}, "payer"),
        ({"valid_for": "soon"}, "valid_for"),
        ({"valid_for": "1m"}, "valid_for"),
        ({"valid_for": "31d"}, "valid_for"),
        ({"account": True}, "payer_account"),
        ({"collateral": ENTERPRISE}, "collateral"),
        ({"payer": str(script_address(SCRIPT, 0))}, "payer"),
        ({"payer": "COMMITTEE"}, "collateral"),
        ({"payer": "COMMITTEE", "collateral": str(script_address(SCRIPT, 0))}, "collateral"),
        ({"payer": "COMMITTEE", "collateral": ENTERPRISE, "account": True}, "payer_account"),
    ],
)
def test_what_does_not_go_together_is_named(
    session: Session, committee: str, changes: dict[str, Any], path: str
) -> None:
    options = {**USUAL, **changes}
    if options["payer"] == "COMMITTEE":
        options["payer"] = committee
    with pytest.raises(InvalidInput) as refused:
        session.payer(**options)
    assert refused.value.path == path
    assert refused.value.hint


@pytest.mark.parametrize("path", ["payer", "collateral"])
def test_whoever_pays_is_on_the_network(path: str) -> None:
    far, near = Address(1, KEY), Address(0, KEY)
    where = HandOut(Path("out.tx"))
    payer = (
        Payer.elsewhere(far, where)
        if path == "payer"
        else Payer.committee(SCRIPT, 0, where, collateral=far)
    )
    with pytest.raises(InvalidAddress, match="of mainnet") as refused:
        payer.must_be_on(near.network_id)
    assert refused.value.path == path
    payer_at_home = Payer.committee(SCRIPT, 0, where, collateral=near)
    payer_at_home.must_be_on(0)
