// In:    what a test lets a child process send.
// Out:   a child for `toProcess` and `sendSocket` without a process: what it was sent, in order.
// Never: answers by itself, except to report that it receives.

import { EventEmitter } from "node:events";
import type { ChildMessage, ParentMessage } from "#src/intake/socket-message.js";
import type { Child } from "#src/intake.js";

/** A child that does what the test asks of it. */
export class ToldChild extends EventEmitter {
  readonly said: ParentMessage[] = [];
  error: Error | null = null;

  send(message: object, _socket: unknown, _options: unknown, done: (error: Error | null) => void): boolean {
    this.said.push((message as { headgate: ParentMessage }).headgate);
    process.nextTick(done, this.error);
    return true;
  }

  says(headgate: ChildMessage): void {
    this.emit("message", { headgate });
  }

  get kinds(): string {
    return this.said.map(({ kind }) => kind).join(" ");
  }
}

/** `receives`: it reports at once that it receives sockets. */
export const told = (receives = true): ToldChild & Child => {
  const child = new ToldChild();
  if (receives)
    child.on("newListener", (name) => name === "exit" && setImmediate(() => child.says({ kind: "receives" })));
  return child as ToldChild & Child;
};
