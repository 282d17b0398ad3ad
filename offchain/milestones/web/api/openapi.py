"""The OpenAPI document: what the API takes and answers, out of the operations' own models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from milestones import __version__
from milestones.web.api.operation import PREFIX, Operation
from milestones.web.api.paying import ANSWERS as CLAIM_REFUSALS
from milestones.web.api.watching import Health
from milestones.web.guard import CLAIM_PATH, HEALTH_PATH
from milestones.web.tokens import TOKEN_HEADER

PATH: Final = f"{PREFIX}/openapi.json"
REFERENCES: Final = "#/components/schemas/{model}"
STATUSES: Final = {
    "400": "something in the request is wrong; `details.path` says where",
    "403": "another host or origin asks, a token is missing, or it isn't offered here",
    "404": "there is no such thing",
    "405": "this method is not answered",
    "408": "the body comes too slowly",
    "409": "a rule forbids it now (`details.rule`), or the wallet lacks funds",
    "413": "the body is too long",
    "414": "the address that is asked for is too long",
    "415": "the body is no JSON, or doesn't say so",
    "422": "the chain refuses the transaction",
    "429": "too many requests",
    "500": "something went wrong in the server",
    "503": "a service that is needed is away, or too much is built at a time",
    "504": "it was sent, and what became of it is not known: send it again",
}
ERROR: Final[dict[str, Any]] = {
    "type": "object",
    "description": "What went wrong, as the command line says it.",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "details", "hint"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string", "description": "A stable name."},
                "message": {"type": "string", "description": "What is wrong, and where."},
                "details": {"type": "object", "description": "Facts for programs."},
                "hint": {"type": "string", "description": "What to do next."},
            },
        }
    },
}
PATH_PARAMETERS: Final = {
    "distribution": "What names a distribution: `key` of those that are listed.",
    "transaction_hash": "A transaction's id, 64 hexadecimal digits.",
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    listed = tuple(operations)
    answers: list[tuple[type[BaseModel], Any]] = [
        (Health, "serialization"),
        *((o.answer, "serialization") for o in listed),
    ]
    bodies: list[tuple[type[BaseModel], Any]] = [
        (o.body, "validation") for o in listed if o.body is not None
    ]
    references, definitions = models_json_schema(
        [*dict.fromkeys([*answers, *bodies])], ref_template=REFERENCES
    )
    paths: dict[str, Any] = {}
    for operation in listed:
        paths.setdefault(operation.whole_path, {})[operation.method.lower()] = _operation(
            operation, references
        )
    paths |= {HEALTH_PATH: {"get": _HEALTH}, f"{PREFIX}/events": {"get": _EVENTS}}
    paths[CLAIM_PATH + "{distribution}"] = {"post": _CLAIM}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "milestones serve",
            "version": __version__,
            "description": "Look at distributions, claim, sign and check, with a wallet in the browser."
            " Amounts are in the token's smallest unit or, where a name says so, in lovelace.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), "Error": ERROR, **_CLAIM_SCHEMAS},
            "responses": {
                f"Error{status}": {
                    "description": words,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Error"}}
                    },
                }
                for status, words in STATUSES.items()
            },
            "securitySchemes": {
                "token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER},
            },
        },
    }


def _operation(operation: Operation, references: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation)],
        "responses": {
            "200": {
                "description": "done",
                "content": {
                    operation.media_type: {"schema": references[operation.answer, "serialization"]}
                },
            },
            **{status: {"$ref": f"#/components/responses/Error{status}"} for status in STATUSES},
        },
    }
    if operation.description:
        found["description"] = operation.description
    if operation.body is not None:
        schema = references[operation.body, "validation"]
        found["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    if operation.method == "POST":
        found["security"] = [{"token": []}]
    return found


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "description": PATH_PARAMETERS[name],
            "schema": {"type": "string", "minLength": 1},
        }


def _content(schema: str, words: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": words, "content": {"application/json": {"schema": reference}}}


_HEALTH: Final[dict[str, Any]] = {
    "operationId": "health",
    "summary": "Whether the server can do its work.",
    "responses": {
        "200": _content("Health", "it can; `degraded` where what it says may be stale"),
        "503": _content("Health", "a service is away"),
    },
}
_EVENTS: Final[dict[str, Any]] = {
    "operationId": "events",
    "summary": "What changes, as server-sent events.",
    "description": "`block` (`slot`), `distribution` (`key` of one that stands otherwise), `transaction`"
    " (`transaction_hash` and `status` of one that was sent here), `service` (`available`). Who is cut off"
    " looks again.",
    "responses": {
        "200": {
            "description": "events, until one side ends",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        "429": {"$ref": "#/components/responses/Error429"},
        "503": {"$ref": "#/components/responses/Error503"},
    },
}
_AMOUNTS: Final[dict[str, Any]] = {
    "lovelaces": {"type": "string", "pattern": "^[0-9]+$"},
    "tokens": {
        "type": "object",
        "additionalProperties": {"type": "string", "pattern": "^[0-9]+$"},
    },
}


def _claim_answer(codes: list[int], words: list[str], **more: Any) -> dict[str, Any]:
    properties = {
        "code": {"type": "integer", "enum": codes},
        "status": {"type": "string", "enum": words},
        **more,
    }
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


_CLAIM_SCHEMAS: Final[dict[str, Any]] = {
    "ClaimWaits": _claim_answer(
        [200, 201],
        ["accepted", "queued"],
        queue_position={"type": "integer", "minimum": 1},
        **_AMOUNTS,
    ),
    "ClaimPaid": _claim_answer([202], ["claimed"], tx_hash={"type": "string"}, **_AMOUNTS),
    "ClaimRefused": _claim_answer(
        list(CLAIM_REFUSALS), [word for words in CLAIM_REFUSALS.values() for word in words]
    ),
    "ClaimAsked": {
        "type": "object",
        "required": ["address", "code"],
        "properties": {
            "address": {"type": "string", "description": "The wallet's address, in Bech32."},
            "code": {"type": "string", "description": "The link's."},
        },
    },
}
_CLAIM: Final[dict[str, Any]] = {
    "operationId": "cip99",
    "summary": "Where wallets claim by a link (CIP-99).",
    "description": "Every status repeats itself as `code`. Asked again it pays nothing again.",
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ClaimAsked"}}},
    },
    "parameters": list(_path_parameters("{distribution}")),
    "responses": {
        "200": _content("ClaimWaits", "accepted: it will be paid"),
        "201": _content("ClaimWaits", "queued: it was accepted before"),
        "202": _content("ClaimPaid", "paid, in this transaction"),
        **{
            str(status): _content("ClaimRefused", ", ".join(words))
            for status, words in CLAIM_REFUSALS.items()
        },
    },
}


def _query_parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    if operation.query is None:
        return
    schema = operation.query.model_json_schema(mode="validation")
    for name, described in schema["properties"].items():
        # A query leaves out what isn't given; there is no null in it.
        kinds = [each for each in described.pop("anyOf", ()) if each.get("type") != "null"]
        described.pop("title", None)
        if described.get("default", 0) is None:
            del described["default"]
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "schema": {**described, **(kinds[0] if kinds else {})},
        }
