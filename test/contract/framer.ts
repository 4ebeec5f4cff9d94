// In:    a road to a gate that has adopted a connection, or guards a server.
// Out:   a suite of what npm ws and framers by hand have on every road, besides the contract of headgate/testing; one end for each WebSocket.
// Never: knows how the road carries octets.

import { once } from "node:events";
import * as assert from "uvu/assert";
import { type ClientOptions, WebSocket, WebSocketServer } from "ws";
import { createGate, type Gate } from "#src/gate.js";
import { FramerRefusal, type Handover } from "#src/handover/framer.js";
import { wsFramer } from "#src/handover/ws.js";
import { explain } from "#src/outcome/explain-end.js";
import { openRoad, type Road, type RoadEnd, type Way } from "../support/roads.js";
import type { Suite } from "../support/suite.js";
import { settled, until } from "../support/until.js";
import { webSocketOver } from "../support/websocket.js";

/** Milliseconds that a fast machine does not need. */
const PATIENCE = 20_000;
const MEGABYTE = 1 << 20;
const OCTETS = Buffer.from(Array.from({ length: MEGABYTE }, (_, i) => i % 251));

export function wsContract(test: Suite, road: Road, way: Way): void {
  const said: string[] = [];
  const explained: string[] = [];
  const closed: [number, string][] = [];
  /** What the gate knows of a WebSocket, its request and its socket. */
  const known: (string | undefined)[] = [];
  const options = { noServer: true, perMessageDeflate: { threshold: 0 }, maxPayload: 4 * MEGABYTE };
  const wss = new WebSocketServer(options);
  const elsewhere = new WebSocketServer({ noServer: true, path: "/somewhere" });
  /** The answers of its verifyClient, which it gives when asked. */
  const asked: ((isVerified: boolean) => void)[] = [];
  const late = new WebSocketServer({ noServer: true, verifyClient: (_info, done) => void asked.push(done) });
  const sync = new WebSocketServer({ noServer: true, verifyClient: () => false });
  const refusing = new WebSocketServer({ noServer: true, verifyClient: (_info, done) => done(false, 402, "Pay") });
  let gate: Gate;
  let end: RoadEnd;

  const fails = (): never => {
    throw new Error("a framer that fails");
  };
  /** A framer by hand, that knows HTTP/1.1 alone. */
  const echo = ({ socket, rest }: Handover): void => {
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n");
    socket.write("X-Framer: by hand\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n");
    if (rest.length > 0) socket.write(rest);
    socket.pipe(socket);
  };
  wss.on("connection", (webSocket, request) => {
    known.push(...[webSocket, request, request.socket].map((each) => gate.decisionOf(each)?.vhost?.name));
    known.push(gate.arrivalOf(webSocket)?.remoteAddress, request.method, request.headers.host?.split(":")[0]);
    webSocket.on("error", () => {});
    webSocket.on("message", (data, isBinary) => {
      if (String(data) === "terminate") webSocket.terminate();
      else if (String(data) === "close") webSocket.close(4001, "as asked");
      else webSocket.send(data, { binary: isBinary });
    });
    webSocket.on("close", (code, reason) => closed.push([code, String(reason)]));
  });

  test.before(async () => {
    end = await openRoad(road, way);
    gate = createGate({
      vhosts: [
        {
          name: "localhost",
          port: "any",
          upgrades: {
            "/live": wsFramer(wss),
            "/refusing": wsFramer(refusing),
            "/elsewhere": wsFramer(elsewhere),
            "/sync": wsFramer(sync),
            "/asked": wsFramer(late),
            "/own": ({ socket }) => {
              socket.end("HTTP/1.1 418 I'm a teapot\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
              throw new FramerRefusal("it is a teapot");
            },
            "/throw": fails,
            "/reject": async () => fails(),
            "/late": async ({ socket }) => {
              socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
              fails();
            },
            "/hand": echo,
            "/silent": ({ socket }) => void socket.end(),
            "/nonsense": ({ socket }) => {
              socket.on("error", () => {});
              socket.end("nonsense\r\n\r\n");
            },
          },
        },
      ],
      http2: { cleartext: true },
      limits: { lingerTimeout: 300 },
    });
    gate.on("accepted", () => said.push("handover"));
    gate.on("refused", ({ code }) => said.push(code));
    gate.on("abandoned", (end) => {
      said.push(`${end.code} ${end.stage}`);
      explained.push(explain(end));
    });
    end.put(gate);
  });
  test.after(async () => {
    for (const each of [wss, refusing, elsewhere, late, sync]) each.close();
    await end.close();
  });

  /** A WebSocket on a connection of its own, and what ends that. */
  async function open(path: string, wanted: ClientOptions = {}, protocols: string[] = []) {
    if (road.version === "HTTP/2") {
      const session = await end.session();
      const { webSocket } = webSocketOver(session, path, { ...wanted, protocols });
      return { webSocket, leave: () => session.destroy() };
    }
    const socket = await end.connect();
    const url = `ws://localhost:${end.port}${path}`;
    const webSocket = new WebSocket(url, protocols, { ...wanted, createConnection: () => socket as never });
    return { webSocket, leave: () => void socket.destroy() };
  }

  async function withOpen(
    path: string,
    use: (webSocket: WebSocket) => Promise<void>,
    wanted?: ClientOptions,
    protocols?: string[],
  ): Promise<void> {
    const { webSocket, leave } = await open(path, wanted, protocols);
    await once(webSocket, "open");
    await use(webSocket);
    leave();
    await until(() => wss.clients.size === 0, "the server has closed the WebSocket");
  }

  /** The status code of a refusal; 0 where the WebSocket ended without one. */
  async function refusal(path: string): Promise<number> {
    const { webSocket, leave } = await open(path);
    let message = "";
    webSocket.on("error", (error) => (message = error.message));
    await new Promise((resolve) => webSocket.on("close", resolve));
    leave();
    return Number(/Unexpected server response: (\d+)/.exec(message)?.[1] ?? 0);
  }

  /** Without the end of a session, which comes when its client is done. */
  const ofFramers = (): string[] => said.filter((each) => each !== "PEER_ENDED requests");

  const echoed = async (webSocket: WebSocket, data: Buffer | string): Promise<void> => {
    const answer = once(webSocket, "message", { signal: AbortSignal.timeout(PATIENCE) });
    webSocket.send(data);
    const [back, isBinary] = (await answer) as [Buffer, boolean];
    assert.is(isBinary, typeof data !== "string");
    assert.ok(back.equals(Buffer.from(data as string)), "other octets");
  };

  test("texts and octets, small and large, with compression and without", async () => {
    for (const perMessageDeflate of [true, false]) {
      await withOpen(
        "/live",
        async (webSocket) => {
          assert.is(webSocket.extensions.startsWith("permessage-deflate"), perMessageDeflate);
          for (const length of [0, 1, 125, 126, 65_535, 65_536, MEGABYTE]) {
            await echoed(webSocket, "x".repeat(length));
            await echoed(webSocket, OCTETS.subarray(0, length));
          }
        },
        { perMessageDeflate },
      );
    }
    assert.equal(known.slice(0, 6), ["localhost", "localhost", "localhost", "127.0.0.1", "GET", "localhost"]);
    assert.is(said[0], "handover");
  });

  test("both ways at once, with a reader that pauses: nothing is lost, and the writer is made to wait", async () => {
    await withOpen(
      "/live",
      async (webSocket) => {
        const message = Buffer.alloc(MEGABYTE, "x");
        let received = 0;
        const all = new Promise<void>((resolve) => {
          webSocket.on("message", (data: Buffer) => (received += data.length) === 16 * MEGABYTE && resolve());
        });
        webSocket.pause();
        for (let i = 0; i < 16; i++) webSocket.send(message);
        const [server] = wss.clients;
        // What is not read is not all on its way: it waits on the server, or has not left the client.
        const waiting = await settled(() => server!.bufferedAmount + webSocket.bufferedAmount);
        assert.ok(waiting > 4 * MEGABYTE, "nothing waits");
        webSocket.resume();
        await all;
      },
      { perMessageDeflate: false },
    );
  });

  test("subprotocols", async () => {
    await withOpen("/live", async (webSocket) => assert.is(webSocket.protocol, "chat"), {}, ["chat", "superchat"]);
    await withOpen("/live", async (webSocket) => assert.is(webSocket.protocol, ""));
  });

  test("ping and pong, each way", async () => {
    await withOpen("/live", async (webSocket) => {
      webSocket.ping("one");
      assert.is(String((await once(webSocket, "pong"))[0]), "one");
      const [server] = wss.clients;
      server!.ping("two");
      assert.is(String((await once(server!, "pong"))[0]), "two");
    });
  });

  test("close codes, from each side", async () => {
    closed.length = 0;
    await withOpen("/live", async (webSocket) => {
      webSocket.close(4000, "bye");
      assert.equal((await once(webSocket, "close")).map(String), ["4000", "bye"]);
    });
    await withOpen("/live", async (webSocket) => {
      webSocket.send("close");
      assert.equal((await once(webSocket, "close")).map(String), ["4001", "as asked"]);
    });
    await until(() => closed.length === 2, "both have closed");
    assert.equal(closed, [
      [4000, "bye"],
      [4001, "as asked"],
    ]);
  });

  test("an end without a close is 1006, on both sides", async () => {
    closed.length = 0;
    await withOpen("/live", async (webSocket) => {
      webSocket.on("error", () => {});
      webSocket.send("terminate");
      assert.is((await once(webSocket, "close"))[0], 1006);
    });
    await withOpen("/live", async (webSocket) => webSocket.terminate());
    await withOpen("/live", async () => {});
    await until(() => closed.length === 3, "all three have closed");
    assert.equal(
      closed.map(([code]) => code),
      [1006, 1006, 1006],
    );
  });

  test("more than maxPayload is 1009", async () => {
    await withOpen("/live", async (webSocket) => {
      webSocket.on("error", () => {});
      webSocket.send(Buffer.alloc(4 * MEGABYTE + 1), { compress: false }, () => {});
      assert.is((await once(webSocket, "close"))[0], 1009);
    });
  });

  test("what ws refuses is answered", async () => {
    assert.is(await refusal("/refusing"), 402);
    assert.is(await refusal("/nowhere"), 404);
  });

  test("what a framer refuses by itself has its answer, and is an event", async () => {
    const verifies = "its verifyClient rejects the client, or it rejects the opening handshake, or is closing";
    for (const [path, statusCode, reason] of [
      ["/elsewhere?a", 400, 'its path is "/somewhere", and the upgrade is for "/elsewhere"'],
      ["/sync", 401, verifies],
      ["/refusing", 402, verifies],
      ["/own", 418, "it is a teapot"],
    ] as const) {
      said.length = 0;
      explained.length = 0;
      const before = gate.counts.abandoned.FRAMER_REFUSED ?? 0;
      assert.is(await refusal(path), statusCode);
      await until(() => ofFramers().length === 2, "the end is reported");
      assert.equal(ofFramers(), ["handover", "FRAMER_REFUSED handover"]);
      assert.is(gate.counts.abandoned.FRAMER_REFUSED, before + 1);
      assert.ok(
        explained[0]!.startsWith(`the framer refused the upgrade: ${reason} (FRAMER_REFUSED, handover; client `),
      );
    }
  });

  test("what verifyClient answers later is an event then", async () => {
    for (const [isVerified, wanted] of [
      [false, ["handover", "FRAMER_REFUSED handover"]],
      [true, ["handover"]],
    ] as const) {
      said.length = 0;
      const { webSocket, leave } = await open("/asked");
      webSocket.on("error", () => {});
      const ended = new Promise((resolve) => webSocket.on(isVerified ? "open" : "close", resolve));
      await until(() => asked.length === 1, "verifyClient is asked");
      assert.equal(ofFramers(), ["handover"]);
      asked.pop()!(isVerified);
      await ended;
      leave();
      await until(() => ofFramers().length === wanted.length && late.clients.size === 0, "both have ended");
      assert.equal(ofFramers(), wanted);
    }
  });

  test("a client that leaves before verifyClient answers is not refused", async () => {
    said.length = 0;
    const { webSocket, leave } = await open("/asked");
    webSocket.on("error", () => {});
    await until(() => asked.length === 1, "verifyClient is asked");
    webSocket.terminate();
    leave();
    asked.pop()!(true);
    // One more upgrade on another connection, after which the first one is long over.
    await withOpen("/live", async () => {});
    await until(() => late.clients.size === 0, "no client is left");
    assert.not.ok(said.includes("FRAMER_REFUSED handover"));
  });

  test("a framer that throws, at once, later, and after its response", async () => {
    said.length = 0;
    assert.is(await refusal("/throw"), 500);
    assert.is(await refusal("/reject"), 500);
    assert.ok([0, 101].includes(await refusal("/late")));
    assert.is(await refusal("/silent"), 0);
    assert.is(await refusal("/nonsense"), 0);
    assert.equal(
      said.filter((each) => each !== "handover"),
      Array(3).fill("FRAMER_FAILED handover"),
    );
  });

  test("a framer by hand, which writes HTTP/1.1", async () => {
    if (road.version === "HTTP/1.1") return;
    const session = await end.session();
    const stream = session.request(
      { ":method": "CONNECT", ":protocol": "websocket", ":path": "/hand", "sec-websocket-version": "13" },
      { endStream: false },
    );
    stream.write("early");
    const [headers] = await once(stream, "response");
    assert.equal([headers[":status"], headers["x-framer"], headers["set-cookie"]], [200, "by hand", ["a=1", "b=2"]]);
    assert.equal([headers.upgrade, headers.connection], [undefined, undefined]);
    let text = "";
    stream.on("data", (octets) => (text += octets));
    stream.end(" late");
    await once(stream, "close");
    assert.is(text, "early late");
    assert.is(stream.rstCode, 0);
    session.close();
  });

  test("afterwards nothing is left", async () => {
    await until(() => end.open() === 0 && wss.clients.size === 0, "all are closed");
    assert.is(gate.pendingHeads, 0);
    await Promise.all(end.ends);
  });
}
