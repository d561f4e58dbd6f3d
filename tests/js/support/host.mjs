// @ts-check
// A host whose clocks and timers stand still until a test moves them.

/** @typedef {{ at: number, work: () => void, keepAlive: boolean }} Timer */

export class ManualHost {
  wall = 1_800_000_000_000;
  steady = 5_000;
  /** @type {Set<Timer>} */
  timers = new Set();
  /** What was logged. @type {[string, unknown][]} */
  logged = [];
  now = () => this.wall;
  mono = () => this.steady;
  /** @param {() => void} work @param {number} ms @param {boolean} keepAlive */
  setTimer = (work, ms, keepAlive) => {
    const timer = { at: this.steady + ms, work, keepAlive };
    this.timers.add(timer);
    return timer;
  };
  /** @param {unknown} timer */
  clearTimer = (timer) => void this.timers.delete(/** @type {Timer} */ (timer));
  /** Answers requests. @type {typeof globalThis.fetch} */
  respond = () => Promise.reject(new Error("this test has no upstream"));
  /** @type {typeof globalThis.fetch} */
  fetch = (input, init) => this.respond(input, init);
  /** @param {string} message @param {unknown} error */
  log = (message, error) => void this.logged.push([message, error]);

  /** Lets time pass on both clocks; timers that are due are called in order. @param {number} ms */
  async advance(ms) {
    const end = this.steady + ms;
    for (let served = 0; ; served += 1) {
      if (served > 1000) throw new Error(`the pool asks to be called again and again at ${this.steady}`);
      await settle();
      const [next] = [...this.timers].filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at);
      if (!next) break;
      this.#move(Math.max(this.steady, next.at));
      this.timers.delete(next);
      next.work();
    }
    this.#move(end);
    await settle();
  }

  /** @param {number} to */
  #move(to) {
    this.wall += to - this.steady;
    this.steady = to;
  }
}

/** Lets all promises that are settled have their way. */
export async function settle() {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
}
