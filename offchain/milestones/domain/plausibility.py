"""What can't be meant is refused, and what may not be meant is said: times, names, equal rows.

The chain would take all of it. So these rules are for what is written anew; what is on the chain already
stays readable and claimable whatever they say, and `verify` reports it as a warning.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from milestones.cardano.network import slot_zero_of, started_at
from milestones.domain.columns import AllocationColumns, Kind, kinds_of, rows_of_kinds
from milestones.domain.models import MilestoneSchedule
from milestones.domain.posix_time import LATEST_POSIX_SECONDS, duration_in_words, in_words
from milestones.domain.reading import Problem, counted

TOKEN_NAME_BYTES: Final = 32
DAY: Final = 86_400
SPREADSHEET_DAY_ZERO: Final = date(1899, 12, 30)
"""Day 0 of spreadsheets' dates. Source: the day numbers of Excel and LibreOffice after February 1900."""
_UNITS: Final = (("milliseconds", 10**3), ("microseconds", 10**6), ("nanoseconds", 10**9))
_DATES: Final = ("%Y%m%d", "%d%m%Y", "%m%d%Y", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
_INVISIBLE: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
)
"""Characters that show nothing and have another category than Cf. Source: Unicode's
Default_Ignorable_Code_Point, and the braille pattern without dots."""
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))
"""Variation selectors: they show nothing themselves, and emoji and ideographs have them."""
_REFUSED: Final = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Cs": "half of a surrogate pair",
    "Cn": "a character that Unicode doesn't have",
    "Co": "a character for private use",
    "Zl": "a line's end",
    "Zp": "a paragraph's end",
}
_ALIKE: Final = frozenset(("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "COPTIC", "CHEROKEE"))
"""Scripts that have letters of the same shape."""


# -- times


def moment_problems(
    posix_seconds: int, path: str, network_magic: int | None, *, zero_is_at_once: bool = False
) -> Iterator[Problem]:
    """A time (POSIX seconds) before the network began, or after 2200; the hint guesses what was meant.

    Without a magic the network is any. `zero_is_at_once`: 0 has a meaning of its own in this field.
    """
    if zero_is_at_once and posix_seconds == 0:
        return
    found = _implausible_moment(posix_seconds, network_magic)
    if found is not None:
        yield Problem(path, *found)


@lru_cache(maxsize=4096)
def _implausible_moment(posix_seconds: int, network_magic: int | None) -> tuple[str, str] | None:
    """(what is wrong, the hint); kept, because a column of a file has few different times."""
    start = started_at(network_magic)
    if start <= posix_seconds <= LATEST_POSIX_SECONDS:
        return None
    looks_like, hint = next(_guesses(posix_seconds, start, network_magic))
    if looks_like:
        looks_like = f" looks like {looks_like}; this field is in POSIX seconds, and it"
    if posix_seconds < 0:
        return f"{posix_seconds}{looks_like} is before 1970", hint
    if posix_seconds < start:
        when = f"is {in_words(posix_seconds)}, before the network began"
    else:
        when = f"is after {in_words(LATEST_POSIX_SECONDS)[:4]}"
    return f"{posix_seconds}{looks_like} {when}", hint


def _guesses(number: int, start: int, network_magic: int | None) -> Iterator[tuple[str, str]]:
    """(what it looks like, what to write instead), the likeliest first."""
    for unit, factor in _UNITS:
        if start <= number // factor <= LATEST_POSIX_SECONDS:
            yield unit, f"write {number // factor}"
    for layout in _DATES:
        written = _written_as(number, layout)
        if written is not None and start <= written <= LATEST_POSIX_SECONDS:
            yield "a date without dashes", f"write {written} for {in_words(written)}"
    if 2000 <= number <= 2200:
        midnight = _midnight(date(number, 1, 1))
        yield "a year", f"write {midnight} for the beginning of {number}"
    first = _midnight(SPREADSHEET_DAY_ZERO + timedelta(number if 0 < number < 10**5 else 0))
    if start <= first <= LATEST_POSIX_SECONDS:
        yield "a day's number in a spreadsheet", f"write {first} for {in_words(first)}"
    if 0 < number < start and number % 3_600 == 0:
        words = duration_in_words(number)
        yield f"a duration ({words})", "write the moment at which it is over, in POSIX seconds"
    began = (slot_zero_of(network_magic) or 0) + number
    if number > 0 and start <= began <= start + 50 * 365 * DAY:
        yield "a slot", f"write {began} for {in_words(began)}"
    yield "", "write POSIX seconds, such as 1798761600 for 2027-01-01"


def _written_as(number: int, layout: str) -> int | None:
    text = str(number).zfill(8)
    if len(text) != len(datetime(2000, 1, 1, tzinfo=timezone.utc).strftime(layout)):
        return None
    try:
        moment = datetime.strptime(text, layout).replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return int(moment.timestamp())


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=timezone.utc).timestamp())


