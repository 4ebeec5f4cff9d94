// In:    adopted sockets at each step of docs/ownership.md; what may break there.
// Out:   whether each comes to its one end, and leaves no descriptor, listener, timer or unhandled error.
// Never: asks for octets; the contract of intake.test.ts does.

import { readdirSync, readlinkSync } from "node:fs";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import type { Handover } from "#src/handover/framer.js";
import type { Authorization } from "#src/outcome/authorization.js";
import type { Abandoned, ConnectionEnd } from "#src/outcome/end.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { suite } from "./support/suite.js";
import { openTransport, type Pair, type Transport } from "./support/transport.js";
import { until } from "./support/until.js";
import { handshakeFields } from "./support/world.js";

/** What the application of a gate has in its hands, by when it got it. */
interface Hands {
  request?: IncomingMessage;
  response?: ServerResponse;
  handover?: Handover;
  /** Answers the authorize that waits. */
  answer?: (answer: Authorization | Promise<Authorization>) => void;
  /** Ends the framer that waits. */
  taken?: (result: void | Promise<void>) => void;
}

/** One adopted connection. */
interface Case extends Pair {
  readonly gate: Gate;
  readonly hands: Hands;
  readonly server: http.Server;
  readonly end: Promise<ConnectionEnd>;
  /** Kinds of ends that the gate has reported. */
  readonly told: string[];
}

/** Milliseconds of every deadline where deadlines are what goes wrong, and where they must not. */
const SOON = 60;
const NEVER = 60_000;

interface Setting {
  readonly proxy?: boolean;
  readonly soon?: boolean;
}

function openGate({ proxy = false, soon = false }: Setting, hands: Hands): Pick<Case, "gate" | "server" | "told"> {
  const server = http.createServer((request, response) => {
    Object.assign(hands, { request, response });
    if (request.url === "/now") response.end("served");
    if (request.url === "/part") response.write("part");
  });
  const told: string[] = [];
  const gate = createGate({
    vhosts: [
      {
        name: "a",
        port: NO_LISTEN_SERVER,
        upgrades: {
          "/thrown": () => {
            throw new Error("a framer that fails");
          },
          "/destroyed": ({ socket }) => {
            socket.destroy(new Error("destroyed by the framer"));
            throw new Error("a framer that fails");
          },
          "/written": ({ socket }) => {
            socket.write("HTTP/1.1 101 ");
            throw new Error("a framer that fails");
          },
          "/slow": (handover) => {
            hands.handover = handover;
            return new Promise<void>((resolve) => (hands.taken = resolve));
          },
          "*": (handover) => {
            hands.handover = handover;
            handover.socket.resume();
          },
        },
      },
    ],
    requests: server,
    authorize: (head) => head.path !== "/asked" || new Promise<Authorization>((resolve) => (hands.answer = resolve)),
    ...(proxy && { trust: { from: ["127.0.0.1"], proxyProtocol: true } }),
    limits: { headTimeout: soon ? SOON : NEVER, authorizeTimeout: soon ? SOON : NEVER, lingerTimeout: SOON },
  });
  gate.on("refused", () => told.push("refused"));
  gate.on("malformed", () => told.push("malformed"));
  gate.on("abandoned", () => told.push("abandoned"));
  return { gate, server, told };
}

