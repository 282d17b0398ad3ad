"""The chain's own interface: time, blocks, money, faults, and a page to look at."""
