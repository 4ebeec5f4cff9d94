// In:    connections whose trusted peer speaks for a client that it does not name, with fields that would lend the client more.
// Out:   whether the client stays unknown: it is never trusted, has no address, and counts with all others like it.
// Never: sends a header that is malformed; proxy-adoption.test.ts does.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import type { Arrival, ArrivalHints } from "#src/arrival/arrival.js";
import { type ConnectionEnd, createGate, explain, type Gate, type GateOptions, NO_LISTEN_SERVER } from "#src/index.js";
import { toProcess, UNREAD } from "#src/intake.js";
import type { Abandoned } from "#src/outcome/end.js";
import { certificate } from "../support/certificate.js";
import { readProxyCorpus } from "../support/corpus.js";
import { FrameClient } from "../support/http2-client.js";
import { Flag } from "../support/http2-frames.js";
import { suite } from "../support/suite.js";
import { Client, closeDoors, octetsOf, openDoor, streamPair } from "../support/tcp.js";
import { handshakeFields } from "../support/world.js";

const caseNamed = (title: string): Buffer => {
  const found = readProxyCorpus().find((each) => each.title === title);
  if (found === undefined) throw new Error(`no case ${title}`);
  return Buffer.from(found.octets);
};

/** Headers of a peer that speaks for a client without an address. */
const unknown: Record<string, Buffer> = {
  UNKNOWN: caseNamed("UNKNOWN, short"),
  "UNKNOWN with addresses": caseNamed("after UNKNOWN anything is ignored"),
  UNSPEC: caseNamed("UNSPEC"),
  "UNSPEC with addresses": caseNamed("UNSPEC: what it holds is skipped"),
  "a client of the peer's UNIX-domain socket": caseNamed("UNIX stream: an unnamed client, a path"),
};
const LOCAL = caseNamed("LOCAL: what it holds is skipped");

/** What a client may write itself, and a trusted peer would be believed. */
const claims: Record<string, { forwarded: NonNullable<GateOptions["trust"]>["forwarded"]; lines: string }> = {
  Forwarded: { forwarded: "rfc7239", lines: "Forwarded: for=192.0.2.60;proto=https;host=inner\r\n" },
  "X-Forwarded": {
    forwarded: ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"],
    lines:
      "X-Forwarded-For: 192.0.2.60\r\nX-Forwarded-Host: inner\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n",
  },
  "X-Forwarded without an address": {
    forwarded: ["X-Forwarded-Host", "X-Forwarded-Proto"],
    lines: "X-Forwarded-Host: inner\r\nX-Forwarded-Proto: https\r\n",
  },
};

/** Peers that the gate trusts, by what is known about their sockets. */
const peers: Record<string, ArrivalHints> = {
  IPv4: { remoteAddress: "10.0.0.1", remotePort: 4, localAddress: "10.0.0.2", localPort: 8080 },
  "IPv4-mapped": { remoteAddress: "::ffff:10.0.0.1", remotePort: 4 },
  loopback: { remoteAddress: "127.0.0.1", remotePort: 4, localAddress: "127.0.0.1", localPort: 8080 },
  "with a zone": { remoteAddress: "fe80::1%eth0", remotePort: 4 },
  UNIX: { unix: true },
};
const from = ["10.0.0.0/8", "127.0.0.1", "fe80::/10", "unix"];

const taken = ({ socket }: { socket: { end(text: string): unknown } }): void => void socket.end("taken");

function open(options: Partial<GateOptions>): { gate: Gate; ruled: Arrival[]; said: string[] } {
  const ruled: Arrival[] = [];
  const said: string[] = [];
  const gate = createGate({
    vhosts: [
      { name: "outer", port: NO_LISTEN_SERVER, upgrades: { "*": taken } },
      { name: "inner", port: NO_LISTEN_SERVER, requires: "https", upgrades: { "*": taken } },
    ],
    requests: (_request, response) => void response.end(),
    ...options,
  });
  gate.on("accepted", ({ arrival, vhost }) => ruled.push(arrival) && said.push(vhost.name));
  gate.on("refused", ({ arrival, code }) => ruled.push(arrival) && said.push(code));
  return { gate, ruled, said };
}

const believed = suite("bypass: an unknown client is never trusted");
believed.after(closeDoors);

for (const [name, header] of Object.entries(unknown)) {
  believed(`${name}: neither scheme, host nor address is taken from its fields`, async () => {
    for (const { forwarded, lines } of Object.values(claims)) {
      for (const [peer, arrival] of Object.entries(peers)) {
        const trust = { from, proxyProtocol: true, ...(forwarded && { forwarded }) };
        for (const more of ["", handshakeFields]) {
          for (const [host, outcome] of [
            ["outer", "outer"],
            ["inner", "SCHEME_REQUIRED"],
          ] as const) {
            const { gate, ruled, said } = open({ trust });
            const [near, far] = streamPair();
            const end = gate.adopt(far, { arrival }).ended;
            const request = `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines}${more}\r\n`;
            const head = more === "" ? request : request.replace("Connection: close\r\n", "");
            await new Client(near).send(Buffer.concat([header, octetsOf(head)]));
            near.end();
            await end;
            assert.equal(said, [outcome], `${peer} ${head}`);
            const { remoteAddress, remotePort, localPort, unix, scheme, forwarding, proxy } = ruled[0]!;
            assert.equal(
              [remoteAddress, remotePort, unix, scheme, forwarding],
              [undefined, undefined, false, "http", undefined],
            );
            assert.is(localPort, undefined);
            assert.is(proxy?.command, "PROXY");
          }
        }
      }
    }
  });
}

