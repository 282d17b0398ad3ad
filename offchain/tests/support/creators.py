"""Creators of three kinds: a key, a native script, and a Plutus script that agrees to everything.

The scripts are as lax as any can be, order books rather than treasuries: whatever such a creator's
script would let anybody do, anybody does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, Credential, script_credential
from milestones.cardano.outputs import Script
from milestones.cardano.plutus_data import Constr
from milestones.cardano.value import Value
from milestones.testing.cast import ADA
from milestones.testing.contract import ContractHarness
from milestones.transactions.draft import Spend, TransactionDraft
from tests.support.hostile import ALWAYS_TRUE, along

UNIT: Final = plutus_data.encode(Constr(0))
ANYBODY: Final = Script("native", b"\x82\x01\x80")
"""All of nobody: a native script that anybody can spend from."""


@dataclass(frozen=True)
class Creator:
    """Who creates a distribution; `script` is None for a key."""

    credential: Credential
    script: Script | None = None

    def consenting(self, harness: ContractHarness, draft: TransactionDraft) -> TransactionDraft:
        """The draft with the creator's consent: an input under the script, or the key's signature."""
        if self.script is None:
            return along(draft, signers=(self.credential.hash,))
        # Of the faucet's, so that an output that the wallet wants to keep stays there.
        hold = harness.give(Value(3 * ADA), Address(0, self.credential))
        spend = Spend(hold, None if self.script.language == "native" else UNIT)
        return along(draft, spends=(spend,), scripts=(self.script,))


def key_creator(harness: ContractHarness) -> Creator:
    """The key "creator"."""
    return Creator(harness.key("creator").address(0).payment)


NATIVE: Final = Creator(script_credential(ANYBODY.hash()), ANYBODY)
PLUTUS: Final = Creator(script_credential(ALWAYS_TRUE.hash()), ALWAYS_TRUE)


def creators(harness: ContractHarness) -> dict[str, Creator]:
    """All three kinds."""
    return {"key": key_creator(harness), "native script": NATIVE, "Plutus script": PLUTUS}
