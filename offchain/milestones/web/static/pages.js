// @ts-check
/**
 * What the pages do beside showing: connect a wallet, and go through steps whose end a wallet signs.
 *
 * Everything that can be read is in the page as it was served. A step is a form: what it holds is sent to the
 * API, the transaction or statement that comes back is shown in words and signed in the wallet, and then it is
 * followed into its block. Words are put in as text, never as HTML.
 */
import { blake2b256 } from './blake2b.js'
import { ask, fieldsOf } from './asking.js'
import { committeeOf, offer, signaturesIn } from './files.js'
import { again, follow, requestPayment } from './following.js'
import { Wallet, WalletError, connect, isEnabled, watchForWallets } from './wallet.js'
import { Refused, element, inWords, note, refusalNote } from './words.js'

const REMEMBERED = 'milestones-wallet'
/** Kinds of steps that no wallet has to sign. */
const WITHOUT_WALLET = ['payment', 'committee', 'files', 'send']
const MOST_ADDRESSES = 60
/** Of a wallet's outputs: more the API doesn't take. */
const MOST_OUTPUTS = 500
const MOST_CHARACTERS = 200_000

/** @type {Wallet | null} */
let wallet = null
const panel = document.getElementById('wallet')

// -- the wallet

/**
 * Shows the wallets of this browser, and connects the one that is chosen.
 * @param {HTMLElement} panel
 */
function offerWallets(panel) {
  const choices = /** @type {HTMLElement} */ (panel.querySelector('.wallet-choices'))
  let known = ''
  const none = /** @type {HTMLElement} */ (panel.querySelector('.wallet-none'))
  watchForWallets((found, isLast) => {
    none.hidden = Boolean(found.length) || !isLast
    const now = JSON.stringify(found)
    if (now === known) return
    known = now
    choices.replaceChildren(
      ...found.map(({ key, name }) => {
        const button = /** @type {HTMLButtonElement} */ (element('button', `Connect ${name}`, 'plain'))
        button.type = 'button'
        button.addEventListener('click', () => use(panel, key, true))
        return button
      }),
    )
    panel.querySelector('.wallet-other')?.addEventListener('click', () => {
      panel.classList.remove('connected')
      ;/** @type {HTMLElement | null} */ (choices.querySelector('button'))?.focus()
    })
    const remembered = sessionStorage.getItem(REMEMBERED)
    if (!wallet && remembered && found.some((each) => each.key === remembered)) void reconnect(panel, remembered)
  })
}

/**
 * Connects the wallet of the page before, unless its owner would be asked: then it waits for them.
 * @param {HTMLElement} panel
 * @param {string} key
 */
async function reconnect(panel, key) {
  if (await isEnabled(key)) await use(panel, key, false)
}

/**
 * @param {HTMLElement} panel
 * @param {string} key
 * @param {boolean} asked whether the person asked for it just now
 */
async function use(panel, key, asked) {
  const said = /** @type {HTMLElement} */ (panel.querySelector('.wallet-said'))
  said.textContent = 'The wallet is asked to connect: look at its window.'
  try {
    wallet = await connect(key, Number(panel.dataset.network))
    sessionStorage.setItem(REMEMBERED, key)
    const mine = await wallet.addresses()
    said.textContent = `${wallet.name} is connected.`
    panel.classList.add('connected')
    for (const step of steps()) void prepare(step, mine)
    if (asked && panel.dataset.look) look(panel.dataset.look, mine)
  } catch (error) {
    wallet = null
    panel.classList.remove('connected')
    sessionStorage.removeItem(REMEMBERED)
    for (const step of steps()) void prepare(step, [])
    if (error instanceof WalletError && !asked) said.textContent = ''
    else said.replaceChildren(refusalNote(error))
  }
}

/**
 * Leads to the page that shows what these addresses have.
 * @param {string} place
 * @param {string[]} mine
 */
function look(place, mine) {
  const query = new URLSearchParams(mine.slice(0, MOST_ADDRESSES).map((each) => ['address', each]))
  location.assign(`${place}?${query}`)
}

/** The payment part of an address as wallets give it, in hexadecimal. @param {string} address */
const paymentPart = (address) => address.slice(2, 58)

// -- steps

/** @returns {HTMLFormElement[]} */
const steps = () => [...document.querySelectorAll('form.step')].map((each) => /** @type {HTMLFormElement} */ (each))

