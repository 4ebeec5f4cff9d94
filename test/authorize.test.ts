// In:    upgrades that the policy accepts, adopted, guarded and strictly guarded; functions authorize of every kind.
// Out:   whether only a clear yes hands over, with every early octet once, and nothing left over.
// Never: looks at what the policy decides; decision.test.ts does.

import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import * as assert from "uvu/assert";
import { createGate } from "#src/gate.js";
import type { GateOptions } from "#src/gate-options.js";
import type { Authorize } from "#src/outcome/authorization.js";
import type { ConnectionEnd } from "#src/outcome/end.js";
import { LEAVE, NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { closeGuarded, openGuarded } from "./support/guarded.js";
import { suite } from "./support/suite.js";
import { type Client, closeDoors, openDoor } from "./support/tcp.js";
import { turn, until } from "./support/until.js";
import { handshakeFields } from "./support/world.js";

const handshake = `GET /live HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`;

/** One gate with an authorize, reached through each way in. */
interface World {
  readonly said: string[];
  /** What threw inside authorize. */
  readonly causes: unknown[];
  /** Octets that framers got. */
  readonly taken: string[];
  connect(): Promise<Client>;
  close(): Promise<void>;
}

const ways = ["adopted", "guarded", "strict", "left"] as const;

function listenersOf(socket: Duplex): Record<string, number> {
  const events = ["data", "end", "timeout", "readable", "drain"] as const;
  return Object.fromEntries(events.map((event) => [event, socket.listenerCount(event)]));
}

async function open(
  way: (typeof ways)[number],
  authorize: Authorize,
  limits: GateOptions["limits"] = {},
): Promise<World> {
  const taken: string[] = [];
  const take = (socket: Duplex, rest: Uint8Array): void => {
    const own = socket instanceof net.Socket ? 1 : 0;
    assert.equal(listenersOf(socket), { data: 0, end: own, timeout: 0, readable: 0, drain: 0 });
    let text = `${Buffer.from(rest)}`;
    socket.on("data", (octets: Buffer) => {
      text += octets.toString("latin1");
    });
    socket.on("end", () => taken.push(text));
    socket.resume();
    socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  };
  const port = way === "adopted" ? NO_LISTEN_SERVER : "any";
  const upgrades = { "/live": way === "left" ? LEAVE : ({ socket, rest }: never) => take(socket, rest) };
  const options: GateOptions = { vhosts: [{ name: "a", port, upgrades }], authorize, limits };
  const causes: unknown[] = [];
  if (way !== "adopted") {
    const world = await openGuarded({ gate: options, guard: { mode: way === "strict" ? "filter" : "auto" } });
    if (way === "left") world.server.on("upgrade", (_request, socket, head) => take(socket, head));
    world.gate.on("abandoned", ({ cause }) => causes.push(cause));
    return { said: world.said, causes, taken, connect: () => world.connect(), close: () => world.close() };
  }
  const said: string[] = [];
  const ends: Promise<ConnectionEnd>[] = [];
  const gate = createGate({ ...options, requests: (_request, response) => response.end() });
  gate.on("accepted", () => said.push("handover"));
  gate.on("refused", ({ code }) => said.push(code));
  gate.on("abandoned", ({ code, cause }) => [said.push(code), causes.push(cause)]);
  const door = await openDoor((socket) => ends.push(gate.adopt(socket).ended));
  return {
    said,
    causes,
    taken,
    connect: () => door.connect(),
    async close() {
      await Promise.all(ends);
      for (const socket of door.sockets) if (!socket.destroyed) await once(socket, "close");
      await door.close();
    },
  };
}

const later = async <Value>(value: Value): Promise<Value> => {
  await turn();
  return value;
};

const test = suite("authorize");
test.after(async () => {
  await closeGuarded();
  await closeDoors();
});

for (const way of ways) {
  test(`${way}: yes and no, at once and later`, async () => {
    for (const [answer, status, said] of [
      [true, 101, ["handover"]],
      [false, 403, ["NOT_AUTHORIZED"]],
      [{ statusCode: 401, headers: { "WWW-Authenticate": "Basic" } }, 401, ["NOT_AUTHORIZED"]],
      [{ statusCode: 402 }, 402, ["NOT_AUTHORIZED"]],
      [undefined, 500, ["AUTHORIZE_FAILED"]],
      [null, 500, ["AUTHORIZE_FAILED"]],
      [1, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 200 }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: { A: "b\r\nC: d" } }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: { A: "\u0100" } }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: { "": "b" } }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: { "A B": "b" } }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: { "\u0141": "b" } }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: { "Content-Length": "1" } }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: null }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: new Headers({ "WWW-Authenticate": "Basic" }) }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: new Map([["WWW-Authenticate", "Basic"]]) }, 500, ["AUTHORIZE_FAILED"]],
      [{ statusCode: 401, headers: [] }, 500, ["AUTHORIZE_FAILED"]],
      [new Error("no"), 500, ["AUTHORIZE_FAILED"]],
    ] as [unknown, number, string[]][]) {
      const give = (): never => {
        if (answer instanceof Error) throw answer;
        return answer as never;
      };
      for (const authorize of [give, async () => later(give())]) {
        const world = await open(way, authorize);
        const client = await world.connect();
        await client.send(handshake);
        const [response] = await client.responses(1);
        client.stream.end();
        assert.is(response!.statusCode, status);
        assert.is(response!.fields.get("www-authenticate"), status === 401 ? "Basic" : undefined);
        assert.equal(world.said, said);
        if (answer instanceof Error) assert.equal(world.causes, [answer]);
        else if (status === 500) assert.instance(world.causes[0], TypeError);
        await world.close();
      }
    }
  });

  test(`${way}: an answer that cannot be read, and one that changes`, async () => {
    const cause = new Error("no such member");
    const fail = (): never => {
      throw cause;
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    const unreadable: readonly object[] = [
      Object.defineProperty({}, "statusCode", { get: fail }),
      Object.defineProperty({ statusCode: 401 }, "headers", { get: fail }),
      { statusCode: 401, headers: Object.defineProperty({}, "A", { get: fail, enumerable: true }) },
      // biome-ignore lint/suspicious/noThenProperty: what is tested
      Object.defineProperty({}, "then", { get: fail }),
      proxy,
    ];
    for (const answer of unreadable) {
      for (const authorize of [() => answer as never, async () => later(answer as never)]) {
        const world = await open(way, authorize);
        const client = await world.connect();
        await client.send(handshake);
        assert.is((await client.all())[0]!.statusCode, 500);
        assert.equal(world.said, ["AUTHORIZE_FAILED"]);
        if (answer !== proxy) assert.is(world.causes[0], cause);
        await world.close();
      }
    }
    let reads = 0;
    const headers = Object.defineProperty({}, "A", {
      get: () => (reads++ === 0 ? "b" : "b\r\nC: d"),
      enumerable: true,
    });
    const world = await open(way, () => ({ statusCode: 401, headers }) as never);
    const client = await world.connect();
    await client.send(handshake);
    const [response] = await client.all();
    assert.is(response!.fields.get("a"), "b");
    assert.is(response!.fields.has("c"), false);
    await world.close();
  });

  test(`${way}: octets that come before the answer are delivered once, in order`, async () => {
    let allow = (_yes: boolean): void => {};
    const world = await open(way, () => new Promise((resolve) => (allow = resolve)));
    const client = await world.connect();
    await client.send(`${handshake}one `);
    for (const word of ["two ", "three ", "four "]) await client.send(word, "octets");
    for (let turns = 0; turns < 5; turns++) await turn();
    allow(true);
    await client.responses(1);
    await client.send("five");
    client.stream.end();
    await until(() => world.taken.length > 0, "the framer has it all");
    await world.close();
    assert.equal(world.taken, ["one two three four five"]);
  });

  test(`${way}: more octets than earlyBytes`, async () => {
    let aborted = false;
    const authorize: Authorize = (_head, { signal }) =>
      new Promise(() => signal.addEventListener("abort", () => (aborted = true)));
    const world = await open(way, authorize, { earlyBytes: 10 });
    const client = await world.connect();
    await client.send(handshake);
    await client.send("x".repeat(10));
    await client.send("y");
    assert.is((await client.all())[0]!.statusCode, 400);
    assert.equal([world.said, aborted], [["EARLY_OCTETS"], true]);
    await world.close();
  });

  test(`${way}: no answer in time, and one that comes too late`, async () => {
    let allow = (_yes: boolean): void => {};
    let aborted = 0;
    const authorize: Authorize = (_head, { signal }) => {
      signal.addEventListener("abort", () => aborted++);
      return new Promise((resolve) => (allow = resolve));
    };
    const world = await open(way, authorize, { authorizeTimeout: 50 });
    const client = await world.connect();
    await client.send(handshake);
    assert.is((await client.all())[0]!.statusCode, 503);
    allow(true);
    await later(0);
    assert.equal([world.said, world.taken, aborted], [["AUTHORIZE_TIMEOUT"], [], 1]);
    await world.close();
  });

  test(`${way}: a client that vanishes aborts`, async () => {
    for (const vanish of ["end", "destroy", "resetAndDestroy"] as const) {
      let asked = (_signal: AbortSignal): void => {};
      const signal = new Promise<AbortSignal>((resolve) => (asked = resolve));
      const world = await open(way, (_head, context) => new Promise(() => asked(context.signal)));
      const client = await world.connect();
      await client.send(handshake);
      const aborted = once(await signal, "abort");
      (client.stream as net.Socket)[vanish]();
      await aborted;
      await client.closed();
      await world.close();
      assert.is(world.said.length, 1);
      assert.match(world.said[0]!, /^(?:PEER_ENDED|SOCKET_ERROR)$/);
    }
  });

  test(`${way}: one upgrade more than may wait is answered 503, and not asked about`, async () => {
    const answers: ((word: boolean) => void)[] = [];
    // One is a crowd.
    const limits = { pendingHeads: 2, pendingPerAddress: 1 };
    const world = await open(way, () => new Promise((resolve) => answers.push(resolve)), limits);
    const first = await world.connect();
    await first.send(handshake);
    await until(() => answers.length > 0, "authorize is asked");
    const second = await world.connect();
    await second.send(handshake);
    assert.is((await second.all())[0]!.statusCode, 503);
    assert.equal([world.said, answers.length], [["ADDRESS_OVERLOADED"], 1]);
    answers[0]!(true);
    assert.is((await first.responses(1))[0]!.statusCode, 101);
    first.stream.end();
    await world.close();
  });
}

