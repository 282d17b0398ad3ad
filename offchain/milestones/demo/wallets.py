"""Wallets to play with: what a browser's wallet answers (CIP-30), with the demo's keys, on the demo's chain.

Everybody can ask them to sign, so they are for the demo alone: its keys are new, and its chain ends with it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from milestones.cardano import cbor, encoding
from milestones.cardano.transaction import Transaction
from milestones.demo.stage import Stage
from milestones.errors import InvalidInput
from milestones.keys.key_files import SigningKey
from milestones.transactions.required import required_signatures

SCRIPT: Final = "/play/wallets.js"
MOST_BYTES: Final = 256 * 1024
NO_KEY: Final = 1
NOT_A_KEYS_ADDRESS: Final = 2


class Thrown(Exception):
    """What a wallet throws: `{code, info}`."""

    def __init__(self, code: int, info: str) -> None:
        super().__init__(info)
        self.value = {"code": code, "info": info}


class PlayWallet:
    """One person's wallet, with one key."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self.name = stage, name

    @property
    def _key(self) -> SigningKey:
        return self._stage.keys[self.name]

    @property
    def _address(self) -> bytes:
        return self._stage.address(self.name).to_bytes()

    async def answer(self, method: str, given: list[Any]) -> Any:
        """What it answers. Raises `Thrown`, and `InvalidInput` for what no wallet is asked."""
        methods: dict[str, Callable[..., Awaitable[Any]]] = {
            "getUtxos": self._outputs,
            "getChangeAddress": self._change_address,
            "signTx": self._sign_transaction,
            "signData": self._sign_data,
        }
        if method not in methods:
            raise InvalidInput("a play wallet doesn't answer that", path="method")
        return await methods[method](*given)

    async def _change_address(self) -> str:
        return self._address.hex()

    async def _outputs(self, *_: Any) -> list[str] | None:
        found = [
            encoding.array([encoding.reference(reference), output.raw]).hex()
            for reference, output in self._stage.devnet.chain.utxo.items()
            if output.address.raw == self._address
        ]
        return found or None

    async def _sign_transaction(self, text: Any, *_: Any) -> str:
        transaction = Transaction.read(_bytes(text))
        body = transaction.body
        spent = [*body.inputs, *body.collateral]
        known = await self._stage.backend.ogmios.utxo(spent)
        if not required_signatures(transaction, known).is_needed(self._key.key_hash):
            raise Thrown(NO_KEY, "nothing in this transaction is mine")
        witness = self._key.witness_of(transaction.id.raw)
        return encoding.mapping([(encoding.integer(0), encoding.array([witness.encoded()]))]).hex()

    async def _sign_data(self, address: Any, payload: Any) -> dict[str, str]:
        """A COSE_Sign1 and a COSE_Key, as CIP-8 and CIP-30 have them."""
        if _bytes(address) != self._address:
            raise Thrown(NOT_A_KEYS_ADDRESS, "that address is not mine")
        content, algorithm = _bytes(payload), (encoding.integer(1), encoding.integer(-8))
        protected = encoding.mapping([algorithm, (_text("address"), _string(self._address))])
        parts = [_text("Signature1"), _string(protected), _string(b""), _string(content)]
        signature = self._key.sign(encoding.array(parts))
        not_hashed = encoding.mapping([(_text("hashed"), b"\xf4")])
        key = encoding.mapping(
            [
                (encoding.integer(1), encoding.integer(1)),
                (encoding.integer(3), encoding.integer(-8)),
                (encoding.integer(-1), encoding.integer(6)),
                (encoding.integer(-2), _string(self._key.verification_key)),
            ]
        )
        signed = [_string(protected), not_hashed, _string(content), _string(signature)]
        return {"signature": encoding.array(signed).hex(), "key": key.hex()}


def _bytes(text: Any) -> bytes:
    try:
        return bytes.fromhex(text)
    except (TypeError, ValueError):
        raise InvalidInput("this is not hexadecimal", path="given") from None


def _string(value: bytes) -> bytes:
    return cbor.encode_bytes(value)


def _text(value: str) -> bytes:
    return cbor.head(cbor.TEXT, len(value)) + value.encode()


def routes(stage: Stage, names: tuple[str, ...]) -> list[BaseRoute]:
    """The script that puts these people's wallets into pages, and where it asks them."""
    wallets = {name: PlayWallet(stage, name) for name in names}

    async def script(_: Request) -> Response:
        text = (resources.files("milestones.demo") / "wallets.js").read_text(encoding="utf-8")
        text = text.replace("NAMES", json.dumps(names))
        return Response(text, media_type="text/javascript")

    async def ask(request: Request) -> Response:
        wallet = wallets.get(request.path_params["name"])
        raw = bytearray()
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > MOST_BYTES:
                break
        try:
            method, *given = json.loads(raw)
            if wallet is None or not isinstance(method, str):
                raise InvalidInput("there is no such wallet", path="name")
            return JSONResponse({"result": await wallet.answer(method, given)})
        except Thrown as thrown:
            return JSONResponse({"thrown": thrown.value})
        except (ValueError, TypeError):
            raise InvalidInput("a list of a method and what it is given is expected") from None

    return [Route(SCRIPT, script), Route("/play/{name}", ask, methods=["POST"])]