const upgrade = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;
const request = (path: string, more = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

/** A step of docs/ownership.md: what brings a connection there, and what shows that it is. */
interface Step {
  readonly proxy?: boolean;
  readonly octets: string;
  readonly shows?: (hands: Hands) => unknown;
  /** Where an end that comes now is. */
  readonly stage?: Abandoned["stage"];
  /** How the connection has ended already, or must. */
  readonly end?: string;
}

const responded = ({ response }: Hands): boolean => response?.writableFinished === true;
const asked = ({ response }: Hands): boolean => response !== undefined;
const requests = { shows: asked, stage: "requests" } as const;
const posted = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n1";

const reading = {
  "announcing, silent": { proxy: true, octets: "", stage: "silent" },
  "announcing, within the header": { proxy: true, octets: "PROXY TCP4 198.51", stage: "proxy" },
  "reading, silent": { octets: "", stage: "silent" },
  "reading, within the head": { octets: "GET / HT", stage: "head" },
} satisfies Record<string, Step>;

const answering = {
  "serving, before the response": { octets: request("/"), ...requests },
  "serving, within the body": { octets: posted, ...requests },
  "serving, within the response": { octets: request("/part"), ...requests },
} satisfies Record<string, Step>;

const laterHead = {
  "serving, within a later head": { octets: `${request("/now")}GET / HT`, ...requests, shows: responded },
} satisfies Record<string, Step>;

const serving = {
  ...answering,
  "serving, idle": { octets: request("/now"), ...requests, shows: responded },
  ...laterHead,
} satisfies Record<string, Step>;

const authorizing = {
  authorizing: { octets: upgrade("/asked"), shows: ({ answer }) => answer, stage: "authorize" },
} satisfies Record<string, Step>;

const slow = {
  "in the hands of a slow framer": { octets: upgrade("/slow"), shows: ({ taken }) => taken },
} satisfies Record<string, Step>;

const handed = {
  "in the hands of a slow framer": { ...slow["in the hands of a slow framer"], end: "handed-over" },
  "handed-over": { octets: upgrade("/"), shows: ({ handover }) => handover, end: "handed-over" },
} satisfies Record<string, Step>;

/** Connections that are read on after their last response. */
const lingering = {
  refused: { octets: request("/").replace("Host: a", "Host: b"), end: "NAME_UNKNOWN" },
  malformed: { octets: "?", end: "METHOD_INVALID" },
  served: { octets: request("/now", "Connection: close\r\n"), shows: responded, end: "served" },
} satisfies Record<string, Step>;

const everywhere = { ...reading, ...serving, ...authorizing, ...handed, ...lingering };
const timed = { ...reading, ...laterHead, ...authorizing, ...lingering };

/** What may go wrong at some steps. */
interface Fault {
  readonly at: Record<string, Step>;
  readonly strike: (one: Case) => unknown;
  /** Deadlines are short. */
  readonly soon?: boolean;
  /** What becomes of a connection that had not ended; `*` is the stage of its step. */
  readonly wanted: string;
  /** At these steps something else does. */
  readonly but?: Record<string, string>;
  /** What becomes of it where Node hears of sockets before timers that are due, as it does since Node 22. */
  readonly or?: string;
}

/** Breaks the client's end, so that what is written in this turn fails (EPIPE, ECONNRESET) before an event reports it. */
const breakUnheard = ({ wire }: Case): void => void wire.resetAndDestroy();
const late = (): Promise<never> => Promise.reject(new Error("thrown late"));
const closed = (socket: Duplex): Promise<unknown> => new Promise((resolve) => socket.once("close", resolve));

const faults: Record<string, Fault> = {
  "the client ends": {
    at: everywhere,
    strike: ({ near }) => near.end(),
    wanted: "PEER_ENDED *",
    // It may still be reading, and the server decides.
    but: {
      "serving, before the response": "served",
      "serving, within the response": "served",
      "serving, idle": "served",
      "serving, within a later head": "served",
    },
  },
  "the client resets": { at: everywhere, strike: breakUnheard, wanted: "SOCKET_ERROR *" },
  "the caller of adopt destroys the socket": {
    at: everywhere,
    strike: ({ far }) => far.destroy(),
    wanted: "PEER_ENDED *",
  },
  "the caller of adopt breaks the socket": {
    at: everywhere,
    strike: ({ far }) => far.destroy(new Error("broken by the caller")),
    wanted: "SOCKET_ERROR *",
  },
  "time is over": {
    at: timed,
    soon: true,
    strike: () => {},
    wanted: "HEAD_TIMEOUT *",
    but: { authorizing: "AUTHORIZE_TIMEOUT" },
  },
  "time is over, and the client has reset": {
    at: timed,
    soon: true,
    strike: (one) => {
      breakUnheard(one);
      for (const since = performance.now(); performance.now() < since + 2 * SOON; );
    },
    wanted: "HEAD_TIMEOUT *",
    but: { authorizing: "AUTHORIZE_TIMEOUT" },
    or: "SOCKET_ERROR *",
  },
  "the server ends": { at: serving, strike: ({ hands }) => hands.request!.socket.end(), wanted: "served" },
  "the server destroys": { at: serving, strike: ({ hands }) => hands.request!.socket.destroy(), wanted: "served" },
  "the server breaks": {
    at: serving,
    strike: ({ hands }) => hands.request!.socket.destroy(new Error("broken by the server")),
    wanted: "served",
  },
  "the server closes": {
    at: answering,
    strike: ({ server, hands }) => {
      // A server that does not listen has no list of connections; each ends when it has been idle after its response.
      server.close();
      server.closeAllConnections();
      server.keepAliveTimeout = SOON;
      hands.response!.end();
    },
    wanted: "served",
  },
  "the response, and the client has reset": {
    at: answering,
    strike: (one) => {
      breakUnheard(one);
      one.hands.response!.end("x".repeat(100_000));
    },
    wanted: "SOCKET_ERROR *",
  },
  "authorize accepts, and the client has reset": {
    at: authorizing,
    strike: (one) => {
      breakUnheard(one);
      one.hands.answer!(true);
    },
    wanted: "handed-over",
  },
  "authorize refuses, and the client has reset": {
    at: authorizing,
    strike: (one) => {
      breakUnheard(one);
      one.hands.answer!(false);
    },
    wanted: "NOT_AUTHORIZED",
  },
  "authorize throws late": {
    at: authorizing,
    strike: ({ hands }) => hands.answer!(late()),
    wanted: "AUTHORIZE_FAILED *",
  },
  "authorize throws late, and the client has reset": {
    at: authorizing,
    strike: (one) => {
      breakUnheard(one);
      one.hands.answer!(late());
    },
    wanted: "AUTHORIZE_FAILED *",
  },
  "authorize throws when all is over": {
    at: authorizing,
    strike: async ({ far, hands }) => {
      far.destroy();
      await closed(far);
      hands.answer!(late());
    },
    wanted: "PEER_ENDED *",
  },
  "the framer throws late": {
    at: slow,
    strike: ({ hands }) => hands.taken!(late()),
    wanted: "FRAMER_FAILED handover",
  },
  "the framer throws late, and the client has reset": {
    at: slow,
    strike: (one) => {
      breakUnheard(one);
      one.hands.taken!(late());
    },
    wanted: "FRAMER_FAILED handover",
  },
  "the framer throws when all is over": {
    at: slow,
    strike: async ({ far, hands }) => {
      far.destroy(new Error("broken"));
      await closed(far);
      hands.taken!(late());
    },
    wanted: "FRAMER_FAILED handover",
  },
};

/** The paths of framers that throw at once. */
const throwing = ["/thrown", "/destroyed", "/written"];

/** Errors that were not handled; each would have ended a process. */
const unhandled: unknown[] = [];
process.on("uncaughtException", (error) => unhandled.push(error));
process.on("unhandledRejection", (error) => unhandled.push(error));

function isSocket(descriptor: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith("socket:");
  } catch {
    return false;
  }
}