for (const way of ["adopted", "strict"] as const) {
  test(`${way}: an upgrade after a request; the server's idle time does not end the wait`, async () => {
    const world = await open(way, () => later(true));
    const client = await world.connect();
    await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.responses(1);
    await client.send(`${handshake}early`);
    await client.responses(2);
    client.stream.end();
    await until(() => world.taken.length > 0, "the framer has it all");
    await world.close();
    assert.equal(world.taken, ["early"]);
  });
}

test("an answer that is not allowed is in the log, without its text", async () => {
  const must =
    "authorize must answer true, false, or { statusCode: 401, headers: { ... } } with a status code from 400 to";
  for (const [answer, found] of [
    [undefined, "it answered undefined"],
    [401, "it answered 401"],
    ["session of secret", "it answered a string"],
    [["secret"], "it answered a list"],
    [{ name: "secret" }, "it answered an object with name"],
    [{ status: 401 }, "it answered an object with status"],
    [new Response(null, { status: 401 }), "it answered a Response"],
    [{ statusCode: 200 }, "its statusCode is 200"],
    [{ statusCode: "secret" }, "its statusCode is a string"],
    [{ statusCode: 401, headers: new Headers() }, "its headers are a Headers"],
  ] as [unknown, string][]) {
    const world = await open("adopted", async () => answer as never);
    const client = await world.connect();
    await client.send(handshake);
    await client.all();
    await world.close();
    const { message } = world.causes[0] as TypeError;
    assert.is(message, `${must} 599 and the headers in a plain object; ${found}`);
  }
});

test("requests are not asked about, and authorize gets what was learned", async () => {
  const asked: unknown[] = [];
  const world = await open("guarded", (head, { arrival, decision, signal }) => {
    asked.push(head.path, arrival.scheme, decision.pattern, signal.aborted);
    return true;
  });
  const client = await world.connect();
  await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.responses(1);
  await client.send(handshake);
  await client.responses(2);
  client.stream.end();
  await world.close();
  assert.equal(asked, ["/live", "http", "/live", false]);
  const vhosts = [{ name: "a" }];
  assert.throws(() => createGate({ vhosts, authorize: true as never }), /authorize must be a function/);
});
