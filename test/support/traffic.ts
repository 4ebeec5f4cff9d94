// In:    a seed.
// Out:   connections of usual clients, of clients with a misconfigured name or port, and of foreign pages.
// Never: knows how a policy rules on them.
//
// `node dist/test/support/traffic.js` writes test/cases/traffic.json, which a test compares with what this makes.

import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { seeded } from "./mutations.js";
import { handshakeFields } from "./world.js";

/** Each connection's requests, as they are sent: pipelined, the last one closing. */
export type Traffic = readonly (readonly string[])[];

const SEED = 20_261_125;
const CONNECTIONS = 400;

const hosts = [
  ...Array(10).fill("app.example.com"),
  ...["app.example.com:443", "APP.example.com", "app.example.com.", "app.example.com:8443", "app.example.com:80"],
  ...["api.example.com", "www.api.example.com", "old.example.com", "203.0.113.7", "localhost:3000", "0.0.0.0"],
  ...["app.example.com.evil.example", "app.example.com:99999", "app.example.com@evil.example"],
];
const origins = [
  ...Array(6).fill(null),
  ...Array(4).fill("https://app.example.com"),
  ...[
    "https://api.example.com",
    "http://app.example.com",
    "https://evil.example",
    "https://app.example.com.evil.example",
  ],
  ...["null", "https://app.example.com:8443", "file://"],
];
const paths = ["/", "/live", "/live", "/live?room=1", "/admin", "/assets/app.js"];

export function makeTraffic(seed = SEED): Traffic {
  const random = seeded(seed);
  const oneOf = <Value>(values: readonly Value[]): Value => values[random() % values.length]!;
  const requestOf = (last: boolean): string => {
    const upgrades = last && random() % 3 === 0;
    const origin = oneOf(origins);
    return [
      `GET ${upgrades ? oneOf(["/live", "/live", "/other"]) : oneOf(paths)} HTTP/1.1\r\n`,
      `Host: ${oneOf(hosts)}\r\n`,
      origin === null ? "" : `Origin: ${origin}\r\n`,
      random() % 30 === 0 ? "Origin: https://evil.example\r\n" : "",
      upgrades ? handshakeFields : last ? "Connection: close\r\n" : "",
      "\r\n",
    ].join("");
  };
  return Array.from({ length: CONNECTIONS }, () => {
    const count = 1 + (random() % 4);
    return Array.from({ length: count }, (_, i) => requestOf(i === count - 1));
  });
}

/** A connection a line, so that a change shows what it changes. */
export function formatTraffic(traffic: Traffic): string {
  return `[\n${traffic.map((connection) => JSON.stringify(connection)).join(",\n")}\n]\n`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  writeFileSync("test/cases/traffic.json", formatTraffic(makeTraffic()));
}
