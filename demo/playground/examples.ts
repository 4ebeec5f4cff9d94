// In:    nothing.
// Out:   the examples that a visitor can load.
// Never: has an example that shows the same as another one.

import type { Inputs } from "./ruling.js";

export interface Example {
  /** Also the fragment that leads to it. */
  readonly id: string;
  readonly title: string;
  /** What happens, in a sentence or two. */
  readonly story: string;
  readonly inputs: Inputs;
}

/** A tool on port 3000 of this machine. `localhost()` makes such vhosts. */
const localPolicy = `{
  "vhosts": [
    { "name": "localhost", "embedding": "same-origin" },
    { "name": "127.0.0.0/8", "embedding": "same-origin" },
    { "name": "[::1]", "embedding": "same-origin" }
  ]
}`;

const proxyPolicy = `{
  "vhosts": [{ "name": "app.example.com" }],
  "trust": {
    "from": ["10.0.0.0/8"],
    "forwarded": "rfc7239"
  }
}`;

const proxied = [
  "GET /orders HTTP/1.1",
  "Host: app.internal:8080",
  "Origin: https://app.example.com",
  "Forwarded: for=203.0.113.9;proto=https;host=app.example.com",
];

/** A request to the local tool, from this machine. */
const local = (...lines: string[]): Inputs => ({ ...written(lines), policy: localPolicy, client: "127.0.0.1" });
const forwarded = (client: string): Inputs => ({ ...written(proxied), policy: proxyPolicy, client });

/** Lines, and the empty line that ends a head. */
function written(lines: readonly string[]): { readonly head: string; readonly scheme: string } {
  return { head: `${lines.join("\n")}\n\n`, scheme: "" };
}

export const examples: readonly Example[] = [
  {
    id: "own-page",
    title: "Own page",
    story: "A local tool's own page saves something. Host and Origin name the tool, so the request passes.",
    inputs: local(
      "POST /settings HTTP/1.1",
      "Host: localhost:3000",
      "Origin: http://localhost:3000",
      "Sec-Fetch-Site: same-origin",
      "Content-Type: application/json",
      "Content-Length: 16",
    ),
  },
  {
    id: "rebinding",
    title: "Rebinding",
    story:
      "A page of attacker.example has its own name point to 127.0.0.1 (DNS rebinding). The browser takes the request for same-origin; only Host shows whose name it is.",
    inputs: local(
      "GET /notes HTTP/1.1",
      "Host: attacker.example:3000",
      "Referer: http://attacker.example:3000/",
      "Sec-Fetch-Site: same-origin",
      "Accept: */*",
    ),
  },
  {
    id: "foreign-page",
    title: "Foreign page",
    story: "A page of another site posts to the local tool. The browser withholds the answer, not the request.",
    inputs: local(
      "POST /run HTTP/1.1",
      "Host: localhost:3000",
      "Origin: https://evil.example",
      "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-Mode: no-cors",
      "Content-Type: text/plain",
      "Content-Length: 2",
    ),
  },
  {
    id: "foreign-image",
    title: "Foreign image",
    story: "An image element of another site carries no Origin. Fetch metadata shows where it comes from.",
    inputs: local(
      "GET /private/photo.png HTTP/1.1",
      "Host: localhost:3000",
      "Sec-Fetch-Site: cross-site",
      "Sec-Fetch-Mode: no-cors",
      "Sec-Fetch-Dest: image",
    ),
  },
  {
    id: "websocket",
    title: "WebSocket",
    story: "An upgrade on a path that the policy gives to the claim “live”, by a page of the same authority.",
    inputs: {
      ...local(
        "GET /live HTTP/1.1",
        "Host: [::1]:3000",
        "Origin: http://[::1]:3000",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ),
      policy: `{\n  "vhosts": [\n    { "name": "[::1]", "port": 3000, "upgrades": { "/live": "live" } }\n  ]\n}`,
    },
  },
  {
    id: "smuggling",
    title: "Smuggling",
    story:
      "Two fields frame the content, and two servers may disagree on which one counts. What one takes for content is a request to the other.",
    inputs: local(
      "POST / HTTP/1.1",
      "Host: localhost:3000",
      "Content-Length: 35",
      "Transfer-Encoding: chunked",
      "",
      "0",
      "",
      "GET /admin HTTP/1.1",
      "X: y",
    ),
  },
  {
    id: "hidden-host",
    title: "Hidden Host",
    story: "A bare LF ends a line for some parsers and is part of the value for others: there may be a second Host.",
    inputs: local("GET / HTTP/1.1", "Host: localhost:3000", "X-Note: a\\nHost: attacker.example"),
  },
  {
    id: "proxy",
    title: "Behind a proxy",
    story:
      "The peer 10.0.0.7 is a trusted proxy: its Forwarded states the client, the scheme and the host that the client asked for.",
    inputs: forwarded("10.0.0.7"),
  },
  {
    id: "forged",
    title: "Forged proxy",
    story: "The same octets from a peer that is not trusted: Forwarded is only what a client claims, and Host counts.",
    inputs: forwarded("203.0.113.9"),
  },
];
