"""From a draft to bytes: balance, fees, limits, signing. Hostile transactions too."""