/** @param {HTMLFormElement} step */
const isWithoutWallet = (step) => WITHOUT_WALLET.includes(String(step.dataset.step))

/**
 * Whether a step can be gone now: those that a wallet signs want a wallet, some one with a certain key.
 * @param {HTMLFormElement} step
 * @param {string[]} mine
 */
async function prepare(step, mine) {
  const button = /** @type {HTMLButtonElement} */ (step.querySelector('button[type=submit]'))
  const keys = step.dataset.keys ? step.dataset.keys.split(' ') : null
  const missing = keys !== null && !mine.some((each) => keys.includes(paymentPart(each)))
  const waits = step.dataset.step === 'member' && !fieldsOf(step).transaction
  if (!isWithoutWallet(step)) button.disabled = !wallet || missing || waits
  const words = /** @type {HTMLElement | null} */ (step.querySelector('.missing'))
  if (words) words.hidden = !wallet || !missing
}

/** @param {HTMLFormElement} step */
async function go(step) {
  const button = /** @type {HTMLButtonElement} */ (step.querySelector('button[type=submit]'))
  const progress = /** @type {HTMLElement} */ (step.querySelector('.progress'))
  const say = (/** @type {Node[]} */ ...nodes) => progress.replaceChildren(...nodes)
  button.disabled = true
  try {
    await GO[String(step.dataset.step)](step, say)
  } catch (error) {
    say(refusalNote(error))
    button.disabled = false
    if (error instanceof WalletError && error.refusal === 'disconnected') {
      wallet = null
      panel?.classList.remove('connected')
      button.disabled = !isWithoutWallet(step)
    }
  }
}

/** @typedef {import('./following.js').Say} Say */

/** @returns {Wallet} */
function connected() {
  if (!wallet) throw new WalletError('disconnected')
  return wallet
}

/**
 * What pays: outputs of the wallet, those with the fewest tokens first, as many as the API takes.
 * @param {Wallet} wallet
 * @param {HTMLFormElement} step
 */
async function payer(wallet, step) {
  const outputs = (await wallet.outputs()).sort((one, other) => one.length - other.length)
  let room = MOST_CHARACTERS
  const taken = outputs.slice(0, MOST_OUTPUTS).filter((each) => (room -= each.length) > 0)
  const keys = step.dataset.keys?.split(' ')
  const acting = keys && (await wallet.addresses()).find((each) => keys.includes(paymentPart(each)))
  return { outputs: taken, change_address: await wallet.changeAddress(), ...(acting && { acting_address: acting }) }
}

/**
 * Has a transaction built, shows what it does, has it signed, sends it and follows it. There may be several.
 * @param {HTMLFormElement} step
 * @param {Say} say
 */
async function signTransaction(step, say) {
  const wallet = connected()
  const distribution = String(step.dataset.distribution)
  say(note('waiting', 'The transaction is being built.'))
  await wallet.mustBeOnNetwork()
  const built = await ask(String(step.dataset.action), { ...fieldsOf(step), wallet: await payer(wallet, step) })
  /** @type {string[]} */
  const sent = []
  for (const each of built.transactions) {
    const count = built.transactions.length > 1 ? `${sent.length + 1} of ${built.transactions.length}. ` : ''
    say(note('ready', `${count}Your wallet shows this transaction now. Sign it if the wallet says the same.`, ...inWords(each)))
    const witness = await wallet.signTransaction(each.transaction_cbor)
    say(note('waiting', 'It is signed, and is being sent.', ...inWords(each)))
    const answer = await ask(`${distribution}/transactions`, { transaction: each.transaction_cbor, witnesses: [witness] })
    sent.push(answer.transaction_hash)
  }
  await follow(sent, say, step.dataset.done)
}

/**
 * Has the wallet sign a statement, and hands its answer in.
 * @param {HTMLFormElement} step
 * @param {Say} say
 */
async function signStatement(step, say) {
  const wallet = connected()
  const keys = String(step.dataset.keys).split(' ')
  const mine = (await wallet.addresses()).find((each) => keys.includes(paymentPart(each)))
  if (!mine) throw new WalletError('no_key')
  say(note('ready', 'Your wallet asks for your signature now. It is over the bytes of this statement, and nothing else.'))
  const answer = await wallet.signData(mine, String(fieldsOf(step).signed_data))
  say(note('waiting', 'It is signed, and is being handed in.'))
  await ask(String(step.dataset.action), answer)
  say(note('done', 'Your signature is here.', again('Show who has signed')))
}

