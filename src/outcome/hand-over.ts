// In:    an accepted upgrade, or a connection that the gate does not read; the framer or passthrough for it.
// Out:   a call of that framer or passthrough, and one report of whether it took the socket; what a drain and the metrics have of it.
// Never: touches the socket.

import type { Duplex } from "node:stream";
import type { Arrival } from "../arrival/arrival.js";
import { type FramerLike, type Handover, isFramerRefusal, isFramerUnavailable, take } from "../handover/framer.js";
import { SocketHandover } from "../handover/socket-handover.js";
import { NOTHING } from "../head/kernel/latin1.js";
import type { Acceptance } from "../policy/decision.js";
import type { Claimed, Context } from "./context.js";

/**
 * One of them is called, once; synchronously, if `take` is synchronous. `isCounted`: an adopted connection still counts as one, since
 * its socket had closed before, or has not been taken.
 */
export interface Taking {
  taken(isCounted: boolean): void;
  notTaken(cause: unknown, isCounted: boolean): void;
}

/** A socket on its way to another owner. */
interface Leaving {
  readonly context: Context;
  readonly socket: Duplex;
  /** The framer, which a drain may ask to close the socket; null for a passthrough. */
  readonly owner: unknown;
  readonly arrival: Arrival;
  /** It counts as an adopted connection so far. */
  readonly isAdopted: boolean;
}

/**
 * Gives an accepted upgrade to the framer that claims it; for a guarded server, to the server's other gates and listeners. An accepted
 * request goes to the sender that takes the place of `requests`.
 */
export function handOver(
  context: Context,
  socket: Duplex,
  decision: Acceptance<FramerLike>,
  rest: Uint8Array,
  taking: Taking,
): void {
  const { known, others, sender } = context;
  known.set(socket, decision);
  context.reports.accepted(decision);
  const handover = handoverOf({ decision, known }, socket, rest, context.reports.lost);
  const leaving = leavingBy(context, socket, decision, context.adopts);
  const takes = (): void | Promise<void> => {
    if (others !== undefined) return others.take(handover);
    return decision.upgrade ? take(handover) : sender!.take(handover);
  };
  give(leaving, takes, forgetting(decision, taking));
}

/** Gives the tunnel of an accepted upgrade over HTTP/2 to the framer that claims it. */
export function handOverTunnel(context: Context, claimed: Claimed, tunnel: Duplex, taking: Taking): void {
  const { decision, known } = claimed;
  known.set(tunnel, decision);
  const leaving = leavingBy(context, tunnel, decision, false);
  give(leaving, () => takeClaimed(claimed, tunnel, NOTHING), forgetting(decision, taking));
}

function leavingBy(
  context: Context,
  socket: Duplex,
  { arrival, claim }: Claimed["decision"],
  isAdopted: boolean,
): Leaving {
  return { context, socket, owner: claim, arrival, isAdopted };
}

/** The head is kept for `decisionOf` as long as the connection: the framer has read its fields once it has taken the socket. */
function forgetting({ head }: Claimed["decision"], { taken, notTaken }: Taking): Taking {
  return {
    taken(isCounted) {
      head.forget();
      taken(isCounted);
    },
    notTaken,
  };
}

/** Lets the framer that claims an upgrade take it. */
export function takeClaimed(claimed: Claimed, socket: Duplex, rest: Uint8Array): void | Promise<void> {
  return take(handoverOf(claimed, socket, rest));
}

function handoverOf({ decision, known }: Claimed, socket: Duplex, rest: Uint8Array, lost = ignored): Handover {
  return new SocketHandover(socket, decision, rest, (made) => known.set(made, decision), lost);
}

/** Neither a tunnel nor a socket of a guarded server can be sent to another process. */
function ignored(): void {}

/** The code of an upgrade that its framer did not take. */
export function framerCode(cause: unknown): "FRAMER_FAILED" | "FRAMER_REFUSED" | "FRAMER_UNAVAILABLE" {
  if (isFramerRefusal(cause)) return "FRAMER_REFUSED";
  return isFramerUnavailable(cause) ? "FRAMER_UNAVAILABLE" : "FRAMER_FAILED";
}

/** Calls `take`, and awaits a promise that it returns. */
export function give(
  { context, socket, owner, arrival, isAdopted }: Leaving,
  take: () => unknown,
  taking: Taking,
): void {
  const handed = context.open.hand(socket, owner, isAdopted);
  const began = performance.now();
  const taken = (): void => {
    taking.taken(handed === null);
    context.reports.timed("handover", performance.now() - began, arrival);
    handed?.taken();
  };
  const notTaken = (cause: unknown): void => taking.notTaken(cause, handed === null || handed.notTaken());
  let promise: PromiseLike<void> | null | undefined;
  try {
    promise = take() as typeof promise;
  } catch (cause) {
    notTaken(cause);
    return;
  }
  if (typeof promise?.then === "function") Promise.resolve(promise).then(taken, notTaken);
  else taken();
}
