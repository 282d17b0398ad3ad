"""How many requests there were, how they were answered, and how long it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class RequestFigures:
    """Counts of requests by kind (`api`, `page`, `claim`) and status, and seconds by kind."""

    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def note(self, kind: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.counts[kind, status] += 1
        self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """As Prometheus reads them."""
        name = "milestones_requests_total"
        yield f"# HELP {name} Requests that were answered."
        yield f"# TYPE {name} counter"
        for (kind, status), count in sorted(self.counts.items()):
            yield f'{name}{{kind="{kind}",status="{status}"}} {count}'
        name = "milestones_request_seconds_total"
        yield f"# HELP {name} How long answers took, together."
        yield f"# TYPE {name} counter"
        for kind, seconds in sorted(self.seconds.items()):
            yield f'{name}{{kind="{kind}"}} {seconds:.6f}'
