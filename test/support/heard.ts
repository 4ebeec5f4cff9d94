// In:    nothing.
// Out:   a subscriber of the refusals of every gate of the process, so that none of them warns that it is not heard.
// Never: keeps or judges a refusal.

import { subscribe, unsubscribe } from "node:diagnostics_channel";

const CHANNEL = "headgate:refused";
const hear = (): void => {};

subscribe(CHANNEL, hear);

/** Lets refusals be unheard while `run` does. */
export async function whileUnheard(run: () => unknown): Promise<void> {
  unsubscribe(CHANNEL, hear);
  try {
    await run();
  } finally {
    subscribe(CHANNEL, hear);
  }
}
