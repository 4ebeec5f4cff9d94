// In:    an accepted upgrade, or a connection that the gate does not read; the framer or passthrough for it.
// Out:   a call of that framer or passthrough, and one report of whether it took the socket.
// Never: touches the socket.

import type { Duplex } from "node:stream";
import { type FramerLike, type Handover, isFramerRefusal, take } from "../handover/framer.js";
import { SocketHandover } from "../handover/socket-handover.js";
import type { Acceptance } from "../policy/decision.js";
import type { Claimed, Context } from "./context.js";

/** One of them is called, once; synchronously, if `take` is synchronous. */
export interface Taking {
  taken(): void;
  notTaken(cause: unknown): void;
}

/** Gives an accepted upgrade to the framer that claims it; for a guarded server, to the server's other gates and listeners. */
export function handOver(
  context: Context,
  socket: Duplex,
  decision: Acceptance<FramerLike>,
  rest: Uint8Array,
  taking: Taking,
): void {
  const { known, others } = context;
  known.set(socket, decision);
  context.accepted(decision);
  const handover = handoverOf({ decision, known }, socket, rest);
  give(() => (others === undefined ? take(handover) : others.take(handover)), {
    taken() {
      // The head is kept for `decisionOf` as long as the connection: the framer has read its fields by now.
      decision.head.forget();
      taking.taken();
    },
    notTaken: (cause) => taking.notTaken(cause),
  });
}

/** Lets the framer that claims an upgrade take it. */
export function takeClaimed(claimed: Claimed, socket: Duplex, rest: Uint8Array): void | Promise<void> {
  return take(handoverOf(claimed, socket, rest));
}

function handoverOf({ decision, known }: Claimed, socket: Duplex, rest: Uint8Array): Handover {
  return new SocketHandover(socket, decision, rest, (made) => known.set(made, decision));
}

/** The code of an upgrade that its framer did not take. */
export function framerCode(cause: unknown): "FRAMER_FAILED" | "FRAMER_REFUSED" {
  return isFramerRefusal(cause) ? "FRAMER_REFUSED" : "FRAMER_FAILED";
}

/** Calls `take`, and awaits a promise that it returns. */
export function give(take: () => unknown, taking: Taking): void {
  try {
    const promise = take() as PromiseLike<void> | null | undefined;
    if (typeof promise?.then !== "function") taking.taken();
    else {
      Promise.resolve(promise).then(
        () => taking.taken(),
        (cause) => taking.notTaken(cause),
      );
    }
  } catch (cause) {
    taking.notTaken(cause);
  }
}
