// In:    heads that are malformed by their octets alone, on connections that are adopted, and guarded in each mode that reads them.
// Out:   whether each is refused with the same code and the same status code, reported, and alone, however it is cut.
// Never: decides what is right; the corpus does.

import { once } from "node:events";
import http from "node:http";
import net, { type AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { createGate, type Gate } from "#src/gate.js";
import { parseRequestHead } from "#src/head/parse.js";
import { readCorpus } from "../support/corpus.js";
import { suite } from "../support/suite.js";
import { Client, type Cut, openDoor } from "../support/tcp.js";

const test = suite("the same refusals");

/** Octets that Node's parser skips before a request line, and ours in its place, however many there are (docs/policy.md). */
const SKIPPED = /^[\r\n]*/;
/** Followed by a request that nothing may serve. */
const next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
/** Methods that node:http does not know are its own to refuse, with 400 and no code; it also counts `maxHeaderSize` by itself. */
const known = new RegExp(`^(?:\r\n)*(?:${http.METHODS.join("|")}) `);
const heads = readCorpus()
  .map(({ octets }) => Buffer.from(octets).toString("latin1"))
  .concat(
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nX: y\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n\r\n",
    "CONNECT a:80 HTTP/1.1\r\n\r\n",
  )
  .filter((head) => known.test(head) && head.length < 4000)
  .concat(
    "\x16\x03\x01\x02\x00\x01",
    " GET / HTTP/1.1\r\n",
    "\tGET",
    "{",
    "\0",
    "\x7f",
    "\xff",
    "\r\n\r\n\r\n\r\n\r\n",
    "\rG",
    "\n",
  );

interface Place {
  readonly gate: Gate;
  /** Of requests that the application has got. */
  readonly seen: string[];
  readonly malformed: string[];
  connect(): Promise<Client>;
  close(): Promise<void>;
}

async function open(way: "adopt" | "auto" | "filter", requiresHost = true): Promise<Place> {
  const seen: string[] = [];
  const server = http.createServer({ requireHostHeader: requiresHost }, (request, response) => {
    seen.push(request.url!);
    response.end();
  });
  const rules = { vhosts: [{ name: "**.a", port: "any", default: true, origins: "any" }] } as const;
  const gate = createGate(way === "adopt" ? { ...rules, requests: server } : rules);
  const malformed: string[] = [];
  gate.on("malformed", ({ fault }) => malformed.push(`${fault.code} ${fault.offset}`));
  if (way === "adopt") {
    const door = await openDoor((socket) => void gate.adopt(socket));
    return { gate, seen, malformed, connect: () => door.connect(), close: () => door.close() };
  }
  assert.is(gate.guard(server, { mode: way }).mode, way === "auto" ? "parser" : way);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    ...{ gate, seen, malformed },
    async connect() {
      const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
      await once(socket, "connect");
      return new Client(socket);
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function refusal(place: Place, octets: string, cut: Cut): Promise<string> {
  place.malformed.length = place.seen.length = 0;
  const client = await place.connect();
  await client.send(octets, cut);
  const [response, ...others] = await client.all();
  const { statusCode, body } = response!;
  const code = /\((.*)\)/.exec(String(body))?.[1];
  return [statusCode, code, "event", ...place.malformed, "more", others.length, "seen", ...place.seen].join(" ");
}

for (const way of ["adopt", "auto", "filter"] as const) {
  for (const requiresHost of [true, false]) {
    test(`malformed heads, ${way}, requireHostHeader ${requiresHost}`, async () => {
      const place = await open(way, requiresHost);
      let count = 0;
      for (const head of heads) {
        const result = parseRequestHead(Buffer.from(head, "latin1"));
        if (result.kind !== "malformed" || (way === "auto" && SKIPPED.exec(head)![0] !== "")) continue;
        count++;
        const { code, statusCode, offset } = result.fault;
        const expected = `${statusCode} ${code} event ${code} ${offset} more 0 seen`;
        for (const cut of count % 8 === 0 ? (["whole", "octets"] as const) : (["whole"] as const)) {
          assert.is(await refusal(place, head + next, cut), expected, JSON.stringify([head, cut]));
        }
      }
      assert.ok(count > 150, `${count} heads`);
      await place.close();
    });
  }
}

test("a length with an HTAB after it is one in each way in", async () => {
  for (const way of ["adopt", "auto", "filter"] as const) {
    const place = await open(way);
    for (const length of ["5\t", "\t5 \t ", "5 \t"]) {
      const client = await place.connect();
      await client.send(`POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\nhello${next}`);
      const responses = await client.responses(2);
      assert.equal(
        responses.map(({ statusCode }) => statusCode),
        [200, 200],
        `${way} ${JSON.stringify(length)}`,
      );
      client.stream.destroy();
    }
    assert.equal(place.seen, ["/a", "/next", "/a", "/next", "/a", "/next"]);
    await place.close();
  }
});

test("with the release of the last guard, Host is up to the server again, on connections that are open as well", async () => {
  const seen: string[] = [];
  const server = http.createServer({ requireHostHeader: false }, (request, response) => {
    seen.push(request.url!);
    response.end();
  });
  const gates = [0, 1].map(() => createGate({ vhosts: [{ name: "a", port: "any" }] }));
  const guards = gates.map((gate) => gate.guard(server));
  for (const { mode } of guards) assert.is(mode, "parser");
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connect = async (): Promise<Client> => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    await once(socket, "connect");
    return new Client(socket);
  };
  const older = await connect();
  await older.send(next);
  await older.responses(1);
  guards[0]!.release();
  guards[0]!.release();
  const refused = await connect();
  await refused.send("GET /no HTTP/1.1\r\n\r\n");
  assert.match(String((await refused.all())[0]!.body), "HOST_MISSING");
  assert.equal(
    gates.map(({ counts }) => counts.malformed.HOST_MISSING),
    [undefined, 1],
  );
  guards[1]!.release();
  await older.send("GET /older HTTP/1.1\r\n\r\n");
  assert.is((await older.responses(2))[1]!.statusCode, 200);
  assert.equal(seen, ["/next", "/older"]);
  older.stream.destroy();
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});
