// In:    a port whose process is replaced again and again; how long it continues to serve after it is asked to stop.
// Out:   clients that connect, ask and echo without pause; how often, and each that was refused or closed before its time.
// Never: forgives a connection that ends with a request on its way, unless HTTP lets the server end it then.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";

/** Milliseconds between two requests of a client, so that processes start beside them. */
const PACE = 10;
/** Milliseconds without an answer: a hang, and no slow machine. */
const PATIENCE = 60_000;

interface Tally {
  /** Requests on connections of their own. */
  fresh: number;
  /** Requests on connections that are kept. */
  kept: number;
  /** Requests on streams of HTTP/2. */
  streams: number;
  echoes: number;
  /** WebSockets that were closed with 1001, and opened again. */
  closed: number;
  /** Messages that were on their way when the close frame came. */
  unanswered: number;
  /** Requests on a connection without one for as long as a drain lets it be, which closed meanwhile: sent again (RFC 9112 §9.3.1). */
  raced: number;
}

/** Of `port` on 127.0.0.1. `spread`: milliseconds that a drain waits before it closes what is idle. */
export class Restless {
  readonly tally: Tally = { fresh: 0, kept: 0, streams: 0, echoes: 0, closed: 0, unanswered: 0, raced: 0 };
  readonly lost: string[] = [];
  /** Processes that have answered. */
  readonly seen = new Set<string>();
  readonly #port: number;
  readonly #spread: number;
  #isOver = false;
  readonly #running: Promise<void>[] = [];

  constructor(port: number, spread: number, speaksHttp2: boolean) {
    this.#port = port;
    this.#spread = spread;
    for (let i = 0; i < 2; i++) {
      this.#running.push(this.#fresh(), this.#webSockets(), this.#kept(PACE), this.#kept(spread * (1 + i / 2)));
    }
    if (speaksHttp2) this.#running.push(this.#streams());
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #ask(agent: http.Agent | false): Promise<void> {
    const request = http.get({
      port: this.#port,
      host: "127.0.0.1",
      agent,
      headers: { Host: "localhost" },
      signal: AbortSignal.timeout(PATIENCE),
    });
    let body = "";
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on("error", (error) => reject(Object.assign(error, { isReused: request.reusedSocket })));
      request.on("response", resolve);
    });
    response.setEncoding("latin1").on("data", (text) => (body += text));
    await once(response, "end");
    if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${body}`);
    this.seen.add(body);
  }

  async #fresh(): Promise<void> {
    for (; !this.#isOver; await sleep(PACE)) {
      await this.#ask(false).then(
        () => this.tally.fresh++,
        (error: Error) => this.lost.push(`fresh: ${error.message}`),
      );
    }
  }

  async #kept(pause: number): Promise<void> {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    let last = performance.now();
    for (; !this.#isOver; await sleep(pause)) {
      const idle = performance.now() - last;
      try {
        await this.#ask(agent);
        this.tally.kept++;
      } catch (error) {
        const { isReused, message } = error as Error & { isReused?: boolean };
        if (isReused && idle >= this.#spread) this.tally.raced++;
        else this.lost.push(`kept, idle for ${idle.toFixed()} ms: ${message}`);
      }
      last = performance.now();
    }
    agent.destroy();
  }

  async #webSockets(): Promise<void> {
    for (let count = 0; !this.#isOver; ) {
      const webSocket = new WebSocket(`ws://127.0.0.1:${this.#port}/echo`, { headers: { Host: "localhost" } });
      let failure = "";
      webSocket.on("error", ({ message }) => (failure = message));
      const closed = new Promise<number>((resolve) => webSocket.once("close", resolve));
      const opened = await Promise.race([once(webSocket, "open"), closed]);
      let isWaiting = false;
      while (typeof opened !== "number" && !this.#isOver && webSocket.readyState === WebSocket.OPEN) {
        isWaiting = true;
        const echo = new Promise<string>((resolve) => webSocket.once("message", (data) => resolve(`${data}`)));
        webSocket.send(`${++count}`);
        const answer = await Promise.race([echo, closed]);
        if (typeof answer === "number") break;
        isWaiting = false;
        if (answer === `${count}`) this.tally.echoes++;
        else this.lost.push(`echo: ${answer}, not ${count}`);
        await sleep(PACE);
      }
      if (this.#isOver) webSocket.close(1000);
      const code = await closed;
      if (code === 1001) {
        this.tally.closed++;
        if (isWaiting) this.tally.unanswered++;
      } else if (code !== 1000) this.lost.push(`WebSocket: ${code} ${failure}`);
    }
  }

  async #streams(): Promise<void> {
    while (!this.#isOver) {
      const session = http2.connect(`http://127.0.0.1:${this.#port}`);
      let isGoing = false;
      session.on("goaway", () => (isGoing = true));
      session.on("error", ({ message }) => this.lost.push(`session: ${message}`));
      let last = performance.now();
      while (!this.#isOver && !isGoing && !session.closed && !session.destroyed) {
        const idle = performance.now() - last;
        const stream = session.request({ ":authority": "localhost" });
        let body = "";
        let failure = "";
        stream.on("error", ({ message }) => (failure = message));
        stream.setEncoding("latin1").on("data", (text) => (body += text));
        stream.setTimeout(PATIENCE, () => stream.close(http2.constants.NGHTTP2_CANCEL));
        await once(stream, "close").catch(() => {});
        if (stream.rstCode === 0 && body !== "" && failure === "") {
          this.tally.streams++;
          this.seen.add(body);
        } else if (stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM && idle >= this.#spread)
          this.tally.raced++;
        else this.lost.push(`stream, idle for ${idle.toFixed()} ms: ${stream.rstCode} ${failure} ${body}`);
        last = performance.now();
        await sleep(PACE);
      }
      session.close();
      if (!session.destroyed) await once(session, "close").catch(() => {});
    }
  }
}
