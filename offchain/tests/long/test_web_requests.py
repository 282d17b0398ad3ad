"""Schemathesis makes requests out of the description of `milestones serve`, and finds nothing.

Not asked: whether every request that fits is accepted, since wallets, statements and times are right or wrong
by the chain alone. Listening to events is left out: it has no end.
"""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx

from milestones.web.tokens import TOKEN_HEADER
from tests.support.fuzzing import requests_made
from tests.support.load import length
from tests.support.web_clients import demo

EXCLUDED = (
    *("positive_data_acceptance", "use_after_free", "ensure_resource_availability"),
    # What has no token is refused before its method is looked at.
    *("unsupported_method", "missing_required_header"),
)


def requests_description(url: str, token: str) -> dict[str, Any]:
    """The server's own, where what only the chain knows is filled in, now and then."""
    with httpx.Client(base_url=url) as http:
        description: dict[str, Any] = deepcopy(http.get("/api/v1/openapi.json").json())
        (listed,) = http.get("/api/v1/distributions").json()["distributions"]
        headers = {TOKEN_HEADER: token}

        def ask(name: str, *given: Any) -> Any:
            return http.post(f"/play/{name}", json=given, headers=headers).json()["result"]

        outputs = [*ask("Ada", "getUtxos"), *ask("administrator", "getUtxos"), "80"]
        addresses = [ask(name, "getChangeAddress") for name in ("Ada", "administrator")]
    del description["paths"]["/api/v1/events"]
    key = {"name": "distribution", "in": "path", "required": True}
    for path in description["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] == "distribution":
                    parameter |= {**key, "schema": {"enum": [listed["key"], "nonsense"]}}
                if parameter["name"] == "milestone_identifier":
                    parameter["schema"] = {"enum": ["design", "launch", "nonsense"]}
    schemas = description["components"]["schemas"]
    schemas["Wallet"]["properties"]["outputs"]["items"] = {"enum": outputs}
    schemas["Wallet"]["properties"]["change_address"] = {"enum": addresses}
    for schema in schemas.values():
        if (
            "milestone_identifier" in schema.get("properties", {})
            and "wallet" in schema["properties"]
        ):
            schema["properties"]["milestone_identifier"] = {
                "enum": ["design", "launch", "prototype"]
            }
    return description


REFUSED = """
[checks]
negative_data_rejection.expected-statuses = [400, 403, 404, 405, 409, 413, 414, 415, 422]
"""


def test_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(REFUSED)
    with demo(tmp_path) as url:
        token = httpx.get(f"{url}/api/v1/token").json()["token"]
        description = requests_description(url, token)
        arguments = [
            *("--exclude-checks", ",".join(EXCLUDED), "--header", f"{TOKEN_HEADER}: {token}"),
            *("--max-examples", str(length(short=2, long=450))),
            *("--phases", length(short="fuzzing", long="coverage,fuzzing")),
        ]
        made = requests_made(tmp_path, description, url, arguments)
        assert httpx.get(f"{url}/health").json()["status"] == "ok"
    assert made >= length(short=40, long=10_000)
    print(f"{made} requests, nothing found")  # noqa: T201