believed("LOCAL is the peer speaking for itself, and it is believed", async () => {
  for (const { forwarded, lines } of Object.values(claims)) {
    for (const arrival of Object.values(peers)) {
      const { gate, ruled, said } = open({ trust: { from, proxyProtocol: true, ...(forwarded && { forwarded }) } });
      const [near, far] = streamPair();
      const end = gate.adopt(far, { arrival }).ended;
      const head = `GET / HTTP/1.1\r\nHost: outer\r\n${lines}${handshakeFields}\r\n`;
      await new Client(near).send(Buffer.concat([LOCAL, octetsOf(head)]));
      assert.is((await end).kind, "handed-over");
      assert.equal([said, ruled[0]!.scheme], [["inner"], "https"]);
    }
  }
});

believed("over HTTP/2, with TLS and without", async () => {
  const { key, cert } = certificate("outer", "inner");
  for (const speaksTls of [false, true]) {
    const { gate, said } = open({
      trust: { from, proxyProtocol: true, forwarded: "rfc7239" },
      http2: { cleartext: true },
      ...(speaksTls && { tls: { outer: { key, cert } } }),
    });
    const door = await openDoor((socket) => gate.adopt(socket));
    const wire = net.connect(door.port, "127.0.0.1");
    wire.write(unknown.UNSPEC!);
    const secure = (): tls.TLSSocket => {
      return tls.connect({ socket: wire, ca: cert, servername: "outer", ALPNProtocols: ["h2"] });
    };
    const socket = speaksTls ? secure() : wire;
    await once(socket, speaksTls ? "secureConnect" : "connect");
    const client = new FrameClient(socket);
    await client.greet();
    const asked = async (authority: string): Promise<unknown> => {
      const fields = Object.entries({ ":method": "GET", ":scheme": "http", ":authority": authority, ":path": "/" });
      fields[1]![1] = speaksTls ? "https" : "http";
      fields.push(["forwarded", "for=192.0.2.60;proto=https;host=inner"]);
      return client.outcome(await client.open(fields, Flag.END_STREAM));
    };
    assert.equal([await asked("outer"), await asked("inner")], [200, 421]);
    assert.equal(said, ["outer", speaksTls ? "SERVER_NAME_MISMATCH" : "SCHEME_REQUIRED"]);
    socket.destroy();
    await door.close();
  }
});

believed(
  "a caller of adopt may declare the client unknown, and the socket's own address is not asked for",
  async () => {
    const { gate, ruled, said } = open({ trust: { from, forwarded: "rfc7239" } });
    const given: ArrivalHints[] = [{ remoteAddress: null }, { remoteAddress: null, localAddress: null }];
    for (const arrival of given) {
      const door = await openDoor((socket) => gate.adopt(socket, { arrival }));
      const client = await door.connect();
      await client.send(`GET / HTTP/1.1\r\nHost: outer\r\n${claims.Forwarded!.lines}${handshakeFields}\r\n`);
      await client.closed();
      await door.close();
    }
    assert.equal(said, ["outer", "outer"]);
    for (const { remoteAddress, remotePort } of ruled)
      assert.equal([remoteAddress, remotePort], [undefined, undefined]);
    assert.not.type(ruled[0]!.localPort, "undefined");
    assert.type(ruled[1]!.localPort, "undefined");
    assert.throws(() => gate.adopt(streamPair()[0], { arrival: { unix: true, remoteAddress: null } }), /arrival\.unix/);
  },
);

believed(
  "another gate, which guards the server of requests, does not take it for a UNIX-domain peer or for the hop",
  async () => {
    for (const header of Object.values(unknown)) {
      for (const strict of [false, true]) {
        const server = createServer((_request, response) => void response.end());
        const second = createGate({
          vhosts: [{ name: "outer" }, { name: "inner", requires: "https" }],
          trust: { from, forwarded: "rfc7239" },
        });
        const said: string[] = [];
        second.on("accepted", ({ vhost, arrival }) =>
          said.push(`${vhost.name} ${arrival.remoteAddress} ${arrival.unix}`),
        );
        second.guard(server, { mode: strict ? "filter" : "auto" });
        const first = createGate({
          vhosts: [{ name: "outer", port: NO_LISTEN_SERVER }],
          trust: { from, proxyProtocol: true },
          requests: server,
        });
        const [near, far] = streamPair();
        void first.adopt(far, { arrival: { unix: true } });
        const client = new Client(near);
        const head = `GET / HTTP/1.1\r\nHost: outer\r\nConnection: close\r\n${claims.Forwarded!.lines}\r\n`;
        await client.send(Buffer.concat([header, octetsOf(head)]));
        assert.is((await client.all())[0]!.statusCode, 200);
        assert.equal(said, ["outer undefined false"]);
      }
    }
  },
);

