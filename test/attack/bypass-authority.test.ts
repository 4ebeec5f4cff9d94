// In:    requests and upgrades in absolute-form beside a Host that names another server.
// Out:   whether their recipient sees the one authority that was ruled on, in each view that Node has.
// Never: asks the policy which authority counts; host cases do.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { createGate, type Gate, type GateOptions, LEAVE, NO_LISTEN_SERVER } from "#src/index.js";
import { wsFramer } from "#src/ws.js";
import { certificate } from "../support/certificate.js";
import { suite } from "../support/suite.js";
import { Client } from "../support/tcp.js";
import { until } from "../support/until.js";
import { handshakeFields } from "../support/world.js";

const { key, cert } = certificate("a");

/** Every view of a request's host, and its request-target. */
function viewsOf(request: http.IncomingMessage): unknown {
  const { headers, headersDistinct, rawHeaders, url } = request;
  const raw = rawHeaders.filter((_, i) => rawHeaders[i & ~1]!.toLowerCase() === "host" && i % 2 === 1);
  return { url, host: headers.host, distinct: headersDistinct.host, raw };
}

/** The views of one that is for `host`, as it should be seen. */
const ruled = (url: string, host: string): unknown => ({ url, host, distinct: [host], raw: [host] });

interface World {
  readonly seen: [event: string, views: unknown][];
  ask(octets: string): Promise<Client>;
  close(): Promise<void>;
}

/** Lets every listener of a server record what it sees. */
function listenTo(server: net.Server, seen: World["seen"], listens: readonly string[]): void {
  server.on("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    seen.push(["request", viewsOf(request)]);
    request.resume().on("end", () => response.end());
  });
  const others: Record<string, (request: http.IncomingMessage, second: Duplex & http.ServerResponse) => void> = {
    upgrade: (request, socket) => {
      seen.push(["upgrade", viewsOf(request)]);
      socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    },
    checkContinue: (request, response) => {
      seen.push(["checkContinue", viewsOf(request)]);
      response.writeContinue();
      server.emit("request", request, response);
    },
    checkExpectation: (request, response) => {
      seen.push(["checkExpectation", viewsOf(request)]);
      response.end();
    },
  };
  for (const name of listens) server.on(name, others[name]!);
}

