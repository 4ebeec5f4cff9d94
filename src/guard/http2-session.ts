// In:    a session of a guarded http2 server.
// Out:   to the server's listeners: streams whose requests the policy accepts; to framers: tunnels that they claim.
// Never: lets a listener of the server or of the session see a stream that was not ruled on.

import type { ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";
import { type Arrival, arrivalAt, NO_HINTS, readArrival, type SocketFacts } from "../arrival/arrival.js";
import { Exchange, type ExchangeOwner } from "../connection/http2/stream.js";
import { Streams } from "../connection/http2/streams.js";
import { SideTable } from "../handover/side-table.js";
import type { Context, Opened } from "../outcome/context.js";
import type { Ways } from "../outcome/route.js";
import type { Activity } from "./guarded-connection.js";

/** The values of 'stream'. */
export type StreamValues = [Opened["stream"], Opened["headers"], Opened["flags"], Opened["rawHeaders"]];

/** Where an accepted stream goes on. */
type Pass = (...values: StreamValues) => void;

/** One HTTP/2 connection of a guarded server. */
class GuardedSession implements ExchangeOwner {
  readonly ways: Ways;
  readonly arrival: Arrival;
  readonly streams: Streams;
  /** In report mode. */
  readonly pass: ((opened: Opened) => void) | undefined;
  readonly #context: Context;
  readonly #pass: Pass;

  constructor(context: Context, session: ServerHttp2Session, arrival: Arrival, pass: Pass) {
    this.#context = context;
    this.streams = new Streams(session, () => {});
    const hears = (on: Duplex): boolean => context.others!.listening("stream", on);
    this.ways = { ...context.ways, serves: true, sends: false, hears };
    this.arrival = arrival;
    this.#pass = pass;
    this.pass = context.policy.mode === "report" ? (opened) => this.serve(opened) : undefined;
  }

  /** Rules on a stream before any listener sees it. */
  rule(...[stream, headers, flags, rawHeaders]: StreamValues): void {
    this.streams.opened(stream);
    if (this.#context.open.state !== "open") this.streams.end();
    new Exchange(this.#context, this, { stream, headers, flags, rawHeaders }).begin();
  }

  serve({ stream, headers, flags, rawHeaders }: Opened): void {
    this.#pass(stream, headers, flags, rawHeaders);
  }
}

/**
 * Rules on every stream before any listener of the session's 'stream' sees it, including the server's. `isActive`: false once
 * the guard has been released. A stream that was already ruled on goes on; the guards of a server coordinate this.
 */
function guardSession(
  context: Context,
  session: ServerHttp2Session,
  arrival: Arrival,
  isActive: () => boolean,
): GuardedSession {
  const { emit } = session;
  const pass = (...values: unknown[]): boolean => Reflect.apply(emit, session, values);
  const guarded = new GuardedSession(context, session, arrival, (...values) => pass("stream", ...values));
  session.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    const isRuled = event !== "stream" || !isActive() || context.known.get(values[0] as object) !== undefined;
    if (isRuled) return pass(event, ...values);
    guarded.rule(...(values as StreamValues));
    return true;
  };
  return guarded;
}

/** The HTTP/2 connections of one guarded server. */
export class GuardedSessions {
  readonly #context: Context;
  /** Gives a stream to the server's listeners. */
  readonly #pass: Pass;
  readonly #guard: Activity;
  readonly #known = new SideTable<GuardedSession>();

  constructor(context: Context, guard: Activity, pass: Pass) {
    this.#context = context;
    this.#guard = guard;
    this.#pass = pass;
  }

  /** A new session that no listener has seen yet. */
  guard(session: ServerHttp2Session): void {
    const isActive = (): boolean => this.#guard.isActive;
    const guarded = guardSession(this.#context, session, this.#arrivalOf(session), isActive);
    this.#known.set(session, guarded);
    this.#watch(session, guarded);
  }

  /** That of a stream; the session may have existed before the guard. */
  of(session: ServerHttp2Session): GuardedSession {
    const known = this.#known.get(session);
    if (known !== undefined) return known;
    const guarded = new GuardedSession(this.#context, session, this.#arrivalOf(session), this.#pass);
    this.#known.set(session, guarded);
    this.#watch(session, guarded);
    return guarded;
  }

  #watch(session: ServerHttp2Session, { streams }: GuardedSession): void {
    const { open } = this.#context;
    const guard = this.#guard;
    const drain = (): void => streams.end();
    const closeIdle = (): void => streams.closeIdle();
    // The session shows a proxy of its socket, without `destroy`; other methods return the socket itself.
    const socket = session.socket.removeListener("close", drain);
    const cut = (): void => {
      session.destroy();
      // After GOAWAY a session waits until the client has read it.
      socket.destroy();
    };
    open.unwatch(socket);
    open.watch(session, {
      drain,
      closeIdle,
      cut,
      get isAway() {
        return !guard.isActive;
      },
    });
  }

  /** Read now: a session exposes its socket only while it is open. */
  #arrivalOf({ socket }: ServerHttp2Session): Arrival {
    return readArrival(arrivalAt(this.#context.policy, socket as SocketFacts, NO_HINTS));
  }
}
