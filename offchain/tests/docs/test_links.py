"""Links between pages lead somewhere, and so do anchors."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from .pages import PROJECT, anchors, blocks, page_names, prose, read, slug

HOME = "docs/index.md"
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def broken(page: str) -> list[str]:
    """The links of a page that lead nowhere in this project."""
    return [link for link in _LINK.findall(prose(page)) if not _leads_somewhere(page, link)]


def _leads_somewhere(page: str, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return link.startswith("https://")
    target, _, anchor = link.partition("#")
    file = (PROJECT / page).parent / target if target else PROJECT / page
    if not file.exists():
        return False
    return not anchor or anchor in anchors(str(file.resolve()))


@pytest.mark.parametrize("page", page_names())
def test_links_and_anchors(page: str) -> None:
    """Files exist, sections exist, and the outside world is reached over https."""
    assert not broken(page)


def test_every_page_can_be_reached() -> None:
    """From the README, link by link."""
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in _LINK.findall(prose(page)):
            target = link.partition("#")[0]
            file = (PROJECT / page).parent / target
            if target.endswith(".md") and ":" not in target and file.is_file():
                waiting.append(file.resolve().relative_to(PROJECT).as_posix())
    lost = set(page_names()) - reached - {"CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
    assert not lost


def test_every_page_is_in_the_table_of_contents() -> None:
    """The home page's contents name it, alone or by its folder."""
    contents = {
        line.strip()
        for block in blocks(HOME)
        if block.language == "{toctree}"
        for line in block.text.splitlines()
    }
    for page in page_names():
        name = PurePosixPath(page).with_suffix("")
        shown = name.relative_to("docs") if page.startswith("docs/") else f"../{name}"
        folder = PurePosixPath(str(shown)).parent / "*"
        assert page == HOME or str(shown) in contents or str(folder) in contents, page


def test_there_is_one_home_page() -> None:
    """Its contents are the site's, and no other page has any."""
    with_contents = {page for page in page_names() for b in blocks(page) if "toctree" in b.language}
    assert with_contents == {HOME}
    assert not list((PROJECT / "docs").rglob("*.rst"))
    assert f'root_doc = "{PurePosixPath(HOME).with_suffix("")}"' in read("docs/conf.py")


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("2. Keys", "2-keys"),
        ("What a hard fork changes", "what-a-hard-fork-changes"),
        ("`oracle sign`, and *more*", "oracle-sign-and-more"),
        ("See [this](that.md)", "see-this"),
    ],
)
def test_anchors_are_made_as_everywhere(heading: str, expected: str) -> None:
    """Lower case, hyphens, no punctuation."""
    assert slug(heading) == expected
