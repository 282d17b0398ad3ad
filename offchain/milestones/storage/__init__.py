"""Files: milestone records, the contract cache, the submission journal."""
