"""What pays and what stands as collateral, in wallets that others have filled with junk."""

from __future__ import annotations

import time
from collections.abc import Callable

from milestones.cardano.address import Address, script_credential
from milestones.cardano.outputs import Utxo
from milestones.cardano.parameters import ProtocolParameters
from milestones.cardano.value import AssetId
from milestones.transactions.coin_selection import choose_collateral

MakeUtxo = Callable[..., Utxo]
SCRIPT = Address(0, script_credential(bytes(28)))


def test_thousands_of_outputs_with_junk_take_no_time(
    make_utxo: MakeUtxo, address: Address, parameters: ProtocolParameters
) -> None:
    """Anybody can send them. Looking at each would take ten seconds, many times a command."""
    wallet = [
        make_utxo(1_200_000, {AssetId(bytes(28), b"%d" % number): 1}) for number in range(20_000)
    ]
    wallet += [make_utxo(9_000_000), make_utxo(20_000_000, address=SCRIPT)]
    started = time.monotonic()
    collateral = choose_collateral(
        wallet, fee_lovelace=300_000, change_address=address, parameters=parameters
    )
    assert time.monotonic() - started < 2
    assert [utxo.output.value.lovelace for utxo in collateral.inputs] == [9_000_000]


def test_what_a_script_locks_is_no_collateral(
    make_utxo: MakeUtxo, address: Address, parameters: ProtocolParameters
) -> None:
    wallet = [make_utxo(500_000, address=SCRIPT), make_utxo(4_000_000)]
    collateral = choose_collateral(
        wallet, fee_lovelace=300_000, change_address=address, parameters=parameters
    )
    assert (collateral.inputs, collateral.change) == ((wallet[1],), None)
