// @ts-check
/**
 * BLAKE2b of 32 bytes (RFC 7693), without a key: the hash by which the chain names documents. Browsers have none.
 */

/** The initial state: fractional parts of the square roots of the first eight primes. */
const IV = [
  ...[0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n],
  ...[0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n],
]
/** Which words of a block are mixed in, by round, each as a hexadecimal digit; the first two rounds come again. */
const SIGMA = [
  ...['0123456789abcdef', 'ea489fd61c02b753', 'b8c052fdae367194', '7931dcbe265a40f8', '905724afe1bc683d'],
  ...['2c6a0b834d75fe19', 'c51fed4a0763928b', 'db7ec13950f4862a', '6fe9b308c2d714a5', 'a2847615fb9e3cd0'],
  ...['0123456789abcdef', 'ea489fd61c02b753'],
].map((row) => [...row].map((digit) => parseInt(digit, 16)))
/** Columns, then diagonals, of the state. */
const MIXED = [
  ...[[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]],
  ...[[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]],
]
const BLOCK = 128
const LENGTH = 32
/** How many blocks are hashed before the page may do something else. */
const BREATH = 4096

/** @param {bigint} word @param {bigint} by */
const turned = (word, by) => (word >> by) | BigInt.asUintN(64, word << (64n - by))

/**
 * Mixes one block into the state.
 * @param {bigint[]} state
 * @param {DataView} block
 * @param {number} length how many bytes there were up to its end
 * @param {boolean} last
 */
function compress(state, block, length, last) {
  const words = Array.from({ length: 16 }, (_, place) => block.getBigUint64(8 * place, true))
  const v = [...state, ...IV]
  v[12] ^= BigInt(length)
  if (last) v[14] ^= 0xffffffffffffffffn
  for (const row of SIGMA) {
    MIXED.forEach(([a, b, c, d], number) => {
      v[a] = BigInt.asUintN(64, v[a] + v[b] + words[row[2 * number]])
      v[d] = turned(v[d] ^ v[a], 32n)
      v[c] = BigInt.asUintN(64, v[c] + v[d])
      v[b] = turned(v[b] ^ v[c], 24n)
      v[a] = BigInt.asUintN(64, v[a] + v[b] + words[row[2 * number + 1]])
      v[d] = turned(v[d] ^ v[a], 16n)
      v[c] = BigInt.asUintN(64, v[c] + v[d])
      v[b] = turned(v[b] ^ v[c], 63n)
    })
  }
  for (let place = 0; place < 8; place++) state[place] ^= v[place] ^ v[place + 8]
}

/**
 * The hash of a file's bytes, in hexadecimal.
 * @param {ArrayBuffer} content
 * @returns {Promise<string>}
 */
export async function blake2b256(content) {
  const state = [...IV]
  state[0] ^= BigInt(0x01010000 ^ LENGTH)
  const count = Math.max(1, Math.ceil(content.byteLength / BLOCK))
  for (let number = 0; number < count; number++) {
    const last = number === count - 1
    const end = last ? content.byteLength : (number + 1) * BLOCK
    const block = new Uint8Array(BLOCK)
    block.set(new Uint8Array(content, number * BLOCK, end - number * BLOCK))
    compress(state, new DataView(block.buffer), end, last)
    if (number % BREATH === BREATH - 1) await new Promise((wake) => setTimeout(wake))
  }
  const hash = new DataView(new ArrayBuffer(64))
  state.forEach((word, place) => hash.setBigUint64(8 * place, word, true))
  return [...new Uint8Array(hash.buffer, 0, LENGTH)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
