"""Prices: cost models by name, the sizes of arguments, and the shapes of functions' prices.

A function's *price* is a callable: given the arguments it checks their types and bounds, raises
`WrongArgument` where one is amiss, and returns CPU and memory. Sources: `PlutusLedgerApi.V1`, `.V2`,
`.V3`'s `ParamName`; `PlutusCore.Evaluation.Machine.CostingFun.Core` and `.ExMemoryUsage`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from milestones.devnet.ledger.plutus import values
from milestones.devnet.ledger.plutus.data import data_size, smaller_data_size
from milestones.devnet.ledger.plutus.signatures import SIGNATURES, Signature
from milestones.devnet.ledger.plutus.values import Array, Cell, Curve, Data, Pair, Tokens

Price: TypeAlias = "Callable[..., tuple[int, int]]"
Measure: TypeAlias = "Callable[[Any], int]"
Shape: TypeAlias = "Callable[[Sequence[int], Sequence[int]], int]"

MOST: Final = (1 << 63) - 1
"""Where sums saturate, and what a number is that a cost model lacks."""

STEP_KINDS: Final = (
    "startup", "var", "const", "lam", "delay", "force", "apply", "builtin", "constr", "case",
)  # fmt: skip

INTEGER_BITS: Final = 262_143
"""Bits of integers that arithmetic takes since protocol version 11, besides the sign."""

LONGEST_BYTES: Final = 65_536
"""Bytes of byte strings that functions take since protocol version 11."""

_START: Final = """
addInteger appendByteString appendString bData blake2b_256 @apply @builtin @const @delay @force @lam
@startup @var chooseData chooseList chooseUnit consByteString constrData decodeUtf8 divideInteger
encodeUtf8 equalsByteString equalsData equalsInteger equalsString fstPair headList iData ifThenElse
indexByteString lengthOfByteString lessThanByteString lessThanEqualsByteString lessThanEqualsInteger
lessThanInteger listData mapData mkCons mkNilData mkNilPairData mkPairData modInteger multiplyInteger
nullList quotientInteger remainderInteger %1 sha2_256 sha3_256 sliceByteString sndPair subtractInteger
tailList trace unBData unConstrData unIData unListData unMapData %2 %3 @constr @case
bls12_381_G1_add bls12_381_G1_compress bls12_381_G1_equal bls12_381_G1_hashToGroup bls12_381_G1_neg
bls12_381_G1_scalarMul bls12_381_G1_uncompress bls12_381_G2_add bls12_381_G2_compress
bls12_381_G2_equal bls12_381_G2_hashToGroup bls12_381_G2_neg bls12_381_G2_scalarMul
bls12_381_G2_uncompress bls12_381_finalVerify bls12_381_millerLoop bls12_381_mulMlResult keccak_256
blake2b_224 %4 andByteString orByteString xorByteString complementByteString readBit writeBits
replicateByte shiftByteString rotateByteString countSetBits findFirstSetBit ripemd_160 expModInteger
dropList lengthOfArray listToArray indexArray bls12_381_G1_multiScalarMul bls12_381_G2_multiScalarMul
insertCoin lookupCoin unionValue valueContains valueData unValueData scaleValue
"""
_ED25519, _ECDSA = "verifyEd25519Signature", "verifyEcdsaSecp256k1Signature"
_SCHNORR, _CONVERSIONS = (
    "verifySchnorrSecp256k1Signature",
    "integerToByteString byteStringToInteger",
)
_PLACES: Final = {
    "plutus:v1": ("", f"{_ED25519} serialiseData {_ECDSA} {_SCHNORR}", "", _CONVERSIONS),
    "plutus:v2": ("serialiseData", f"{_ECDSA} {_ED25519} {_SCHNORR}", _CONVERSIONS, ""),
    "plutus:v3": ("serialiseData", f"{_ECDSA} {_ED25519} {_SCHNORR}", "", _CONVERSIONS),
}
"""What stands in the four places where the languages differ."""


class Prices(NamedTuple):
    """A cost model, read: (CPU, memory) of each kind of step, and each function's price by its tag."""

    steps: dict[str, tuple[int, int]]
    functions: tuple[Price, ...]


