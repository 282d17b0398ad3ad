// @ts-check
/**
 * Wallets in the browser (CIP-30): which there are, what they answer, and each refusal in words.
 *
 * What a wallet says is foreign: only hexadecimal is taken from it, and its words are shown as text, bounded.
 */

/**
 * What a wallet injects, as CIP-30 names it.
 * @typedef {object} WalletApi
 * @property {() => Promise<number>} getNetworkId
 * @property {(amount?: string, paginate?: object) => Promise<string[] | null>} getUtxos
 * @property {(options?: object) => Promise<string[] | null>} [getCollateral]
 * @property {() => Promise<string[]>} getUsedAddresses
 * @property {() => Promise<string[]>} getUnusedAddresses
 * @property {() => Promise<string>} getChangeAddress
 * @property {() => Promise<string[]>} getRewardAddresses
 * @property {(tx: string, partialSign?: boolean) => Promise<string>} signTx
 * @property {(address: string, payload: string) => Promise<{signature: string, key: string}>} signData
 */

/**
 * @typedef {'no_wallet' | 'declined' | 'wrong_network' | 'disconnected' | 'no_ada' | 'no_key' | 'failed'} Refusal
 */

/** Longest text of a wallet that is shown, in characters. */
const LONGEST_WORDS = 300
/** How long wallets are looked for after the page has loaded: they come late. In milliseconds. */
const LOOK_FOR_MS = 4000
const LOOK_EVERY_MS = 200

/** @type {Record<Refusal, [string, string]>} What happened, and what to do next. */
const WORDS = {
  no_wallet: [
    'There is no wallet in this browser.',
    "Install a Cardano wallet as an extension, or open this page in the browser of your wallet's app; then load it again.",
  ],
  declined: ['You declined in the wallet.', 'Nothing was signed and nothing was sent. You can start again.'],
  wrong_network: [
    'The wallet is on another network than this page.',
    "Choose the other network in the wallet's settings, then connect it again.",
  ],
  disconnected: [
    'The wallet is not connected any more.',
    'It may be locked, or another account was chosen in it. Unlock it, then connect it again.',
  ],
  no_ada: [
    'The wallet holds no ADA, and the chain takes a fee.',
    'Ask to be paid instead where this page offers it, or let somebody else pay: whoever sends it, it goes to you.',
  ],
  no_key: [
    'The wallet does not have the key that has to sign.',
    'Choose the account with that address in the wallet, then connect it again.',
  ],
  failed: ['The wallet could not do this.', 'Nothing was sent. Try again, or use another wallet.'],
}

/** What a wallet refused: `refusal` is for programs, `message` and `hint` are for people. */
export class WalletError extends Error {
  /**
   * @param {Refusal} refusal
   * @param {string} [said] what the wallet itself said
   */
  constructor(refusal, said = '') {
    super(WORDS[refusal][0])
    this.name = 'WalletError'
    /** @type {Refusal} */
    this.refusal = refusal
    this.hint = WORDS[refusal][1]
    this.said = said
  }
}

/**
 * A text of others, each character of which is seen: what would steer the page is shown as its code.
 * @param {unknown} text
 * @param {number} [most]
 * @returns {string}
 */
