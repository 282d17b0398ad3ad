"""A treasury that is a Plutus script, as projects on Cardano have them: `treasury.ak` beside this file.

It lets money go only in a transaction that spends from it, that a quorum of its keepers signs and that ends
before the treasury does; that spends from no other script; that leaves no reference script; and in which all
that is not paid out stays at its address, whose staking part is the script itself. Built by Aiken 1.1.24 with
the contract's `lib/ledger.ak` beside it and `--trace-level silent`; written for these tests, after the public
behaviour of SundaeSwap-finance/treasury-contracts and pragma-org/amaru-treasury.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from milestones.cardano import plutus_data
from milestones.cardano.address import Address, script_credential
from milestones.cardano.outputs import Script, Utxo
from milestones.cardano.plutus_data import Constr
from milestones.cardano.value import AssetId, Value
from milestones.transactions.draft import DraftOutput, Spend, TransactionDraft
from tests.support.hostile import along

_BUILT: Final = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
SCRIPT: Final = Script("plutus:v3", bytes.fromhex(_BUILT["compiledCode"]))
CREDENTIAL: Final = script_credential(SCRIPT.hash())
ADDRESS: Final = Address(0, CREDENTIAL, CREDENTIAL)
REORGANIZE: Final = plutus_data.encode(Constr(0))


def disburse(paid: Value) -> bytes:
    """The redeemer that lets lovelace and one token go."""
    asset, quantity = next(iter(paid.assets.items()), (AssetId(b"", b""), 0))
    fields = (paid.lovelace, asset.policy_id, asset.asset_name, quantity)
    return plutus_data.encode(Constr(1, fields))


@dataclass(frozen=True)
class Keepers:
    """Who may move what is there, and until when."""

    required: int
    members: tuple[bytes, ...]
    expires_posix_ms: int

    @property
    def datum(self) -> bytes:
        """It stands beside what they keep."""
        return plutus_data.encode(Constr(0, (self.required, self.members, self.expires_posix_ms)))

    def funded(self, value: Value) -> TransactionDraft:
        """Anybody pays into it."""
        return TransactionDraft(outputs=(self.output(value),))

    def output(self, value: Value) -> DraftOutput:
        """Something that they keep."""
        return DraftOutput(address=ADDRESS, value=value, inline_datum=self.datum)

    def consenting(
        self,
        draft: TransactionDraft,
        held: Utxo,
        signers: Sequence[bytes],
        paid: Value | None = None,
    ) -> TransactionDraft:
        """The draft with the treasury's consent: an output of its own is spent, and what isn't paid returns."""
        redeemer = REORGANIZE if paid is None else disburse(paid)
        returned = held.output.value - (paid or Value())
        return along(
            draft,
            spends=(Spend(held, redeemer),),
            outputs=(self.output(returned),),
            scripts=(SCRIPT,),
            signers=tuple(signers),
        )
