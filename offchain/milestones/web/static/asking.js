// @ts-check
/** Asks the API, as any front end could: with a token where something is changed. */
import { Refused } from './words.js'

let token = document.querySelector('meta[name=request-token]')?.getAttribute('content') ?? ''

/**
 * Asks the API. Throws `Refused` for whatever is no answer.
 * @param {string} path
 * @param {object} [body] sent as JSON; without it nothing is changed
 * @returns {Promise<any>}
 */
export async function ask(path, body) {
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

/**
 * What a form holds, by name; numbers are numbers, and what is empty is left out.
 * @param {HTMLFormElement} step
 * @returns {Record<string, unknown>}
 */
export function fieldsOf(step) {
  /** @type {Record<string, unknown>} */
  const found = {}
  for (const each of /** @type {Iterable<HTMLInputElement>} */ (step.querySelectorAll('[name]'))) {
    const text = each.value.trim()
    if (text) found[each.name] = each.dataset.type === 'number' ? Number(text) : text
  }
  return found
}