async function open(server: net.Server, seen: World["seen"]): Promise<World> {
  const clients: Client[] = [];
  const sockets = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => sockets.add(socket));
  await once(server.listen(0, "127.0.0.1"), "listening");
  const to = { port: (server.address() as AddressInfo).port, host: "127.0.0.1" };
  return {
    seen,
    async ask(octets) {
      const client = new Client(
        server instanceof tls.Server ? tls.connect({ ...to, ca: cert, servername: "a" }) : net.connect(to),
      );
      clients.push(client);
      await client.send(octets);
      await client.responses(1);
      return client;
    },
    async close() {
      for (const { stream } of clients) stream.destroy();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const wss = new WebSocketServer({ noServer: true });
const gateOptions: GateOptions = {
  vhosts: [{ name: "a", origins: "any", upgrades: { "/left": LEAVE, "/live": wsFramer(wss) } }],
};

const servers: Record<string, { scheme: "http" | "https"; strict: boolean; make: () => net.Server }> = {
  "http, plain": { scheme: "http", strict: false, make: () => http.createServer() },
  "http, strict": { scheme: "http", strict: true, make: () => http.createServer() },
  "https, plain": { scheme: "https", strict: false, make: () => https.createServer({ key, cert }) },
  "https, strict": { scheme: "https", strict: true, make: () => https.createServer({ key, cert }) },
  "http2 with allowHTTP1": {
    scheme: "https",
    strict: false,
    make: () => http2.createSecureServer({ key, cert, allowHTTP1: true }),
  },
};

/** Requests by their request-target, with the events that listeners hear, if they listen. */
const asked: [title: string, octets: (target: string, host: string) => string, events: string[]][] = [
  ["a request", (target, host) => `GET ${target} HTTP/1.1\r\n${host}\r\n`, ["request"]],
  ["HTTP/1.0", (target, host) => `GET ${target} HTTP/1.0\r\n${host}\r\n`, ["request"]],
  [
    "100-continue",
    (target, host) => `POST ${target} HTTP/1.1\r\n${host}Expect: 100-continue\r\nContent-Length: 1\r\n\r\nx`,
    ["checkContinue", "request"],
  ],
  [
    "another expectation",
    (target, host) => `GET ${target} HTTP/1.1\r\n${host}Expect: tea\r\n\r\n`,
    ["checkExpectation"],
  ],
  [
    "another protocol",
    (target, host) => `GET ${target} HTTP/1.1\r\n${host}Upgrade: foo\r\nConnection: Upgrade\r\n\r\n`,
    ["request"],
  ],
  ["an upgrade that is left", (target, host) => `GET ${target} HTTP/1.1\r\n${host}${handshakeFields}\r\n`, ["upgrade"]],
];

const guards = suite("bypass: absolute-form, guarded");

for (const [name, { scheme, strict, make }] of Object.entries(servers)) {
  for (const listens of [["upgrade"], ["upgrade", "checkContinue", "checkExpectation"]]) {
    guards(`${name}, listeners: ${listens}`, async () => {
      const server = make();
      const seen: World["seen"] = [];
      const gate = createGate(gateOptions);
      gate.guard(server as http.Server, strict ? { mode: "filter" } : {});
      listenTo(server, seen, listens);
      const world = await open(server, seen);
      for (const [title, octets, events] of asked) {
        for (const [authority, host] of [
          ["a", "a"],
          ["A.:8080", "a:8080"],
        ] as const) {
          const target = `${scheme}://${authority}/left`;
          for (const line of [
            "Host: evil.example\r\n",
            "hOsT: evil.example:1\r\n",
            ...(title === "HTTP/1.0" ? [""] : []),
          ]) {
            await world.ask(octets(target, line));
            const heard = events.filter((event) => event === "request" || listens.includes(event));
            assert.equal(
              seen.splice(0),
              heard.map((event) => [event, ruled(target, host)]),
              `${title} ${authority} ${line}`,
            );
          }
          // Host is as it was sent where the target names no authority.
          if (title !== "HTTP/1.0") {
            await world.ask(octets("/left", "Host: A:8080\r\n"));
            for (const [, views] of seen.splice(0)) assert.equal(views, ruled("/left", "A:8080"));
          }
        }
      }
      await world.close();
    });
  }
}

guards("two requests on one connection, of which the first is in origin-form", async () => {
  for (const strict of [false, true]) {
    const server = http.createServer();
    const seen: World["seen"] = [];
    createGate(gateOptions).guard(server, { mode: strict ? "filter" : "auto" });
    listenTo(server, seen, []);
    const world = await open(server, seen);
    const client = await world.ask(`GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET http://a:81/2 HTTP/1.1\r\nHost: b\r\n\r\n`);
    await client.send("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.responses(3);
    const wanted = [ruled("/1", "a"), ruled("http://a:81/2", "a:81"), ruled("/3", "a")];
    assert.equal(
      seen,
      wanted.map((each) => ["request", each]),
    );
    await world.close();
  }
});

guards("what a trusted hop states is the authority that was ruled on, by every road", async () => {
  for (const strict of [false, true]) {
    const server = http.createServer();
    const seen: World["seen"] = [];
    const gate = createGate({ ...gateOptions, trust: { from: ["127.0.0.1"], forwarded: "rfc7239" } });
    gate.guard(server, { mode: strict ? "filter" : "auto" });
    listenTo(server, seen, ["upgrade"]);
    const world = await open(server, seen);
    for (const more of ["", handshakeFields]) {
      await world.ask(`GET http://hop/left HTTP/1.1\r\nHost: evil.example\r\nForwarded: host=a\r\n${more}\r\n`);
      assert.equal(seen.splice(0), [[more === "" ? "request" : "upgrade", ruled("http://hop/left", "a")]]);
    }
    await world.close();
  }
});

const others = suite("bypass: absolute-form, elsewhere");

others("adopted connections: requests, and upgrades of ws by every road", async () => {
  const seen: World["seen"] = [];
  wss.on("connection", (webSocket, request) => {
    const { headers, rawHeaders, url } = request;
    const raw = rawHeaders.filter((_, i) => rawHeaders[i & ~1]!.toLowerCase() === "host" && i % 2 === 1);
    // An UpgradeRequest has no headersDistinct.
    seen.push(["connection", { url, host: headers.host, distinct: raw, raw }]);
    webSocket.terminate();
  });
  const application = http.createServer();
  listenTo(application, seen, ["checkContinue", "checkExpectation"]);
  const adopting = (): net.Server => {
    const gate = createGate({
      vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "/live": wsFramer(wss) } }],
      requests: application,
    });
    return net.createServer((socket) => gate.adopt(socket));
  };
  const guarding = (strict: boolean): net.Server => {
    const server = http.createServer();
    createGate(gateOptions).guard(server, { mode: strict ? "filter" : "auto" });
    return server;
  };
  for (const server of [adopting(), guarding(false), guarding(true)]) {
    const world = await open(server, seen);
    for (const [title, octets, events] of server instanceof http.Server ? [] : asked.slice(0, 5)) {
      await world.ask(octets("http://a:81/x", "Host: evil.example\r\n"));
      assert.equal(
        seen.splice(0),
        events.map((event) => [event, ruled("http://a:81/x", "a:81")]),
        title,
      );
    }
    await world.ask(`GET http://a:81/live HTTP/1.1\r\nHost: evil.example\r\n${handshakeFields}\r\n`);
    await until(() => seen.length > 0, "the framer has the WebSocket");
    assert.equal(seen.splice(0), [["connection", ruled("http://a:81/live", "a:81")]]);
    await world.close();
  }
});

others("what the gate keeps of the head is what was sent, and the decision has the authority", async () => {
  let gate: Gate | undefined;
  const shown: unknown[] = [];
  const server = http.createServer((request, response) => {
    const { head, authority } = gate!.decisionOf(request)!;
    shown.push(head.rawHeaders, String(authority));
    response.end();
  });
  gate = createGate(gateOptions);
  gate.guard(server);
  const world = await open(server, []);
  await world.ask("GET http://a/ HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  assert.equal(shown, [["Host", "evil.example"], "a"]);
  await world.close();
});

others("over HTTP/2 there is one authority, or none is served", async () => {
  const server = http2.createServer();
  const seen: unknown[] = [];
  server.on("request", (request, response) => {
    seen.push([request.authority, request.headers[":authority"], request.headers.host]);
    response.end();
  });
  createGate({ vhosts: [{ name: "a" }, { name: "b" }] }).guard(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const statuses: unknown[] = [];
  for (const fields of [
    { ":authority": "a", host: "b" },
    { ":authority": "a", host: "a" },
  ]) {
    const stream = session.request(fields).resume();
    const [headers] = await Promise.race([once(stream, "response"), once(stream, "error")]);
    statuses.push(headers[":status"]);
  }
  assert.equal(statuses, [400, 200]);
  assert.equal(seen, [["a", "a", "a"]]);
  session.close();
  server.close();
  await once(server, "close");
});
