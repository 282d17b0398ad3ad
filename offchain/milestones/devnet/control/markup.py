"""What all pages are made of: plain HTML without scripts, and SVG, which a telephone can show."""

from __future__ import annotations

from html import escape
from typing import Final

STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem}"
    "code,pre{font-size:.85rem;overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap;margin:.25rem 0;padding:.5rem;background:#8882}"
    "h2{font-size:1.1rem;margin:1.25rem 0 .25rem}"
    "ul{list-style:none;margin:0;padding:0}li{padding:.5rem 0;border-bottom:1px solid #8884}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;vertical-align:top;padding:.5rem .5rem .5rem 0}"
    "td,th{border-bottom:1px solid #8884;overflow-wrap:anywhere}"
    ".n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
    ".figures td,.figures th{padding:.2rem .5rem .2rem 0}.figures :first-child{min-width:8rem}"
    ".wide{overflow-x:auto}.wide>svg{min-width:40rem}summary{margin:.75rem 0 0}"
)


def page(title: str, content: str) -> str:
    """A whole document."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f'<h1>{escape(title)}</h1>{content}<p><a href="/">Overview</a></p></html>'
    )


def section(title: str, rows: list[str]) -> str:
    """A heading with a row each of HTML; nothing at all where there are no rows."""
    if not rows:
        return ""
    return f"<h2>{escape(title)}</h2><ul>{''.join(f'<li>{row}' for row in rows)}</ul>"


def code(text: str) -> str:
    """An identifier, which may be broken anywhere."""
    return f"<code>{escape(text)}</code>"
