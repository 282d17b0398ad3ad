"""Every refusal that Kupo's source has, with what brings it about, and what looks like one and is none.

Source: `Kupo.Data.Http.Error` of Kupo 2.12, whose names stand first, and the readers that lead there.
Not here: what a point that was rolled back, metadata and a way back are refused with, which need blocks.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import httpx

from milestones.cardano import bech32
from milestones.devnet.opening import ChainConfig
from milestones.devnet.server import Devnet, DevnetConfig
from tests.support.devnet_clients import ALICE_ADDRESS, http

POLICY, DIGEST = "00" * 28, "00" * 32


class Refused(NamedTuple):
    """A refusal: Kupo's name of it, the request, and the status."""

    name: str
    method: str
    path: str
    body: Any = None
    accept: str | None = None
    status: int = 400


def backwards(target: Any, **more: Any) -> dict[str, Any]:
    return {"rollback_to": target, **more}


PATTERNS = (
    *("x", "**", "a/b/c", "a/b", "-1@00", "00.00", "addr1xyz", "{a}", "{", "{}", "stake1", "*/x"),
    *("\u00e9", "", "*/*/*", f"{POLICY}", f"{POLICY}.0", f"{POLICY}.{'00' * 33}", f"x@{DIGEST}"),
    *(f"1@{POLICY}", f"*/{'00' * 29}", f"{'00' * 31}/*", bech32.encode("pool", b"\x00" * 28)),
    *(bech32.encode("addr", b"\x00" * 28), bech32.encode("asset", b"\x00" * 20)),
)
FILTERS = {
    "invalidSlotRange": (
        *("created_after=-1", "created_after", "created_after=", "created_after=1.5"),
        *("created_after=1&created_after=1", "created_after=1&spent_after=2"),
        *("created_before=1&spent_before=2", "created_before=1.00", "spent_after=0x1"),
        *(f"spent_before={(1 << 63) - 2}", "created_after=1." + "zz" * 32, "created_before=+1"),
    ),
    "nonExistingPoint": (f"created_before=1.{DIGEST}", f"spent_after=1.{DIGEST}"),
    "invalidStatusFlag": (
        *("unspent=", "spent=1", "spent&unspent", "unspent&spent", "spent&spent"),
        *("unspent&unspent", "unspent=true"),
    ),
    "invalidReferenceFlag": ("resolve_hashes=true", "resolve_hashes="),
    "invalidMatchFilter": (
        *("asset_name=00", "policy_id=zz", "policy_id=", "output_index=1", "transaction_id=00"),
        f"transaction_id={DIGEST}&policy_id={POLICY}",
        f"policy_id={POLICY}&policy_id={POLICY}",
        f"policy_id={POLICY}&asset_name=0",
        f"policy_id={POLICY}&asset_name={'00' * 33}",
        f"policy_id={POLICY}&asset_name=00&asset_name=00",
        f"transaction_id={DIGEST}&output_index=x",
        f"transaction_id={DIGEST}&output_index=1&output_index=1",
        f"transaction_id={DIGEST}&transaction_id={DIGEST}",
        f"transaction_id={DIGEST}&asset_name=00",
        f"policy_id={POLICY}&output_index=1",
        "policy_id=%ff",
    ),
    "invalidSortDirection": (
        *("order=upwards", "order", "order=", "order=oldest_first&order=oldest_first"),
        "order=most_recent_first&order=oldest_first",
    ),
}
POINTS: tuple[Any, ...] = (
    *(None, 1, "origin", [], {}, {"slot_no": -1}, {"slot_no": True}, {"slot_no": "1"}),
    *({"slot_no": 1.5}, {"slot_no": None}, {"slot_no": 1 << 64}, {"header_hash": DIGEST}),
    *({"slot_no": 1, "header_hash": "00"}, {"slot_no": 1, "header_hash": 1}),
    {"slot_no": 1, "header_hash": "zz" * 32},
)
LIMITS: tuple[Any, ...] = ("none", 1, [], "WITHIN_SAFE_ZONE")
REFUSED = (
    *(Refused("invalidPattern", "GET", f"/matches/{each}") for each in PATTERNS),
    *(Refused("invalidPattern", "DELETE", f"/matches/{each}") for each in PATTERNS),
    *(Refused("invalidPattern", "GET", f"/patterns/{each}") for each in PATTERNS),
    *(Refused("invalidPattern", "DELETE", f"/patterns/{each}") for each in PATTERNS),
    *(Refused("invalidPattern", "PUT", f"/patterns/{each}", backwards(1)) for each in PATTERNS),
    Refused("invalidPattern", "PUT", "/patterns", {"patterns": ["*"]}),
    Refused("invalidPattern", "PUT", "/patterns", backwards({"slot_no": 9**9})),
    Refused("invalidPattern", "PUT", "/patterns", backwards({"slot_no": 9**9}, patterns="*")),
    Refused("invalidPattern", "PUT", "/patterns", backwards({"slot_no": 9**9}, patterns=[1])),
    Refused(
        "invalidPatterns", "PUT", "/patterns", backwards({"slot_no": 9**9}, patterns=["*", "x"])
    ),
    *(
        Refused(name, "GET", f"/matches/*?{query}")
        for name, queries in FILTERS.items()
        for query in queries
    ),
    *(Refused("malformedPoint", "PUT", "/patterns/*", backwards(each)) for each in POINTS),
    Refused("malformedPoint", "PUT", "/patterns/*", []),
    Refused("malformedPoint", "PUT", "/patterns/*", "text"),
    *(
        Refused("malformedPoint", "PUT", "/patterns/*", backwards({"slot_no": 9**9}, limit=limit))
        for limit in LIMITS
    ),
    Refused("nonExistingPoint", "PUT", "/patterns/*", backwards({"slot_no": 0})),
    Refused(
        "nonExistingPoint",
        "PUT",
        "/patterns/*",
        backwards({"slot_no": 9**9, "header_hash": DIGEST}),
    ),
    Refused(
        "failedToRollback",
        "PUT",
        "/patterns/*",
        backwards({"slot_no": 1, "header_hash": DIGEST}),
        status=500,
    ),
    Refused("stillActivePattern", "DELETE", "/matches"),
    Refused("stillActivePattern", "DELETE", f"/matches/{ALICE_ADDRESS}"),
    *(
        Refused("invalidStrictMode", "GET", f"/checkpoints/1?{query}")
        for query in (
            "strict=1",
            "strict=",
            "strict&strict",
            "other",
            "strict&x=1",
            "&strict",
            "a;b",
        )
    ),
    *(
        Refused("invalidSlotNo", "GET", f"/{route}/{slot}")
        for route in ("checkpoints", "metadata")
        for slot in ("x", "-1", "1.0", "", "+1", str((1 << 63) - 2))
    ),
    *(
        Refused("invalidMetadataFilter", "GET", f"/metadata/1?{query}")
        for query in (
            *("transaction_id=x", f"policy_id={POLICY}", "output_index=0"),
            *(f"transaction_id={DIGEST}&output_index=0", f"policy_id={POLICY}&asset_name=00"),
            f"transaction_id={DIGEST}&transaction_id={DIGEST}",
        )
    ),
    *(Refused("malformedDatumHash", "GET", f"/datums/{each}") for each in ("00", POLICY, "zz", "")),
    *(Refused("malformedScriptHash", "GET", f"/scripts/{each}") for each in ("00", DIGEST, "zz")),
    *(
        Refused("unsupportedContentType", "GET", f"/{route}", accept="image/png")
        for route in ("health", "metrics")
    ),
    *(
        Refused("notFound", "GET", path, status=404)
        for path in (
            *("/nowhere", "/", "/v2/health", "/health/more", "/health/", "/metrics/x", "/datums"),
            *("/scripts", "/metadata", "/datums/00/00", "/checkpoints/1/2", "//health"),
        )
    ),
    *(
        Refused("methodNotAllowed", method, path, status=406)
        for method, path in (
            *(
                ("POST", "/matches"),
                ("PUT", "/matches/*"),
                ("DELETE", "/health"),
                ("PUT", "/metrics"),
            ),
            *(
                ("POST", "/v1/patterns"),
                ("HEAD", "/datums/00"),
                ("POST", "/scripts"),
                ("PATCH", "/v1/v1/health"),
            ),
            *(
                ("DELETE", "/checkpoints/1"),
                ("POST", "/metadata/1/2"),
                ("HEAD", "/health"),
                ("PATCH", "/v1/v1/health"),
            ),
        )
    ),
)
NOT_REFUSED = (
    *(
        "/matches/*?unknown=1",
        "/matches/*?policy_id",
        "/matches/*?asset_name",
        "/matches/*?output_index",
    ),
    *("/matches/*?transaction_id", f"/matches/*?policy_id={POLICY}&asset_name="),
    *(
        f"/matches/*?asset_name=00&policy_id={POLICY.upper()}",
        "/matches/*?resolve_hashes&resolve_hashes=1",
    ),
    *(
        f"/matches/*?transaction_id={DIGEST}&output_index=123456789",
        "/matches/*?spent;resolve_hashes",
    ),
    *(f"/matches/*?created_after={(1 << 63) - 3}", "/matches/*?created_after=007&spent_before=9"),
    *(
        f"/matches/*?created_after={1 << 64}",
        "/matches/%7B99999999999999999999999%7D",
        "/matches/%7D7%7B",
    ),
    *(f"/matches/{bech32.encode('stake', b'')}", f"/matches/{ALICE_ADDRESS.upper()}"),
    *(f"/matches/123456@{DIGEST.upper()}", f"/matches/{POLICY}.", f"/checkpoints/{1 << 64}"),
    *("/patterns?anything=1", "/health?x", "/v1/v1/patterns", "/metadata/0?policy_id=x"),
)


async def test_everything_that_kupo_refuses_and_nothing_else() -> None:
    config = DevnetConfig(chain=ChainConfig(funds={ALICE_ADDRESS: 9_000_000}))
    async with Devnet(config) as chain, http(chain, kupo=True) as kupo:
        wrong = [each for each in REFUSED if not await is_refused(kupo, each)]
        assert wrong == []
        answers = {path: await kupo.get(path) for path in NOT_REFUSED}
        assert [path for path, each in answers.items() if each.status_code != 200] == []
        for garbage in (b"", b"\xff", b"{", b"\xef\xbb\xbf{}", b'{"limit": NaN}'):
            assert (await kupo.put("/patterns/*", content=garbage)).status_code == 400


async def is_refused(kupo: httpx.AsyncClient, refused: Refused) -> bool:
    """Whether a request is answered with the status, in Kupo's form of an error."""
    answer = await kupo.request(
        refused.method,
        refused.path,
        content=None if refused.body is None else json.dumps(refused.body),
        headers={} if refused.accept is None else {"accept": refused.accept},
    )
    if answer.status_code != refused.status:
        return False
    return refused.method == "HEAD" or list(answer.json()) == ["hint"]
