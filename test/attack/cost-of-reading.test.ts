// In:    what a client may send, in sizes that double.
// Out:   whether it is read in time that is in proportion to its octets, however they are cut.
// Never: bounds a time; growth counts.

import { once } from "node:events";
import { connect } from "node:http2";
import * as assert from "uvu/assert";
import { FirstOctets } from "#src/arrival/first-octets.js";
import { ProxyReader } from "#src/arrival/proxy/reader.js";
import { ClientHelloReader } from "#src/arrival/tls/records.js";
import { forwardedHead } from "#src/connection/http1/rewrite.js";
import { ServerNames } from "#src/connection/tls/routes.js";
import { createGate } from "#src/gate.js";
import { RuledFields, SameRuling } from "#src/guard/same-ruling.js";
import { headOf, type Message } from "#src/head/from-message.js";
import { readHttp2Head } from "#src/head/http2.js";
import { kernel } from "#src/head/kernel/instance.js";
import { parseRequestHead, parseRequestHeads } from "#src/head/parse.js";
import { HeadReader } from "#src/head/reader.js";
import { BodyReader } from "#src/message/body.js";
import { RequestReader } from "#src/message/requests.js";
import { ResponseReader } from "#src/message/responses.js";
import { HeldOctets } from "#src/outcome/held-octets.js";
import { decide } from "#src/policy/decide.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { NO_LISTEN_SERVER } from "#src/policy/vhost.js";
import { assertFlat, assertProportional, type Work } from "../support/growth.js";
import { Flag, Frame, frame, hello, readFrames, text } from "../support/http2-frames.js";
import { fill, get, headFrom, limits } from "../support/large.js";
import { suite } from "../support/suite.js";
import { closeDoors, type Door, octetsOf, openDoor } from "../support/tcp.js";

/** A PROXY header of version 2 with these TLVs. */
function proxyHeader(tlvs: Buffer): Buffer {
  const fixed = Buffer.from("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\0", "latin1");
  fixed.writeUInt16BE(12 + tlvs.length, 14);
  return Buffer.concat([fixed, Buffer.from([10, 0, 0, 1, 10, 0, 0, 2, 0, 1, 0, 2]), tlvs]);
}

const vector = (size: 1 | 2, content: Buffer): Buffer => {
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
};

/** A ClientHello with these extensions, in records of so many octets. */
function clientHello(extensions: readonly (readonly [type: number, content: Buffer])[], recordOctets = 16_384): Buffer {
  const all = extensions.map(([type, content]) =>
    Buffer.concat([Buffer.from([type >> 8, type & 255]), vector(2, content)]),
  );
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32),
    vector(1, Buffer.alloc(0)),
    vector(2, Buffer.from([0x13, 0x01])),
    vector(1, Buffer.from([0])),
    vector(2, Buffer.concat(all)),
  ]);
  const message = Buffer.concat([
    Buffer.from([1, body.length >> 16, (body.length >> 8) & 255, body.length & 255]),
    body,
  ]);
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += recordOctets) {
    records.push(Buffer.from([22, 3, 1]), vector(2, message.subarray(at, at + recordOctets)));
  }
  return Buffer.concat(records);
}

const serverName = (name: string): readonly [number, Buffer] => {
  const list = Buffer.concat([Buffer.from([0]), vector(2, octetsOf(name))]);
  return [0, vector(2, list)];
};

/** Reads octets in pieces of one octet. */
function singly(octets: Buffer, read: (piece: Uint8Array) => unknown): void {
  for (let at = 0; at < octets.length; at++) read(octets.subarray(at, at + 1));
}

const policy = definePolicy({ vhosts: [{ name: "**.example.com" }, { name: "a" }] });
const CHUNKED = { kind: "chunked" } as const;
const http2Fields = (authority: string, more: string[] = []): string[] => {
  return [":method", "GET", ":scheme", "https", ":path", "/", ":authority", authority, ...more];
};
const http2 = (fields: string[]): Work => {
  return () => {
    const result = readHttp2Head(fields, true, limits);
    if (result.kind === "complete") decide(policy, result.head, { scheme: "https" });
  };
};
const bodyOf = (text: string): Work => {
  const octets = octetsOf(text);
  return () => new BodyReader(CHUNKED, limits.headBytes).read(octets, 0);
};
const heads = (text: string): Work => {
  const octets = octetsOf(text);
  return () => parseRequestHeads(octets, { limits });
};
const helloOf = (octets: Buffer): Work => {
  return () => assert.is(new ClientHelloReader(131_072).read(octets).kind, "complete");
};
const message = (more: string[]): Message => {
  return { method: "GET", url: "/", httpVersion: "1.1", rawHeaders: ["Host", "a", ...more] };
};
const noTerms = { "*": () => {}, "**.example.com": () => {}, "a.test": () => {} };

