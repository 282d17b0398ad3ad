// @ts-check
/**
 * What the server says without being asked again (server-sent events), for whoever waits for something.
 *
 * It is listened to only while somebody waits. Where the server says nothing, because it can't or because too
 * many listen, it is asked now and then instead.
 */

/** How often it is asked where nothing is heard, in milliseconds. */
const ASK_EVERY_MS = 1500
/** Where it is heard, it is asked this often all the same: what was said may be lost on its way. */
const DOUBT_AFTER_MS = 20_000

export class News {
  /** @type {EventSource} */
  #source
  #count = 0
  /** @type {() => void} */
  #wake = () => {}

  /** @param {string} [place] */
  constructor(place = '/api/v1/events') {
    this.#source = new EventSource(place)
    const heard = () => {
      this.#count += 1
      this.#wake()
    }
    this.#source.onerror = heard
    for (const kind of ['block', 'distribution', 'transaction']) this.#source.addEventListener(kind, heard)
  }

  /** How much was heard; `after` takes it. */
  get count() {
    return this.#count
  }

  /**
   * Waits until there is something new, or until it is time to ask.
   * @param {number} count what had been heard before it was asked last
   */
  async after(count) {
    if (count !== this.#count && this.isHeard) return
    const most = this.isHeard ? DOUBT_AFTER_MS : ASK_EVERY_MS
    await new Promise((/** @type {(value?: unknown) => void} */ wake) => {
      const timer = setTimeout(wake, most)
      this.#wake = () => {
        clearTimeout(timer)
        // A stream that breaks again and again makes nobody ask more often.
        setTimeout(wake, this.isHeard ? 0 : ASK_EVERY_MS)
      }
    })
    this.#wake = () => {}
  }

  get isHeard() {
    return this.#source.readyState === EventSource.OPEN
  }

  /** Nothing is waited for any more. */
  end() {
    this.#source.close()
  }
}