let child: ChildProcess | undefined;
believed.after(() => child?.kill());

believed("a child process that gets the socket does not take the peer for the client", async () => {
  child = fork("dist/test/support/child.js", ["child"]);
  await once(child, "message");
  const gate = createGate({
    vhosts: [{ name: "a", port: NO_LISTEN_SERVER, upgrades: { "*": toProcess(child) } }],
    trust: { from, proxyProtocol: true, forwarded: "rfc7239" },
  });
  const server = net.createServer(UNREAD, (socket) => gate.adopt(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  for (const [header, address] of [
    ...Object.values(unknown).map((each) => [each, "undefined"] as const),
    [LOCAL, "127.0.0.1"] as const,
  ]) {
    const client = new Client(net.connect({ port: (server.address() as AddressInfo).port, allowHalfOpen: true }));
    await client.send(Buffer.concat([header, octetsOf(`GET / HTTP/1.1\r\nHost: a\r\n${handshakeFields}\r\n`)]));
    client.stream.end();
    await client.closed();
    assert.match(client.received.toString("latin1"), `child ${address} http default\n`);
  }
  server.close();
});

believed("the explanation names the peer, an unknown client, and what it was not believed", async () => {
  const { gate } = open({ trust: { from, proxyProtocol: true, forwarded: "rfc7239" } });
  const [near, far] = streamPair();
  const end = gate.adopt(far, { arrival: peers.IPv4! }).ended;
  const head = `GET / HTTP/1.1\r\nHost: inner\r\n${claims.Forwarded!.lines}\r\n`;
  await new Client(near).send(Buffer.concat([unknown.UNKNOWN!, octetsOf(head)]));
  const how = await end;
  assert.ok(how.kind === "refused");
  assert.match(
    explain(how.decision),
    "PROXY from trusted hop 10.0.0.1, client unknown; Forwarded not trusted from an unknown peer)",
  );
});

const counted = suite("bypass: unknown clients are counted as one");

/** Where so many wait in all, each address is counted. */
const limits = { pendingHeads: 10, pendingPerAddress: 2 };
const LINE = (address: string): Buffer => octetsOf(`PROXY TCP4 ${address} 192.0.2.1 51234 443\r\n`);

interface Adopted {
  readonly client: Client;
  readonly end: Promise<ConnectionEnd>;
}

async function adopt(gate: Gate, octets: Buffer): Promise<Adopted> {
  const [near, far] = streamPair();
  const end = gate.adopt(far, { arrival: peers.IPv4! }).ended;
  const client = new Client(near);
  await client.send(octets);
  await new Promise(setImmediate);
  return { client, end };
}

for (const waits of ["for a head", "for authorize"]) {
  counted(`${waits}: one bucket for all of them, beside those of clients that are known`, async () => {
    const asks = waits === "for authorize";
    const { gate } = open({
      trust: { from, proxyProtocol: true },
      limits,
      ...(asks && { authorize: () => new Promise<boolean>(() => {}) }),
    });
    const behind = octetsOf(asks ? `GET / HTTP/1.1\r\nHost: outer\r\n${handshakeFields}\r\n` : "GET / HT");
    const come = (header: Buffer): Promise<Adopted> => adopt(gate, Buffer.concat([header, behind]));
    const waiting: Adopted[] = [];
    for (const address of ["198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4", "198.51.100.5"]) {
      waiting.push(await come(LINE(address)));
    }
    const [first, second, ...others] = Object.values(unknown);
    waiting.push(await come(first!), await come(second!));
    for (const header of others) {
      const { client, end } = await come(header);
      const how = (await end) as Abandoned;
      assert.equal([how.kind, how.code], ["abandoned", "ADDRESS_OVERLOADED"]);
      assert.match(
        explain(how),
        asks ? "2 upgrades of unknown clients were waiting" : "2 connections of unknown clients",
      );
      assert.is((await client.all())[0]!.statusCode, 503);
    }
    // A known client has its own, and the peer that speaks for itself is not counted.
    waiting.push(await come(LINE("198.51.100.1")), await come(LOCAL));
    assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: others.length });
    // One that goes makes room for one.
    const [gone] = waiting.splice(5, 1);
    gone!.client.stream.destroy();
    await gone!.end;
    waiting.push(await come(others[0]!));
    assert.equal(gate.counts.abandoned, { ADDRESS_OVERLOADED: others.length, PEER_ENDED: 1 });
    for (const { client, end } of waiting) {
      client.stream.destroy();
      await end;
    }
  });
}
