"""The built-in functions: their names, what they take, and the shape of their prices. One table.

Kinds of arguments and shapes of prices are explained where they are measured, in `prices`.
Sources: `PlutusCore.Default.Builtins`, `cost-model/data/builtinCostModelD.json` and `…E.json`.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Signature(NamedTuple):
    """A built-in function: forces come before arguments.

    `cpu` and `memory` are shapes for V1 and V2; `cpu_v3` and `memory_v3` where V3's differ.
    `kinds_v3` likewise.
    """

    tag: int
    name: str
    forces: int
    kinds: tuple[str, ...]
    cpu: str
    memory: str
    kinds_v3: tuple[str, ...]
    cpu_v3: str
    memory_v3: str


_TABLE: Final = """
addInteger 0 int-b,int-b max max
subtractInteger 0 int-b,int-b max max
multiplyInteger 0 int-b,int-b x*y x+y
divideInteger 0 int-b,int-b both(x*y) x-y ; int-b,int-b both(quad) x-y
quotientInteger 0 int-b,int-b above(x*y) x-y ; int-b,int-b above(quad) x-y
remainderInteger 0 int-b,int-b above(x*y) y* ; int-b,int-b above(quad) y
modInteger 0 int-b,int-b both(x*y) y* ; int-b,int-b both(quad) y
equalsInteger 0 int,int min const
lessThanInteger 0 int-b,int-b min const
lessThanEqualsInteger 0 int-b,int-b min const
appendByteString 0 bytes-b,bytes-b x+y x+y
consByteString 0 int-b,bytes-b y x+y ; word8,bytes-b y x+y
sliceByteString 0 int64,int64,bytes-b z z
lengthOfByteString 0 bytes const const
indexByteString 0 bytes-b,int64 const const
equalsByteString 0 bytes-b,bytes-b diag const
lessThanByteString 0 bytes-b,bytes-b min const
lessThanEqualsByteString 0 bytes-b,bytes-b min const
sha2_256 0 bytes-b x const
sha3_256 0 bytes-b x const
blake2b_256 0 bytes-b x const
verifyEd25519Signature 0 bytes,bytes-b,bytes y const
appendString 0 text-8,text-8 x+y x+y
equalsString 0 text-8,text-8 diag const
encodeUtf8 0 text-8 x x
decodeUtf8 0 bytes-b x x
ifThenElse 1 bool,any,any const const
chooseUnit 1 unit,any const const
trace 1 text,any const const
fstPair 2 pair const const
sndPair 2 pair const const
chooseList 2 list,any,any const const
mkCons 1 constant,list const const
headList 1 list const const
tailList 1 list const const
nullList 1 list const const
chooseData 1 data,any,any,any,any,any const const
constrData 0 word64,list(data) const const
mapData 0 list(pair) const const
listData 0 list(data) const const
iData 0 int const const
bData 0 bytes const const
unConstrData 0 data const const
unMapData 0 data const const
unListData 0 data const const
unIData 0 data const const
unBData 0 data const const
equalsData 0 data,data min const
mkPairData 0 data,data const const
mkNilData 0 unit const const
mkNilPairData 0 unit const const
serialiseData 0 data-size x x
verifyEcdsaSecp256k1Signature 0 bytes,bytes,bytes const const
verifySchnorrSecp256k1Signature 0 bytes,bytes-b,bytes y const
bls12_381_G1_add 0 G1,G1 const const
bls12_381_G1_neg 0 G1 const const
bls12_381_G1_scalarMul 0 int,G1 x const
bls12_381_G1_equal 0 G1,G1 const const
bls12_381_G1_compress 0 G1 const const
bls12_381_G1_uncompress 0 bytes const const
bls12_381_G1_hashToGroup 0 bytes-b,bytes x const
bls12_381_G2_add 0 G2,G2 const const
bls12_381_G2_neg 0 G2 const const
bls12_381_G2_scalarMul 0 int,G2 x const
bls12_381_G2_equal 0 G2,G2 const const
bls12_381_G2_compress 0 G2 const const
bls12_381_G2_uncompress 0 bytes const const
bls12_381_G2_hashToGroup 0 bytes-b,bytes x const
bls12_381_millerLoop 0 G1,G2 const const
bls12_381_mulMlResult 0 ml,ml const const
bls12_381_finalVerify 0 ml,ml const const
keccak_256 0 bytes-b x const
blake2b_224 0 bytes-b x const
integerToByteString 0 bool,int-len,int z2 y|z
byteStringToInteger 0 bool,bytes-b y2 y
andByteString 0 bool,bytes-b,bytes-b y&z max(y,z)
orByteString 0 bool,bytes-b,bytes-b y&z max(y,z)
xorByteString 0 bool,bytes-b,bytes-b y&z max(y,z)
complementByteString 0 bytes-b x x
readBit 0 bytes-b,int64 const const
writeBits 0 bytes,list(int),bool y x
replicateByte 0 int-len,word8 x x
shiftByteString 0 bytes,int64 x x
rotateByteString 0 bytes,int64 x x
countSetBits 0 bytes-b x const
findFirstSetBit 0 bytes-b x const
ripemd_160 0 bytes-b x const
expModInteger 0 int,int,int expmod z
dropList 1 int-abs,list x const
lengthOfArray 1 array const const
listToArray 1 list-length x x
indexArray 1 array,int64 const const
bls12_381_G1_multiScalarMul 0 list(int),list(G1) x const
bls12_381_G2_multiScalarMul 0 list(int),list(G2) x const
insertCoin 0 bytes,bytes,int,value-d u u
lookupCoin 0 bytes,bytes,value-d z const
unionValue 0 value,value inter x+y
valueContains 0 value,value above(x&y) const
valueData 0 value x x
unValueData 0 data-n x2 x
scaleValue 0 int,value y y
"""


def _signatures() -> tuple[Signature, ...]:
    rows = []
    for tag, line in enumerate(_TABLE.split("\n")[1:-1]):
        common, _, newer = line.partition(" ; ")
        name, forces, kinds, cpu, memory = common.split(" ")
        kinds_v3, cpu_v3, memory_v3 = newer.split(" ") if newer else (kinds, cpu, memory)
        parts, parts_v3 = _split(kinds), _split(kinds_v3)
        row = Signature(tag, name, int(forces), parts, cpu, memory, parts_v3, cpu_v3, memory_v3)
        rows.append(row)
    return tuple(rows)


def _split(kinds: str) -> tuple[str, ...]:
    return tuple(kinds.split(","))


SIGNATURES: Final = _signatures()
"""By tag, 0 to 100. `y|z` is the page's "y or z", `x2` the square of x."""
