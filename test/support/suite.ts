// In:    a name and tests.
// Out:   a uvu suite that runs by itself.
// Never: lets a suite pass because it was not run.

import { suite as uvuSuite } from "uvu";
import "./heard.js";

/** No test takes a tenth of this on a machine that does nothing else. */
const MINUTES = 3;

type Add = (title: string, test: () => unknown) => void;

export interface Suite extends Add {
  /** Adds a test that is skipped where `reason` states what is missing here. */
  needing(reason: string | null, title: string, test: () => unknown): void;
  before(hook: () => unknown): void;
  after(hook: () => unknown): void;
}

/** A suite of tests, run when the file has been read. */
export function suite(name: string): Suite {
  const tests = uvuSuite(name);
  queueMicrotask(() => tests.run());
  const add: Add = (title, test) => tests(title, () => inTime(test));
  return Object.assign(add, {
    needing: (reason: string | null, title: string, test: () => unknown): void => {
      if (reason === null) add(title, test);
      else if (process.env.CI === "true") add(title, () => skip(title, reason));
      else skip(`${name}: ${title}`, reason);
    },
    before: (hook: () => unknown): void => tests.before(() => shown(`before ${name}`, hook)),
    after: (hook: () => unknown): void => tests.after(() => shown(`after ${name}`, hook)),
  });
}

/** A test that waits for what never comes fails by its name, and the others are run. */
async function inTime(test: () => unknown): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not ended after ${MINUTES} minutes`)), MINUTES * 60_000);
    // If there is nothing else left to happen, the process ends at once, and uvu reports it.
    timer.unref();
  });
  try {
    await Promise.race([test(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** uvu counts the tests of a suite whose hook throws as failed, and does not report why. */
async function shown(when: string, hook: () => unknown): Promise<void> {
  try {
    await hook();
  } catch (error) {
    console.error(when, error);
    throw error;
  }
}

/**
 * True if `reason` keeps a test from running here: reports it, and counts it as skipped. With CI=true nothing may be
 * missing, and this throws.
 */
export function skip(name: string, reason: string): void {
  if (process.env.CI === "true") throw new Error(`${name} cannot run: ${reason}`);
  console.log(`\nSKIPPED ${name}: ${reason}`);
}
