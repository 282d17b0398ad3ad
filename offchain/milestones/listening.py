"""A port of this machine: how it is listened on and given up, and by which names it is asked for.

A name of somebody else's can be made to point at this machine (DNS rebinding); a page can't set `Host`, and
so it shows there.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

import uvicorn

from milestones.errors import InvalidConfiguration

SHUTDOWN_SECONDS = 1.0
"""How long a request that is being answered may take after the end was asked for."""
_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on


class PortServer(uvicorn.Server):
    """Leaves signals to whoever runs the process, and ends as soon as it is asked to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Makes `serve` come to its end."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """Once a second, what has to be done once a second."""
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Closes the port and the connections; returns once they are closed, with no fixed pause.

        What has not ended after `SHUTDOWN_SECONDS` is cut off.
        """
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in tuple(self.server_state.connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SHUTDOWN_SECONDS
        while self.server_state.connections or self.server_state.tasks:
            if loop.time() > deadline:
                self._cut_off()
                break
            await asyncio.sleep(0.002)
        for server in self.servers:
            await server.wait_closed()

    def _cut_off(self) -> None:
        for task in tuple(self.server_state.tasks):
            task.cancel()
        for connection in tuple(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Captures none."""
        yield


def authority(host: str, port: int) -> str:
    """Host and port as they stand in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def listen(setting: str, host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any free one. Raises `InvalidConfiguration` about `setting`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
        listener.setblocking(False)
    except (OSError, UnicodeError) as error:
        listener.close()
        raise _refused(setting, host, port, error) from None
    return listener


_PORT_HINTS: Final = {
    errno.EADDRINUSE: "end what uses the port, or give another one",
    errno.EACCES: "give a port of 1024 or more: those below are for the machine's own services",
}


def _refused(
    setting: str, host: str, port: int, error: OSError | UnicodeError
) -> InvalidConfiguration:
    """What is wrong with a port or, where it is not the port's fault, with the address."""
    number = error.errno if isinstance(error, OSError) else None
    hint = None if isinstance(error, socket.gaierror) else _PORT_HINTS.get(number or 0)
    reason = getattr(error, "strerror", None) or error
    if hint is None:
        return InvalidConfiguration(
            f"{host[:80]!r} can't be listened on: {reason}",
            path="host",
            hint="give an address of this machine: 127.0.0.1, ::1, or 0.0.0.0 for all that it has",
        )
    return InvalidConfiguration(
        f"{host}:{port} can't be listened on: {reason}", path=setting, hint=hint
    )


def host_name(host: str) -> str:
    """The host of a `Host` header, in lower case, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def is_own(host: str, listening_on: str) -> bool:
    """Whether a `Host` header names this machine, where `listening_on` is what the port was opened with."""
    name = host_name(host).rstrip(".")
    if name in ("localhost", listening_on.lower()) or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    # An address can't be made to point elsewhere: any is right where all are listened on.
    return address.is_loopback or listening_on in _EVERY_ADDRESS
