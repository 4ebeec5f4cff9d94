// In:    nothing; heads are written here, and no socket is opened: node dist/examples/policy.js
// Out:   the decision on each of them.
// Never: needs node:; headgate/policy and headgate/parser run anywhere.

import { parseRequestHead } from "headgate/parser";
import { decide, definePolicy, explain, localhost } from "headgate/policy";

function ask(policy: ReturnType<typeof definePolicy>, lines: string[], remoteAddress = "203.0.113.9"): void {
  const result = parseRequestHead(new TextEncoder().encode([...lines, "", ""].join("\r\n")));
  if (result.kind !== "complete") return;
  console.log(explain(decide(policy, result.head, { scheme: "http", schemeSource: "default", remoteAddress })));
}

// A local tool: names of this machine, and its own pages.
const local = definePolicy({ vhosts: localhost() });
ask(local, ["POST /run HTTP/1.1", "Host: localhost:3000", "Origin: http://localhost:3000"]);
ask(local, ["POST /run HTTP/1.1", "Host: localhost:3000", "Origin: https://evil.example"]);
ask(local, ["POST /run HTTP/1.1", "Host: rebound.example:3000", "Origin: http://rebound.example:3000"]);

// A service behind a proxy that states the client of each request.
const proxied = definePolicy({
  vhosts: [{ name: "app.example.com", port: 443, requires: "https" }],
  trust: { from: ["10.0.0.0/8"], forwarded: "rfc7239" },
});
const forwarded = ["GET / HTTP/1.1", "Host: backend", "Forwarded: for=198.51.100.7;proto=https;host=app.example.com"];
ask(proxied, forwarded, "10.0.0.1");
ask(proxied, forwarded);
