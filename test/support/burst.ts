// In:    a port that speaks HTTP/2.
// Out:   one connection's requests in one write: some that an application answers, others that the gate refuses.
// Never: takes an answer without an end for a complete one.

import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { type Fields, Flag, Frame, frame, headers, hello, readFrames, statusOf } from "./http2-frames.js";

/** What an application does with a request whose stream is alone in no read. */
export const acts = [
  "response.destroy()",
  "stream.destroy()",
  "stream.close(2)",
  "end(), destroy()",
  "nextTick",
] as const;

export type Act = (typeof acts)[number];

/** What becomes of the stream of an extended CONNECT, by its path. */
export const paths = {
  thrown: "/thrown",
  refusedByFramer: "/refused",
  denied: "/denied",
  deniedLate: "/denied-late",
} as const;

const request = (others: Readonly<Record<string, string>>): Fields =>
  Object.entries({ ":method": "GET", ":scheme": "http", ":authority": "localhost", ":path": "/", ...others });
const connect = (path: string): Fields =>
  request({ ":method": "CONNECT", ":protocol": "websocket", ":path": path, "sec-websocket-version": "13" });

/** Requests that are refused, and the status code that each gets. Their streams are left open. */
const refused: readonly (readonly [number, Fields])[] = [
  [421, request({ ":method": "POST", ":authority": "foreign.example" })],
  [404, connect("/unclaimed")],
  [500, connect(paths.thrown)],
  [400, request({ ":method": "POST", ":authority": "localhost:0" })],
  [421, request({ ":method": "HEAD", ":authority": "foreign.example" })],
  [403, connect(paths.denied)],
  [403, connect(paths.deniedLate)],
  [400, connect(paths.refusedByFramer)],
];

/** Pairs of requests in one write. */
const PAIRS = 4;
/** Milliseconds for all answers of a connection, far more than they take. */
const PATIENCE = 20_000;

interface Burst {
  readonly port: number;
  readonly secure: boolean;
  /** Of the connection: each has another selection of refusals, and every other one begins with the burst. */
  readonly index: number;
  /** Every refusal is 421, as a server without a gate answers whatever it does not like. */
  readonly bare?: boolean;
}

const withScheme = (fields: Fields, scheme: string): Fields =>
  fields.map(([name, value]) => [name, name === ":scheme" ? scheme : value]);

/** Sends them on their own connection, and closes it when all of them are answered; resolves with what is missing, or null. */
export function burst({ port, secure, index, bare = false }: Burst): Promise<string | null> {
  const scheme = secure ? "https" : "http";
  const wanted = new Map<number, number | null>();
  const frames: Buffer[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const [statusCode, fields] = refused[bare ? 0 : (index + pair) % refused.length]!;
    wanted.set(4 * pair + 1, null).set(4 * pair + 3, statusCode);
    frames.push(headers(4 * pair + 1, withScheme(request({}), scheme), Flag.END_STREAM));
    frames.push(headers(4 * pair + 3, withScheme(fields, scheme)));
  }
  const to = { port, host: "127.0.0.1", noDelay: true };
  const socket = secure ? tls.connect({ ...to, rejectUnauthorized: false, ALPNProtocols: ["h2"] }) : net.connect(to);
  const greets = index % 2 === 0;
  socket.once(secure ? "secureConnect" : "connect", () =>
    socket.write(greets ? hello() : Buffer.concat([hello(), ...frames])),
  );
  if (greets) {
    socket.once("data", () => socket.write(Buffer.concat([frame(Frame.SETTINGS, Flag.ACK, 0), ...frames])));
  }
  return answers(socket, wanted);
}

/** `wanted`: by stream, the status code; null where the stream may end in any way. */
function answers(socket: Duplex, wanted: ReadonlyMap<number, number | null>): Promise<string | null> {
  let received: Buffer = Buffer.alloc(0);
  let [missing, wrong] = ["no answer at all", null as string | null];
  const look = (): void => {
    const waiting = new Set(wanted.keys());
    for (const { type, flags, stream, payload } of readFrames(received)) {
      const statusCode = wanted.get(stream) ?? null;
      if (type === Frame.HEADERS && statusCode !== null && statusOf(payload) !== statusCode) {
        wrong = `${statusOf(payload)} in the place of ${statusCode}`;
      }
      const isEnd = (type === Frame.HEADERS || type === Frame.DATA) && (flags & Flag.END_STREAM) !== 0;
      const isReset = type === Frame.RST_STREAM;
      if (isReset && statusCode !== null && waiting.has(stream)) wrong = `a reset in the place of ${statusCode}`;
      if (isEnd || isReset) waiting.delete(stream);
    }
    missing = `streams ${[...waiting]} have no end`;
    if (waiting.size === 0 || wrong !== null) socket.destroy();
    if (waiting.size === 0) missing = "";
  };
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), PATIENCE);
    socket.on("error", () => {});
    socket.on("data", (octets: Buffer) => {
      received = Buffer.concat([received, octets]);
      look();
    });
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(wrong ?? (missing === "" ? null : missing));
    });
  });
}
