// In:    octets of one connection, the pieces that they come in.
// Out:   nothing where the requests that go on to node:http are, as Node's parser reads them, those that were ruled on; else an
//        error that shows both.
// Never: opens a socket; the connection's rules and the request filter run in memory.

import type { Server } from "node:http";
import type { Arrival } from "#src/arrival/arrival.js";
import { type FilterOwner, RequestFilter } from "#src/connection/http1/filter.js";
import { forwardedRead } from "#src/connection/http1/rewrite.js";
import type { ServerSocket } from "#src/connection/http1/server-socket.js";
import { Input, type Rules } from "#src/connection/input.js";
import { parseRequestHead } from "#src/head/parse.js";
import { gateLimits } from "#src/outcome/limits.js";
import { decide } from "#src/policy/decide.js";
import type { Acceptance, Decision } from "#src/policy/decision.js";
import { definePolicy, type Policy } from "#src/policy/policy-rules.js";
import { referenceBody } from "../reference/chunked-body.js";
import { same } from "./differential.js";
import { NodeReader } from "./node-parser.js";
import { cutUp } from "./tcp.js";

const limits = gateLimits({});

/** Where the connections come in: from a trusted hop, for the policies that trust any. */
export const arrival: Arrival = { scheme: "http", remoteAddress: "10.0.0.9", localPort: 80 };

const vhosts = [
  { name: "a", port: 80, upgrades: { "/live": "live" } },
  { name: "example.com", port: "any", default: true, origins: "any", upgrades: { "*": "any" } },
] as const;
const addresses = [
  { name: "0.0.0.0/0", port: "any" },
  { name: "[::]/0", port: "any" },
] as const;
const from = ["10.0.0.9"];

/** They accept much; the last one accepts everything well formed that is not an upgrade. */
export const policies: readonly Policy<string>[] = [
  definePolicy<string>({ vhosts: [...vhosts, ...addresses] }),
  definePolicy<string>({ vhosts: [...vhosts, ...addresses], trust: { from, forwarded: "rfc7239" } }),
  definePolicy<string>({ vhosts, mode: "report", trust: { from, forwarded: ["X-Forwarded-Host"] } }),
  definePolicy<string>({ vhosts, mode: "report" }),
];

/** What became of the connections that were compared. */
interface RequestTally {
  connections: number;
  /** Requests that were ruled on and go on, those that Node read completely, and of them those whose heads were rewritten. */
  accepted: number;
  readByNode: number;
  rewritten: number;
  /** Octets of content, and trailer fields, that Node read. */
  content: number;
  trailers: number;
  /** Requests that go on and Node refuses, by Node's reason. */
  refusedByNode: Map<string, number>;
}

export const newRequestTally = (): RequestTally => ({
  connections: 0,
  accepted: 0,
  readByNode: 0,
  rewritten: 0,
  content: 0,
  trailers: 0,
  refusedByNode: new Map(),
});

/** A request as it was ruled on. */
export interface Ruled {
  readonly decision: Acceptance<string>;
  /** Where its head ends. */
  readonly at: number;
  readonly body: string;
  readonly trailers: readonly string[];
  readonly complete: boolean;
}

/** What a reading of all octets at once comes to. */
export interface Rulings {
  readonly requests: readonly Ruled[];
  /** Why there is no further request. */
  readonly end: string;
  /** The ruling on the head that does not pass as a request: a refusal, or an upgrade. */
  readonly last?: Decision<string>;
}

/** Rules on each request, and reads its body by its framing; bodies are read by the reference. */
export function ruleOn(octets: Buffer, policy: Policy<string>): Rulings {
  const requests: Ruled[] = [];
  for (let at = 0; ; ) {
    const result = parseRequestHead(octets.subarray(at));
    if (result.kind === "partial") return { requests, end: "waits" };
    if (result.kind === "malformed") return { requests, end: `malformed ${result.fault.code}` };
    const { head, consumed } = result;
    const decision = decide(policy, head, arrival);
    if (decision.kind === "refused") return { requests, end: `refused ${decision.code}`, last: decision };
    at += consumed;
    if (decision.upgrade) return { requests, end: `upgraded at ${at}`, last: decision };
    const behind = octets.subarray(at);
    const { framing } = head;
    const length = framing.kind === "content-length" ? framing.length : 0;
    const counted = behind.toString("latin1", 0, Math.min(length, behind.length));
    const { kind, content, trailers, ...body } =
      framing.kind === "chunked"
        ? referenceBody(behind, limits.headBytes)
        : { kind: behind.length < length ? "partial" : "done", at: counted.length, content: counted, trailers: [] };
    const complete = kind === "done";
    requests.push({ decision, at, body: content, trailers: complete ? trailers : [], complete });
    if (!complete) return { requests, end: kind === "partial" ? "waits" : "malformed body" };
    if (!head.keepAlive) return { requests, end: "ended" };
    at += body.at;
  }
}

