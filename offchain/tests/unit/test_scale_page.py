"""The page about very many people shows what was measured."""

from __future__ import annotations

from series_figures import DEAREST_CLAIM_LOVELACE, SINGLE_CLAIM, Figures
from series_page import PAGE, RECORD, with_figures


def test_the_page_has_the_figures_of_its_record() -> None:
    """`series_page.py` renews both."""
    figures = Figures.load(RECORD.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    assert with_figures(figures, page) == page
    assert Figures.load(figures.dump()) == figures


def test_a_million_rows_were_measured_and_their_books_balance() -> None:
    """No claim was dearer than promised; what was locked was paid, or is in vaults."""
    figures = Figures.load(RECORD.read_text(encoding="utf-8"))
    assert (figures.rows, figures.distributions) == (1_000_000, 16)
    assert figures.of_kind(SINGLE_CLAIM).dearest_lovelace <= DEAREST_CLAIM_LOVELACE
    books = figures.books
    assert books["promised_tokens"] == books["vaults_tokens"] + books["paid_tokens"]
    assert books["fees_lovelace"] == sum(each.sum_lovelace for each in figures.fees)
