"""What is known of a distribution: from the chain, from the data directory, and from both."""
