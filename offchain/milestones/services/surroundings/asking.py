"""What the services say of themselves, asked with patience."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final, TypeVar

from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.slots import Point
from milestones.errors import ServiceUnavailable
from milestones.services.backend import Backend

PATIENCE_SECONDS: Final = 12.0
"""How long a service may take for all that is asked of it, so that a hung one is told soon."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NodeFacts:
    magic: int
    tip: Point | None
    parameters: ProtocolParameters


async def node_facts(backend: Backend) -> NodeFacts:
    ogmios = backend.ogmios
    return NodeFacts(
        await ogmios.network_magic(), await ogmios.network_tip(), await ogmios.protocol_parameters()
    )


async def asked(
    question: Awaitable[T], service: str, url: str, patience_seconds: float
) -> T | ServiceUnavailable:
    """The answer, or why there is none; a service that hangs is one that is down."""
    try:
        return await asyncio.wait_for(question, patience_seconds)
    except ServiceUnavailable as error:
        return error
    except asyncio.TimeoutError:
        return ServiceUnavailable(
            service, url, f"no answer within {patience_seconds:g} s", hint=f"restart {service}"
        )
