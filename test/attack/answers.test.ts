// In:    guarded servers; refused and malformed requests in whose own read, or in a later one, Node's parser finds a fault.
// Out:   whether each that the gate has counted is answered, in its place among the responses.
// Never: takes a close for an answer.

import type http from "node:http";
import * as assert from "uvu/assert";
import { closeGuarded, type Guarded, openGuarded } from "../support/guarded.js";
import { suite } from "../support/suite.js";
import { until } from "../support/until.js";

const answers = suite("attack: answers that go missing");
answers.after(closeGuarded);

const ways = [
  { tls: false, guard: {} },
  { tls: true, guard: {} },
  { tls: false, guard: { mode: "filter" } },
  { tls: true, guard: { mode: "filter" } },
] as const;

const nameOf = ({ tls, guard }: (typeof ways)[number]): string =>
  `${tls ? "https" : "http"}${"mode" in guard ? ", filter" : ""}`;

const foreign = (method: string, ...lines: string[]): string =>
  `${method} / HTTP/1.1\r\nHost: evil.example\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;
const malformed = (...lines: string[]): string =>
  `POST / HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

const CHUNKED = "Transfer-Encoding: chunked";

/** What is sent in one write, and the status codes that must come back: some heads Node's parser refuses before a guard sees them. */
const inOneRead: Record<string, { readonly octets: string; readonly status: number; readonly method?: string }> = {
  "an invalid chunk size": { octets: `${foreign("POST", CHUNKED)}zz\r\n`, status: 421 },
  "a chunk whose data goes on": { octets: `${foreign("POST", CHUNKED)}1\r\nabc\r\n`, status: 421 },
  "an invalid trailer": { octets: `${foreign("POST", CHUNKED)}0\r\n:\r\n\r\n`, status: 421 },
  "HEAD with a body that breaks": { octets: `${foreign("HEAD", CHUNKED)}zz\r\n`, status: 421, method: "HEAD" },
  "a body that breaks after 100-continue": {
    octets: `${foreign("POST", CHUNKED, "Expect: 100-continue")}zz\r\n`,
    status: 421,
  },
  "100-continue and no body yet": { octets: foreign("POST", "Content-Length: 5", "Expect: 100-continue"), status: 421 },
  "another expectation": { octets: foreign("POST", "Content-Length: 5", "Expect: gold"), status: 421 },
  "another expectation, and a body that breaks": {
    octets: `${foreign("POST", CHUNKED, "Expect: gold")}zz\r\n`,
    status: 421,
  },
  "what follows is not a request": { octets: `${foreign("GET")}?\r\n\r\n`, status: 421 },
  "what follows a complete body is not a request": {
    octets: `${foreign("POST", "Content-Length: 1")}x?\r\n\r\n`,
    status: 421,
  },
  "two Host lines, and a body that breaks": { octets: `${malformed(CHUNKED)}zz\r\n`, status: 400 },
  "two Host lines, and no request after them": { octets: `${malformed("Content-Length: 0")}?\r\n\r\n`, status: 400 },
};

async function counted({ gate, said }: Guarded): Promise<number> {
  const { refused } = gate.counts;
  return Object.values(refused).reduce(
    (sum, count) => sum + count,
    said.filter((code) => code === "HOST_REPEATED").length,
  );
}

for (const way of ways) {
  for (const [title, { octets, status, method = "POST" }] of Object.entries(inOneRead)) {
    answers(`${nameOf(way)}: ${title}`, async () => {
      const guarded = await openGuarded({ ...way, gate: { vhosts: [{ name: "a.example" }] } });
      const client = await guarded.connect();
      await client.send(octets);
      const responses = await client.all([method]);
      assert.equal(
        responses.map(({ statusCode }) => statusCode),
        [status],
      );
      assert.is(await counted(guarded), 1);
      assert.equal(guarded.seen, []);
      await guarded.close();
    });
  }

  answers(`${nameOf(way)}: a refusal waits for the response before it, though the octets after it break`, async () => {
    let finish = (): void => {};
    const guarded = await openGuarded({
      ...way,
      gate: { vhosts: [{ name: "a.example" }] },
      listener: (_request, response) => {
        finish = () => response.end("slow");
      },
    });
    const client = await guarded.connect();
    await client.send(`GET /slow HTTP/1.1\r\nHost: a.example\r\n\r\n${foreign("POST", CHUNKED)}zz\r\n`);
    await until(() => guarded.seen.length > 0, "the application has the request");
    finish();
    const responses = await client.all();
    assert.equal(
      responses.map(({ statusCode, body }) => `${statusCode} ${statusCode === 200 ? body : ""}`),
      ["200 slow", "421 "],
    );
    await guarded.close();
  });
}

answers("an application's listener of 'clientError' hears only of faults after accepted requests", async () => {
  const guarded = await openGuarded({ gate: { vhosts: [{ name: "a.example" }] } });
  const faults: string[] = [];
  guarded.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    faults.push(error.code!);
    socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  const refused = await guarded.connect();
  await refused.send(`${foreign("POST", CHUNKED)}zz\r\n`);
  assert.is((await refused.all())[0]!.statusCode, 421);
  assert.equal(faults, []);
  const broken = await guarded.connect();
  await broken.send("?\r\n\r\n");
  assert.is((await broken.all())[0]!.statusCode, 400);
  assert.is(faults.length, 1);
  await guarded.close();
});

answers("an unknown expectation is 417 for an accepted request, with and without a guard", async () => {
  for (const isGuarded of [true, false]) {
    const guarded = await openGuarded({ gate: { vhosts: [{ name: "a.example" }] } });
    if (!isGuarded) guarded.guard.release();
    const client = await guarded.connect();
    await client.send("GET / HTTP/1.1\r\nHost: a.example\r\nExpect: gold\r\nConnection: close\r\n\r\n");
    assert.is((await client.all())[0]!.statusCode, 417);
    assert.equal(guarded.seen, []);
    // A listener of its own decides, as without a guard.
    guarded.server.on("checkExpectation", (_request: http.IncomingMessage, response: http.ServerResponse) => {
      response.end("gold");
    });
    const again = await guarded.connect();
    await again.send("GET / HTTP/1.1\r\nHost: a.example\r\nExpect: gold\r\nConnection: close\r\n\r\n");
    assert.is(`${(await again.all())[0]!.body}`, "gold");
    await guarded.close();
  }
});
