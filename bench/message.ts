// In:    browser requests, responses and a chunked body, as whole messages.
// Out:   rows of the message readers and of the parsers that they replace.
// Never: times a contender that makes another sum of a message than the first one does.

import { type RequestEvent, RequestReader, type ResponseEvent, ResponseReader } from "../src/message.js";
import type { Contender } from "./contender.js";
import { Sink } from "./contender.js";
import { httpParserJs } from "./contenders/http-parser-js.js";
import { NodeSession, nodeParserHidden, nodeParserVersion } from "./contenders/node-parser.js";
import { NodeResponses } from "./contenders/node-responses.js";
import { entrantOf } from "./head.js";
import { handshake, type Input, inputs } from "./inputs.js";
import { type Entrant, measure, type Timing } from "./measure.js";
import { type Row, rowsOf } from "./row.js";
import { Stopwatch } from "./stopwatch.js";

const STEP = "message";

/** Goes through what a reader has until it needs data; true strings of each head go to `tell`. */
const requestReader: Contender = {
  name: "headgate RequestReader",
  level: "L3",
  prepare({ buffers }) {
    const sink = new Sink();
    const reader = new RequestReader();
    const mask = buffers.length - 1;
    const read = (octets: Uint8Array): void => {
      reader.receive(octets);
      for (;;) {
        const event: RequestEvent = reader.next();
        if (event.kind === "head") {
          const { head } = event;
          sink.strings(head, head.method, head.requestTarget, head.httpVersion === "1.1" ? 11 : 10, head.rawHeaders);
        } else if (event.kind === "paused") reader.nextMessage();
        else if (event.kind === "need-data") return;
        else if (event.kind !== "end" && event.kind !== "data") throw new Error(event.kind);
      }
    };
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) read(buffers[i & mask]!);
      },
    };
  },
};

const nodeRequests: Contender = {
  name: "Node HTTPParser, reused",
  level: "L3",
  prepare({ buffers, headBytes }) {
    if (nodeParserVersion === undefined) return nodeParserHidden;
    const sink = new Sink();
    const session = new NodeSession(sink, headBytes ?? 0);
    const mask = buffers.length - 1;
    return {
      sink,
      run(times) {
        for (let i = 0; i < times; i++) session.execute(buffers[i & mask]!);
      },
    };
  },
};

const RESPONSE = Buffer.from(
  [
    "HTTP/1.1 200 OK",
    "Date: Mon, 30 Nov 2026 07:00:00 GMT",
    "Content-Type: application/json; charset=utf-8",
    "Content-Length: 27",
    "Connection: keep-alive",
    "Keep-Alive: timeout=5",
    'ETag: W/"1b-R0vlGSFCbCPvEgBhGNAzp5PqBoA"',
    "Cache-Control: private, no-store",
    "Vary: Accept-Encoding",
    "X-Content-Type-Options: nosniff",
    "Set-Cookie: session=0123456789abcdef0123456789abcdef; Path=/; HttpOnly; Secure; SameSite=Lax",
    "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    "",
    '{"items":[],"total":0,"a":1',
  ].join("\r\n"),
);

/** What is added for a response with all strings made. */
const told = (statusCode: number, reason: string, fields: readonly string[], octets: number): number =>
  statusCode + reason.length + fields.length + fields[fields.length - 1]!.length + octets;

/** A task that adds something for each of its messages; its sum is that of one run. */
export function entrant(name: string, prepare: () => { sink: Sink; once(): void }, sum?: number): Entrant {
  const { sink, once } = prepare();
  const run = (times: number): void => {
    for (let i = 0; i < times; i++) once();
  };
  sink.sum = 0;
  run(1);
  if (sum !== undefined && sink.sum !== sum) throw new Error(`${name}: the sum is ${sink.sum}, not ${sum}`);
  const task = { sink, run, name, pass: 1, passSum: sink.sum, requests: 1 };
  return { name, level: "L3", timed: new Stopwatch(task) };
}

const responseReader = (octets: Uint8Array) => (): { sink: Sink; once(): void } => {
  const sink = new Sink();
  const reader = new ResponseReader();
  const once = (): void => {
    reader.requested("GET");
    reader.receive(octets);
    for (;;) {
      const event: ResponseEvent = reader.next();
      if (event.kind === "head") {
        const { statusCode, reasonPhrase, rawHeaders } = event.head;
        sink.sum += told(statusCode, reasonPhrase, rawHeaders, 0);
        sink.kept = rawHeaders;
      } else if (event.kind === "data") sink.sum += event.octets.length;
      else if (event.kind === "paused") reader.nextMessage();
      else if (event.kind === "need-data") return;
      else if (event.kind !== "end") throw new Error(event.kind);
    }
  };
  return { sink, once };
};

const nodeResponses = (octets: Uint8Array) => (): { sink: Sink; once(): void } => {
  const sink = new Sink();
  const parser = new NodeResponses((statusCode, reason, fields, length) => {
    sink.sum += fields === null ? length : told(statusCode, reason, fields, 0);
    sink.kept = fields;
  });
  return { sink, once: () => parser.execute(octets) };
};

/** A mebibyte in chunks of 16 KiB. */
const CHUNKED = Buffer.concat([
  Buffer.from("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
  ...Array.from({ length: 64 }, () => [Buffer.from("4000\r\n"), Buffer.alloc(16_384, "x"), Buffer.from("\r\n")]).flat(),
  Buffer.from("0\r\n\r\n"),
]);

const copy = (octets: Uint8Array) => (): { sink: Sink; once(): void } => {
  const sink = new Sink();
  const room = new Uint8Array(octets.length);
  const once = (): void => {
    room.set(octets);
    sink.sum += room.length;
  };
  return { sink, once };
};

/** The inputs of requests that this step has; R is a response, K a chunked one. */
const requests: readonly Input[] = inputs.filter(({ id }) => id === handshake.id || id === "C" || id === "M");

/** What a contender adds for one response, by the octets that it was built from. */
function sumOf(octets: Buffer): number {
  const fields = octets.toString("latin1").split("\r\n\r\n")[0]!.split("\r\n").slice(1);
  const raw = fields.flatMap((line) => line.split(": "));
  return told(200, "OK", raw, octets === CHUNKED ? 1 << 20 : 27);
}

/** All rows of this step. Nothing is written to bench/results/head.json by them unless `--only message` asks for the step. */
export async function compareWholeMessages(kernel: string, timing: Timing): Promise<Row[]> {
  const rows: Row[] = [];
  for (const input of requests) {
    process.stderr.write(`complete messages, ${kernel} kernel: ${input.id}\n`);
    const among = [requestReader, nodeRequests, ...httpParserJs].map((contender) => entrantOf(contender, input));
    const bases = { L3: requestReader.name } as const;
    rows.push(...rowsOf({ step: STEP, kernel, input: input.id, bases }, await measure(among, timing)));
  }
  const bases = { L3: "headgate ResponseReader" } as const;
  for (const [input, octets] of [
    ["R", RESPONSE],
    ["K", CHUNKED],
  ] as const) {
    process.stderr.write(`complete messages, ${kernel} kernel: ${input}\n`);
    const sum = sumOf(octets);
    const among = [entrant(bases.L3, responseReader(octets), sum), entrant("control: copy alone", copy(octets))];
    const name = "Node HTTPParser, reused";
    if (nodeParserVersion === undefined) among.push({ name, level: "L3", timed: nodeParserHidden });
    else among.push(entrant(name, nodeResponses(octets), sum));
    rows.push(...rowsOf({ step: STEP, kernel, input, bases }, await measure(among, timing)));
  }
  return rows;
}