/** The field lines of a request that goes on to node:http, name, value, name, value. */
export function fieldsGoingOn({ head, authority }: Acceptance<string>): string[] {
  const { rawHeaders } = head;
  const namesHost = head.targetForm === "absolute-form";
  const dropsUpgrade = head.field("upgrade") !== undefined;
  const dropped = [
    ...(dropsUpgrade ? ["upgrade"] : []),
    ...(head.httpVersion === "1.0" && !head.keepAlive ? ["keep-alive"] : []),
  ];
  const fields = namesHost ? ["Host", String(authority)] : [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    const value = rawHeaders[i + 1]!;
    const lowerCase = name.toLowerCase();
    if (namesHost && lowerCase === "host") continue;
    if (dropsUpgrade && lowerCase === "upgrade") continue;
    const options = value.split(/[ \t]*,[ \t]*/);
    const isKept = (option: string): boolean => !dropped.includes(option.toLowerCase());
    const isCertain = !value.includes("\t") && options.every(isKept);
    if (lowerCase !== "connection" || isCertain) fields.push(name, value);
    else {
      const kept = options.filter((option) => option !== "" && isKept(option));
      if (kept.length > 0) fields.push(name, kept.join(", "));
    }
  }
  return fields;
}

/** A connection whose requests go on through the filter, as those of `adopt` and of a strict guard; Node's parser is the server. */
class Passage implements FilterOwner {
  readonly arrival = arrival;
  readonly overhead = limits.headBytes;
  readonly patience = limits.lingerTimeout;
  readonly isEnding = false;

  bodyCame(): void {}
  readonly node = new NodeReader();
  readonly heads: Pick<Ruled, "decision" | "at">[] = [];
  /** Why there is no further request. */
  end: string | null = null;
  readonly #connection: Input<string, Rules<string>>;
  readonly #filter: RequestFilter;
  /** How the octets are cut that Node gets. */
  readonly #cut: Parameters<typeof cutUp>[1];
  /** The filter takes the first request in the tick after the one in which the server got its connection. */
  readonly #begun: Promise<void>;
  #received = 0;
  #responses = 0;

  constructor(policy: Policy<string>, cut: Parameters<typeof cutUp>[1]) {
    this.#connection = new Input({ policy, limits, tls: null }, false);
    this.#cut = cut;
    this.#filter = new RequestFilter(this);
    this.#filter.connect({ emit: () => true } as unknown as Server);
    this.#begun = new Promise((resolve) => process.nextTick(resolve));
  }

  async receive(octets: Buffer): Promise<void> {
    await this.#begun;
    this.#received += octets.length;
    this.#filter.receive(octets);
    // The filter continues with the next request in a microtask after each response.
    for (let seen = -1; seen !== this.#responses; await null) seen = this.#responses;
  }

  close(): void {
    this.#filter.detach();
    this.node.close();
  }

  serverSocketMade(front: ServerSocket): void {
    front.push = (octets: Buffer | null) => {
      if (octets !== null) this.#goOn(octets);
      else {
        this.node.end();
        this.#finish("ended");
      }
      return true;
    };
  }

  /** Node reads what goes on, and the application answers each request when it is complete. */
  #goOn(octets: Buffer): void {
    const { node } = this;
    const pieces = cutUp(octets, this.#cut);
    for (const [i, piece] of pieces.entries()) {
      const before = node.complete;
      node.read(piece);
      const left = pieces.length - 1 - i;
      if (node.refused !== null) this.#finish(`refused by Node: ${node.refused}`);
      // Where each octet comes alone, this is to the octet.
      else if (node.complete > before && left > 0) this.#finish(`ended by Node ${left} pieces earlier`);
      if (this.end !== null) return;
      if (node.complete === before) continue;
      this.#responses++;
      this.#filter.responseEnds();
    }
  }

  nextHead(octets: Uint8Array): void {
    const step = this.#connection.receive(octets, { arrival, recognizes: false });
    if (step.kind === "malformed") this.#finish(`malformed ${step.fault.code}`);
    if (step.kind !== "decided") return;
    const { decision, rest } = step;
    const at = this.#received - rest.length;
    if (decision.kind === "refused") this.#finish(`refused ${decision.code}`);
    else if (decision.upgrade) this.#finish(`upgraded at ${at}`);
    else {
      this.heads.push({ decision, at });
      this.#filter.forward(decision, rest);
    }
  }

  serverFailed(): void {
    this.#finish("failed");
  }

  bodyEnded(): void {
    this.#finish("malformed body");
  }

  #finish(end: string): void {
    this.end ??= end;
    this.#filter.detach();
  }

