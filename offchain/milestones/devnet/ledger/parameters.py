"""Protocol parameters and cost models: what mainnet uses. Prices in lovelace, sizes in bytes.

Defaults are mainnet's at protocol version 11.

Sources: mainnet's genesis files as changed by updates since. The memory units, 16.5 million for a
transaction and 72 million for a block (before: 14 and 62), are those of the governance action
`gov_action1cgdsp7g0rr7wgqp7maptpvx525fxuqwfgm5qe3f5r20ew5x2772sq0m5y83`, enacted with epoch 614; its
authors announced a second step, to 17.5 and 77.5 million, which a file of parameters can bring forward.

Cost models are what mainnet has used since the governance action "Update Plutus Cost Models" of May 2026,
which prepared protocol version 11: 332, 332 and 350 entries. They follow the order of Plutus'
`ParamName` enumerations; positions that older versions had keep their meaning, and all three end in
the 53 entries of protocol 11's new built-ins. Source: `cost_model.rs` of Aiken's evaluator 1.1.24
(Apache-2.0), which agrees with the tables in Amaru's and Dolos' tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Final

from milestones.cardano.parameters import ExecutionUnits, ReferenceScriptPrice

# fmt: off
_NEW_IN_PROTOCOL_11: Final = (
    607153, 231697, 53144, 0, 1, 116711, 1957, 4, 231883, 10, 1000, 24838, 7, 1, 232010, 32,
    321837444, 25087669, 18, 617887431, 67302824, 36, 356924, 18413, 45, 21, 219951, 9444, 1,
    1000, 172116, 183150, 6, 24, 21, 213283, 618401, 1998, 28258, 1, 1000, 38159, 2, 22, 1000,
    95933, 1, 1, 11, 1000, 277577, 12, 21,
)
"""From `expModInteger` to `scaleValue`: 53 entries that end every version's model."""

PLUTUS_V1: Final = (
    100788, 420, 1, 1, 1000, 173, 0, 1, 1000, 59957, 4, 1, 11183, 32, 201305, 8356, 4, 16000, 100,
    16000, 100, 16000, 100, 16000, 100, 16000, 100, 16000, 100, 100, 100, 16000, 100, 94375, 32,
    132994, 32, 61462, 4, 72010, 178, 0, 1, 22151, 32, 91189, 769, 4, 2, 85848, 228465, 122, 0, 1,
    1, 1000, 42921, 4, 2, 30623, 28755, 75, 1, 898148, 27279, 1, 51775, 558, 1, 39184, 1000,
    60594, 1, 141895, 32, 83150, 32, 15299, 32, 76049, 1, 13169, 4, 22100, 10, 28999, 74, 1,
    28999, 74, 1, 43285, 552, 1, 44749, 541, 1, 33852, 32, 68246, 32, 72362, 32, 7243, 32, 7391,
    32, 11546, 32, 85848, 228465, 122, 0, 1, 1, 90434, 519, 0, 1, 74433, 32, 85848, 228465, 122,
    0, 1, 1, 85848, 228465, 122, 0, 1, 1, 270652, 22588, 4, 1457325, 64566, 4, 20467, 1, 4, 0,
    141992, 32, 100788, 420, 1, 1, 81663, 32, 59498, 32, 20142, 32, 24588, 32, 20744, 32, 25933,
    32, 24623, 32, 53384111, 14333, 10, 955506, 213312, 0, 2, 43053543, 10, 43574283, 26308, 10,
    16000, 100, 16000, 100, 962335, 18, 2780678, 6, 442008, 1, 52538055, 3756, 18, 267929, 18,
    76433006, 8868, 18, 52948122, 18, 1995836, 36, 3227919, 12, 901022, 1, 166917843, 4307, 36,
    284546, 36, 158221314, 26549, 36, 74698472, 36, 333849714, 1, 254006273, 72, 2174038, 72,
    2261318, 64571, 4, 207616, 8310, 4, 1293828, 28716, 63, 0, 1, 1006041, 43623, 251, 0, 1,
    100181, 726, 719, 0, 1, 100181, 726, 719, 0, 1, 100181, 726, 719, 0, 1, 107878, 680, 0, 1,
    95336, 1, 281145, 18848, 0, 1, 180194, 159, 1, 1, 158519, 8942, 0, 1, 159378, 8813, 0, 1,
    107490, 3298, 1, 106057, 655, 1, 1964219, 24520, 3,
    *_NEW_IN_PROTOCOL_11,
)
"""332 entries."""