/** What a process holds, besides memory. */
function held(): { sockets: number; timers: number } {
  return {
    sockets: readdirSync("/proc/self/fd").filter(isSocket).length,
    timers: process.getActiveResourcesInfo().filter((name) => name === "Timeout").length,
  };
}

const listenersOf = (socket: Duplex): Map<string | symbol, number> =>
  new Map(socket.eventNames().map((name) => [name, socket.listenerCount(name)]));

/** Listeners that a socket did not have before, but for one that ignores errors. */
function leftOn(socket: Duplex, found: Map<string | symbol, number>): string[] {
  const more = [...listenersOf(socket)].filter(([name, count]) => count > (found.get(name) ?? 0));
  return more
    .filter(([name, count]) => name !== "error" || count > (found.get(name) ?? 0) + 1)
    .map(([name]) => `${String(name)}`);
}

function shown(end: ConnectionEnd): string {
  if (end.kind === "abandoned") return `${end.code} ${end.stage}`;
  if (end.kind === "refused") return end.decision.code;
  return end.kind === "malformed" ? end.fault.code : end.kind;
}

/** Brings a connection to a step, strikes it, and sees what is left; how it ended. */
async function run(transport: Transport, step: Step, fault: Fault): Promise<string> {
  const before = held();
  const hands: Hands = {};
  const { gate, server, told } = openGate({ proxy: step.proxy ?? false, soon: fault.soon ?? false }, hands);
  const pair = await transport.pair();
  const { near, wire, far } = pair;
  let received = 0;
  const push = far.push;
  far.push = (octets) => {
    received += octets?.length ?? 0;
    return push.call(far, octets);
  };
  const found = listenersOf(far);
  const end = gate.adopt(far).ended;
  near.write(step.octets);
  const isThere = (): boolean =>
    received === step.octets.length && (step.shows === undefined || Boolean(step.shows(hands)));
  await until(isThere, "the step");
  await fault.strike({ ...pair, gate, hands, server, end, told });
  // A framer has its promise kept at last.
  hands.taken?.();
  hands.handover?.socket.resume();
  let ended: ConnectionEnd | undefined;
  void end.then((how) => (ended = how));
  await until(() => ended !== undefined, "its end");
  const how = await end;
  // A client that never closes is not waited for.
  if (how.kind !== "handed-over") await until(() => far.closed, "the socket is closed");
  near.destroy();
  wire.destroy();
  await until(() => far.closed, "the framer's socket is closed");
  // 'close' of a net.Socket comes a turn after that.
  await until(
    () => leftOn(far, found).length === 0,
    () => `no listener, and not ${leftOn(far, found)}`,
  );
  assert.is(gate.pendingHeads, 0);
  assert.equal(told, ["handed-over", "served"].includes(how.kind) ? [] : [how.kind]);
  await until(() => hands.request?.socket.destroyed ?? true, "the server's connection is closed");
  await until(() => held().sockets <= before.sockets && held().timers <= before.timers, "nothing is left");
  assert.equal(unhandled.splice(0), []);
  return shown(how);
}

