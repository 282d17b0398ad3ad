"""What `submit-release` and `relay` share: what to pay, in which transactions, on which lanes, for how much."""
