"""What a process is given: three streams, of which any may be closed or full, and signals that end it."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from milestones.errors import OutputLost

AGAIN_SECONDS: Final = 2.0
"""Time to close what is open, before an interruption is repeated."""
ENDING: Final = tuple(
    number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None)) is not None
)
"""Signals that end a command as Ctrl-C does, so that it can say what was sent."""


class Signalled(KeyboardInterrupt):
    """One of the `ENDING` signals; handled wherever Ctrl-C is."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def signal_of(interrupt: BaseException) -> int:
    """The number of the signal that an interruption comes from; the argument parser makes its own of it."""
    for each in (interrupt, interrupt.__context__):
        if isinstance(each, Signalled):
            return each.number
    return int(signal.SIGINT)


def heed_signals() -> None:
    """From now on Ctrl-C and the `ENDING` signals interrupt. One that is ignored, as with nohup, stays so."""
    for number in (signal.SIGINT, *ENDING):
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _interrupt)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    # What was being made at this moment is given up half made, and has nothing to say about it.
    sys.unraisablehook = lambda _: None
    warnings.simplefilter("ignore")
    if "logging" in sys.modules:
        sys.modules["logging"].getLogger("asyncio").disabled = True
    raise Signalled(number)


@contextmanager
def ending_the_task(asked: Callable[[], None] | None = None) -> Iterator[None]:
    """While the running task is inside, signals that interrupt cancel it: all that is open is closed in order.

    Raised wherever the event loop happens to be, an interruption would leave it in pieces. Raises
    `Signalled` in the place of the cancellation. `asked` is called at the first signal instead, for a task
    that ends by itself; the second one cancels it.
    """
    import asyncio  # noqa: PLC0415 - commands without services need none

    task, received = asyncio.current_task(), list[int]()
    loop = asyncio.get_running_loop()

    polite = [] if asked is None else [asked]

    def end(number: int) -> None:
        if polite:
            polite.pop()()
            return
        received.append(number)
        if task is not None:
            task.cancel()
            # Where the loop is just busy with an answer, a cancellation can be lost.
            loop.call_later(AGAIN_SECONDS, end, number)

    ours = [each for each in (signal.SIGINT, *ENDING) if signal.getsignal(each) is _interrupt]
    heard = []
    for number in ours:
        # Windows' loops take no signals: there it is raised as it comes.
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, end, number)
            heard.append(number)
    try:
        yield
    except asyncio.CancelledError:
        if not received:
            raise
        raise Signalled(received[0]) from None
    finally:
        for number in heard:
            loop.remove_signal_handler(number)
        heed_signals()


async def agreed(question: str) -> bool:
    """Asks a person on the terminal; anything but yes is no. Meanwhile the loop goes on, and Ctrl-C ends it."""
    import asyncio  # noqa: PLC0415 - commands without services need none

    sys.stderr.write(f"{question} [y/N]: ")
    sys.stderr.flush()
    loop, answered = asyncio.get_running_loop(), asyncio.Event()
    # Windows' loops wait for no terminal: there a person is waited for as everywhere else.
    with suppress(NotImplementedError):
        loop.add_reader(sys.stdin.fileno(), answered.set)
        try:
            await answered.wait()
        finally:
            loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def open_closed_streams() -> None:
    """Puts something in the place of standard streams that are closed: else a file would get their number.

    What is read from the input is empty, and what is written to the output fails as on a closed one.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is not None:
            continue
        # The lowest number that is free: this one.
        descriptor = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
        if descriptor != number:
            os.close(descriptor)
            continue
        stream = open(descriptor, "r" if name == "stdin" else "w", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)


@contextmanager
def standard_output() -> Iterator[None]:
    """Writing inside is on its way when this ends. Raises `OutputLost` where standard output takes nothing."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        raise output_lost(error) from None


def is_of_standard_output(error: OSError) -> bool:
    """Whether an error that nobody expected is one of writing: the argument parser writes helps itself."""
    return error.filename is None and error.errno in (errno.ENOSPC, errno.EPIPE, errno.EBADF)


def output_lost(error: OSError) -> OutputLost:
    """What an error of writing to standard output amounts to; nothing more can be written there."""
    _give_up(sys.stdout.fileno())
    return OutputLost(error.strerror or str(error), reader_gone=error.errno == errno.EPIPE)


def give_up_standard_error() -> None:
    """Nobody hears any more: what is said from now on goes nowhere."""
    with suppress(OSError, ValueError):
        _give_up(sys.stderr.fileno())


def _give_up(descriptor: int) -> None:
    """What is still in a buffer goes nowhere, so that the interpreter doesn't fail over it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
