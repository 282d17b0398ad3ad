"""Reading what a service sent: an answer of the wrong shape becomes one clear error."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any, Final

from milestones.clients.failures import unavailable
from milestones.clients.service_address import ServiceAddress
from milestones.errors import InvalidInput

_LOG: Final = logging.getLogger(__name__)
WORD: Final = 2**64
"""No number of the ledger's that a service gives is as large."""
_RATIO: Final = re.compile(r"\d{1,30}(/\d{1,30}|(\.\d{1,30})?([eE][+-]?\d{1,2})?)")


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
def reading(address: ServiceAddress, what: str) -> Iterator[None]:
    """Turns a wrong shape met inside the block into `ServiceUnavailable`, naming `what` was read."""
    try:
        yield
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        InvalidInput,
    ) as error:
        name = address.service.name
        raise unavailable(
            address,
            f"its answer to {what} can't be read ({type(error).__name__}: {str(error)[:300]})",
            hint=f"check that {name} listens there, and that its version is one of those in the README",
            # What is no JSON is a page of some gateway's, as a rule.
            may_pass=isinstance(error, json.JSONDecodeError),
        ) from error


def json_value(body: bytes | str) -> Any:
    """What JSON says. Raises ValueError, also for NaN and infinities, and RecursionError for deep nesting."""
    return json.loads(body, parse_constant=_no_number)


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON's")


def integer(value: Any) -> int:
    """`value` if it is a whole number of at most 64 bits; raises TypeError for anything else, or ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected an integer, found {value!r:.80}")
    if not -WORD < value < WORD:
        raise ValueError("a number of more than 64 bits")
    return value


def natural(value: Any) -> int:
    """As `integer`; raises ValueError for a negative one."""
    if integer(value) < 0:
        raise ValueError(f"expected no negative number, found {value}")
    return int(value)


def positive(value: Any) -> int:
    """As `natural`; raises ValueError for zero."""
    if natural(value) == 0:
        raise ValueError("expected more than zero")
    return int(value)


def share(value: Any) -> float | None:
    """A number from 0 to 1; None where the service doesn't know it."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"expected a number, found {value!r:.80}")
    if not 0 <= value <= 1:
        raise ValueError(f"expected a number from 0 to 1, found {value!r:.80}")
    return float(value)


def optional_natural(value: Any) -> int | None:
    """As `natural`; None where the service doesn't know it."""
    return None if value is None else natural(value)


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


def fraction(value: Any, *, signed: bool = False) -> Fraction:
    """A ratio as text (`"3/10"`) or as a JSON number, taken for exactly the digits it shows.

    Raises TypeError, or ValueError, for a negative one too unless it may be `signed`.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError(f"expected a ratio, found {value!r:.80}")
    if not _RATIO.fullmatch(str(value).removeprefix("-" if signed else "")):
        raise ValueError(f"expected a ratio, found {value!r:.80}")
    return Fraction(str(value))
