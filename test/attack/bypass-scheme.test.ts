// In:    plaintext on the port of a gate that speaks TLS, and on servers that it guards; what is declared and stated about it.
// Out:   whether it is http until a trusted hop, a PROXY header or the caller of adopt states otherwise.
// Never: tests TLS itself; tls.test.ts does.

import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import tls from "node:tls";
import * as assert from "uvu/assert";
import type { ArrivalHints } from "#src/arrival/arrival.js";
import {
  createGate,
  definePolicy,
  explain,
  explanation,
  type Gate,
  type GateOptions,
  NO_LISTEN_SERVER,
} from "#src/index.js";
import { certificate } from "../support/certificate.js";
import { readProxyCorpus } from "../support/corpus.js";
import { suite } from "../support/suite.js";
import { Client, closeDoors, octetsOf, openDoor } from "../support/tcp.js";
import { handshakeFields } from "../support/world.js";

const terms = certificate("a");
const taken = ({ socket }: { socket: { end(text: string): unknown } }): void => void socket.end("taken");
const vhosts = [{ name: "a", port: NO_LISTEN_SERVER, requires: "https", upgrades: { "*": taken } }] as const;

const made = suite("bypass: a declared scheme beside tls");

made("https is a TypeError with the path, the value and the fix, whatever else the gate has", () => {
  const tlsRules: NonNullable<GateOptions["tls"]>[] = [
    { a: terms },
    { "*": { ...terms, requestCert: true } },
    { a: () => {} },
    { a: terms, "*": { take: () => {} } },
  ];
  for (const rules of tlsRules) {
    const more: Partial<GateOptions>[] = [
      {},
      { mode: "report" },
      { fallback: () => {}, http2: { cleartext: true } },
      { trust: { from: ["unix"], proxyProtocol: true } },
      { requests: () => {} },
    ];
    for (const options of more) {
      const make = (): Gate => createGate({ vhosts, scheme: "https", tls: rules, ...options });
      assert.throws(make, (error: unknown) => {
        const sentence =
          /^scheme is "https" together with tls.*leave scheme out.*adopt\(socket, \{ arrival: \{ scheme: "https" \} \}\)$/;
        return error instanceof TypeError && sentence.test(error.message);
      });
      createGate({ vhosts, tls: rules, ...options });
    }
    // What it is anyway may be written down.
    createGate({ vhosts, scheme: "http", tls: rules });
  }
  // Without tls, and in a policy, which knows of none, it stays what it is.
  createGate({ vhosts, scheme: "https" });
  definePolicy({ vhosts, scheme: "https" });
});

const plain = suite("bypass: plaintext beside TLS");
plain.after(closeDoors);

const caseNamed = (title: string): Buffer =>
  Buffer.from(readProxyCorpus().find((each) => each.title === title)!.octets);
const FORWARDED = "Forwarded: proto=https\r\n";
const trust = { from: ["127.0.0.1"], forwarded: "rfc7239" } as const;
const announced = { from: ["127.0.0.1"], proxyProtocol: true } as const;

/** The outcome of a request in plaintext, by what is stated about its connection. */
const words: Record<
  string,
  [outcome: string, options: Partial<GateOptions>, arrival: ArrivalHints, octets: Buffer, lines: string]
> = {
  nothing: ["SCHEME_REQUIRED", {}, {}, octetsOf(""), ""],
  "Forwarded of a stranger": ["SCHEME_REQUIRED", {}, {}, octetsOf(""), FORWARDED],
  "Forwarded of a trusted hop": ["https forwarded", { trust }, {}, octetsOf(""), FORWARDED],
  "a PROXY header that states nothing about TLS": [
    "SCHEME_REQUIRED",
    { trust: announced },
    {},
    caseNamed("TCP over IPv4"),
    "",
  ],
  "a PROXY header that states TLS": [
    "https proxy",
    { trust: announced },
    {},
    caseNamed("TLS with all that can be said"),
    "",
  ],
  "the caller of adopt": ["https given", {}, { scheme: "https" }, octetsOf(""), ""],
};

