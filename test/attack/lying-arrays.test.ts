// In:    arrays of octets that misstate their own size.
// Out:   whether all that take octets from a caller read those that are there, and no others.
// Never: makes a false claim unless an earlier head has left its octets in the memory of the kernel.

import * as assert from "uvu/assert";
import { FirstOctets } from "#src/arrival/first-octets.js";
import { ProxyReader } from "#src/arrival/proxy/reader.js";
import { ClientHelloReader } from "#src/arrival/tls/records.js";
import { createGate } from "#src/gate.js";
import { type AuthorityResult, parseAuthority } from "#src/head/authority.js";
import { parseRequestHead, parseRequestHeads } from "#src/head/parse.js";
import { HeadReader } from "#src/head/reader.js";
import { readRest, seal, unseal } from "#src/intake/socket-message.js";
import { BodyReader } from "#src/message/body.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { answerOf } from "../support/answer.js";
import { readHelloCorpus } from "../support/corpus.js";
import { suite } from "../support/suite.js";
import { octetsOf, streamPair } from "../support/tcp.js";

/** Of the class of the octets that it is given: the same octets, with something that is not true of them. */
type Lie = (octets: Uint8Array) => Uint8Array;

const saying = (length: number): Lie => {
  class Liar extends Uint8Array {
    override get length(): number {
      return length;
    }
    override get byteLength(): number {
      return length;
    }
    override get byteOffset(): number {
      return length;
    }
    override subarray(): Uint8Array<ArrayBuffer> {
      return new Uint8Array(length);
    }
    override slice(): Uint8Array<ArrayBuffer> {
      return new Uint8Array(length);
    }
  }
  return (octets) => {
    // With other octets of the same memory on both sides.
    const memory = new Uint8Array(octets.length + 200).fill(0x58);
    memory.set(octets, 100);
    return new Liar(memory.buffer, 100, octets.length);
  };
};

const lies: Record<string, Lie> = {
  "a subclass that claims more": saying(2000),
  "a subclass that claims less": saying(3),
  "a subclass that claims to be empty": saying(0),
  "a subclass that claims what is not a length": saying(Number.NaN),
  "an own property that claims more": (octets) =>
    Object.defineProperty(Uint8Array.from(octets), "length", { value: 2000 }),
  "a Buffer that claims more": (octets) => Object.defineProperty(Buffer.from(octets), "length", { value: 2000 }),
  "a length that is another each time": (octets) => {
    let length = 0;
    return Object.defineProperty(Uint8Array.from(octets), "length", { get: () => ++length });
  },
};

const HEAD = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const BEGUN = HEAD.slice(0, 20);
const SECRET = octetsOf(`GET /secret HTTP/1.1\r\nHost: secret\r\nCookie: ${"secret".repeat(300)}\r\n\r\n`);
const PROXY = "PROXY TCP4 198.51.100.7 192.0.2.1 51234 443\r\n";
const HELLO = readHelloCorpus()[0]!.octets;

const authorityOf = (result: AuthorityResult): unknown =>
  result.kind === "malformed" ? result : [String(result.authority), result.authority.kind];

