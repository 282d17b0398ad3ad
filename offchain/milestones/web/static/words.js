// @ts-check
/**
 * Words in the page: notes of how something goes, what a transaction does, and what was refused.
 *
 * Everything is put in as text, never as HTML, and is bounded.
 */
import { WalletError, shown } from './wallet.js'

/** A message of the program as a sentence: with a capital, unless it begins with a name. @param {string} text */
const sentence = (text) =>
  `${/^[a-z]+[,:;]? /.test(text) ? text[0].toUpperCase() : text[0]}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`

/** What the API refused, as it says it. */
export class Refused extends Error {
  /** @param {{code?: string, message?: string, hint?: string}} error */
  constructor(error) {
    super(sentence(error.message || 'the server gave no answer that can be read'))
    this.code = error.code || 'no_answer'
    this.hint = sentence(error.hint || 'try again in a minute')
  }
}

/**
 * A note of the look with a sentence, and more of them below.
 * @param {'done' | 'ready' | 'waiting' | 'attention' | 'failed'} kind
 * @param {string} sentence
 * @param {...(string | Node)} more
 * @returns {Node}
 */
export function note(kind, sentence, ...more) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(`note-${kind}`))
  const made = /** @type {DocumentFragment} */ (template.content.cloneNode(true))
  const says = /** @type {HTMLElement} */ (made.querySelector('.says'))
  says.textContent = shown(sentence, 1000)
  let last = says
  for (const each of more) {
    if (!each) continue
    const line = typeof each === 'string' ? element('p', each) : /** @type {HTMLElement} */ (each)
    last.after(line)
    last = line
  }
  return made
}

/**
 * @param {string} name
 * @param {string} [text]
 * @param {string} [kind]
 * @returns {HTMLElement}
 */
export function element(name, text = '', kind = '') {
  const made = document.createElement(name)
  made.textContent = shown(text, 1000)
  if (kind) made.className = kind
  return made
}

/** @param {unknown} error @returns {Node} */
export function refusalNote(error) {
  if (error instanceof WalletError) {
    const kind = error.refusal === 'declined' ? 'attention' : 'failed'
    return note(kind, error.message, error.hint, error.said && `The wallet says: ${error.said}`)
  }
  if (error instanceof Refused) return note('failed', error.message, error.hint)
  console.error(error)
  return note('failed', 'Something went wrong in this page.', 'Load it again. Nothing was sent unless it says so.')
}

/**
 * What a transaction does and costs, from its bytes, as the API says it.
 * @param {any} built
 * @returns {Node[]}
 */
export function inWords({ words, valid_until, transaction_hash }) {
  const changes = element('dl', '', 'definitions')
  for (const each of words.balances) {
    const tokens = each.assets.map((/** @type {any} */ one) => `${signed(one.quantity)} ${one.name || brief(one.asset)}`)
    const line = [`${signed(each.lovelace, 6)} ADA`, ...tokens].filter((one) => !/^[+−]0[ .]?0* /.test(one))
    changes.append(element('dt', isContract(each.address) ? 'The contract' : brief(each.address)), element('dd', line.join(', ')))
  }
  const doubts = words.doubts.map((/** @type {string} */ each) => element('p', `Look at this twice: ${each}`))
  const all = element('ul')
  all.append(...words.summary.map((/** @type {string} */ each) => element('li', sentence(each))))
  const id = element('p', 'Transaction ', 'small')
  id.append(element('code', transaction_hash, 'id'))
  const details = element('details', '', 'small')
  details.append(element('summary', 'Everything it does'), all, id)
  const until = valid_until ? ` It can be sent until ${moment(valid_until)}.` : ''
  return [changes, element('p', `The fee of ${amount(words.fee_lovelace, 6)} ADA is in it.${until}`, 'small'), ...doubts, details]
}

/** Whether an address is that of the distribution whose page this is. @param {string} address */
const isContract = (address) => location.pathname.split('/')[2]?.startsWith(address) ?? false

/** An address or a token as a page shows it, shortened in the middle. @param {string} text */
const brief = (text) => (text.length > 23 ? `${text.slice(0, 14)}…${text.slice(-8)}` : text)

/** A whole number with separators and decimals. @param {number} units @param {number} [decimals] */
function amount(units, decimals = 0) {
  const digits = String(Math.abs(units)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',')
  return decimals ? `${whole}.${digits.slice(-decimals)}` : whole
}

/** @param {number} units @param {number} [decimals] */
const signed = (units, decimals) => `${units < 0 ? '−' : '+'}${amount(units, decimals)}`

/** @param {number} posixSeconds */
const moment = (posixSeconds) =>
  new Date(posixSeconds * 1000).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
