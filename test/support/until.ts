// In:    a condition that events of this process or of another one bring about; a number that grows.
// Out:   a promise that is kept when the condition holds, or when the number has stopped growing.
// Never: waits without end, or bounds how long anything may take: its patience only turns a hang into a failure.

import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds. */
const PATIENCE = 60_000;
/** What is a few turns of the event loop away is seen at once; what takes longer leaves the processor to others. */
const TURNS = 50;
const PACE = 5;

/** Lets the event loop go round once: timers that are due, and what sockets have. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Waits until `condition` holds; fails with `never: what`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string | (() => string)): Promise<void> {
  const latest = performance.now() + PATIENCE;
  for (let turns = 0; !(await condition()); turns++) {
    if (performance.now() > latest) throw new Error(`never: ${typeof what === "string" ? what : what()}`);
    await (turns < TURNS ? turn() : sleep(PACE));
  }
}

/** Together they take longer than TCP holds an acknowledgement back: 40 ms on Linux. */
const SAMPLES = 20;

/** Waits until a number has stopped growing, where there is no event for it, as when a socket is no longer read. Returns the number. */
export async function settled(measure: () => number): Promise<number> {
  let last = Number.NaN;
  let same = 0;
  const hasSettled = async (): Promise<boolean> => {
    // However busy the machine is, between two samples sockets have been read.
    await sleep(PACE);
    const now = measure();
    same = now === last ? same + 1 : 0;
    last = now;
    return same >= SAMPLES;
  };
  await until(hasSettled, () => `a number that stays, and not ${last}`);
  return last;
}