  requestBegins(): void {}
  write(): void {}
  pause(): void {}
  resume(): void {}
  setIdleTimeout(): void {}
  bodyBrokenOff(): void {}
  serverEnded(): void {}
  serverDestroyed(): void {}
}

/** Compares what goes on, as Node reads it, with what was ruled on. `seed` selects the policy, and where the pieces are cut. */
export async function compareRequests(octets: Buffer, seed: number, tally: RequestTally): Promise<void> {
  const policy = policies[seed % policies.length]!;
  const rulings = ruleOn(octets, policy);
  const cuts = ["whole", "octets", seed] as const;
  const passage = new Passage(policy, cuts[(seed >>> 4) % cuts.length]!);
  tally.connections++;
  try {
    for (const piece of cutUp(octets, cuts[(seed >>> 8) % cuts.length]!)) {
      await passage.receive(piece);
      if (passage.end !== null) break;
    }
    compareWithRulings(octets, passage, rulings, tally);
  } finally {
    passage.close();
  }
}

function compareWithRulings(
  octets: Buffer,
  { node, heads, end }: Passage,
  rulings: Rulings,
  tally: RequestTally,
): void {
  const { requests } = rulings;
  const { refused } = node;
  if (refused === null) same(octets, "the way the filter ends", end ?? "waits", rulings.end);
  else tally.refusedByNode.set(refused, (tally.refusedByNode.get(refused) ?? 0) + 1);
  const count = refused === null ? requests.length : heads.length;
  same(octets, "heads in pieces", heads.map(wordsOf), requests.slice(0, count).map(wordsOf));
  const isHeadRefused = refused !== null && node.requests.length === count - 1;
  if (!isHeadRefused) same(octets, "requests that Node reads", node.requests.length, count);
  for (const [i, request] of node.requests.entries()) {
    const { decision, body, trailers, complete } = requests[i]!;
    const { method, requestTarget, httpVersion, keepAlive, rawHeaders } = decision.head;
    const fields = fieldsGoingOn(decision);
    same(octets, `the lines of request ${i} for a parser that takes heads`, forwardedRead(decision).lines, fields);
    const wanted = { method, requestTarget, httpVersion, fields, keepAlive, upgrade: false, body, trailers, complete };
    // Of a body that is malformed, or that Node refuses, it has read a part.
    const isBroken = refused !== null || end === "malformed body";
    if (isBroken && !request.complete && body.startsWith(request.body)) {
      Object.assign(wanted, { body: request.body, trailers: [], complete: false });
    }
    // Node may report some trailers before the body has ended.
    const read = request.complete ? request : { ...request, trailers: [] };
    same(octets, `request ${i} as Node reads it`, read, wanted);
    tally.accepted++;
    if (!request.complete) continue;
    tally.readByNode++;
    tally.content += body.length;
    tally.trailers += trailers.length / 2;
    if (fields.join() !== rawHeaders.join()) tally.rewritten++;
  }
}

function wordsOf({ decision, at }: Pick<Ruled, "decision" | "at">): unknown[] {
  const { head, authority, authoritySource, port, vhost, reported } = decision;
  return [at, head.toString(), String(authority), authoritySource, port, vhost.name, reported?.code];
}
