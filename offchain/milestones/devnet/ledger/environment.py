"""What a transaction is judged against, besides itself and the outputs it names."""

from __future__ import annotations

from dataclasses import dataclass, field

from milestones.devnet.ledger.parameters import MAINNET_PARAMETERS, Parameters


@dataclass(frozen=True, slots=True)
class Environment:
    """The network at one slot. Ledger rules: `LedgerEnv` and `UtxoEnv`.

    `network_id` is 1 on mainnet and 0 elsewhere; `slot` the slot that the transaction would enter the
    chain in. Slot 0 begins at `system_start_posix_ms` and every slot lasts `slot_length_ms`.
    `horizon_slot` is the first slot whose time can't be foreseen yet; None if there is no limit.
    """

    slot: int
    system_start_posix_ms: int
    parameters: Parameters = field(default=MAINNET_PARAMETERS)
    network_id: int = 0
    network_magic: int = 42
    slot_length_ms: int = 1000
    horizon_slot: int | None = None

    def start_of(self, slot: int) -> int:
        """POSIX milliseconds at which `slot` begins."""
        return self.system_start_posix_ms + slot * self.slot_length_ms
