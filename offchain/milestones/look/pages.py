"""How a page is made: templates that escape whatever they are given, and the stylesheet."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

from milestones.look import figures

if TYPE_CHECKING:
    from jinja2 import Environment

STYLESHEET_PATH: Final = "/look.css"
"""Where a server that shows pages serves the stylesheet; a page is given it as `stylesheet_path`."""
ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Cpath d='M2 13V9h3v4zm4.5 0V6h3v7zM11 13V3h3v10z' fill='%23237a68'/%3E%3C/svg%3E"
)
SERVED_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
"""The Content-Security-Policy of pages that are served without scripts: whatever they show, nothing runs."""


@cache
def stylesheet() -> str:
    """The stylesheet's text; it names no other file."""
    return resources.files("milestones.look").joinpath("look.css").read_text(encoding="utf-8")


@cache
def file_policy() -> str:
    """The policy of a page that is one file, in which the stylesheet stands, and no other is let in."""
    digest = b64encode(sha256(stylesheet().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none';"
        " base-uri 'none'"
    )


def templates(package: str, **others: str) -> Environment:
    """The templates of a package's folder `templates`, with those of the look as `look/…`.

    `others` are further packages by the name that their templates have in front, as `look` has.

    Everything that is put into one is escaped, its control characters are shown, and what is written from
    right to left stays within its own words, unless a macro made it.
    A name that isn't given is an error. A page is given `stylesheet_path`, or else holds the stylesheet.
    """
    # A chain or a server starts without it: most are never looked at.
    from jinja2 import (  # noqa: PLC0415
        ChoiceLoader,
        Environment,
        PackageLoader,
        PrefixLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader(package, "templates"),
                PrefixLoader(
                    {
                        prefix: PackageLoader(each, "templates")
                        for prefix, each in {"look": "milestones.look", **others}.items()
                    }
                ),
            ]
        ),
        autoescape=True,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters.update({name: getattr(figures, name) for name in FILTERS})
    environment.globals.update(
        {
            "stylesheet": stylesheet,
            "file_policy": file_policy,
            "stylesheet_path": None,
            "icon": ICON,
        }
    )
    return environment


def markdown_templates(package: str) -> Environment:
    """As `templates`, for Markdown: whatever is put into one stands there as text, and is no markup."""
    # A chain or a server starts without it: most are never looked at.
    from jinja2 import (  # noqa: PLC0415
        Environment,
        PackageLoader,
        StrictUndefined,
    )

    environment = Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=False,  # noqa: S701 - `finalize` escapes for Markdown, where HTML's rules do not hold
        finalize=_as_markdown,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters.update({name: getattr(figures, name) for name in FILTERS})
    environment.filters["code"] = _code
    return environment


FILTERS: Final = (
    "amount",
    "ada",
    "counted",
    "day",
    "iso",
    "moment",
    "second",
    "share",
    "short",
)
"""The functions of `figures` that templates have as filters."""


def _visible(value: Any) -> Any:
    return figures.isolated(figures.visible(value)) if type(value) is str else value


def _as_markdown(value: Any) -> Any:
    return figures.markdown(value) if type(value) is str else value


def _code(text: Any) -> Markup:
    """An identifier in Markdown: what could end the code early is left out."""
    return Markup(f"`{figures.visible(str(text)).replace('`', '')}`")  # noqa: S704 - not HTML