# -- names


def name_problems(identifier: str, path: str) -> Iterator[Problem]:
    """A milestone's name that people can't read or type as it is."""
    hint = "write it with letters, digits, signs and single spaces inside"
    if identifier.strip() != identifier:
        yield Problem(path, f"{identifier!r} begins or ends with white space", hint)
        return
    for character in identifier:
        kind = _what_is_wrong_with(character)
        if kind is not None:
            sign = f"U+{ord(character):04X}"
            named = unicodedata.name(character, "").lower()
            spoken = f"{sign} {named}".rstrip()
            yield Problem(path, f"{identifier!r} has {kind} in it: {spoken}", hint)
            return


def _what_is_wrong_with(character: str) -> str | None:
    if character in _INVISIBLE:
        return "an invisible character"
    return _REFUSED.get(unicodedata.category(character))


def name_doubts(identifier: str) -> Iterator[str]:
    """What is odd about a name that can be meant, and may make others type another one."""
    if unicodedata.normalize("NFC", identifier) != identifier:
        yield (
            f"milestone {identifier!r} is not in Unicode's normal form C: typed on another machine it"
            " may be another name"
        )
    if any(unicodedata.category(c) == "Zs" and c != " " for c in identifier):
        yield f"milestone {identifier!r} has a space in it that is not the usual one (U+0020)"
    for word in identifier.split():
        scripts = {_script_of(c) for c in word} & _ALIKE
        if len(scripts) > 1:
            mixed = " and ".join(name.capitalize() for name in sorted(scripts))
            yield f"milestone {identifier!r} mixes letters of {mixed} in one word: some look the same"


def _script_of(character: str) -> str:
    if not unicodedata.category(character).startswith("L"):
        return ""
    return unicodedata.name(character, "").partition(" ")[0]


def same_form(name: str) -> str:
    """What is left of a name once invisible characters, forms and spaces don't count; case does."""
    shown = "".join(c for c in name if not _is_invisible(c))
    return " ".join(unicodedata.normalize("NFKC", shown).split())


def skeleton(name: str) -> str:
    """As `same_form`, and case, the kinds of dashes and of quotation marks don't count either."""
    folded = unicodedata.normalize("NFKC", same_form(name).casefold())
    return "".join(_plain(c) for c in folded)


def _is_invisible(character: str) -> bool:
    if unicodedata.category(character) in ("Cf", "Cc"):
        return not character.isspace()
    return character in _INVISIBLE or any(ord(character) in each for each in _SELECTORS)


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Pd":
        return "-"
    return "'" if category in ("Pi", "Pf") or character == '"' else character


def meant_instead(name: str, known: Sequence[str]) -> str | None:
    """The one of the `known` names that somebody who typed `name` may have meant, if one is near."""
    for form in (same_form, skeleton):
        alike = [each for each in known if form(each) == form(name)]
        if alike:
            return alike[0]
    # Of "phase 1" and "phase 2" neither is a slip of the other.
    same_numbers = [each for each in known if _numbers(each) == _numbers(name)]
    near = get_close_matches(name, same_numbers, n=1, cutoff=0.75)
    return near[0] if near else None


def _numbers(name: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"[0-9]{1,64}", name)]


def token_name_doubts(name: bytes) -> Iterator[str]:
    """A token's name that may have been meant in the other notation: text for hexadecimal, or the reverse."""
    text = _as_text(name)
    if text is not None and re.fullmatch(r"(0[xX])?([0-9a-fA-F]{2})+", text):
        digits = text[2:] if text[1:2] in ("x", "X") else text
        yield (
            f"the token's name is the text {text!r}, which could be hexadecimal, too: if these digits"
            f" are the name's bytes, write {digits.lower()} in a file, 0x{digits.lower()} on the command line"
        )
    elif text is None and 0 < len(name) <= TOKEN_NAME_BYTES // 2:
        yield (
            f"the token's name is the bytes {name.hex()}, which are no text: if the text"
            f" {name.hex()!r} is meant, write {name.hex().encode().hex()}"
        )