PLUTUS_V2: Final = (
    100788, 420, 1, 1, 1000, 173, 0, 1, 1000, 59957, 4, 1, 11183, 32, 201305, 8356, 4, 16000, 100,
    16000, 100, 16000, 100, 16000, 100, 16000, 100, 16000, 100, 100, 100, 16000, 100, 94375, 32,
    132994, 32, 61462, 4, 72010, 178, 0, 1, 22151, 32, 91189, 769, 4, 2, 85848, 228465, 122, 0, 1,
    1, 1000, 42921, 4, 2, 30623, 28755, 75, 1, 898148, 27279, 1, 51775, 558, 1, 39184, 1000,
    60594, 1, 141895, 32, 83150, 32, 15299, 32, 76049, 1, 13169, 4, 22100, 10, 28999, 74, 1,
    28999, 74, 1, 43285, 552, 1, 44749, 541, 1, 33852, 32, 68246, 32, 72362, 32, 7243, 32, 7391,
    32, 11546, 32, 85848, 228465, 122, 0, 1, 1, 90434, 519, 0, 1, 74433, 32, 85848, 228465, 122,
    0, 1, 1, 85848, 228465, 122, 0, 1, 1, 955506, 213312, 0, 2, 270652, 22588, 4, 1457325, 64566,
    4, 20467, 1, 4, 0, 141992, 32, 100788, 420, 1, 1, 81663, 32, 59498, 32, 20142, 32, 24588, 32,
    20744, 32, 25933, 32, 24623, 32, 43053543, 10, 53384111, 14333, 10, 43574283, 26308, 10,
    1293828, 28716, 63, 0, 1, 1006041, 43623, 251, 0, 1, 16000, 100, 16000, 100, 962335, 18,
    2780678, 6, 442008, 1, 52538055, 3756, 18, 267929, 18, 76433006, 8868, 18, 52948122, 18,
    1995836, 36, 3227919, 12, 901022, 1, 166917843, 4307, 36, 284546, 36, 158221314, 26549, 36,
    74698472, 36, 333849714, 1, 254006273, 72, 2174038, 72, 2261318, 64571, 4, 207616, 8310, 4,
    100181, 726, 719, 0, 1, 100181, 726, 719, 0, 1, 100181, 726, 719, 0, 1, 107878, 680, 0, 1,
    95336, 1, 281145, 18848, 0, 1, 180194, 159, 1, 1, 158519, 8942, 0, 1, 159378, 8813, 0, 1,
    107490, 3298, 1, 106057, 655, 1, 1964219, 24520, 3,
    *_NEW_IN_PROTOCOL_11,
)
"""332 entries."""

