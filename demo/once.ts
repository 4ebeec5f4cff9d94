// In:    the port to listen on.
// Out:   the exchange of npm ws clients with the site, printed step by step, and whether everything went as expected.
// Never: takes longer than its deadline.

import { once } from "node:events";
import { WebSocket } from "ws";
import type { Entry } from "./decisions.js";
import { createSite, DECLARED_PORT } from "./site.js";
import { openWorld } from "./world.js";

/** Milliseconds for the whole exchange. */
const DEADLINE = 10_000;

interface Knock {
  readonly statusCode: number;
  /** What the gate decided. */
  readonly entry: Entry | undefined;
  readonly webSocket: WebSocket;
}

/** Plays the exchange. Resolves with true if everything went as expected. */
export async function playOnce(port: number, print: (line: string) => void): Promise<boolean> {
  const world = await openWorld(port);
  const site = createSite(world.port, () => {});
  world.giveTo(site.gate);
  const exchange = new Exchange(world.port, () => site.recent.at(-1), print);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${DEADLINE / 1000} seconds`)), DEADLINE);
  });
  try {
    await Promise.race([exchange.play(), late]);
  } catch (error) {
    exchange.fail(error instanceof Error ? error.message : String(error));
  }
  clearTimeout(timer);
  exchange.end();
  await Promise.all([world.close(), site.close()]);
  const { passed, failed } = exchange;
  print(failed === 0 ? `all ${passed} checks passed` : `${failed} of ${passed + failed} checks FAILED`);
  return failed === 0;
}

class Exchange {
  passed = 0;
  failed = 0;
  readonly #port: number;
  readonly #newest: () => Entry | undefined;
  readonly #print: (line: string) => void;
  readonly #webSockets: WebSocket[] = [];

  constructor(port: number, newest: () => Entry | undefined, print: (line: string) => void) {
    this.#port = port;
    this.#newest = newest;
    this.#print = print;
  }

  async play(): Promise<void> {
    await this.#echo(`echo.localhost:${this.#port}`);
    await this.#chat();
    const foreign = { host: `foreign.example:${this.#port}` };
    await this.#refusal("a foreign host is refused", foreign, 421, [
      "NAME_UNKNOWN",
      "host foreign.example matches none of the vhosts: echo.localhost, chat.localhost",
    ]);
    await this.#refusal("a wrong port is refused", { host: `declared.localhost:${this.#port}` }, 421, [
      "PORT_MISMATCH",
      `host port ${this.#port} mismatches vhost port ${DECLARED_PORT} (declared.localhost; port came from Host`,
    ]);
    const evilPage = { host: `echo.localhost:${this.#port}`, origin: "http://evil.example" };
    await this.#refusal("a foreign origin is refused", evilPage, 403, [
      "ORIGIN_FOREIGN",
      `origin http://evil.example matches none of the allowed origins: http://localhost:${this.#port}, `,
    ]);
    await this.#echo(`declared.localhost:${DECLARED_PORT}`);
  }

  /** Drops whatever the exchange has left open. */
  end(): void {
    for (const webSocket of this.#webSockets) webSocket.terminate();
  }

  fail(reason: string): void {
    this.#check(reason, false);
  }

  async #echo(host: string): Promise<void> {
    const { statusCode, webSocket } = await this.#knock("/echo", host);
    this.#check(`${host} is accepted`, statusCode === 101);
    if (statusCode !== 101) return;
    const [message] = await Promise.all([this.#hear(webSocket), this.#say(webSocket, "hello")]);
    this.#check("the echo comes back", message === "hello");
  }

  async #chat(): Promise<void> {
    const host = `chat.localhost:${this.#port}`;
    const one = await this.#knock("/chat", host);
    const other = await this.#knock("/chat", host);
    const accepted = one.statusCode === 101 && other.statusCode === 101;
    this.#check(`${host} is accepted, twice`, accepted);
    if (!accepted) return;
    const [message] = await Promise.all([this.#hear(other.webSocket), this.#say(one.webSocket, "good evening")]);
    this.#check("one guest hears the other", message === "guest 1: good evening");
  }

  async #refusal(
    what: string,
    { host, origin }: { host: string; origin?: string },
    refusal: number,
    [code, explanation]: [code: string, explanation: string],
  ): Promise<void> {
    const { statusCode, entry } = await this.#knock("/echo", host, origin);
    const explained = entry?.code === code && entry.explanation.startsWith(explanation);
    this.#check(`${what} and explained`, statusCode === refusal && explained);
  }

  /** An opening handshake; the response is printed together with the gate's explanation. */
  async #knock(path: string, host: string, origin?: string): Promise<Knock> {
    this.#print(`-> GET ${path} Host: ${host}${origin === undefined ? "" : ` Origin: ${origin}`}`);
    const headers = { Host: host, ...(origin !== undefined && { Origin: origin }) };
    const webSocket = new WebSocket(`ws://127.0.0.1:${this.#port}${path}`, { headers });
    this.#webSockets.push(webSocket);
    // An awaited step reports its own error; at any other time an error does not matter.
    webSocket.on("error", () => {});
    const statusCode = await new Promise<number>((resolve, reject) => {
      webSocket.once("open", () => resolve(101));
      webSocket.once("unexpected-response", (request, response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      webSocket.once("error", reject);
    });
    const entry = this.#newest();
    this.#print(`<- ${statusCode} ${entry?.explanation ?? "and no decision"}`);
    return { statusCode, entry, webSocket };
  }

  #say(webSocket: WebSocket, message: string): void {
    this.#print(`-> ${JSON.stringify(message)}`);
    webSocket.send(message);
  }

  async #hear(webSocket: WebSocket): Promise<string> {
    const [message] = await once(webSocket, "message");
    const heard = String(message);
    this.#print(`<- ${JSON.stringify(heard)}`);
    return heard;
  }

  #check(what: string, fine: boolean): void {
    if (fine) this.passed++;
    else this.failed++;
    this.#print(`   ${fine ? "ok" : "FAILED"}: ${what}`);
  }
}
