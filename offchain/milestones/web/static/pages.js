// @ts-check
/**
 * What the pages do beside showing: connect a wallet, and go through steps whose end a wallet signs.
 *
 * Everything that can be read is in the page as it was served. A step is a form: what it holds is sent to the
 * API, the transaction or statement that comes back is shown in words and signed in the wallet, and then it is
 * followed into its block. Words are put in as text, never as HTML.
 */
import { blake2b256 } from './blake2b.js'
import { Wallet, WalletError, connect, isEnabled, watchForWallets } from './wallet.js'
import { Refused, element, inWords, note, refusalNote } from './words.js'

const REMEMBERED = 'milestones-wallet'
/** How often it is asked whether a block has a transaction, in milliseconds. */
const FOLLOW_EVERY_MS = 1500
const MOST_ADDRESSES = 60
/** Of a wallet's outputs: more the API doesn't take. */
const MOST_OUTPUTS = 500
const MOST_CHARACTERS = 200_000

/** @type {Wallet | null} */
let wallet = null
const panel = document.getElementById('wallet')
let token = document.querySelector('meta[name=request-token]')?.getAttribute('content') ?? ''

/**
 * Asks the API. Throws `Refused` for whatever is no answer.
 * @param {string} path
 * @param {object} [body] sent as JSON; without it nothing is changed
 * @returns {Promise<any>}
 */
async function ask(path, body) {
  const send = () =>
    fetch(path, {
      method: body ? 'POST' : 'GET',
      headers: body ? { 'Content-Type': 'application/json', 'X-Milestones-Token': token } : {},
      body: body && JSON.stringify(body),
      credentials: 'omit',
    })
  try {
    let answer = await send()
    if (answer.status === 403 && body) {
      // A page that was open for long has an old token.
      token = (await (await fetch('/api/v1/token')).json()).token
      answer = await send()
    }
    const read = await answer.json()
    if (answer.ok) return read
    throw new Refused(read.error ?? {})
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused({ message: "This server can't be reached.", hint: 'Look at your connection, then try again.' })
  }
}

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

/**
 * Whether a step can be gone now: those that a wallet signs want a wallet, some one with a certain key.
 * @param {HTMLFormElement} step
 * @param {string[]} mine
 */
async function prepare(step, mine) {
  const button = /** @type {HTMLButtonElement} */ (step.querySelector('button[type=submit]'))
  const keys = step.dataset.keys ? step.dataset.keys.split(' ') : null
  const missing = keys !== null && !mine.some((each) => keys.includes(paymentPart(each)))
  if (step.dataset.step !== 'payment') button.disabled = !wallet || missing
  const words = /** @type {HTMLElement | null} */ (step.querySelector('.missing'))
  if (words) words.hidden = !wallet || !missing
}

/**
 * What a form holds, by name; numbers are numbers, and what is empty is left out.
 * @param {HTMLFormElement} step
 * @returns {Record<string, unknown>}
 */
function fieldsOf(step) {
  /** @type {Record<string, unknown>} */
  const found = {}
  for (const each of /** @type {Iterable<HTMLInputElement>} */ (step.querySelectorAll('[name]'))) {
    const text = each.value.trim()
    if (text) found[each.name] = each.dataset.type === 'number' ? Number(text) : text
  }
  return found
}

/** @param {HTMLFormElement} step */
async function go(step) {
  const button = /** @type {HTMLButtonElement} */ (step.querySelector('button[type=submit]'))
  const progress = /** @type {HTMLElement} */ (step.querySelector('.progress'))
  const say = (/** @type {Node[]} */ ...nodes) => progress.replaceChildren(...nodes)
  button.disabled = true
  try {
    const kind = step.dataset.step
    if (kind === 'transaction') await signTransaction(step, say)
    else if (kind === 'statement') await signStatement(step, say)
    else await requestPayment(step, say)
  } catch (error) {
    say(refusalNote(error))
    button.disabled = false
    if (error instanceof WalletError && error.refusal === 'disconnected') {
      wallet = null
      panel?.classList.remove('connected')
      button.disabled = step.dataset.step !== 'payment'
    }
  }
}

/** @typedef {(...nodes: Node[]) => void} Say */

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
 * Waits until blocks have all of these transactions, and says so.
 * @param {string[]} sent
 * @param {Say} say
 * @param {string} [done] what is done then
 */
async function follow(sent, say, done) {
  const list = element('ul', '', 'small')
  list.append(...sent.map((each) => element('li')))
  sent.forEach((each, number) => list.children[number].append('Transaction ', element('code', each, 'id')))
  say(note('waiting', 'It is sent, and waits for a block. You may leave this page: it goes on without you.', list))
  for (const each of sent) {
    for (;;) {
      const { status } = await ask(`/api/v1/transactions/${each}`)
      if (status === 'confirmed') break
      if (status === 'rejected' || status === 'expired') {
        throw new Refused({ message: `the transaction ${each} will never be in a block`, hint: 'start again: nothing was paid by it' })
      }
      await new Promise((wake) => setTimeout(wake, FOLLOW_EVERY_MS))
    }
  }
  say(note('done', done || 'It is done: a block has it.', list, again('Show how it stands now')))
}

/** @type {Record<string, ['done' | 'attention', string, string]>} How a payment by the server ends. */
const PAYMENTS = {
  paid: ['done', 'It is paid: a block has it.', ''],
  too_early: ['attention', 'Nothing is due yet.', 'See in the list what each payment waits for.'],
  closed: ['attention', 'The distribution has come to its end: nothing is paid any more.', ''],
  budget_spent: [
    'attention',
    "This server's budget is spent for now.",
    'Ask again later, or let a wallet with a few ADA send the claim: whoever sends it, it goes to you.',
  ],
  nothing_there: ['attention', 'Nothing is allocated to this address.', ''],
}

/**
 * Has the server pay for somebody without ADA, and waits until it has.
 * @param {HTMLFormElement} step
 * @param {Say} say
 */
async function requestPayment(step, say) {
  const fields = /** @type {Record<string, string>} */ (fieldsOf(step))
  const action = String(step.dataset.action)
  say(note('waiting', 'The server is asked.'))
  let answer = await ask(action, fields)
  let said = ''
  while (answer.status === 'accepted' || answer.status === 'queued') {
    const place = answer.queue_position > 1 ? ` ${answer.queue_position - 1} are paid before.` : ''
    const now = `It is written down, and will be paid.${place}`
    if (now !== said) say(note('waiting', now, 'You may leave this page: it goes on without you.'))
    said = now
    await new Promise((wake) => setTimeout(wake, FOLLOW_EVERY_MS))
    answer = await ask(`${action}?${new URLSearchParams(fields)}`)
  }
  const [kind, sentence, hint] = PAYMENTS[answer.status] ?? ['attention', 'The server has not paid.', '']
  const id = element('p', answer.transaction_hash ? 'Transaction ' : '', 'small')
  if (answer.transaction_hash) id.append(element('code', answer.transaction_hash, 'id'))
  say(note(kind, sentence, hint, id, again('Show how it stands now')))
  step.querySelector('button')?.toggleAttribute('disabled', kind === 'done')
}

/** A link that loads the page again. @param {string} words */
function again(words) {
  const link = /** @type {HTMLAnchorElement} */ (element('a', words))
  link.href = location.href
  return link
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
for (const step of steps()) {
  step.addEventListener('submit', (event) => {
    event.preventDefault()
    void go(step)
  })
}
if (panel) offerWallets(panel)