def _as_text(name: bytes) -> str | None:
    """A token's name as wallets show it, without the label of CIP-67; None where it is none."""
    is_labelled = len(name) > 4 and name[0] >> 4 == 0 == name[3] & 15
    for raw in (name, name[4:]) if is_labelled else (name,):
        with suppress(UnicodeDecodeError):
            text = raw.decode()
            if text.isprintable() and text == text.strip():
                return text
    return None


# -- a whole schedule


def implausible(schedule: MilestoneSchedule) -> Iterator[Problem]:
    """Every time and name in a schedule that can't be meant, in the order of its fields.

    Vesting so late that nobody lives to see it breaks a rule, see `problems_of`.
    """
    magic = schedule.contract_metadata.network_magic
    allocations = schedule.beneficiary_allocations
    kinds = kinds_of(allocations)
    names = _first_rows(kinds)
    unlikely = {kind for kind in kinds if any(_time_problems(kind, "", magic))}
    misnamed = {row for name, row in names.items() if any(name_problems(name, ""))}
    for index in sorted({*misnamed, *rows_of_kinds(allocations, unlikely)}):
        path, allocation = f"beneficiary_allocations[{index}]", allocations[index]
        if index in misnamed:
            field = f"{path}.milestone_identifier"
            yield from name_problems(allocation.milestone_identifier, field)
        kind = Kind(allocation.milestone_identifier, allocation.vesting_timestamp)
        yield from _time_problems(kind, f"{path}.vesting_timestamp", magic)
    for first, second in _alike(names, same_form):
        yield Problem(
            f"beneficiary_allocations[{names[second]}].milestone_identifier",
            f"{second!r} looks the same as {first!r} in beneficiary_allocations[{names[first]}]"
            f" ({_rows(names[first], names[second])}): whoever attests one does not attest the other",
            "write the same name in both, or names that people can tell apart",
        )
    for field in ("reclaim_after", "waiver_after"):
        moment = getattr(schedule, field)
        if moment is not None:
            yield from moment_problems(moment, field, magic)
    created_at = schedule.contract_metadata.created_at
    yield from moment_problems(created_at, "contract_metadata.created_at", magic)


def _time_problems(kind: Kind, path: str, network_magic: int | None) -> Iterator[Problem]:
    if kind.vesting_timestamp <= LATEST_POSIX_SECONDS:
        yield from moment_problems(
            kind.vesting_timestamp, path, network_magic, zero_is_at_once=True
        )


def row_doubts(schedule: MilestoneSchedule) -> Iterator[str]:
    """What may be meant in the rows, and should be known before it is signed: warnings, in words."""
    names = _first_rows(kinds_of(schedule.beneficiary_allocations))
    for name in names:
        yield from name_doubts(name)
    for first, second in _alike(names, skeleton):
        if same_form(first) != same_form(second):
            yield (
                f"milestones {first!r} and {second!r} look alike"
                f" ({_rows(names[first], names[second])}): whoever attests one does not attest the other"
            )
    yield from _equal_rows(schedule)


def _first_rows(kinds: Mapping[Kind, int]) -> dict[str, int]:
    """Each milestone's name, with the index of the first allocation that waits for it."""
    names: dict[str, int] = {}
    for kind, row in kinds.items():
        names.setdefault(kind.milestone_identifier, row)
    return names


def _alike(names: Iterable[str], form: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """Pairs of different names of the same form: the first of that form, and each later one."""
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(form(name), name)
        if first != name:
            yield first, name


def _equal_rows(schedule: MilestoneSchedule) -> Iterator[str]:
    allocations = schedule.beneficiary_allocations
    again = []
    for index, first in AllocationColumns.of(allocations).repeats():
        row = allocations[index]
        again.append(
            f"beneficiary_allocations[{index}] repeats beneficiary_allocations[{first}]"
            f" ({_rows(first, index)}), {row.token_amount} for {row.milestone_identifier!r}"
        )
    if again:
        yield f"equal in every field, and paid each: {counted(again)}"


def _rows(first: int, second: int) -> str:
    """As somebody counts who looks into the file."""
    return f"rows {first + 1} and {second + 1}"