PLUTUS_V3: Final = (
    100788, 420, 1, 1, 1000, 173, 0, 1, 1000, 59957, 4, 1, 11183, 32, 201305, 8356, 4, 16000, 100,
    16000, 100, 16000, 100, 16000, 100, 16000, 100, 16000, 100, 100, 100, 16000, 100, 94375, 32,
    132994, 32, 61462, 4, 72010, 178, 0, 1, 22151, 32, 91189, 769, 4, 2, 85848, 123203, 7305,
    -900, 1716, 960, 57, 85848, 0, 1, 1, 1000, 42921, 4, 2, 30623, 28755, 75, 1, 898148, 27279, 1,
    51775, 558, 1, 39184, 1000, 60594, 1, 141895, 32, 83150, 32, 15299, 32, 76049, 1, 13169, 4,
    22100, 10, 28999, 74, 1, 28999, 74, 1, 43285, 552, 1, 44749, 541, 1, 33852, 32, 68246, 32,
    72362, 32, 7243, 32, 7391, 32, 11546, 32, 85848, 123203, 7305, -900, 1716, 960, 57, 85848, 0,
    1, 90434, 519, 0, 1, 74433, 32, 85848, 123203, 7305, -900, 1716, 960, 57, 85848, 0, 1, 1,
    85848, 123203, 7305, -900, 1716, 960, 57, 85848, 0, 1, 955506, 213312, 0, 2, 270652, 22588, 4,
    1457325, 64566, 4, 20467, 1, 4, 0, 141992, 32, 100788, 420, 1, 1, 81663, 32, 59498, 32, 20142,
    32, 24588, 32, 20744, 32, 25933, 32, 24623, 32, 43053543, 10, 53384111, 14333, 10, 43574283,
    26308, 10, 16000, 100, 16000, 100, 962335, 18, 2780678, 6, 442008, 1, 52538055, 3756, 18,
    267929, 18, 76433006, 8868, 18, 52948122, 18, 1995836, 36, 3227919, 12, 901022, 1, 166917843,
    4307, 36, 284546, 36, 158221314, 26549, 36, 74698472, 36, 333849714, 1, 254006273, 72,
    2174038, 72, 2261318, 64571, 4, 207616, 8310, 4, 1293828, 28716, 63, 0, 1, 1006041, 43623,
    251, 0, 1, 100181, 726, 719, 0, 1, 100181, 726, 719, 0, 1, 100181, 726, 719, 0, 1, 107878,
    680, 0, 1, 95336, 1, 281145, 18848, 0, 1, 180194, 159, 1, 1, 158519, 8942, 0, 1, 159378, 8813,
    0, 1, 107490, 3298, 1, 106057, 655, 1, 1964219, 24520, 3,
    *_NEW_IN_PROTOCOL_11,
)
"""350 entries."""
# fmt: on


MAX_REFERENCE_SCRIPTS_SIZE: Final = 204_800
"""Bytes of reference scripts that one transaction may bring: 200 KiB. A constant of the era."""

MAX_REFERENCE_SCRIPTS_SIZE_PER_BLOCK: Final = 1_048_576
"""Bytes of reference scripts that the transactions of one block may bring: 1 MiB. Likewise."""


def _default_cost_models() -> Mapping[str, tuple[int, ...]]:
    return {
        "plutus:v1": PLUTUS_V1,
        "plutus:v2": PLUTUS_V2,
        "plutus:v3": PLUTUS_V3,
    }


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the rules read. Prices in lovelace, sizes in bytes. Source: Conway's `PParams`.

    `unread` is whatever came with them that only rules read that this chain has not: carried along.
    """

    min_fee_coefficient: int = 44
    min_fee_constant: int = 155_381
    reference_script_price: ReferenceScriptPrice = field(
        default=ReferenceScriptPrice(25_600, Fraction(15), Fraction(6, 5))
    )
    coins_per_utxo_byte: int = 4310
    max_block_body_size: int = 90_112
    max_transaction_size: int = 16_384
    max_value_size: int = 5000
    max_transaction_units: ExecutionUnits = field(
        default=ExecutionUnits(16_500_000, 10_000_000_000)
    )
    max_block_units: ExecutionUnits = field(default=ExecutionUnits(72_000_000, 20_000_000_000))
    price_memory: Fraction = Fraction(577, 10_000)
    price_cpu: Fraction = Fraction(721, 10_000_000)
    collateral_percentage: int = 150
    max_collateral_inputs: int = 3
    stake_credential_deposit: int = 2_000_000
    stake_pool_deposit: int = 500_000_000
    min_stake_pool_cost: int = 170_000_000
    drep_deposit: int = 500_000_000
    protocol_version: tuple[int, int] = (11, 0)
    max_reference_scripts_size: int = MAX_REFERENCE_SCRIPTS_SIZE
    max_reference_scripts_size_per_block: int = MAX_REFERENCE_SCRIPTS_SIZE_PER_BLOCK
    cost_models: Mapping[str, tuple[int, ...]] = field(default_factory=_default_cost_models)
    unread: Mapping[str, Any] = field(default_factory=dict)

    def with_changes(self, **changes: Any) -> Parameters:
        """The same parameters but for some."""
        return replace(self, **changes)


MAINNET_PARAMETERS: Final = Parameters()
"""Mainnet's parameters since protocol version 11."""
