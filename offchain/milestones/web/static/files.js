// @ts-check
/**
 * Files that somebody chooses, and those that the page hands out. A key's file never leaves this browser.
 */
import { Refused } from './words.js'

/** Largest file that is read, in bytes: the largest transaction takes some 33 kB as text. */
const MOST_BYTES = 100_000

/** @param {File} file @returns {Promise<string>} */
async function textOf(file) {
  if (file.size > MOST_BYTES) throw new Refused({ message: `${file.name} is too large`, hint: 'choose another file' })
  return (await file.text()).trim()
}

/** @param {File} file @returns {Promise<any>} */
async function objectIn(file) {
  try {
    return JSON.parse(await textOf(file))
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused({ message: `${file.name} is not JSON`, hint: 'choose the file as it was written' })
  }
}

/**
 * Who a committee is, as the API takes it.
 * @param {HTMLFormElement} step
 */
export async function committeeOf(step) {
  const field = (/** @type {string} */ name) =>
    /** @type {HTMLInputElement} */ (step.querySelector(`[data-committee=${name}]`))
  const file = /** @type {File} */ (field('script').files?.[0])
  return {
    script: await objectIn(file),
    collateral: field('collateral').value.trim(),
    valid_for_seconds: Number(field('days').value) * 86_400,
  }
}

/**
 * What is in text envelopes of cardano-cli, in hexadecimal: whole transactions, and all that may hold signatures.
 * @param {Iterable<File>} files
 */
export async function signaturesIn(files) {
  /** @type {string[]} */
  const transactions = []
  /** @type {string[]} */
  const all = []
  for (const file of files) {
    const { type, cborHex } = (await objectIn(file)) ?? {}
    if (/SigningKey/.test(type)) {
      throw new Refused({ message: `${file.name} is a key: it was not sent`, hint: 'keep it to yourself; sign with it, and choose the signature' })
    }
    if (typeof type !== 'string' || !/^([0-9a-f]{2})+$/i.test(cborHex)) {
      throw new Refused({ message: `${file.name} holds neither a transaction nor a signature`, hint: 'choose a text envelope as cardano-cli writes it' })
    }
    if (/(^| )Tx /.test(type)) transactions.push(cborHex)
    all.push(cborHex)
  }
  return { transactions, all }
}

/**
 * Lets a link save a transaction as cardano-cli reads it.
 * @param {HTMLAnchorElement} link
 * @param {string} transaction CBOR in hexadecimal
 */
export function offer(link, transaction) {
  const envelope = { type: 'Tx ConwayEra', description: 'Ledger Cddl Format', cborHex: transaction }
  const file = new Blob([`${JSON.stringify(envelope, null, 4)}\n`], { type: 'application/json' })
  link.href = URL.createObjectURL(file)
  link.hidden = false
}