/** The client breaks its end, with or without a deadline beside it. */
function isReset({ strike, or }: Fault): boolean {
  return strike === breakUnheard || or !== undefined;
}

/** What a connection comes to that is struck at a step. */
function wantedOf({ wanted, but = {} }: Fault, name: string, step: Step): string {
  return but[name] ?? step.end ?? wanted.replace("*", step.stage ?? "");
}

for (const isTls of [false, true]) {
  const test = suite(`faults: ${isTls ? "TLS" : "TCP"}`);
  let transport: Transport;
  test.before(async () => {
    transport = await openTransport(isTls);
  });
  test.after(() => transport.close());

  for (const [what, fault] of Object.entries(faults)) {
    test(what, async () => {
      for (const [name, step] of Object.entries(fault.at)) {
        const how = await run(transport, step, fault);
        const wanted = wantedOf(fault, name, step);
        // TLS does not distinguish a reset before the first octet from an end.
        const same =
          isTls && how.startsWith("PEER_ENDED") && isReset(fault) ? how.replace("PEER_ENDED", "SOCKET_ERROR") : how;
        if (same !== fault.or?.replace("*", step.stage ?? "")) assert.is(same, wanted, name);
      }
    });
  }

  test("a framer that throws at once, before and after it has written or destroyed", async () => {
    for (const path of throwing) {
      for (const strike of [() => {}, breakUnheard]) {
        const step: Step = { octets: upgrade(path), shows: () => true };
        assert.is(await run(transport, step, { at: {}, strike, wanted: "" }), "FRAMER_FAILED handover", path);
      }
    }
  });
}
