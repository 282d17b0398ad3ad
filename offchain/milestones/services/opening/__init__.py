"""Opening a distribution: its schedule in parts, the opening itself, and what is told of both."""
