// In:    from its parent: where to connect, and how many clients of each kind there are.
// Out:   to its parent: that all of them are served; then, whenever it asks, what became of their requests and WebSockets.
// Never: repeats a request that failed, or runs tests; test/support/load.ts forks it.

import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { WebSocket } from "ws";

export interface Order {
  readonly port: number;
  readonly ca: string;
  /** Clients that send one request after another on a connection that is kept; each tenth request is a POST. */
  readonly visitors: number;
  /** Others whose requests take a second to answer, GET and POST in turn. */
  readonly slow: number;
  readonly webSockets: number;
  /** About so many milliseconds between two requests of a client, or two messages. */
  readonly pace: number;
}

/** A request without its complete response. */
export interface Failure {
  readonly method: string;
  readonly path: string;
  /** A status code, or the code of an error. */
  readonly outcome: string;
  /** The process that had answered the last request on this connection; null for the first request. */
  readonly process: string | null;
}

export interface Counts {
  /** Connections for requests that were opened. */
  readonly connections: number;
  /** Complete responses, by the process that sent them. */
  readonly responses: Record<string, number>;
  readonly failures: Failure[];
  /** WebSockets that are open. */
  readonly open: number;
  /** Those that were opened, by process. */
  readonly opened: Record<string, number>;
  /** Messages that came back as they were sent. */
  readonly echoes: number;
  /** WebSockets that were closed, by process and close code: "a 1001". */
  readonly closed: Record<string, number>;
  /** Opening handshakes that failed: a status code, or the code of an error. */
  readonly refused: string[];
  /** Client addresses and schemes that the processes reported. */
  readonly seen: string[];
}

const HOST = "app.example.com";
/** Not the balancer's own address, and so not a trusted one. */
const FROM = "127.0.0.2";
/** Clients that begin together, and milliseconds until the next ones do. */
const HANDFUL = 40;
const APART = 20;

const counts = {
  connections: 0,
  responses: {} as Record<string, number>,
  failures: [] as Failure[],
  open: 0,
  opened: {} as Record<string, number>,
  echoes: 0,
  closed: {} as Record<string, number>,
  refused: [] as string[],
};
const seen = new Set<string>();
/** One for all: each would read the certificates again. */
let secureContext: tls.SecureContext;
/** Of the first connection; the others resume it, which costs less than a full handshake. */
let session: Buffer | undefined;
let stopped = false;
const working: Promise<void>[] = [];
const sockets = new Set<WebSocket>();

const count = (table: Record<string, number>, key: string): void => {
  table[key] = (table[key] ?? 0) + 1;
};
/** The same on average for all, so that clients do not move in step. */
const aWhile = (milliseconds: number): Promise<void> => sleep(milliseconds * (0.5 + Math.random()));
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

type Answer = { name: string; client: string; scheme: string };

function ask(order: Order, agent: https.Agent, method: string, path: string): Promise<Answer> {
  const to = {
    host: "127.0.0.1",
    port: order.port,
    secureContext,
    session,
    servername: HOST,
    localAddress: FROM,
    agent,
    method,
    path,
  };
  return new Promise((resolve, reject) => {
    const request = https.request({ ...to, headers: { Host: HOST } }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("error", reject).on("end", () => {
        if (response.statusCode === 200) resolve(JSON.parse(body));
        else reject(Object.assign(new Error(), { code: `${response.statusCode}` }));
      });
    });
    request.on("socket", (socket) => {
      if (!request.reusedSocket) socket.once("secureConnect", () => counts.connections++);
    });
    request.on("error", reject).end(method === "POST" ? "an order" : undefined);
  });
}

async function visit(order: Order, id: number, isSlow: boolean, served: () => void): Promise<void> {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  let last: string | null = null;
  for (let i = 0; !stopped; i++) {
    // At any moment, half of the slow requests are of each kind.
    const posts = isSlow ? (id + i) % 2 === 1 : i % 10 === 9;
    const [method, path] = [posts ? "POST" : "GET", `${isSlow ? "/slow" : "/page"}/${id}-${i}`];
    try {
      const { name, client, scheme } = await ask(order, agent, method, path);
      count(counts.responses, name);
      seen.add(`${client} ${scheme}`);
      last = name;
    } catch (error) {
      counts.failures.push({ method, path, outcome: codeOf(error), process: last });
      last = null;
    }
    if (i === 0) served();
    // A slow request is under way nearly all the time.
    if (!isSlow) await aWhile(order.pace);
  }
  agent.destroy();
}

async function converse(order: Order, id: number, served: () => void): Promise<void> {
  for (let first = true; !stopped; first = false) {
    const options = {
      secureContext,
      session,
      servername: HOST,
      localAddress: FROM,
      headers: { Host: HOST },
      perMessageDeflate: false,
    };
    const webSocket = new WebSocket(`wss://127.0.0.1:${order.port}/live`, options);
    sockets.add(webSocket);
    let name: string | null = null;
    let sent = "";
    const closed = new Promise<void>((resolve) =>
      webSocket.on("close", (code) => {
        if (name === null) return resolve();
        counts.open--;
        count(counts.closed, `${name} ${code}`);
        resolve();
      }),
    );
    webSocket.on("unexpected-response", (_request, response) => {
      counts.refused.push(`${response.statusCode}`);
      webSocket.terminate();
    });
    webSocket.on("error", (error) => {
      if (name === null && !/before the connection was established/.test(error.message))
        counts.refused.push(codeOf(error));
    });
    webSocket.on("message", async (data) => {
      if (name === null) {
        name = String(data);
        counts.open++;
        count(counts.opened, name);
        if (first) served();
      } else if (String(data) === sent) counts.echoes++;
      else counts.failures.push({ method: "WebSocket", path: `${id}`, outcome: "other octets", process: name });
      await aWhile(order.pace);
      sent = `${id} ${Math.random()}`;
      if (webSocket.readyState === WebSocket.OPEN) webSocket.send(sent);
    });
    await closed;
    sockets.delete(webSocket);
    // Clients that come back at once would all do so together.
    if (!stopped) await aWhile(300);
  }
}

function anySession(port: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port, secureContext, servername: HOST });
    socket.once("session", (found: Buffer) => {
      resolve(found);
      socket.destroy();
    });
    socket.once("error", reject);
  });
}

async function begin(order: Order): Promise<void> {
  secureContext = tls.createSecureContext({ ca: order.ca });
  session = await anySession(order.port);
  let waiting = order.visitors + order.slow + order.webSockets;
  const served = (): void => {
    if (--waiting === 0) process.send!("served");
  };
  let begun = 0;
  const go = async (client: Promise<void>): Promise<void> => {
    working.push(client);
    if (++begun % HANDFUL === 0) await sleep(APART);
  };
  // Kinds take turns, so that each process gets some of each.
  for (let id = 0; id < Math.max(order.visitors, order.slow, order.webSockets); id++) {
    if (id < order.visitors) await go(visit(order, id, false, served));
    if (id < order.slow) await go(visit(order, id, true, served));
    if (id < order.webSockets) await go(converse(order, id, served));
  }
}

async function end(): Promise<void> {
  stopped = true;
  for (const webSocket of sockets) webSocket.close(1000);
  await Promise.all(working);
  process.send!({ ...counts, seen: [...seen] } satisfies Counts, () => process.disconnect());
}

process.on("message", (message: Order | "count" | "stop") => {
  if (message === "count") process.send!({ ...counts, seen: [...seen] } satisfies Counts);
  else if (message === "stop") void end();
  else void begin(message);
});
process.on("disconnect", () => process.exit());
