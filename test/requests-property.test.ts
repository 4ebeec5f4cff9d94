// In:    any sequence of requests, well-formed and mutated, at any cut, through a gate that gives them to an http.Server.
// Out:   whether application and gate saw the same requests, and the client complete responses in order.
// Never: looks into the gate; the application, the client and the gate's events are compared.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { mutations, seeded } from "./support/mutations.js";
import {
  application,
  chunks,
  expecting,
  get,
  last,
  named,
  nothingIsLeft,
  openWorld,
  post,
  type Seen,
  said,
  statuses,
  type Way,
} from "./support/requests.js";
import { suite } from "./support/suite.js";
import { type Cut, octetsOf, openDoor } from "./support/tcp.js";

const property = suite("requests: any sequence");
property.after(nothingIsLeft);

/** A request as it is sent, and what must come of it. */
interface Sent {
  readonly octets: string;
  /** The same without Upgrade: a plain server loses what is pipelined after an Upgrade that it ignores. */
  readonly plainOctets: string;
  readonly method: string;
  readonly target: string;
  readonly host: string;
  readonly body: string;
  /** Passed on; refused with this status code; or passed on, and refused within its body. */
  readonly fate: "served" | "last" | number | "malformed body";
  readonly statusCode: number;
}

const octetText = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)),
  maxLength: 200,
});

