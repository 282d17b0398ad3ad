"""Holds answers of the control interface against its own description."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

import httpx
import jsonschema_rs


@cache
def _description() -> Any:
    return json.loads(
        resources.files("milestones.devnet.control").joinpath("openapi.json").read_text()
    )


async def check(response: httpx.Response) -> None:
    """An event hook of a client: the answer must be one that is described."""
    await response.aread()
    description = _description()
    path = re.sub("(?<=/block/).*", "{height}", response.request.url.path)
    path = re.sub("(?<=/transaction/).*", "{id}", path)
    path = re.sub("^/(address|token)/.*", r"/\1/{\1}", path)
    method = response.request.method.lower()
    operations = description["paths"].get(path)
    if operations is None:
        assert response.status_code == 404
        return
    operation = operations.get("get" if method == "head" else method)
    if operation is None:
        assert response.status_code == 405
        operation = next(iter(operations.values()))
    answer = operation["responses"][str(response.status_code)]
    if "$ref" in answer:
        answer = description["components"]["responses"][answer["$ref"].split("/")[-1]]
    schema = answer["content"].get("application/json")
    if schema and method != "head":
        whole = {**schema["schema"], "components": description["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(response.json())
