"""Every kind of mutation there is: importing the modules enters their kinds into `MUTATIONS`."""

from __future__ import annotations

from tests.support import (
    mutations_of_bytes,
    mutations_of_circumstances,
    mutations_of_scripts,
    mutations_of_staking,
    mutations_of_value,
)
from tests.support.mutations import MUTATIONS, Mutation

MODULES = (
    mutations_of_bytes,
    mutations_of_circumstances,
    mutations_of_scripts,
    mutations_of_staking,
    mutations_of_value,
)

CATALOGUE: tuple[Mutation, ...] = tuple(MUTATIONS)
"""In the order of the modules."""

OF_BYTES = frozenset(
    each.name for each in CATALOGUE if each.apply.__module__ == mutations_of_bytes.__name__
)
"""The names of those that change bytes after sealing."""