@lru_cache(maxsize=16)
def read_prices(model: tuple[int, ...], language: str, protocol_version: int) -> Prices:
    """Reads a cost model, a list of numbers. Those that lack cost everything; more are not read."""
    newest, is_v3 = protocol_version >= 11, language == "plutus:v3"
    numbers = _numbers(model)
    by_name = {each.name: each for each in SIGNATURES}
    order = _START
    for place, names in enumerate(_PLACES[language], 1):
        order = order.replace(f"%{place}", names)
    steps, functions = {}, {}
    for name in order.split():
        if name.startswith("@"):
            steps[name[1:]] = (next(numbers), next(numbers))
            continue
        signature = by_name[name]
        cpu, memory = _shapes(signature, newest, is_v3)
        cpu_numbers = [next(numbers) for _ in range(_SHAPES[cpu][0])]
        memory_numbers = [next(numbers) for _ in range(_SHAPES[memory][0])]
        kinds = signature.kinds_v3 if is_v3 else signature.kinds
        functions[name] = _price(kinds, newest, (cpu, cpu_numbers), (memory, memory_numbers))
    return Prices(steps, tuple(functions[each.name] for each in SIGNATURES))


def _numbers(model: tuple[int, ...]) -> Iterator[int]:
    yield from model
    while True:
        yield MOST


def _shapes(signature: Signature, newest: bool, is_v3: bool) -> tuple[str, str]:
    """The shapes of (CPU, memory); protocol version 10 differs in a few."""
    cpu, memory = signature.cpu, signature.memory
    if is_v3:
        cpu, memory = signature.cpu_v3, signature.memory_v3
    if not newest:
        cpu = cpu.replace("both", "above")
        memory = memory.replace("y*", "x-y")
    return cpu, memory


class WrongArgument(Exception):
    """An argument of another type, or out of its bounds: nothing is charged."""


def _price(  # noqa: C901 - one closure for each number of arguments
    kinds: tuple[str, ...],
    newest: bool,
    cpu: tuple[str, list[int]],
    memory: tuple[str, list[int]],
) -> Price:
    measures = [_measure(kind, newest) for kind in kinds]
    cpu_of, memory_of = _SHAPES[cpu[0]][1], _SHAPES[memory[0]][1]
    cpu_numbers, memory_numbers = cpu[1], memory[1]

    def compute(sizes: Sequence[int]) -> tuple[int, int]:
        return min(cpu_of(cpu_numbers, sizes), MOST), min(memory_of(memory_numbers, sizes), MOST)

    if cpu[0] == memory[0] == "const":
        return _constant_price(measures, compute(()))
    if "data" in kinds and len(kinds) == 2:
        return lambda x, y: compute((_smaller(x, y), MOST))
    known: dict[Any, tuple[int, int]] = {}

    def remember(sizes: tuple[int, ...]) -> tuple[int, int]:
        price = compute(sizes)
        if len(known) < 4096:
            known[sizes] = price
        return price

    if len(measures) == 1:
        (only,) = measures

        def unary(x: Any) -> tuple[int, int]:
            sizes = (only(x),)
            return known.get(sizes) or remember(sizes)

        return unary
    if len(measures) == 2:
        one, other = measures

        def binary(x: Any, y: Any) -> tuple[int, int]:
            sizes = (one(x), other(y))
            return known.get(sizes) or remember(sizes)

        return binary

    def several(*arguments: Any) -> tuple[int, int]:
        sizes = tuple(
            measure(argument) for measure, argument in zip(measures, arguments, strict=True)
        )
        return known.get(sizes) or remember(sizes)

    return several


