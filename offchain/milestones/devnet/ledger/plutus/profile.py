"""What a run cost and where: by kind of step, by built-in function, by function of the script, by stack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from milestones.cardano.parameters import ExecutionUnits
from milestones.devnet.ledger.plutus.script_map import SCRIPT

DEEPEST: Final = 100
"""Frames of a stack; what is called further in counts for the last one."""

MOST_STACKS: Final = 4_000
"""Places in the tree of calls; beyond, calls count for their caller."""

MOST_TEXTS: Final = 200
"""Traced texts that are told apart; others count for the one before."""

LABEL_MARK: Final = "“"
CLOSING_MARK: Final = "”"
"""What the label of a check stands between in its frame."""


@dataclass(slots=True)
class Cost:
    """How often something happened, and the units it took."""

    count: int = 0
    memory: int = 0
    cpu: int = 0

    def add(self, count: int, memory: int, cpu: int) -> None:
        """Books more of it."""
        self.count += count
        self.memory += memory
        self.cpu += cpu

    @property
    def units(self) -> ExecutionUnits:
        """The units alone."""
        return ExecutionUnits(self.memory, self.cpu)


class Place:
    """A place in the tree of calls: a frame, and those that it was reached by.

    `own`: entries and the steps there; `functions`: built-in ones called there, by name.
    """

    __slots__ = ("_links", "depth", "frame", "functions", "own", "parent")

    def __init__(self, frame: str, parent: Place | None) -> None:
        self.frame, self.parent = frame, parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.own = Cost()
        self.functions: dict[str, Cost] = {}
        self._links: dict[str, Place] = {}

    def reach(self, frame: str, places: list[Place]) -> Place:
        """Where a frame entered from here is: further out if it is open already, else one further in.

        So recursion makes no stack deeper. New places are added to `places`.
        """
        found = self._links.get(frame)
        if found is None:
            found = self._links[frame] = self._open(frame) or self._inside(frame, places)
        return found

    def _open(self, frame: str) -> Place | None:
        place: Place | None = self
        while place is not None and place.frame != frame:
            place = place.parent
        return place

    def _inside(self, frame: str, places: list[Place]) -> Place:
        if self.depth + 1 >= DEEPEST or len(places) >= MOST_STACKS:
            return self
        place = Place(frame, self)
        places.append(place)
        return place

    def path(self) -> tuple[str, ...]:
        """The frames from the outermost one to this."""
        frames = []
        place: Place | None = self
        while place is not None:
            frames.append(place.frame)
            place = place.parent
        return tuple(reversed(frames))


@dataclass(frozen=True, slots=True)
class FunctionCost:
    """A function of the script, or a check in it: its frame, what it took itself, and with all it called.

    `labels` are those written in it. Steps outside all functions are those of `SCRIPT`.
    """

    frame: str
    own: Cost
    total: Cost
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames, the outermost first, and what the last took itself; built-in functions are frames too."""

    frames: tuple[str, ...]
    units: ExecutionUnits


@dataclass(frozen=True, slots=True)
class Profile:
    """One run, taken apart in several ways. What is dearest comes first, but for `traces`.

    `steps` and `builtins` together, `functions` by what they took themselves, `stacks`, and `traces`: each of
    the four adds up to the run's units. `traces` are texts that were traced, with the units from there to the
    next; those before the first are the empty text's.
    """

    steps: dict[str, Cost]
    builtins: dict[str, Cost]
    functions: tuple[FunctionCost, ...]
    traces: dict[str, Cost]
    stacks: tuple[Stack, ...]


NOTHING_RUN: Final = Profile({}, {}, (), {}, ())
"""Of a script that can't be run."""


class Account:
    """Where a run books what it costs."""

    def __init__(self) -> None:
        self.root = Place(SCRIPT, None)
        self.root.own.count = 1
        self.places = [self.root]
        self._steps: dict[str, Cost] = {}
        self._builtins: dict[str, Cost] = {}
        self._traces = {"": Cost(1)}
        self._since = self._traces[""]

    def step(self, kind: str, place: Place, price: tuple[int, int]) -> None:
        """Books a step, whose price is (CPU, memory)."""
        cpu, memory = price
        self._steps.setdefault(kind, Cost()).add(1, memory, cpu)
        place.own.add(0, memory, cpu)
        self._since.add(0, memory, cpu)

    def function(self, name: str, place: Place, cpu: int, memory: int) -> None:
        """Books a call of a built-in function."""
        self._builtins.setdefault(name, Cost()).add(1, memory, cpu)
        place.functions.setdefault(name, Cost()).add(1, memory, cpu)
        self._since.add(0, memory, cpu)

    def traced(self, text: str) -> None:
        """Begins a new stretch of the run."""
        if text in self._traces or len(self._traces) < MOST_TEXTS:
            self._since = self._traces.setdefault(text, Cost())
        self._since.count += 1

    def profile(self, labels_of: dict[str, list[str]]) -> Profile:
        """What was booked."""
        return Profile(
            steps=_dearest_first(self._steps),
            builtins=_dearest_first(self._builtins),
            functions=_functions(self.places, labels_of),
            traces=self._traces,
            stacks=tuple(_stacks(self.places)),
        )


def _dearest_first(costs: dict[str, Cost]) -> dict[str, Cost]:
    return dict(sorted(costs.items(), key=lambda each: (-each[1].cpu, -each[1].memory, each[0])))


def _functions(places: list[Place], labels_of: dict[str, list[str]]) -> tuple[FunctionCost, ...]:
    own: dict[str, Cost] = {}
    total: dict[str, Cost] = {}
    # Places stand after those that they were reached by: from the end on, all that is inside is known.
    inside = {id(place): Cost() for place in places}
    for place in reversed(places):
        cost = Cost(place.own.count)
        for each in (place.own, *place.functions.values()):
            cost.add(0, each.memory, each.cpu)
        own.setdefault(place.frame, Cost()).add(cost.count, cost.memory, cost.cpu)
        cost.add(0, inside[id(place)].memory, inside[id(place)].cpu)
        # A frame is never open twice, so that nothing is counted twice.
        total.setdefault(place.frame, Cost()).add(cost.count, cost.memory, cost.cpu)
        if place.parent is not None:
            inside[id(place.parent)].add(0, cost.memory, cost.cpu)
    return tuple(
        FunctionCost(frame, cost, total[frame], tuple(labels_of.get(frame, ())))
        for frame, cost in _dearest_first(own).items()
    )


def _stacks(places: list[Place]) -> list[Stack]:
    found = []
    for place in places:
        path = place.path()
        if place.own.cpu or place.own.memory:
            found.append(Stack(path, place.own.units))
        found += [Stack((*path, name), cost.units) for name, cost in place.functions.items()]
    return sorted(found, key=lambda each: (-each.units.cpu, -each.units.memory, each.frames))
