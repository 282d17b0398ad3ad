"""What the control interface can be asked to do, each as a function of a JSON object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from milestones.cardano.address import Address
from milestones.devnet.blocks import Block
from milestones.devnet.chain import Chain
from milestones.devnet.faults import FAULTS
from milestones.devnet.ledger.addresses import decode_address
from milestones.devnet.ledger.failures import LedgerFailure
from milestones.devnet.mempool import MempoolFull
from milestones.errors import InvalidInput


class Controlled(Protocol):
    """What is controlled: a chain, and the interfaces that it is seen through."""

    @property
    def chain(self) -> Chain:
        """The chain."""

    def break_interface(self, name: str, fault: str) -> None:
        """Switches a fault of an interface on."""

    def mend_interface(self, name: str) -> None:
        """Makes an interface work again."""

    def fault_of(self, name: str) -> str | None:
        """The fault of an interface; None when it works."""


def state(devnet: Controlled) -> dict[str, Any]:
    """Everything at a glance."""
    chain = devnet.chain
    return {
        "tip": tip_json(chain.tip),
        "now_slot": chain.clock.slot(),
        "now_posix_ms": chain.clock.posix_ms(),
        "mempool": [each.id.hex() for each in chain.mempool.transactions],
        "network_magic": chain.calendar.magic,
        "faucet": {
            "address": str(chain.faucet.address),
            "policy_id": chain.faucet.policy_id.hex(),
        },
        "faults": {name: devnet.fault_of(name) for name in FAULTS},
    }


def tip_json(block: Block) -> dict[str, Any]:
    """A block's place."""
    return {"slot": block.slot, "height": block.height, "id": block.header_hash.hex()}


def _advance(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    seconds = _number(arguments, "seconds", 1, 10_000_000_000)
    return {"tip": tip_json(devnet.chain.advance(seconds * 1000))}


def _mine(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    count = _number(arguments, "count", 1, 10_000) if "count" in arguments else 1
    return {"tip": tip_json(devnet.chain.mine(count)[-1])}


def _rollback(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    count = _number(arguments, "count", 1, 1_000_000_000) if "count" in arguments else 1
    return {"tip": tip_json(devnet.chain.rollback(count))}


def _faucet(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    chain = devnet.chain
    address = Address.from_bech32(_text(arguments, "address"))
    if address.network_id != chain.calendar.network_id:
        raise InvalidInput("belongs to another network", path="address")
    tokens = arguments.get("tokens", {})
    if not isinstance(tokens, dict) or len(tokens) > 50:
        raise InvalidInput("must be an object of at most 50 quantities", path="tokens")
    quantities = {_name(name): _number(tokens, name, 1, (1 << 63) - 1) for name in tokens}
    lovelace = 0
    if "lovelace" in arguments or not tokens:
        lovelace = _number(arguments, "lovelace", 1, (1 << 63) - 1)
    try:
        paid = chain.pay_from_faucet(decode_address(address.to_bytes()), lovelace, quantities)
    except LedgerFailure as failure:
        raise InvalidInput(failure.message, details={"data": failure.data}) from None
    except MempoolFull:
        raise InvalidInput("the mempool is full", hint="make a block first") from None
    policy_id = chain.faucet.policy_id.hex()
    return {"transaction_id": paid.hex(), "policy_id": policy_id if tokens else None}


def _freeze(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    devnet.break_interface(_interface(arguments), _text(arguments, "fault"))
    return {"faults": {name: devnet.fault_of(name) for name in FAULTS}}


def _unfreeze(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    for name in [_interface(arguments)] if "interface" in arguments else list(FAULTS):
        devnet.mend_interface(name)
    return {"faults": {name: devnet.fault_of(name) for name in FAULTS}}


def _snapshot(devnet: Controlled, _arguments: dict[str, Any]) -> dict[str, Any]:
    return {"snapshot": devnet.chain.snapshot()}


def _revert(devnet: Controlled, arguments: dict[str, Any]) -> dict[str, Any]:
    return {"tip": tip_json(devnet.chain.revert(_text(arguments, "snapshot")))}


ACTIONS: Final[dict[str, Callable[[Controlled, dict[str, Any]], dict[str, Any]]]] = {
    "/advance": _advance,
    "/mine": _mine,
    "/rollback": _rollback,
    "/faucet": _faucet,
    "/freeze": _freeze,
    "/unfreeze": _unfreeze,
    "/snapshot": _snapshot,
    "/revert": _revert,
}
"""By path; all are POST."""


def _number(arguments: dict[str, Any], name: str, least: int, most: int) -> int:
    value = arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidInput(f"must be an integer from {least} to {most}", path=name)
    return value


def _text(arguments: dict[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise InvalidInput("must be a text", path=name)
    return value


def _name(text: str) -> bytes:
    try:
        name = bytes.fromhex(text)
    except ValueError:
        name = b"?" * 33
    if len(name) > 32:
        raise InvalidInput("a token's name is at most 32 bytes in hexadecimal", path="tokens")
    return name


def _interface(arguments: dict[str, Any]) -> str:
    name = _text(arguments, "interface")
    if name not in FAULTS:
        raise InvalidInput("must be 'ogmios' or 'kupo'", path="interface")
    return name
