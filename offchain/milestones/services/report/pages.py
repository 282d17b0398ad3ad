"""The report as one HTML file, and as Markdown: two templates of the same words and figures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from jinja2 import Environment

from milestones import __version__
from milestones.look.figures import ada, counted, day, month
from milestones.look.pages import markdown_templates, templates
from milestones.protocol.series import described
from milestones.services.distribution.powers import in_ada
from milestones.services.report import drawing, words
from milestones.services.report.model import BoardReport, Kind, Sums
from milestones.services.verify.checks import Check
from milestones.services.verify.meanings import meaning_of

MOST_BENEFICIARIES: Final = 100
MOST_MILESTONES: Final = 200
MOST_SEATS: Final = 24
NAMED: Final = 6
SEEN_AT_A_GLANCE: Final = 40
"""How many rows a table has, and how many oracles are drawn one by one; what is left is summed up."""
_KINDS: Final[dict[str, Kind]] = {
    "passed": "done",
    "warning": "attention",
    "not_checked": "attention",
    "failed": "failed",
}
_OUTCOMES: Final = {
    "passed": "holds",
    "warning": "should be known",
    "not_checked": "not checked",
    "failed": "fails",
}


def report_html(report: BoardReport) -> str:
    """One file, which needs nothing from elsewhere and runs nothing."""
    return _html().get_template("report.html").render(content(report))


def report_markdown(report: BoardReport) -> str:
    """The same words and figures as Markdown."""
    return _markdown().get_template("report.md").render(content(report))


@cache
def _html() -> Environment:
    return templates("milestones.services.report")


@cache
def _markdown() -> Environment:
    return markdown_templates("milestones.services.report")


def content(report: BoardReport) -> dict[str, Any]:
    """All that the templates show, by name; those of others that show the same sections, too."""
    return {
        "report": report,
        "state": report.status.contract_state,
        "number": words.amounts_of(report),
        "token": words.token_name(report),
        "words": words,
        "verdict": words.verdict(report),
        "figures": tuple(_figures(report)),
        "parts": tuple(_parts(report)),
        "agreed": tuple(_agreed(report)),
        "timeline": _timeline(report),
        "milestones": report.milestones[:MOST_MILESTONES],
        "more_milestones": len(report.milestones) - MOST_MILESTONES,
        "beneficiaries": report.beneficiaries[:MOST_BENEFICIARIES],
        "more_beneficiaries": len(report.beneficiaries) - MOST_BENEFICIARIES,
        "quorum": tuple(_quorum(report)),
        "oracles": tuple(_oracles(report)),
        "to_do": tuple(words.sentence(f"{each.when}: {each.what}") for each in report.audit.to_do),
        "to_know": tuple(map(words.sentence, report.audit.warnings)),
        "powers": tuple(_powers(report)),
        "checks": tuple(_checks(report)),
        "totals": Sums.of_kinds(kind for each in report.milestones for kind in each.kinds),
        "asset": _asset(report),
        "fees": _fees(report),
        "months": tuple(_months(report)),
        "version": __version__,
    }


# -- what became of the money


@dataclass(frozen=True, slots=True)
class _Figure:
    kind: Kind
    title: str
    units: int
    words: str


def _figures(report: BoardReport) -> Iterator[_Figure]:
    state = report.status.contract_state
    count = (
        ""
        if state.unclaimed_count is None
        else f" of {state.claimed_count + state.unclaimed_count:,}"
    )
    yield _Figure("done", "Paid", report.paid, f"in {state.claimed_count:,}{count} payments")
    if state.closed:
        yield _Figure("ended", "Taken back", report.returned, "when it was closed")
        return
    due = sum(each.claimable_count or 0 for each in report.status.milestones)
    yield _Figure(
        "ready",
        "Claimable now",
        report.claimable,
        f"in {counted(due, 'payment')} that anybody can make",
    )
    yield _Figure("waiting", "Waiting", report.waiting, "for oracles, or for a date")


def _parts(report: BoardReport) -> Iterator[tuple[Kind, int, str]]:
    number, token = words.amounts_of(report), words.token_name(report)
    for each in _figures(report):
        share = words.percent(each.units, report.total)
        yield each.kind, each.units, f"{each.title}: {number(each.units)} {token}, {share}"


# -- what was agreed


def _agreed(report: BoardReport) -> Iterator[tuple[str, str]]:
    """Terms and what they say, in words."""
    state, terms = report.status.contract_state, report.audit.datum
    number, token = words.amounts_of(report), words.token_name(report)
    people, payments = len(report.beneficiaries), sum(each.sums.count for each in report.milestones)
    count = f", in {counted(payments, 'payment')} to {counted(people, 'address', 'addresses')}"
    yield "What", f"{number(report.total)} {token}{count if people else ''}"
    if report.decimals_source:
        yield "Decimals of the token", f"{report.decimals}, as {report.decimals_source} says"
    if terms is not None and terms.metadata.description:
        yield "Described as", described(terms.metadata.description)
    if report.milestones:
        yield "For what", _names([each.name for each in report.milestones])
    vestings = [
        at for each in report.milestones for at in (*each.vestings[:1], *each.vestings[-1:])
    ]
    if vestings:
        first, last = min(vestings), max(vestings)
        since = day(first) if first > 0 else "at once"
        yield (
            "Not before",
            since if first == last else f"{since} to {day(last)}, each payment on its date",
        )
    yield (
        "Who decides",
        f"{state.quorum_threshold} of {counted(state.total_oracles, 'oracle')} together",
    )
    yield "Who pays", "Anybody can make a payment that is due. It reaches the beneficiary alone"
    after = state.reclaim_after
    yield (
        "What is not claimed",
        "Can't be taken back" if after is None else f"Can be taken back from {day(after)} on",
    )
    if state.allowance_lovelace:
        yield "Whoever pays is repaid", f"{in_ada(state.allowance_lovelace)} for each payment"


def _names(names: list[str]) -> str:
    """How many milestones there are, and the first of their names."""
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{counted(len(names), 'milestone')}: {', '.join(names[:NAMED])}{more}"


# -- the timeline


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    kind: Kind
    word: str
    words: str
    marks: tuple[tuple[int, Kind], ...]


@dataclass(frozen=True, slots=True)
class _Timeline:
    rows: tuple[_Row, ...]
    more: int
    where: drawing.Span
    ticks: tuple[tuple[int, str], ...]


def _timeline(report: BoardReport) -> _Timeline | None:
    """The milestones with their dates, and the end if one is known; None where no schedule is."""
    shown = [each for each in report.milestones if each.kinds][: drawing.MOST_ROWS]
    if not shown:
        return None
    end = _end(report)
    where = drawing.span(report, None if end is None else end[0])
    rows = [
        _Row(
            each.name,
            each.kind,
            words.milestone_word(report, each),
            words.milestone_words(report, each),
            drawing.marks(each, where),
        )
        for each in shown
    ]
    if end is not None and end[0] <= where.end:
        rows.append(
            _Row("The rest goes back", "attention", day(end[0]), end[1], ((end[0], "attention"),))
        )
    more = len(report.milestones) - len(shown)
    return _Timeline(tuple(rows), more, where, drawing.ticks(where))


def _end(report: BoardReport) -> tuple[int, str] | None:
    """From when on somebody can end it with something left, in POSIX seconds, and why."""
    state = report.status.contract_state
    if state.closed:
        return None
    ends = [each.ends_at for each in report.status.notices if each.ends_at is not None]
    if ends:
        return min(ends), "Notice was given: from then on anybody can end it."
    if state.reclaim_after is None:
        return None
    return state.reclaim_after, "From then on what is not claimed can be taken back."


# -- the quorum


@dataclass(frozen=True, slots=True)
class _Seat:
    number: int
    signed: bool


@dataclass(frozen=True, slots=True)
class _Quorum:
    name: str
    kind: Kind
    words: str
    seats: tuple[_Seat, ...]
    attested_at: int | None
    evidence_hash: str


@dataclass(frozen=True, slots=True)
class _Oracle:
    number: int
    key_hash: str
    signed_count: int
    sits: bool


def _all_oracles(report: BoardReport) -> tuple[list[bytes], list[bytes]]:
    """The key hashes of those that count now, and of others that have signed: they sat before."""
    board, terms = report.status.board, report.audit.datum
    sitting = list(
        board.oracles if board is not None else terms.oracles if terms is not None else ()
    )
    signed = (signer for each in report.status.attestations for signer in each.signers)
    return sitting, sorted(set(signed) - set(sitting))


def _quorum(report: BoardReport) -> Iterator[_Quorum]:
    sitting, former = _all_oracles(report)
    found = {each.milestone_identifier: each for each in reversed(report.status.attestations)}
    for each in report.milestones[:MOST_MILESTONES]:
        live = found.get(each.name)
        signers = () if live is None else live.signers
        seats = [
            _Seat(number, oracle in signers)
            for number, oracle in enumerate((*sitting, *former), 1)
            if oracle in sitting or oracle in signers
        ]
        done: Kind = "ready" if each.status.verified else "waiting"
        yield _Quorum(
            each.name,
            "done" if each.status.attested else done,
            words.reached(report, each),
            tuple(seats) if len(seats) <= MOST_SEATS else (),
            None if live is None else live.attested_at,
            "" if live is None else live.evidence_hash.hex(),
        )


def _oracles(report: BoardReport) -> Iterator[_Oracle]:
    sitting, former = _all_oracles(report)
    signed = Counter(signer for each in report.status.attestations for signer in set(each.signers))
    for number, oracle in enumerate((*sitting, *former), 1):
        yield _Oracle(number, oracle.hex(), signed[oracle], oracle in sitting)


# -- who can do what, and the proof


@dataclass(frozen=True, slots=True)
class _Power:
    title: str
    words: str
    in_use: str


@dataclass(frozen=True, slots=True)
class _Check:
    title: str
    kind: Kind
    outcome: str
    meaning: str
    detail: str


def _powers(report: BoardReport) -> Iterator[_Power]:
    for each in report.audit.powers:
        if each.name in words.POWERS:
            said, in_use = words.sentence(each.words), words.sentence(each.in_use)
            yield _Power(words.POWERS[each.name], said, in_use)


def _checks(report: BoardReport) -> Iterator[_Check]:
    vaults = [each for each in report.audit.checks if _of_vault(each)]
    alike = len(vaults) > 1 and all(each.outcome == "passed" for each in vaults)
    for each in report.audit.checks:
        detail = words.sentence(each.detail)
        if alike and _of_vault(each):
            if each is not vaults[0]:
                continue
            detail = f"Each of the {len(vaults):,} vaults holds what its datum says."
        yield _Check(
            "Vaults" if alike and _of_vault(each) else each.name.replace("_", " ").capitalize(),
            _KINDS[each.outcome],
            _OUTCOMES[each.outcome],
            meaning_of(each.name),
            detail,
        )


def _of_vault(check: Check) -> bool:
    return check.name.startswith("vault ")


# -- payments


def _months(report: BoardReport) -> Iterator[tuple[str, int, int]]:
    """Months with the number of payments and their sum; none where all payments are seen at a glance."""
    if len(report.payments) <= SEEN_AT_A_GLANCE:
        return
    found: dict[str, list[int]] = defaultdict(list)
    for each in report.payments:
        found[month(each.at_posix_seconds)].append(-each.token_change)
    for name, paid in found.items():
        yield name, len(paid), sum(paid)


def _asset(report: BoardReport) -> str:
    state = report.status.contract_state
    if not state.token_policy_id:
        return "ADA"
    return f"{state.token_policy_id.hex()}.{state.token_name.hex()}"


def _fees(report: BoardReport) -> str:
    unknown = report.history.unknown_fee_count
    known = f"{ada(report.history.fees_lovelace)} for what was sent from here"
    return (
        f"{known}; {counted(unknown, 'transaction')} others sent and paid for" if unknown else known
    )
