"""What each check of `verify` means for somebody who waits for money: why it is looked at."""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "address": (
        "The money lies at the contract's own script. It pays by these terms alone, and no person's key"
        " opens it."
    ),
    "terms": "The terms on the chain have the form that this program knows: nothing is hidden in them.",
    "id": (
        "The distribution's name is a hash of its terms: had anybody changed one of them, it would have"
        " another name."
    ),
    "network": "The terms are meant for this network, and not copied from another.",
    "contract_version": "The terms name the version of the contract that enforces them.",
    "open": "Whether it goes on, or how it came to its end.",
    "opened_once": (
        "Nobody has opened the same terms a second time: both would share one name, and oracles who attest"
        " for one would attest for the other."
    ),
    "total": "The pages of the schedule add up to what the terms promise as a whole.",
    "quorum": "So many oracles must agree on a milestone, and that many can.",
    "creator": "Who opened it, and takes the deposits back once all is paid.",
    "token": "What is paid out is a token of its own, and none of the contract's.",
    "schedule": (
        "Who gets how much, for what and when, is known, and it is what the contract enforces: its hashes"
        " stand in the terms."
    ),
    "reclaim": "From when on the creator can take back what was not claimed.",
    "vault": "The money that is owed is there: all that is promised less what was paid.",
    "attestations": (
        "What counts as reached was signed by enough oracles, or by somebody to whom the terms give that"
        " right."
    ),
    "rules": "The schedule keeps the rules that let every claim be paid later.",
    "allocations": "Each allocation can be paid: somebody can receive it, and a transaction can hold it.",
    "board": "The oracles who sit now are known, and enough of them can agree.",
    "notice": "Somebody has announced that the distribution will end: what is due has to be claimed before.",
    "proposal": (
        "Somebody says that a milestone is reached. Unless oracles object in time, it will count as reached."
    ),
    "deposits": (
        "The chain wants some ADA in every output. What the vaults lack of it whoever pays out adds; nobody"
        " gets less."
    ),
    "allowance": "Who pays out for others is repaid from the vault, as long as that lasts.",
    "anchors": "The file that you gave is one that the chain names: it is what was signed or announced.",
}
"""By the check's name; a page's vault is `vault <page>`, and has the meaning of `vault`."""


def meaning_of(check: str) -> str:
    """The meaning of a check, by its name. Raises KeyError for a name that no check has."""
    return MEANINGS[check.partition(" ")[0]]