def _constant_price(measures: list[Measure], price: tuple[int, int]) -> Price:
    """Only arguments that have a type are looked at."""
    looked_at = [each for each in measures if each is not _anything]
    if len(looked_at) == 1 and measures[0] is looked_at[0]:
        (first,) = looked_at

        def first_only(x: Any, *_: Any) -> tuple[int, int]:
            first(x)
            return price

        return first_only

    def constant(*arguments: Any) -> tuple[int, int]:
        for measure, argument in zip(measures, arguments, strict=True):
            measure(argument)
        return price

    return constant


def _smaller(one: Any, other: Any) -> int:
    if type(one) is not Data or type(other) is not Data:
        raise WrongArgument
    return smaller_data_size(one, other)


def _anything(_: Any) -> int:
    return 1


def _typed(wanted: type, size: Measure | None = None) -> Measure:
    """The measure of a constant of one Python type; 1 where its size is not used."""

    def unsized(value: Any) -> int:
        if type(value) is not wanted:
            raise WrongArgument
        return 1

    def sized(value: Any) -> int:
        if type(value) is not wanted:
            raise WrongArgument
        assert size is not None  # noqa: S101 - for the type checker
        return size(value)

    return unsized if size is None else sized


def _bounded(low: int, high: int) -> Measure:
    def measure(value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise WrongArgument
        return 1

    return measure


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise WrongArgument
    return (value.bit_length() + 63) >> 6 or 1


def _integer_bounded(value: Any) -> int:
    if type(value) is not int:
        raise WrongArgument
    bits = value.bit_length()
    if bits > INTEGER_BITS and value != -(1 << INTEGER_BITS):
        raise WrongArgument
    return (bits + 63) >> 6 or 1


def _bytes(value: Any) -> int:
    if type(value) is not bytes:
        raise WrongArgument
    return (len(value) + 7) >> 3 or 1


def _bytes_bounded(value: Any) -> int:
    if type(value) is not bytes or len(value) > LONGEST_BYTES:
        raise WrongArgument
    return (len(value) + 7) >> 3 or 1


def _list_of(kind: values.Kind | None) -> Measure:
    def measure(value: Any) -> int:
        if type(value) is not Cell or (kind is not None and value.kind != kind):
            raise WrongArgument
        return 1

    return measure


def _list_length(kind: values.Kind | None) -> Measure:
    def measure(value: Any) -> int:
        if type(value) is not Cell or (kind is not None and value.kind != kind):
            raise WrongArgument
        return sum(1 for _ in value)

    return measure


def _constant(value: Any) -> int:
    if type(value) is tuple:
        raise WrongArgument
    return 1


def _curve(kind: values.Kind, size: int) -> Measure:
    def measure(value: Any) -> int:
        if type(value) is not Curve or value.kind != kind:
            raise WrongArgument
        return size

    return measure


_INT64: Final = _bounded(-(1 << 63), MOST)
_MEASURES: Final[dict[str, Measure]] = {
    "any": _anything,
    "constant": _constant,
    "int": _integer,
    "int-b": _integer_bounded,
    "int-abs": _typed(int, abs),
    "int-len": _typed(int, lambda value: ((abs(value) - 1) >> 3) + 1),
    "int64": _INT64,
    "word8": _bounded(0, 255),
    "word64": _bounded(0, (1 << 64) - 1),
    "bytes": _bytes,
    "bytes-b": _bytes_bounded,
    "text": _typed(str),
    "text-8": _typed(str, lambda value: len(value.encode()) // 4),
    "bool": _typed(bool),
    "unit": _typed(type(None)),
    "pair": _typed(Pair),
    "data": _typed(Data),
    "data-size": _typed(Data, lambda value: data_size(value)[0]),
    "data-n": _typed(Data, lambda value: data_size(value)[1]),
    "array": _typed(Array),
    "value": _typed(Tokens, lambda value: value.count),
    "value-d": _typed(
        Tokens, lambda value: len(value.policies).bit_length() + value.longest.bit_length()
    ),
    "G1": _curve(values.G1, 18),
    "G2": _curve(values.G2, 36),
    "ml": _curve(values.ML, 72),
    "list": _list_of(None),
    "list(data)": _list_of(values.DATA),
    "list(pair)": _list_of(values.PAIR_OF_DATA),
    "list(int)": _list_length(values.INTEGER),
    "list(G1)": _list_length(values.G1),
    "list(G2)": _list_length(values.G2),
    "list-length": _list_length(None),
}
"""By kind of argument: checks it, and gives its size."""

_BEFORE_11: Final[dict[str, Measure]] = {
    "int-b": _integer,
    "bytes-b": _bytes,
    "text-8": _typed(str, len),
}
"""What protocol version 10 takes otherwise."""


def _measure(kind: str, newest: bool) -> Measure:
    return _MEASURES[kind] if newest else _BEFORE_11.get(kind, _MEASURES[kind])


def _linear(size: Callable[[Sequence[int]], int]) -> tuple[int, Shape]:
    return 2, lambda n, sizes: n[0] + n[1] * size(sizes)


def _square(at: int) -> tuple[int, Shape]:
    return 3, lambda n, sizes: n[0] + n[1] * sizes[at] + n[2] * sizes[at] ** 2


def _exp_mod(n: Sequence[int], sizes: Sequence[int]) -> int:
    x, y, z = sizes
    total = n[0] + n[1] * y * z + n[2] * y * z * z
    return total if x <= z else total + total // 2


def _quadratic(n: Sequence[int], x: int, y: int) -> int:
    c00, c01, c02, c10, c11, c20, least = n
    return max(least, c00 + c10 * x + c01 * y + c20 * x * x + c11 * x * y + c02 * y * y)


_SHAPES: Final[dict[str, tuple[int, Shape]]] = {
    "const": (1, lambda n, _: n[0]),
    "x": _linear(lambda sizes: sizes[0]),
    "y": _linear(lambda sizes: sizes[1]),
    "z": _linear(lambda sizes: sizes[2]),
    "u": _linear(lambda sizes: sizes[3]),
    "x+y": _linear(lambda sizes: sizes[0] + sizes[1]),
    "x*y": _linear(lambda sizes: sizes[0] * sizes[1]),
    "min": _linear(min),
    "max": _linear(max),
    "max(y,z)": _linear(lambda sizes: max(sizes[1], sizes[2])),
    "x-y": (3, lambda n, sizes: n[0] + n[2] * max(n[1], sizes[0] - sizes[1])),
    "y*": (3, lambda n, sizes: n[0] + n[2] * sizes[1]),
    "y&z": (3, lambda n, sizes: n[0] + n[1] * sizes[1] + n[2] * sizes[2]),
    "x2": _square(0),
    "y2": _square(1),
    "z2": _square(2),
    "diag": (3, lambda n, sizes: n[1] + n[2] * sizes[0] if sizes[0] == sizes[1] else n[0]),
    "y|z": (2, lambda n, sizes: sizes[1] or n[0] + n[1] * sizes[2]),
    "inter": (
        4,
        lambda n, s: n[0] + n[1] * s[0] + n[2] * s[1] + n[3] * s[0] * s[1],
    ),
    "expmod": (3, _exp_mod),
    "above(x*y)": (3, lambda n, s: n[0] if s[0] < s[1] else n[1] + n[2] * s[0] * s[1]),
    "above(x&y)": (4, lambda n, s: n[0] if s[0] < s[1] else n[1] + n[2] * s[0] + n[3] * s[1]),
    "above(quad)": (8, lambda n, s: n[0] if s[0] < s[1] else _quadratic(n[1:], s[0], s[1])),
    "both(x*y)": (3, lambda n, s: n[1] + n[2] * s[0] * s[1]),
    "both(quad)": (8, lambda n, s: _quadratic(n[1:], max(s), min(s))),
}
"""By shape: how many numbers it has, and the price from them and the arguments' sizes."""