/**
 * Has a transaction built for a committee, and hands it out: to the wallet's step, and as a file.
 * @param {HTMLFormElement} step
 * @param {Say} say
 */
async function buildForCommittee(step, say) {
  say(note('waiting', 'The transaction is being built.'))
  const body = { ...fieldsOf(step), committee: await committeeOf(step) }
  const { transactions } = await ask(String(step.dataset.action), body)
  const [built] = transactions
  for (const each of steps()) {
    const field = /** @type {HTMLInputElement | null} */ (each.querySelector('[name=transaction]'))
    if (!field) continue
    field.value = built.transaction_cbor
    each.dataset.keys = built.to_sign.join(' ')
    void prepare(each, wallet ? await wallet.addresses() : [])
  }
  const link = /** @type {HTMLAnchorElement} */ (document.querySelector('a[download]'))
  offer(link, built.transaction_cbor)
  const more = transactions.length > 1 ? 'It takes another after this one: build again once a block has it.' : ''
  say(note('ready', 'It is built, and nobody has signed it yet. Sign it below, or save it for the members.', more, ...inWords(built)))
  step.querySelector('button')?.toggleAttribute('disabled', false)
}

/**
 * Hands in signatures of a transaction that several people sign, and leads to the page that shows it.
 * @param {HTMLFormElement} step
 * @param {string} transaction
 * @param {string[]} witnesses
 */
async function handIn(step, transaction, witnesses) {
  const { transaction_hash } = await ask(String(step.dataset.action), { transaction, witnesses })
  location.assign(`${step.dataset.done}?${new URLSearchParams({ hash: transaction_hash })}`)
}

/**
 * A member's wallet signs what was built for the committee.
 * @param {HTMLFormElement} step
 * @param {Say} say
 */
async function signAsMember(step, say) {
  const transaction = String(fieldsOf(step).transaction)
  say(note('ready', 'Your wallet shows this transaction now. Sign it if the wallet says the same.'))
  await handIn(step, transaction, [await connected().signTransaction(transaction)])
}

/** @param {HTMLFormElement} step @param {Say} say */
async function handInFiles(step, say) {
  const chooser = /** @type {HTMLInputElement} */ (step.querySelector('[data-envelopes]'))
  const { transactions, all } = await signaturesIn(chooser.files ?? [])
  const transaction = fieldsOf(step).transaction || transactions[0]
  if (!transaction) throw new Refused({ message: 'it is not known of which transaction these are', hint: 'choose the transaction too' })
  say(note('waiting', 'They are being handed in.'))
  await handIn(step, String(transaction), all)
}

/** @param {HTMLFormElement} step @param {Say} say */
async function send(step, say) {
  const { transaction_hash } = await ask(String(step.dataset.action), { ...fieldsOf(step) })
  await follow([transaction_hash], say, step.dataset.done)
}

/** @type {Record<string, (step: HTMLFormElement, say: Say) => Promise<void>>} What each kind of step does. */
const GO = {
  transaction: signTransaction,
  statement: signStatement,
  payment: requestPayment,
  committee: buildForCommittee,
  member: signAsMember,
  files: handInFiles,
  send,
}

/** Largest report whose hash is made here, in bytes: it takes seconds. */
const MOST_BYTES = 8 * 1024 * 1024

/** @param {HTMLInputElement} chooser */
async function hashFile(chooser) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(String(chooser.dataset.hashInto)))
  const file = chooser.files?.[0]
  chooser.setCustomValidity(file && file.size > MOST_BYTES ? 'The file is larger than 8 MiB: use b2sum -l 256.' : '')
  field.value = ''
  field.placeholder = 'The hash is being made'
  if (file && chooser.reportValidity()) field.value = await blake2b256(await file.arrayBuffer())
  field.placeholder = ''
}

for (const each of document.querySelectorAll('.scripted')) each.removeAttribute('hidden')
for (const each of document.querySelectorAll('[data-hash-into]')) {
  const chooser = /** @type {HTMLInputElement} */ (each)
  chooser.addEventListener('change', () => void hashFile(chooser))
}
for (const each of document.querySelectorAll('a[data-transaction]')) {
  const link = /** @type {HTMLAnchorElement} */ (each)
  offer(link, String(link.dataset.transaction))
}
for (const step of steps()) {
  step.addEventListener('submit', (event) => {
    event.preventDefault()
    void go(step)
  })
}
if (panel) offerWallets(panel)
