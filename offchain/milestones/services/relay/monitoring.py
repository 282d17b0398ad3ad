"""What a relay says of itself to programs that watch it: figures for Prometheus, and whether it is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from milestones.services.relay.state import RelayState

WELL_SECONDS: Final = 300
"""How old the last good look at the chain may be."""
_PREFIX: Final = "milestones_relay_"


def metrics_text(state: RelayState) -> str:
    """Prometheus' text format, version 0.0.4. Amounts in lovelace, moments in POSIX seconds."""
    lines: list[str] = []
    for name, kind, words, samples in _metrics(state):
        lines += [f"# HELP {_PREFIX}{name} {words}", f"# TYPE {_PREFIX}{name} {kind}"]
        lines += [f"{_PREFIX}{name}{labels} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


_Samples = list[tuple[str, float]]


def _metrics(state: RelayState) -> Iterator[tuple[str, str, str, _Samples]]:
    """Name, type, help, and samples with their labels."""
    counters = (
        (
            "transactions_total",
            "Transactions sent, or taken up from an earlier run.",
            len(state.sent),
        ),
        ("claims_total", "Claims in these transactions.", sum(state.sent.values())),
        ("confirmations_total", "Proposals that were confirmed.", state.confirmation_count),
        ("rebuilt_total", "How often others were faster.", state.rebuilt_count),
        ("failures_total", "Looks that could not be made.", state.failure_count),
        ("rollbacks_total", "Rollbacks that were seen.", state.rollback_count),
        ("passes_total", "Looks at all distributions.", state.passes),
    )
    for name, words, value in counters:
        yield name, "counter", words, [("", value)]
    book = state.book
    yield "spent_lovelace", "gauge", "Spent since the book was begun.", [("", book.spent_lovelace)]
    if state.most_lovelace is not None:
        yield "budget_lovelace", "gauge", "What may be spent in all.", [("", state.most_lovelace)]
    words = "Transactions of the book that no block has."
    yield "pending_transactions", "gauge", words, [("", book.pending_count)]
    per = [(f'{{distribution="{name}"}}', each) for name, each in state.served.items()]
    words = "Allocations that nothing pays yet, due or not."
    unpaid: _Samples = [(at, e.unpaid_count) for at, e in per if e.unpaid_count is not None]
    yield "unpaid_allocations", "gauge", words, unpaid
    words = "Allocations that are due and were left out."
    yield "left_out_allocations", "gauge", words, [(at, each.left_out_count) for at, each in per]
    yield "start_time_seconds", "gauge", "When it was started.", [("", state.started_at)]
    if state.seen_at is not None:
        words = "When it has last looked at all distributions."
        yield "last_pass_timestamp_seconds", "gauge", words, [("", state.seen_at)]


def health(state: RelayState, now: float) -> tuple[bool, dict[str, Any]]:
    """Whether it is well at a moment (POSIX seconds), and what there is to say.

    It is where its last good look is no older than `WELL_SECONDS`; a start has as long.
    """
    age = now - (state.started_at if state.seen_at is None else state.seen_at)
    well = age <= WELL_SECONDS and not state.stopping
    status = "starting" if state.seen_at is None else "well"
    if not well:
        status = "stopping" if state.stopping else "failing"
    return well, {
        "status": status,
        "seconds_since_last_pass": None if state.seen_at is None else round(age, 1),
        "failure": state.failure or None,
        "spent_lovelace": state.book.spent_lovelace,
        "most_lovelace": state.most_lovelace,
        "pending_count": state.book.pending_count,
        "distributions": [
            {
                "contract_address": name,
                "unpaid_count": each.unpaid_count,
                "left_out_count": each.left_out_count,
                "problem": each.said or None,
            }
            for name, each in state.served.items()
        ],
    }