export function shown(text, most = LONGEST_WORDS) {
  const whole = typeof text === 'string' ? text : ''
  const cut = whole.length > most ? `${whole.slice(0, most)}…` : whole
  return cut.replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (found) => `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * Codes of CIP-30 mean different things by call: 2 is the key's absence in `signData`, a refusal in `signTx`.
 * @type {Record<string, Record<number, Refusal>>}
 */
const BY_CALL = {
  signTx: { 1: 'no_key', 2: 'declined' },
  signData: { 1: 'no_key', 2: 'no_key', 3: 'declined' },
}

/**
 * What a wallet threw, which may be anything at all: a plain object, an Error, a string.
 * @param {string} call
 * @param {unknown} thrown
 * @returns {WalletError}
 */
function refusalOf(call, thrown) {
  if (thrown instanceof WalletError) return thrown
  const { code, info, message } = /** @type {{code?: unknown, info?: unknown, message?: unknown}} */ (
    thrown !== null && typeof thrown === 'object' ? thrown : { info: thrown }
  )
  const said = shown(info ?? message ?? '')
  if (code === -3) return new WalletError(call === 'enable' ? 'declined' : 'disconnected', said)
  if (code === -4) return new WalletError('disconnected', said)
  const known = typeof code === 'number' ? BY_CALL[call]?.[code] : undefined
  if (known) return new WalletError(known, said)
  if (/declin|reject|cancel|denied/i.test(said)) return new WalletError('declined', said)
  if (/disconnect|lock|not enabled|account change/i.test(said)) return new WalletError('disconnected', said)
  return new WalletError('failed', said)
}

/**
 * Hexadecimal that a wallet answered, in small letters.
 * @param {string} call
 * @param {unknown} answer
 * @returns {string}
 */
function hexadecimal(call, answer) {
  if (typeof answer === 'string' && /^([0-9a-f]{2})+$/i.test(answer)) return answer.toLowerCase()
  throw new WalletError('failed', `${call} answered no hexadecimal`)
}

/** @param {string} call @param {unknown} answer @returns {string[]} */
function hexadecimals(call, answer) {
  return Array.isArray(answer) ? answer.map((each) => hexadecimal(call, each)) : []
}

/** A wallet that was connected. Every method throws a `WalletError` and nothing else. */
export class Wallet {
  /** @type {WalletApi} */
  #api
  /** @type {number} */
  #network

  /**
   * @param {string} key its name in `window.cardano`
   * @param {string} name its name for people
   * @param {WalletApi} api
   * @param {number} network 0 for test networks, 1 for the main network
   */
  constructor(key, name, api, network) {
    this.key = key
    this.name = name
    this.#api = api
    this.#network = network
  }

  /**
   * @template T
   * @param {keyof WalletApi} call
   * @param {...unknown} given
   * @returns {Promise<T>}
   */
  async #ask(call, ...given) {
    try {
      const method = this.#api[call]
      if (typeof method !== 'function') throw new WalletError('failed', `it has no ${call}`)
      return await /** @type {any} */ (method).apply(this.#api, given)
    } catch (thrown) {
      throw refusalOf(call, thrown)
    }
  }

  /** The person may have chosen another network since: looked at before everything that is built or signed. */
  async mustBeOnNetwork() {
    if ((await this.#ask('getNetworkId')) !== this.#network) throw new WalletError('wrong_network')
  }

  /**
   * Its addresses, each once, as hexadecimal bytes; a fresh wallet has used none yet.
   * @returns {Promise<string[]>}
   */
  async addresses() {
    const used = hexadecimals('getUsedAddresses', await this.#ask('getUsedAddresses'))
    const unused = hexadecimals('getUnusedAddresses', await this.#ask('getUnusedAddresses'))
    return [...new Set([await this.changeAddress(), ...used, ...unused])]
  }

  /** Where change returns, as hexadecimal bytes. @returns {Promise<string>} */
  async changeAddress() {
    return hexadecimal('getChangeAddress', await this.#ask('getChangeAddress'))
  }

  /**
   * What it can spend: outputs with their references, CBOR in hexadecimal. Refuses with `no_ada` where there is none.
   * @returns {Promise<string[]>}
   */
  async outputs() {
    const found = hexadecimals('getUtxos', await this.#ask('getUtxos'))
    if (!found.length) throw new WalletError('no_ada')
    return found
  }

  /**
   * What it keeps as collateral: deprecated, often missing, and then any output does.
   * @returns {Promise<string[]>}
   */
  async collateral() {
    if (typeof this.#api.getCollateral !== 'function') return []
    try {
      return hexadecimals('getCollateral', await this.#api.getCollateral({ amount: '5000000' }))
    } catch {
      return []
    }
  }

  /**
   * A witness set with the wallet's own signatures. Others may have to sign as well, so it is asked for its part.
   * @param {string} transaction CBOR in hexadecimal
   * @returns {Promise<string>}
   */
  async signTransaction(transaction) {
    await this.mustBeOnNetwork()
    return hexadecimal('signTx', await this.#ask('signTx', transaction, true))
  }

  /**
   * Signs bytes as CIP-8 has it.
   * @param {string} address hexadecimal bytes, one of its own: wallets refuse others
   * @param {string} payload hexadecimal
   * @returns {Promise<{signature: string, key: string}>}
   */
  async signData(address, payload) {
    await this.mustBeOnNetwork()
    const answer = /** @type {{signature?: unknown, key?: unknown} | null} */ (
      await this.#ask('signData', address, payload)
    )
    return {
      signature: hexadecimal('signData', answer?.signature),
      key: hexadecimal('signData', answer?.key),
    }
  }
}

/**
 * The wallets that are in this browser now, each once, by name.
 * @returns {{key: string, name: string}[]}
 */
export function walletsHere() {
  const injected = /** @type {any} */ (window).cardano
  if (injected === null || typeof injected !== 'object') return []
  const seen = new Set()
  const found = []
  for (const key of Object.keys(injected).slice(0, 50)) {
    const each = injected[key]
    if (each === null || typeof each !== 'object' || typeof each.enable !== 'function' || seen.has(each)) continue
    seen.add(each)
    found.push({ key, name: shown(each.name, 40).trim() || shown(key, 40) })
  }
  return found.sort((one, other) => one.name.localeCompare(other.name))
}

/**
 * Looks for wallets until none can be expected to come any more; `show` hears of every change, and of the end.
 * @param {(found: {key: string, name: string}[], isLast: boolean) => void} show
 */
export function watchForWallets(show) {
  const until = Date.now() + LOOK_FOR_MS
  let known = ''
  const look = () => {
    const found = walletsHere()
    const isLast = Date.now() >= until
    const now = JSON.stringify([found, isLast])
    if (now !== known) show(found, isLast)
    known = now
    if (!isLast) setTimeout(look, LOOK_EVERY_MS)
  }
  look()
}

/**
 * Whether a wallet would be connected without asking the person; false for whatever else it says.
 * @param {string} key its name in `window.cardano`
 * @returns {Promise<boolean>}
 */
export async function isEnabled(key) {
  try {
    return (await /** @type {any} */ (window).cardano[key].isEnabled()) === true
  } catch {
    return false
  }
}

/**
 * Asks a wallet to be connected, and looks at its network.
 * @param {string} key its name in `window.cardano`
 * @param {number} network 0 for test networks, 1 for the main network
 * @returns {Promise<Wallet>}
 */
export async function connect(key, network) {
  const found = walletsHere().find((each) => each.key === key)
  if (!found) throw new WalletError('no_wallet')
  try {
    const api = await /** @type {any} */ (window).cardano[key].enable()
    const wallet = new Wallet(key, found.name, api, network)
    await wallet.mustBeOnNetwork()
    return wallet
  } catch (thrown) {
    throw refusalOf('enable', thrown)
  }
}