for (const [name, [outcome, options, arrival, octets, lines]] of Object.entries(words)) {
  for (const narrowed of [false, true]) {
    plain(`${name}; narrowed: ${narrowed}`, async () => {
      for (const more of ["", handshakeFields]) {
        const said: string[] = [];
        const gate = createGate({
          vhosts: [...vhosts, { name: "b", port: 80 }],
          // A client without a certificate would not get in by TLS.
          tls: { a: { ...terms, requestCert: true } },
          requests: (_request, response) => void response.end(),
          ...options,
        });
        gate.on("accepted", ({ arrival: { scheme, schemeSource } }) => said.push(`${scheme} ${schemeSource}`));
        gate.on("refused", (decision) => {
          said.push(decision.code);
          assert.is(explanation(decision).remedy, "to allow plain HTTP, remove requires from vhost a");
          assert.not.match(explain(decision), 'scheme: "https"');
        });
        const door = await openDoor((socket) => (narrowed ? gate.narrow(["a"]) : gate).adopt(socket, { arrival }));
        const client = await door.connect();
        await client.send(Buffer.concat([octets, octetsOf(`GET / HTTP/1.1\r\nHost: a\r\n${lines}${more}\r\n`)]));
        while (said.length === 0) await client.news();
        assert.equal(said, [outcome]);
        client.stream.destroy();
        await door.close();
      }
    });
  }
}

plain(
  "a page's own origin under https is another one where TLS ends here, and the remedy does not name the scheme",
  async () => {
    const saidOf = async (options: Partial<GateOptions>): Promise<string> => {
      const gate = createGate({ vhosts: [{ name: "a", port: NO_LISTEN_SERVER }], requests: () => {}, ...options });
      const said = new Promise<string>((resolve) => {
        gate.on("refused", (decision) => resolve(explanation(decision).remedy!));
        gate.on("accepted", ({ presumesTls }) => resolve(`accepted ${presumesTls}`));
      });
      const door = await openDoor((socket) => gate.adopt(socket));
      const client = await door.connect();
      await client.send("GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\n\r\n");
      const words = await said;
      client.stream.destroy();
      await door.close();
      return words;
    };
    assert.is(await saidOf({}), "accepted true");
    assert.is(
      await saidOf({ tls: { a: terms } }),
      'to trust the pages of https://a, set origins: ["same-authority", "https://a"] on vhost a',
    );
  },
);

/** Sends a request, and resolves with the ruling of that server's guard. */
async function askGuarded(server: net.Server, options: Partial<GateOptions>, strict: boolean): Promise<string> {
  const gate = createGate({ vhosts: [{ name: "a", requires: "https" }], ...options });
  const said: string[] = [];
  gate.on("accepted", ({ arrival: { scheme, schemeSource } }) => said.push(`${scheme} ${schemeSource}`));
  gate.on("refused", (decision) => said.push(explanation(decision).remedy!));
  server.on("request", (_request, response) => response.end());
  const guard = gate.guard(server as http.Server, strict ? { mode: "filter" } : {});
  await once(server.listen(0, "127.0.0.1"), "listening");
  const to = { port: (server.address() as AddressInfo).port, host: "127.0.0.1" };
  const speaksTls = server instanceof tls.Server;
  const client = new Client(speaksTls ? tls.connect({ ...to, ca: terms.cert, servername: "a" }) : net.connect(to));
  await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  await client.closed();
  guard.release();
  server.close();
  await once(server, "close");
  return said.join();
}

plain(
  "a guarded server: its own TLS is https, its plaintext http, and a gate with tls offers no scheme for it",
  async () => {
    const servers: Record<string, () => net.Server> = {
      https: () => https.createServer(terms),
      "http2 with allowHTTP1": () => http2.createSecureServer({ ...terms, allowHTTP1: true }),
      http: () => http.createServer(),
    };
    for (const [name, make] of Object.entries(servers)) {
      for (const strict of name === "http2 with allowHTTP1" ? [false] : [false, true]) {
        for (const options of [
          {},
          { scheme: "http" },
          { tls: { a: terms } },
          { mode: "report" },
        ] as Partial<GateOptions>[]) {
          const outcome = await askGuarded(make(), options, strict);
          if (name !== "http") assert.is(outcome, "https tls", `${name} ${strict}`);
          else if (Object.keys(options).some((each) => each === "tls" || each === "scheme")) {
            assert.is(outcome, "to allow plain HTTP, remove requires from vhost a");
          } else assert.match(outcome, /^if a proxy terminates TLS for this process, set scheme: "https"/);
        }
      }
    }
  },
);
