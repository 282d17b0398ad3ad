// @ts-check
/** What was sent is followed into its block, and what was asked for until it is paid. */
import { ask, fieldsOf } from './asking.js'
import { News } from './news.js'
import { Refused, element, note } from './words.js'

/** @typedef {(...nodes: Node[]) => void} Say */

/**
 * Does something while the server's news are heard.
 * @param {(news: News) => Promise<void>} work
 */
async function withNews(work) {
  const news = new News()
  try {
    await work(news)
  } finally {
    news.end()
  }
}

/**
 * Waits until blocks have all of these transactions, and says so.
 * @param {string[]} sent
 * @param {Say} say
 * @param {string} [done] what is done then
 */
export async function follow(sent, say, done) {
  const list = element('ul', '', 'small')
  list.append(...sent.map((each) => element('li')))
  sent.forEach((each, number) => list.children[number].append('Transaction ', element('code', each, 'id')))
  say(note('waiting', 'It is sent, and waits for a block. You may leave this page: it goes on without you.', list))
  await withNews(async (news) => {
    for (const each of sent) {
      for (;;) {
        const heard = news.count
        const { status } = await ask(`/api/v1/transactions/${each}`)
        if (status === 'confirmed') break
        if (status === 'rejected' || status === 'expired') {
          throw new Refused({ message: `the transaction ${each} will never be in a block`, hint: 'start again: nothing was paid by it' })
        }
        await news.after(heard)
      }
    }
  })
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
export async function requestPayment(step, say) {
  const fields = /** @type {Record<string, string>} */ (fieldsOf(step))
  const action = String(step.dataset.action)
  say(note('waiting', 'The server is asked.'))
  let answer = await ask(action, fields)
  let said = ''
  await withNews(async (news) => {
    while (answer.status === 'accepted' || answer.status === 'queued') {
      const place = answer.queue_position > 1 ? ` ${answer.queue_position - 1} are paid before.` : ''
      const now = `It is written down, and will be paid.${place}`
      if (now !== said) say(note('waiting', now, 'You may leave this page: it goes on without you.'))
      said = now
      const heard = news.count
      answer = await ask(`${action}?${new URLSearchParams(fields)}`)
      if (answer.status === 'accepted' || answer.status === 'queued') await news.after(heard)
    }
  })
  const [kind, sentence, hint] = PAYMENTS[answer.status] ?? ['attention', 'The server has not paid.', '']
  const id = element('p', answer.transaction_hash ? 'Transaction ' : '', 'small')
  if (answer.transaction_hash) id.append(element('code', answer.transaction_hash, 'id'))
  say(note(kind, sentence, hint, id, again('Show how it stands now')))
  step.querySelector('button')?.toggleAttribute('disabled', kind === 'done')
}

/** A link that loads the page again. @param {string} words */
export function again(words) {
  const link = /** @type {HTMLAnchorElement} */ (element('a', words))
  link.href = location.href
  return link
}
