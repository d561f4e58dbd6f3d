// @ts-check
// Times things beside each other: every subject in turn, again and again, so that a disturbance of the machine meets all
// of them alike. The minimum of the rounds is what the code costs; the median is what this machine made of it today.

/**
 * @typedef {object} Figure nanoseconds an operation
 * @property {number} min
 * @property {number} median
 */

/**
 * @typedef {object} Subject
 * @property {string} key
 * @property {number} count operations a round
 * @property {(count: number) => void | Promise<void>} run does them all
 */

/**
 * @param {readonly Subject[]} subjects
 * @param {{ rounds?: number, warmUp?: number, progress?: (text: string) => void }} [options]
 * @returns {Promise<Map<string, Figure>>} by key
 */
export async function measure(subjects, { rounds = 30, warmUp = 3, progress = () => undefined } = {}) {
  /** @type {Map<string, number[]>} */
  const times = new Map(subjects.map(({ key }) => [key, []]));
  for (let round = -warmUp; round < rounds; round += 1) {
    progress(round < 0 ? "warming up" : `round ${round + 1} of ${rounds}`);
    for (const { key, count, run } of subjects) {
      // Timers and commits have their turn between the rounds, as they have between the requests of a program.
      await new Promise((resolve) => setImmediate(resolve));
      const started = performance.now();
      const running = run(count);
      if (running) await running;
      const nanoseconds = ((performance.now() - started) * 1e6) / count;
      if (round >= 0) times.get(key)?.push(nanoseconds);
    }
  }
  return new Map([...times].map(([key, all]) => [key, figure(all)]));
}

/** @param {readonly number[]} all @returns {Figure} */
export function figure(all) {
  const sorted = [...all].sort((one, other) => one - other);
  return { min: sorted[0] ?? NaN, median: sorted[sorted.length >> 1] ?? NaN };
}

/** What was computed is looked at, so that no compiler leaves it out. @type {unknown[]} */
export const seen = new Array(1024).fill(undefined);
