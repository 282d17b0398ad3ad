"""`report`: what a board wants to know of a distribution, as one page or as Markdown."""

from milestones.services.report.command import (
    ReportWritten,
    assembled,
    board_report,
    write_report,
)
from milestones.services.report.model import BoardReport
from milestones.services.report.pages import content, report_html, report_markdown

__all__ = [
    "BoardReport",
    "ReportWritten",
    "assembled",
    "board_report",
    "content",
    "report_html",
    "report_markdown",
    "write_report",
]
