// In:    where a balancer listens, how many clients there are.
// Out:   the clients, in a process of their own, and what became of their requests so far.
// Never: judges it.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Counts, Order } from "./scale-clients.js";

const running = new Set<ChildProcess>();

/** Ends whatever tests that have failed left running. */
export function stopLoads(): void {
  for (const child of running) child.kill("SIGKILL");
}

export class Load {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Clients that have all been served once. */
  static async begin(order: Order): Promise<Load> {
    const child = fork(new URL("scale-clients.js", import.meta.url));
    running.add(child);
    child.once("close", () => running.delete(child));
    const load = new Load(child);
    child.send(order);
    await once(child, "message");
    return load;
  }

  async count(): Promise<Counts> {
    return this.#ask("count");
  }

  /** Ends the clients, each after its last response. */
  async stop(): Promise<Counts> {
    return this.#ask("stop");
  }

  async #ask(what: "count" | "stop"): Promise<Counts> {
    const answered = once(this.#child, "message");
    this.#child.send(what);
    const [counts] = await answered;
    return counts;
  }
}
