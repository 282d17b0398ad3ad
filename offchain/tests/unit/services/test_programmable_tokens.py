"""Which rejections of an opening are about a script that is none of this contract's."""

from __future__ import annotations

from typing import Any

import pytest

from milestones.services.deploy.programmable_tokens import names_foreign_script

OWN = (b"V" * 28, b"P" * 28)
FAILED = {"code": 3012, "message": "failed", "data": {"validationError": "no", "traces": []}}


def run(purpose: str) -> dict[str, Any]:
    return {"validator": {"purpose": purpose, "index": 0}, "error": FAILED}


@pytest.mark.parametrize(
    ("code", "data", "foreign"),
    [
        (3010, [run("mint")], False),
        (3010, [run("withdraw")], True),
        (3010, [run("mint"), run("spend")], True),
        (3011, {"missingScripts": [{"purpose": "withdraw", "index": 0}]}, True),
        (3011, {"missingScripts": [{"purpose": "mint", "index": 0}]}, False),
        (3102, {"missingScripts": ["ab" * 28]}, True),
        (3102, {"missingScripts": [OWN[0].hex()]}, False),
        (3102, None, False),
        (3109, {"missingRedeemers": [{"purpose": "withdraw", "index": 0}]}, True),
        (3117, {"unknownOutputReferences": []}, False),
    ],
)
def test_a_script_of_others(code: int, data: Any, foreign: bool) -> None:
    assert names_foreign_script(code, data, OWN) is foreign
