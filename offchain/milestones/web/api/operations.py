"""Every operation of the API."""

from __future__ import annotations

from typing import Final

from milestones.web.api import reading

OPERATIONS: Final = (*reading.OPERATIONS,)
