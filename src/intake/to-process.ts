// In:    accepted upgrades and requests, and connections that the gate does not read; a child process, or a function that chooses one.
// Out:   each socket with a child, which has acknowledged it; or the reason why none has.
// Never: sends a socket to a second child before the first one has lost its claim.

import type { Socket } from "node:net";
import { type Arrival, type ArrivalHints, hintsFrom, proxiedArrival } from "../arrival/arrival.js";
import { FramerUnavailable, type Handover, LOST, SENDS, type Sender } from "../handover/framer.js";
import type { Passthrough, RawConnection } from "../handover/passthrough.js";
import { checkSettings, describe, withinLimits } from "../head/options.js";
import type { Child } from "./child-link.js";
import { type ProcessLimits, processBounds, processLimits } from "./limits.js";
import { checkChild, type Outgoing, send } from "./send-socket.js";
import { factsOf } from "./socket-message.js";

export interface ToProcessOptions {
  limits?: { [Name in keyof ProcessLimits]?: number | undefined } | undefined;
}

/**
 * Gives sockets to a child process, where `receiveSockets(process)` yields them:
 * - In `upgrades` it is a framer: the upgrade is ruled on here, and the child gets the socket with the head and everything after
 *   it, as if it had not been read, and the decision.
 * - As `requests` it gets a connection at its first request that is not an upgrade, in the same way. Later requests of that
 *   connection are read by the child alone, so its gate has to rule on them.
 * - In `tls`, or as `fallback`, it is a passthrough: the child gets the connection unread.
 *
 * `child` may be a function that chooses a child for each socket; null if there is none. Until a child has acknowledged the socket, its
 * death, the end of its channel, or `limits.acknowledgeTimeout` lets the function choose again, at most `limits.tries` times in all. If
 * none has acknowledged the socket, the client gets 503 with Retry-After (`FRAMER_UNAVAILABLE`); a passthrough's connection is closed. A
 * socket that a child has acknowledged counts in `gate.counts.lost` if the child dies before the socket has closed.
 *
 * The gate must have the socket from an `UNREAD` server, and the upgrade must be its first request. Otherwise the handover fails
 * with the `TypeError` of `sendSocket`, and the client gets 500.
 *
 * Throws `TypeError` for what is not a child, and `TypeError` or `RangeError` for limits that are wrong.
 */
export function toProcess(child: Child, options?: ToProcessOptions): Sender & Passthrough;
export function toProcess(choose: (handover: Handover) => Child | null, options?: ToProcessOptions): Sender;
export function toProcess(choose: (handover: RawConnection) => Child | null, options?: ToProcessOptions): Passthrough;
export function toProcess(
  child: Child | ((handover: Handover & RawConnection) => Child | null),
  options: ToProcessOptions = {},
): Sender & Passthrough {
  if (typeof child !== "function") checkChild(child);
  checkSettings(options, ["limits"], "toProcess", "", withinLimits(processBounds));
  const { acknowledgeTimeout, tries } = processLimits(options.limits);
  const choose = typeof child === "function" ? child : (): Child => child;
  // A child that has not taken a socket once is not asked again.
  const most = typeof child === "function" ? tries : 1;
  return {
    [SENDS]: true,
    async take(handover: Handover | RawConnection): Promise<void> {
      const outgoing = outgoingOf(handover);
      const lost = (): void => handover[LOST]?.();
      for (let tried = 1; ; tried++) {
        const chosen = choose(handover as Handover & RawConnection);
        if (chosen === null) throw new FramerUnavailable("no child process was chosen for the socket");
        checkChild(chosen);
        try {
          await send(chosen, outgoing, acknowledgeTimeout, lost);
          return;
        } catch (cause) {
          // It is not the child's fault.
          if (cause instanceof TypeError || outgoing.socket.destroyed) throw cause;
          if (tried >= most) throw unavailable(tried, cause);
          // Whatever chooses learns of a child's end by then.
          await new Promise((resolve) => setImmediate(resolve));
          // Node takes the pause back when the last 'readable' listener has gone; nothing has read since.
          outgoing.socket.pause();
        }
      }
    },
  };
}

function unavailable(tried: number, cause: unknown): FramerUnavailable {
  const after = tried === 1 ? "" : `, after ${tried} tries`;
  const reason = cause instanceof Error ? cause.message : describe(cause);
  return new FramerUnavailable(`no child process has taken the socket${after}: ${reason}`, { cause });
}

function outgoingOf(handover: Handover | RawConnection): Outgoing {
  const { rest, arrival } = handover;
  const socket = handover.socket as Socket;
  const known = { socket, arrival: givenOf(arrival), kept: arrival.proxy?.size ?? 0 };
  if (!("head" in handover)) return { ...known, rest, decision: null };
  const { head, decision } = handover;
  return {
    ...known,
    rest: Buffer.concat([Buffer.from(head.toString(), "latin1"), rest]),
    decision: factsOf(decision),
  };
}

/**
 * The facts that the child cannot read from the socket. For a request that a trusted hop forwarded, the child reads the client's
 * addresses from the head again, and needs those of the connection.
 */
function givenOf(arrival: Arrival): ArrivalHints {
  const { proxy, forwarding } = arrival;
  if (forwarding === undefined) return hintsFrom(arrival);
  if (proxy?.command !== "PROXY") return {};
  return hintsFrom(proxiedArrival(NOTHING_KNOWN, proxy, proxy.hop, proxy.size));
}

const NOTHING_KNOWN: Arrival = Object.freeze({ scheme: "http", schemeSource: "default" });
