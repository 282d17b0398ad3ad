"""One small change to the contract's source at a time: what `mutation.py` lets the tests find.

The sources are as `aiken fmt` leaves them, so a statement ends before the next line that stands as far
left. Changes that don't compile, or compile to the same scripts, are sorted out by the compiler.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from mutants_by_hand import BY_HAND

SOURCES: Final = (
    "lib/authority.ak",
    "lib/ledger.ak",
    "lib/protocol.ak",
    "lib/quorum.ak",
    "lib/signed_message.ak",
    "lib/tree.ak",
    "lib/board/birth.ak",
    "lib/board/bond.ak",
    "lib/board/confirm.ak",
    "lib/board/end.ak",
    "lib/board/notify.ak",
    "lib/board/object.ak",
    "lib/board/own_input.ak",
    "lib/board/propose.ak",
    "lib/board/retire.ak",
    "lib/board/rotate.ak",
    "lib/vault/close.ak",
    "lib/vault/holdings.ak",
    "lib/vault/payouts.ak",
    "lib/vault/release.ak",
    "lib/registry/attest.ak",
    "lib/registry/burn.ak",
    "lib/registry/open.ak",
    "validators/board.ak",
    "validators/registry.ak",
    "validators/vault.ak",
)
"""Everything that ends up in the scripts."""

LONGEST_TOLD: Final = 100
"""Characters of source that the name of a mutant quotes, before and after."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change: the file and function that it is in, what became of which text, and the whole file."""

    path: str
    function: str
    change: str
    source: str

    @property
    def key(self) -> str:
        """What the table of equivalent mutants calls it."""
        return f"{self.path} | {self.function} | {self.change}"


Edit = tuple[int, int, str]
"""From where, to where in the source, and what stands there instead."""
Operator = Callable[[str], Iterator[Edit]]
"""Finds places in masked code (comments and literals' contents are hidden, lengths are kept)."""


def mutants(root: Path) -> list[Mutant]:
    """All mutants of the contract in this folder, no two of them the same text."""
    found: dict[tuple[str, str], Mutant] = {}
    for path in SOURCES:
        source = (root / path).read_text(encoding="utf-8")
        for mutant in _of_source(path, source):
            found.setdefault((path, mutant.source), mutant)
    return _told_apart(found.values())


def _told_apart(found: Iterable[Mutant]) -> list[Mutant]:
    seen: Counter[str] = Counter()
    named = []
    for mutant in found:
        seen[mutant.key] += 1
        again = f" (no. {seen[mutant.key]})" if seen[mutant.key] > 1 else ""
        named.append(replace(mutant, change=mutant.change + again))
    return named


def _of_source(path: str, source: str) -> Iterator[Mutant]:
    code = _masked(source)
    edits = [edit for operator in OPERATORS for edit in operator(code)]
    edits += _literals(source, code)
    edits += _by_hand(path, source)
    for start, end, text in edits:
        changed = source[:start] + text + source[end:]
        if changed != source:
            yield Mutant(path, _function(code, start), _told(source, start, end, text), changed)


def _masked(source: str) -> str:
    """Comments, imports and types become blanks, the contents of literals underscores."""
    code = re.sub(r"//[^\n]*", _blank, source)
    code = re.sub(r"^use [^\n]*(\{[^}]*\})?", _blank, code, flags=re.MULTILINE)
    code = re.sub(r"^pub type (?:[^\n]*\{\n.*?^\}|[^\n]*\n[^\n]*)", _blank, code, flags=re.M | re.S)
    return re.sub(r'"[^"\n]*"', lambda found: f'"{"_" * (len(found[0]) - 2)}"', code)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _function(code: str, place: int) -> str:
    pattern = r"^(?:pub )?(?:fn|const) (\w+)|^validator (\w+)"
    names = [found[1] or found[2] for found in re.finditer(pattern, code[: place + 1], re.M)]
    return names[-1] if names else "its head"


def _told(source: str, start: int, end: int, text: str) -> str:
    first = source.rfind("\n", 0, start) + 1
    last = source.find("\n", max(start, end - 1))
    before = _short(source[first:last])
    after = _short(source[first:start] + text + source[end:last])
    return f"without `{before}`" if not after else f"`{before}` becomes `{after}`"


def _short(text: str) -> str:
    words = " ".join(text.split()).replace("|", "¦")
    if len(words) <= LONGEST_TOLD:
        return words
    return f"{words[: LONGEST_TOLD // 2]} .. {words[-LONGEST_TOLD // 2 :]}"


# -- statements


