"""Reading what a service sent: an answer of the wrong shape becomes one clear error."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Final

from milestones.errors import InvalidInput, ServiceUnavailable

_LOG: Final = logging.getLogger(__name__)


@contextmanager
def asking(service: str, question: str) -> Iterator[None]:
    """Says in the log what a service is asked, how long it took (milliseconds), and what failed.

    `question` is a method or a path: no parameters, which may be large, and no address.
    """
    started = time.monotonic()
    outcome = "answered"
    try:
        yield
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        elapsed_ms = round((time.monotonic() - started) * 1000)
        about = {"service": service, "question": question, "elapsed_ms": elapsed_ms}
        _LOG.info("%s %s: %s", service, question, outcome, extra={**about, "outcome": outcome})


@contextmanager
def reading(service: str, url: str, what: str) -> Iterator[None]:
    """Turns a wrong shape met inside the block into `ServiceUnavailable`, naming `what` was read."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, InvalidInput) as error:
        raise ServiceUnavailable(
            service,
            url,
            f"its answer to {what} can't be read ({type(error).__name__}: {error})",
            hint=f"check that {service} listens there, and that its version is one of those in the README",
        ) from error


def integer(value: Any) -> int:
    """`value` if it is a whole number; raises TypeError for anything else, booleans included."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected an integer, found {value!r:.80}")
    return value


def text(value: Any) -> str:
    """`value` if it is text; raises TypeError for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, found {value!r:.80}")
    return value


def digest(value: Any, length: int = 32) -> bytes:
    """A hash of `length` bytes written in hexadecimal; raises ValueError for another length."""
    raw = bytes.fromhex(text(value))
    if len(raw) != length:
        raise ValueError(f"expected {length} bytes, found {len(raw)}")
    return raw


def fraction(value: Any) -> Fraction:
    """A ratio as text (`"3/10"`) or as a JSON number, taken for exactly the digits it shows."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"expected a ratio, found {value!r:.80}")
    return Fraction(str(value))