const chunkedBody = fc
  .record({
    pieces: fc.array(
      fc.record({
        data: octetText.filter((text) => text !== ""),
        extension: fc.constantFrom("", ";a", ';b="c;d"', ";e=f;g"),
      }),
      { maxLength: 4 },
    ),
    end: fc.constantFrom("0\r\n\r\n", "000;x\r\n\r\n", "0\r\nX: y\r\nZ:\r\n\r\n"),
  })
  .map(({ pieces, end }) => ({
    body: pieces.map(({ data }) => data).join(""),
    sent: pieces.map(({ data, extension }) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`).join("") + end,
  }));

const framing = fc.oneof(
  fc.constant({ field: "", body: "", sent: "", bad: false }),
  octetText.map((body) => ({ field: `Content-Length: ${body.length}\r\n`, body, sent: body, bad: false })),
  chunkedBody.map((chunked) => ({ field: "Transfer-Encoding: chunked\r\n", ...chunked, bad: false })),
);

const badFraming = fc.constantFrom("z", "1\n", "2\r\nabc\r\n", "0\r\nHost: a\r\n\r\n", "1;;\r\n").map((sent) => ({
  field: "Transfer-Encoding: chunked\r\n",
  body: "",
  sent,
  bad: true,
}));

const asked = fc.record({
  status: fc.constantFrom(200, 200, 404, 204, 304),
  size: fc.constantFrom(0, 1, 500, 40_000),
  pieces: fc.constantFrom(1, 1, 2, 7),
  delay: fc.constantFrom(0, 0, 0, 1, 4),
  early: fc.boolean(),
});

const host = fc.oneof(
  { weight: 14, arbitrary: fc.constantFrom("a", "A", "a.", "a:8080") },
  { weight: 1, arbitrary: fc.constantFrom("b", "a.b", "a:0", "a b", "") },
);

const fieldsOfUpgrade = fc.constantFrom(
  "",
  "",
  "",
  "Upgrade: h2c\r\nConnection: upgrade\r\n",
  "Connection: upgrade, x\r\nUpgrade: foo\r\n",
);

const sentRequest: fc.Arbitrary<Sent> = fc
  .record({
    method: fc.constantFrom("GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"),
    host,
    absolute: fc.boolean(),
    http10: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    close: fc.integer({ min: 0, max: 14 }).map((n) => n === 0),
    upgrade: fieldsOfUpgrade,
    framing: fc.oneof({ weight: 20, arbitrary: framing }, { weight: 1, arbitrary: badFraming }),
    asked,
    emptyLine: fc.constantFrom("", "", "\r\n"),
  })
  .map((request) => {
    const { method, framing, asked } = request;
    const http10 = request.http10 && !framing.field.startsWith("Transfer");
    // Node does not keep an HTTP/1.0 connection after a response without length.
    const isLast = request.close || (http10 && asked.status > 200 && asked.status < 400);
    // A response that was begun before the body was seen to be malformed is another story, and a last one that comes
    // before the body ends the connection within it.
    const early = asked.early && !framing.bad && !isLast ? "&early" : "";
    const query = `?status=${asked.status}&size=${asked.size}&pieces=${asked.pieces}&delay=${asked.delay}${early}`;
    const isName = /^[aAb.]+(?::8080)?$/.test(request.host);
    const absolute = request.absolute && isName;
    const target = absolute ? `http://${request.host}/${query}` : `/${query}`;
    const connection = request.close ? "Connection: close\r\n" : http10 ? "Connection: keep-alive\r\n" : "";
    const octetsWith = (upgrade: string): string =>
      `${request.emptyLine}${method} ${target} HTTP/1.${http10 ? 0 : 1}\r\n${connection}` +
      `Host: ${absolute ? "elsewhere" : request.host}\r\n${upgrade}${framing.field}\r\n${framing.sent}`;
    const isServed = /^a\.?(?::8080)?$/i.test(request.host);
    const refusal = isName ? 421 : 400;
    const fate = !isServed ? refusal : framing.bad ? "malformed body" : isLast ? "last" : "served";
    const seenHost = absolute ? request.host.toLowerCase().replace("a.", "a") : request.host;
    return {
      octets: octetsWith(request.upgrade),
      plainOctets: octetsWith(""),
      method,
      target,
      host: seenHost,
      body: framing.body,
      fate,
      statusCode: asked.status,
    } as Sent;
  });

/** The requests that are passed on, and how the connection ends. */
function fateOf(requests: readonly Sent[]): { passed: Sent[]; refusal: number | null; isAborted: boolean } {
  const passed: Sent[] = [];
  for (const request of requests) {
    if (typeof request.fate === "number") return { passed, refusal: request.fate, isAborted: false };
    passed.push(request);
    if (request.fate === "malformed body") return { passed, refusal: 400, isAborted: true };
    if (request.fate === "last") return { passed, refusal: null, isAborted: false };
  }
  throw new Error("a sequence without end");
}

const theEnd: Sent = {
  octets: last,
  plainOctets: last,
  method: "GET",
  target: "/last",
  host: "a",
  body: "",
  fate: "last",
  statusCode: 200,
};
const anyCut = fc.oneof(fc.constant<Cut>("whole"), fc.integer({ min: 1, max: 2 ** 31 }));

/** What must hold of a request that the application got. */
const picture = ({ method, target, host, body }: Seen | Sent): unknown => ({ method, target, host, body });

/** Requests as a server without a gate sees them; it takes no upgrade, or it would stop reading requests. */
async function seenByPlainServer(octets: string, methods: readonly string[]): Promise<Seen[]> {
  const app = application();
  app.server.removeAllListeners("upgrade");
  const door = await openDoor((socket) => {
    socket.allowHalfOpen = true;
    app.server.emit("connection", socket);
  });
  const client = await door.connect();
  await client.send(octets);
  await client.all(methods);
  await door.close();
  return app.seen;
}

property(
  "the application sees the accepted prefix, the client its responses, a plain server the same requests",
  async () => {
    const tally = { served: 0, refused: 0, aborted: 0, compared: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(sentRequest, { maxLength: 10 }),
        anyCut,
        fc.constantFrom<Way>("tcp", "memory"),
        async (sequence, cut, way) => {
          const requests = [...sequence, theEnd];
          const { passed, refusal, isAborted } = fateOf(requests);
          const whole = isAborted ? passed.slice(0, -1) : passed;
          // A refusal knows the method, a malformed head may have none.
          const refused = refusal === 421 ? [requests[passed.length]!.method] : [];
          const methods = [...passed.map(({ method }) => method), ...refused];

          const world = await openWorld();
          const client = await world.connect(way);
          await client.send(requests.map(({ octets }) => octets).join(""), cut);
          const responses = await client.all(methods);
          await world.close();

          const { seen } = world.app;
          assert.is(seen.length, passed.length);
          assert.equal(seen.slice(0, whole.length).map(picture), whole.map(picture));
          if (isAborted) assert.is(seen.at(-1)!.state, "aborted");
          assert.equal(statuses(responses), [
            ...whole.map(({ statusCode }) => statusCode),
            ...(refusal === null ? [] : [refusal]),
          ]);
          whole.forEach(({ method, target, statusCode }, i) => {
            const isEmpty = method === "HEAD" || statusCode === 204 || statusCode === 304;
            assert.is(responses[i]!.body.toString("latin1"), isEmpty ? "" : said(method, target));
          });
          tally.served += whole.length;
          if (isAborted) tally.aborted++;
          else if (refusal !== null) tally.refused++;

          if (isAborted || whole.length === 0) return;
          // The same octets without a gate. Node closes after the last one only if that asks for it.
          const octets =
            whole.map(({ plainOctets }) => plainOctets).join("") + (whole.at(-1)!.fate === "last" ? "" : last);
          const plain = await seenByPlainServer(octets, methods.slice(0, whole.length));
          const hostless = ({ method, target, body, state }: Seen): unknown => ({ method, target, body, state });
          assert.equal(plain.slice(0, whole.length).map(hostless), seen.map(hostless));
          tally.compared++;
        },
      ),
      {
        numRuns: 400,
        seed: 20_261_124,
        includeErrorInReport: true,
        interruptAfterTimeLimit: 60_000,
        markInterruptAsFailure: true,
      },
    );
    for (const [name, count] of Object.entries(tally)) assert.ok(count > 15, `${name}: ${count}`);
  },
);

property("15,000 sequences of mutated octets: the application sees what the gate let through", async () => {
  const upgrade = "Connection: keep-alive, upgrade\r\nUpgrade: websocket, h2c\r\n";
  const seeds = [
    get("/1"),
    post("/2", "hello"),
    chunks("/3", '5;x="y"\r\nhello\r\n0\r\nX: y\r\n\r\n'),
    "GET http://a/4 HTTP/1.1\r\nHost: b\r\n\r\n",
    get("/5", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
    `GET /6 HTTP/1.0\r\nHost: a\r\n${upgrade}\r\n`,
    `${expecting("/7")}hello`,
    "HEAD /8 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  ];
  const pairs = seeds.flatMap((one) => [one, ...seeds.map((other) => one + other)]);
  const row = mutations(pairs.map(octetsOf), 20_261_125);
  const random = seeded(3);
  const app = application();
  // Node answers expectations that it does not know by itself, 417.
  app.server.on("checkExpectation", app.handle);
  const world = await openWorld({ app, disagree: true });
  const tally = { agreed: 0, refusedByNode: 0, responses: 0 };
  for (let n = 0; n < 15_000; n++) {
    const octets = Buffer.concat([row.next().value, octetsOf(last)]);
    const shown = JSON.stringify(octets.toString("latin1"));
    const client = await world.connect("memory");
    await client.send(octets, random() % 2 ? "whole" : random());
    client.stream.end();
    const end = await world.ends.at(-1)!;
    const methods = world.accepted.map((request) => request.slice(0, request.indexOf(" ")));
    const responses = await named(
      shown,
      client.all(end.kind === "refused" ? [...methods, end.decision.head.method] : methods),
    );
    assert.ok(responses.length <= methods.length + 1, shown);
    const seen = app.seen.map(({ method, target, host }) => `${method} ${target} ${host}`);
    // Node's parser knows fewer methods, and such; it then refuses the last one that was let through.
    const isRefusedByNode = seen.length < world.accepted.length;
    assert.equal(seen, isRefusedByNode ? world.accepted.slice(0, -1) : world.accepted, shown);
    if (isRefusedByNode) assert.ok(responses.at(-1)!.statusCode >= 400 || end.kind === "abandoned", shown);
    if (isRefusedByNode) tally.refusedByNode++;
    else tally.agreed++;
    tally.responses += responses.length;
    app.seen.length = world.accepted.length = 0;
  }
  await world.close();
  assert.ok(tally.agreed > 10_000 && tally.responses > 15_000, JSON.stringify(tally));
});
