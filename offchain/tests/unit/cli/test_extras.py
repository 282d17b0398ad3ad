"""An installation without the embedded chain says what is missing, and hides no fault of its own."""

from __future__ import annotations

import importlib

import pytest

from milestones.cli.extras import needs_the_devnet_extra
from milestones.errors import InvalidConfiguration


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    with (
        pytest.raises(
            InvalidConfiguration, match="the demo needs the package 'no_such'"
        ) as refused,
        needs_the_devnet_extra("the demo"),
    ):
        importlib.import_module("no_such")
    assert "[devnet]" in refused.value.hint


def test_a_module_of_our_own_that_is_missing_is_a_fault_and_shown_as_one() -> None:
    with pytest.raises(ModuleNotFoundError), needs_the_devnet_extra("the demo"):
        importlib.import_module("milestones.no_such")