def _statements(code: str) -> Iterator[tuple[int, int, bool]]:
    """Where each statement starts and ends, and whether it is the last of its block."""
    lines = code.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    for number, line in enumerate(lines):
        indentation = _indentation(line)
        if line.strip() and indentation and not line.strip().startswith((")", "]", "}")):
            after = number + 1
            while after < len(lines) and _goes_on(lines[after], indentation):
                after += 1
            following = lines[after].strip() if after < len(lines) else ""
            is_last = following.startswith("}")
            yield starts[number] + indentation, starts[after] - 1, is_last


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _goes_on(line: str, indentation: int) -> bool:
    if not line.strip():
        return False
    closes = line.strip().startswith((")", "]", "}"))
    return _indentation(line) > indentation or (closes and _indentation(line) == indentation)


def _dropped_checks(code: str) -> Iterator[Edit]:
    for start, end, _ in _statements(code):
        statement = code[start:end]
        is_binding = re.match(r"expect\s+[\w(){}\[\], .]+\s=\s", statement)
        if re.match(r"expect\s", statement) and not is_binding:
            yield start, end, ""


def _last_words(code: str) -> Iterator[Edit]:
    for start, end, is_last in _statements(code):
        statement = code[start:end].rstrip()
        if is_last and not statement.endswith(",") and not re.match(r"(let|expect)\s", statement):
            yield start, end, "True"


# -- expressions


def _swapping(pattern: str, *texts: str) -> Operator:
    """Every place of `pattern`, in whose stead each of the templates stands."""

    def operator(code: str) -> Iterator[Edit]:
        for found in re.finditer(pattern, code):
            for text in texts:
                yield found.start(), found.end(), found.expand(text)

    return operator


def _numbers(code: str) -> Iterator[Edit]:
    for found in re.finditer(r"(?<![\w.#])(0x[0-9a-f]+|\d+)(?!\w)", code):
        for more in (1, -1):
            yield found.start(), found.end(), str(int(found[0], 0) + more)


def _elements(code: str) -> Iterator[Edit]:
    """One element taken out of a list that has a line for each."""
    lists = re.finditer(r"\[\n((?:[^\[\]]|\[[^\[\]]*\])*)\]", code)
    for found in lists:
        for line in re.finditer(r"^ *([^\n]*,)\n", found[1], re.M):
            yield found.start(1) + line.start(1), found.start(1) + line.end(1), ""


def _literals(source: str, code: str) -> Iterator[Edit]:
    for found in re.finditer(r'(#?)"(_*)"', code):
        start, end = found.span(2)
        content = source[start:end]
        if not found[1]:
            yield start, end, (content[:-1] + chr(ord(content[-1]) ^ 1)) if content else "x"
        elif content:
            yield start, end, f"{int(content, 16) ^ 1:0{len(content)}x}"
            yield start, end, f"{int(content[:2], 16) ^ 0x80:02x}{content[2:]}"


def _by_hand(path: str, source: str) -> Iterator[Edit]:
    for text, *changed in BY_HAND.get(path, ()):
        if source.count(text) != 1:
            raise ValueError(f"{path} must have once, for the mutants made by hand: {text!r}")
        start = source.index(text)
        yield from ((start, start + len(text), other) for other in changed)


_ARGUMENT: Final = r"((?:[^(),\n]|\([^()\n]*\))+)"

OPERATORS: Final[tuple[Operator, ...]] = (
    _dropped_checks,
    _last_words,
    _swapping(r" == ", " != "),
    _swapping(r" != ", " == "),
    _swapping(r" < ", " <= ", " >= "),
    _swapping(r" <= ", " < ", " > "),
    _swapping(r" > ", " >= ", " <= "),
    _swapping(r" >= ", " > ", " < "),
    _swapping(r" \|\| ", " && "),
    _swapping(r" \+ ", " - "),
    _swapping(r" - ", " + "),
    _swapping(r"\bTrue\b", "False"),
    _swapping(r"\bFalse\b", "True"),
    _swapping(r"(?<=\bif )(?!else)([^\n]+?)(?= \{$)", "True", "False"),
    _swapping(r"(?m)(?<=\bif )([^\n{}]+?)(?= \{$)", "True", "False"),
    _swapping(r"!(?=when\b)", ""),
    _swapping(r"\bterms_label\b", "vault_label"),
    _swapping(r"\bvault_label\b", "attestation_label"),
    _swapping(r"\battestation_label\b", "terms_label"),
    _swapping(r"\bnotice_label\b", "home_label"),
    _swapping(r"\bhome_label\b", "notice_label"),
    _swapping(r"\bproposal_label\b", "notice_label"),
    _swapping(rf"append_bytearray\({_ARGUMENT}, {_ARGUMENT}\)", r"append_bytearray(\2, \1)"),
    _swapping(rf"builtin\.append_bytearray\({_ARGUMENT}, {_ARGUMENT}\)", r"\1", r"\2"),
    _swapping(rf"builtin\.tail_list\({_ARGUMENT}\)", r"\1"),
    _swapping(r"\[(\w+), (\w+)\]", r"[\1]", r"[\2]", r"[\2, \1]"),
    _numbers,
    _elements,
)
