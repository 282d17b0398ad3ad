"""What a file is instead of what was expected, in words: by how its text looks, or by the names in it."""

from __future__ import annotations

import re
from typing import Any, Final

_TABLE: Final = "CSV, a table as a spreadsheet saves it"
_LOOKS: Final = (
    (r"<", "a web page or XML"),
    (r"-----BEGIN ", "a PEM file"),
    (r"(addr|stake)(_test)?1[02-9ac-hj-np-z]{20,}\s*$", "an address"),
    (r"[a-z_]*(xsk|sk|xprv)1[02-9ac-hj-np-z]{20,}\s*$", "a key in Bech32, not a key file"),
    (r"([0-9a-fA-F]{2}){20,}\s*$", "hexadecimal digits"),
    (r"([a-z]{3,8} ){11,23}[a-z]{3,8}\s*$", "a phrase of words"),
    (r"[{\[][^\"]*'", "Python's or JavaScript's notation; JSON has double quotation marks"),
    (r"[{\[][^\"]*[\u201c\u201d]", "JSON with typographic quotation marks; JSON has straight ones"),
    (
        r"[{\[].*\}\s*\n\s*\{",
        "several JSON values, one a line; a list has [ ] around it and commas",
    ),
    (r"\[[\w.\"-]+\]\s*$|[\w.-]+\s*=\s*\S", "TOML or an INI file"),
    (r"---\s*$|(- )?[\w.-]+:(\s|$)", "YAML"),
    (r"[{\[](?s:.*)^\s*(//|/\*|#)", "JSON with comments, which JSON doesn't have"),
    (r"[^\n{\[]*[,;\t|][^\n]*\n[^\n]*[,;\t|]", _TABLE),
)


def looks_like(text: str) -> str | None:
    """What a text that is not JSON seems to be, in words; None where that can't be seen."""
    start = text.lstrip()[:4_000]
    for pattern, words in _LOOKS:
        if re.match(pattern, start, re.MULTILINE):
            return words
    return None


def is_table(text: str) -> bool:
    """Whether a text is delimited, as spreadsheets write tables; a header alone is one, too."""
    header = text.lstrip().partition("\n")[0]
    if re.fullmatch(r"sep=[,;\t]?\r?", header):
        return True  # A spreadsheet's word on what stands between cells.
    looks = looks_like(text)
    has_delimiter = header[:1] not in ("[", "{", "") and any(c in header for c in ",;\t")
    return looks == _TABLE or (looks is None and has_delimiter)


_MEMBERS: Final = (
    ("a schedule", {"beneficiary_allocations", "oracle_addresses"}),
    ("a claim file", {"allocations", "distribution_id"}),
    ("a blueprint", {"preamble", "validators"}),
    ("an error, and not a result", {"error"}),
    ("what `register-milestone` printed; the schedule is in its schedule_file", {"schedule_file"}),
    ("what `oracle payload` printed, not yet signed", {"signed_data", "diagnostic"}),
    ("signatures", {"oracle_address", "signed_data"}),
    ("signatures", {"signature", "key"}),
    ("protocol parameters", {"minFeeCoefficient"}),
    ("protocol parameters in cardano-cli's form, not in Ogmios'", {"txFeePerByte"}),
)


def recognised(value: Any) -> str | None:
    """What a JSON value is, if it is a kind of file that is known by its names; None else."""
    if isinstance(value, list):
        first = value[0] if value and isinstance(value[0], dict) else {}
        if {"beneficiary_address", "token_amount"} <= first.keys():
            return "a list of allocations"
        return "signatures" if recognised(first) == "signatures" else None
    if not isinstance(value, dict):
        return None
    kind = value.get("type")
    if "cborHex" in value and isinstance(kind, str):
        return (
            "a key"
            if "Key" in kind or "Signing" in kind
            else "a file of cardano-cli's that holds no key"
        )
    return next((words for words, names in _MEMBERS if names <= value.keys()), None)