/** By entry: what it answers to octets, for a comparison. */
const entries: Record<string, [octets: Uint8Array, read: (octets: Uint8Array) => unknown]> = {
  parseRequestHead: [octetsOf(HEAD), (octets) => answerOf(parseRequestHead(octets))],
  "parseRequestHead, a beginning": [octetsOf(BEGUN), (octets) => answerOf(parseRequestHead(octets))],
  "parseRequestHead, beyond the limit": [
    octetsOf(`GET /${"a".repeat(2000)}`),
    (octets) => answerOf(parseRequestHead(octets, { limits: { headBytes: 1000 } })),
  ],
  parseRequestHeads: [
    octetsOf(HEAD + HEAD + BEGUN),
    (octets) => {
      const { heads, consumed, fault } = parseRequestHeads(octets);
      return [heads.map(String), consumed, fault];
    },
  ],
  HeadReader: [octetsOf(HEAD), (octets) => answerOf(new HeadReader().read(octets))],
  "HeadReader, a beginning": [
    octetsOf(BEGUN),
    (octets) => {
      const reader = new HeadReader();
      return [reader.read(octets).kind, reader.pending, answerOf(reader.read(octetsOf(HEAD.slice(20))))];
    },
  ],
  "HeadReader, a later piece": [
    octetsOf(HEAD.slice(20)),
    (octets) => {
      const reader = new HeadReader();
      reader.read(octetsOf(BEGUN));
      parseRequestHead(SECRET);
      return answerOf(reader.read(octets));
    },
  ],
  "parseAuthority, octets": [octetsOf("a.example:80"), (octets) => authorityOf(parseAuthority(octets))],
  BodyReader: [octetsOf("1\r\na\r\n0\r\n\r\n"), (octets) => new BodyReader({ kind: "chunked" }, 100).read(octets, 0)],
  ProxyReader: [octetsOf(PROXY), (octets) => new ProxyReader(232).read(octets)],
  "ProxyReader, a later piece": [
    octetsOf(PROXY.slice(20)),
    (octets) => {
      const reader = new ProxyReader(232);
      reader.read(octetsOf(PROXY.slice(0, 20)));
      return reader.read(octets);
    },
  ],
  ClientHelloReader: [HELLO, (octets) => helloOf(new ClientHelloReader(16_384), octets)],
  "ClientHelloReader, a later piece": [
    HELLO.subarray(20),
    (octets) => {
      const reader = new ClientHelloReader(16_384);
      reader.read(HELLO.subarray(0, 20));
      return helloOf(reader, octets);
    },
  ],
  FirstOctets: [HELLO, (octets) => helloOf(new FirstOctets(16_384), octets)],
  "FirstOctets, a later piece": [
    octetsOf("/ HTTP/1.1\r\n"),
    (octets) => {
      const first = new FirstOctets(null);
      first.read(octetsOf("GET "));
      return first.read(octets).kind;
    },
  ],
};

function helloOf(reader: ClientHelloReader | FirstOctets, octets: Uint8Array): unknown {
  const result = reader.read(octets);
  return result.kind === "complete" ? result.hello : result;
}

const readers = suite("arrays that lie: readers");

for (const [name, [octets, read]] of Object.entries(entries)) {
  readers(name, () => {
    const expected = read(octets);
    for (const [which, lie] of Object.entries(lies)) {
      parseRequestHead(SECRET);
      assert.equal(read(lie(octets)), expected, which);
    }
  });
}

readers("what only looks like octets is refused", () => {
  const proxied = new Proxy(octetsOf(HEAD), {});
  const pretended = Object.create(Uint8Array.prototype, { length: { value: 28 } }) as Uint8Array;
  for (const octets of [proxied, pretended, [71, 69, 84] as never, { length: 3 } as never]) {
    for (const [, read] of Object.values(entries))
      assert.throws(
        () => read(octets),
        (error: unknown) => error instanceof TypeError,
      );
  }
});

const sockets = suite("arrays that lie: sockets");

sockets("adopt: the octets that its caller has read", async () => {
  for (const [which, lie] of Object.entries(lies)) {
    const vhosts = [{ name: "a", port: NO_LISTEN_SERVER, upgrades: {} }] as const;
    const [client, server] = streamPair();
    const targets: string[] = [];
    const gate = createGate({
      vhosts,
      requests: (request, response) => response.end(targets.push(request.url!) && ""),
    });
    const end = gate.adopt(server, { rest: lie(octetsOf(HEAD)) });
    const [answer] = await new Promise<Buffer[]>((resolve) => client.on("data", (octets: Buffer) => resolve([octets])));
    assert.match(answer!.toString("latin1"), /^HTTP\/1\.1 200 /, which);
    assert.equal(targets, ["/a"], which);
    client.destroy();
    await end;
  }
});

sockets("sendSocket: the octets that its caller has read", () => {
  for (const [which, lie] of Object.entries(lies)) {
    const sent = unseal(seal(readRest(lie(octetsOf(HEAD))), {}, null));
    assert.is(Buffer.from(sent.rest).toString("latin1"), HEAD, which);
  }
});
