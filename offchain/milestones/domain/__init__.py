"""The rules of the business: schedules, quorum, claims and the Merkle sum tree. No I/O."""