/** By what is read: the work on so many octets. */
const readings: Record<string, (octets: number) => Work> = {
  "field lines": (n) => heads(`GET / HTTP/1.1\r\nHost: a\r\n${fill("a:\r\n", Math.min(n, 16_000))}\r\n`),
  "a line of white space": (n) => heads(`GET / HTTP/1.1\r\nHost: a\r\nX:${fill(" ", n)}\r\n\r\n`),
  "options of Connection": (n) => heads(`GET / HTTP/1.1\r\nHost: a\r\nConnection: ${fill("a ,", n)}\r\n\r\n`),
  "white space in Connection": (n) => heads(`GET / HTTP/1.1\r\nHost: a\r\nConnection: a${fill(" ", n)}, b\r\n\r\n`),
  "members of Transfer-Encoding": (n) =>
    heads(`GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${fill("a, ", n)}chunked\r\n\r\n`),
  "pipelined heads": (n) => {
    const octets = octetsOf(fill("GET / HTTP/1.0\r\n\r\n", 8 * n));
    return () => {
      for (let at = 0; at < octets.length; ) at += parseRequestHeads(octets.subarray(at), { limits }).consumed;
    };
  },
  "pipelined heads, one by one": (n) => {
    const octets = octetsOf(fill("GET / HTTP/1.0\r\n\r\n", 8 * n));
    return () => {
      for (let at = 0; at < octets.length; ) {
        const result = parseRequestHead(octets.subarray(at), { limits });
        assert.ok(result.kind === "complete");
        at += result.consumed;
      }
    };
  },
  "octets that come singly while a reader of messages is paused": (n) => {
    // All pieces fit into V8's young generation: the size that no longer did would cost far more than its octets.
    const octets = octetsOf(fill("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 8 * n));
    return () => {
      const reader = new RequestReader({ limits });
      // The first request is read, and then the caller answers it.
      reader.receive(octets.subarray(0, 42));
      while (reader.next().kind !== "paused");
      singly(octets.subarray(42), (piece) => {
        reader.receive(piece);
        assert.ok(reader.unread > 0 && !reader.idle);
      });
      for (let { kind } = reader.next(); kind !== "need-data"; { kind } = reader.next()) {
        if (kind === "paused") reader.nextMessage();
      }
    };
  },
  "requests that wait for their responses": (n) => () => {
    const reader = new ResponseReader();
    for (let i = 0; i < 8 * n; i++) reader.requested("GET");
    const octets = octetsOf("HTTP/1.1 204 No Content\r\n\r\n");
    for (let i = 0; i < 8 * n; i++) {
      reader.receive(octets);
      while (reader.next().kind !== "paused");
      reader.nextMessage();
    }
  },
  "pipelined heads in one piece": (n) => {
    const octets = octetsOf(fill("GET / HTTP/1.0\r\n\r\n", 8 * n));
    return () => {
      const reader = new HeadReader({ limits });
      for (let at = 0; at < octets.length; ) {
        const result = reader.read(octets.subarray(at));
        assert.ok(result.kind === "complete");
        at += result.consumed;
      }
    };
  },
  "a head in pieces of one octet": (n) => {
    const octets = octetsOf(`GET /${fill("a/", n / 2)} HTTP/1.1\r\nHost: a\r\n${fill("Accept: b\r\n", n / 2)}\r\n`);
    return () => {
      const reader = new HeadReader({ limits });
      singly(octets, (piece) => reader.read(piece));
    };
  },
  "members of Upgrade": (n) => {
    const head = get(`Host: a\r\nConnection: upgrade\r\nUpgrade: ${fill("a/b ,", n)}\r\n`);
    return () => head.upgrade;
  },
  "white space in Upgrade": (n) => {
    const head = get(`Host: a\r\nConnection: upgrade\r\nUpgrade: a${fill(" ", n)},b\r\n`);
    return () => head.upgrade;
  },
  "lines of Set-Cookie": (n) => {
    const octets = octetsOf(`GET / HTTP/1.1\r\nHost: a\r\n${fill("Set-Cookie: a\r\n", n)}\r\n`);
    return () => headFrom(octets).headers;
  },
  "lines of one name": (n) => {
    const octets = octetsOf(`GET / HTTP/1.1\r\nHost: a\r\n${fill("Accept: a\r\n", n)}\r\n`);
    return () => {
      const head = headFrom(octets);
      return [String(head.headers.accept), head.field("accept")];
    };
  },
  "Connection that is rewritten": (n) => {
    const head = get(`Host: a\r\nConnection: upgrade, ${fill("a, ", n)}\r\nUpgrade: h2c\r\n`);
    return () => forwardedHead({ head, authority: head.authority });
  },
  "white space in Connection that is rewritten": (n) => {
    const head = get(`Host: a\r\nConnection: upgrade, a${fill(" ", n)}, b\r\nUpgrade: h2c\r\n`);
    return () => forwardedHead({ head, authority: head.authority });
  },
  "lines that are rewritten": (n) => {
    const head = get(`Host: a\r\n${fill("a: b\r\n", n)}`, "http://b/");
    return () => forwardedHead({ head, authority: head.authority });
  },
  "labels of :authority": (n) => http2(http2Fields(`${fill("a.", n)}a`)),
  "Host beside :authority": (n) => {
    const fields = Array.from({ length: n / 16 }, () => ["host", "A"]).flat();
    return http2(http2Fields(fill("a", n / 2), fields));
  },
  "crumbs of Cookie": (n) => http2(http2Fields("a", Array.from({ length: n / 16 }, () => ["cookie", "a=b"]).flat())),
  "fields over HTTP/2": (n) => http2(http2Fields("a", Array.from({ length: n / 16 }, () => ["a", "b"]).flat())),
  "chunks of one octet": (n) => bodyOf(`${fill("1\r\na\r\n", n)}0\r\n\r\n`),
  "chunk extensions": (n) => bodyOf(`1${fill(";a=b", n)}\r\na\r\n0\r\n\r\n`),
  "a quoted chunk extension": (n) => bodyOf(`1;a="${fill("\\a", n)}"\r\na\r\n0\r\n\r\n`),
  "lines of a trailer": (n) => bodyOf(`0\r\n${fill("a:\r\n", n)}\r\n`),
  "a name of a trailer": (n) => bodyOf(`0\r\n${fill("a", n)}: b\r\n\r\n`),
  "a body in pieces of one octet": (n) => {
    const octets = octetsOf(`${fill("1;a=b\r\na\r\n", n)}0\r\n\r\n`);
    return () => {
      const reader = new BodyReader(CHUNKED, limits.headBytes);
      singly(octets, (piece) => reader.read(piece, 0));
    };
  },
  "labels of a server name": (n) => helloOf(clientHello([serverName(fill("a.", n).slice(0, -1))])),
  "the entry of a server name": (n) => {
    const names = new ServerNames(noTerms, []);
    const name = fill("a.", n).slice(0, -1);
    return () => names.find(name);
  },
  "the entry of a server name below a wildcard": (n) => {
    const names = new ServerNames(noTerms, []);
    const name = `${fill("a.", n)}example.com`;
    return () => names.find(name);
  },
  "protocols of ALPN": (n) =>
    helloOf(clientHello([[16, vector(2, Buffer.concat(Array.from({ length: n / 2 }, () => Buffer.from([1, 97]))))]])),
  "extensions of a ClientHello": (n) =>
    helloOf(clientHello(Array.from({ length: n / 4 }, (_, i) => [i + 100, Buffer.alloc(0)] as const))),
  "records of a ClientHello": (n) => helloOf(clientHello([[100, Buffer.alloc(n)]], 1)),
  "a ClientHello in pieces of one octet": (n) => {
    const octets = clientHello([[100, Buffer.alloc(n)]]);
    return () => {
      const first = new FirstOctets(131_072);
      singly(octets, (piece) => first.read(piece));
    };
  },
  "TLVs of a PROXY header": (n) => {
    const octets = proxyHeader(Buffer.from(fill("\xee\0\0", n), "latin1"));
    return () => assert.is(new ProxyReader(65_551).read(octets).kind, "complete");
  },
  "a PROXY header in pieces of one octet": (n) => {
    const octets = proxyHeader(Buffer.concat([Buffer.from([4]), vector(2, Buffer.alloc(n))]));
    return () => {
      const reader = new ProxyReader(65_551);
      singly(octets, (piece) => reader.read(piece));
    };
  },
  "held octets that come singly": (n) => {
    const octet = new Uint8Array(1);
    return () => {
      const held = new HeldOctets();
      for (let i = 0; i < n; i++) held.add(octet);
      return held.take();
    };
  },
  "fields that Node has read": (n) => {
    const node = message(Array.from({ length: n / 16 }, () => ["Accept", "b"]).flat());
    return () => assert.is(headOf(node, limits).kind, "complete");
  },
  "a request like the one before": (n) => {
    const fields = new RuledFields();
    const one = message(Array.from({ length: n / 16 }, () => ["Origin", "b"]).flat());
    const other = structuredClone(one);
    const precedent = SameRuling.of(one, fields, "same fields")!;
    return () => assert.ok(precedent.covers(other, limits));
  },
};

const test = suite("cost of reading");

for (const [name, prepare] of Object.entries(readings)) {
  test(name, () => assertProportional(name, prepare));
}

test("one that is compared with many is read once", () => {
  const fields = http2Fields("b".repeat(4000), Array.from({ length: 100 }, () => ["host", "a"]).flat());
  const before = kernel().generation;
  readHttp2Head(fields, true, limits);
  assert.ok(kernel().generation - before <= 102, `${kernel().generation - before} readings`);
});

const wire = suite("cost over HTTP/2");
wire.after(closeDoors);

const vhosts = [{ name: "**.example.com", port: NO_LISTEN_SERVER }] as const;
const adopting = (): Promise<Door> => {
  const gate = createGate({ vhosts, limits, http2: { cleartext: true }, requests: (_, response) => response.end() });
  return openDoor((socket) => void gate.adopt(socket));
};

wire("a long :authority", async () => {
  const door = await adopting();
  const session = connect(`http://127.0.0.1:${door.port}`);
  const ask = (authority: string): Promise<unknown> =>
    once(session.request({ ":path": "/", ":authority": authority }).resume(), "close");
  await assertProportional("a long :authority", (octets) => {
    const authorities = Array.from({ length: 8 }, () => `${fill("a.", octets)}b`);
    return () => Promise.all(authorities.map(ask));
  });
  session.destroy();
  await door.close();
});

/** GET, `/` and http of the static table; as a new entry of the dynamic one an `:authority`; that entry (RFC 7541 §6.1, §6.2.1). */
const GET_HTTP = Buffer.of(0x82, 0x84, 0x86);
const newAuthority = (value: string): Buffer => Buffer.concat([Buffer.of(0x41), text(value)]);
const KNOWN = Buffer.of(0xbe);

/** Asks so often in 13 octets each, on a connection of its own that knows the `:authority`. */
async function knowing(authority: string): Promise<{ ask: Work; close: () => Promise<void> }> {
  const door = await adopting();
  const { stream } = await door.connect();
  let next = 1;
  let rest = Buffer.alloc(0);
  let awaited = 0;
  let answered = (): void => {};
  stream.on("data", (octets: Buffer) => {
    rest = Buffer.concat([rest, octets]);
    for (const { type, flags, payload } of readFrames(rest)) {
      rest = rest.subarray(9 + payload.length);
      if (type <= Frame.HEADERS && (flags & Flag.END_STREAM) !== 0 && --awaited === 0) answered();
    }
  });
  const ask = (field: Buffer, count: number): Promise<void> => {
    const frames = Array.from({ length: count }, () => {
      const request = frame(Frame.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, next, Buffer.concat([GET_HTTP, field]));
      next += 2;
      return request;
    });
    awaited = count;
    stream.write(Buffer.concat(frames));
    return new Promise((resolve) => (answered = resolve));
  };
  stream.write(hello());
  await ask(newAuthority(authority), 1);
  const close = (): Promise<void> => {
    stream.destroy();
    return door.close();
  };
  return { ask: () => ask(KNOWN, 16), close };
}

wire("an :authority that the connection knows, in 13 octets a request", async () => {
  const [short, long] = [await knowing("a.b"), await knowing(`${fill("a.", 4000)}b`)];
  await assertFlat("a known :authority", short.ask, long.ask);
  await short.close();
  await long.close();
});
