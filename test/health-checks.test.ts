// In:    requests without a host, a vhost with absentHost.
// Out:   whether health checks get in there, and nothing else.
// Never: opens a socket; reports.test.ts does.

import * as assert from "uvu/assert";
import { decide } from "#src/policy/decide.js";
import { explain } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { NO_LISTEN } from "#src/policy/vhost.js";
import { head, http, words } from "./support/decided.js";
import { suite } from "./support/suite.js";

const checks = suite("health checks");

checks("absentHost lets GET, HEAD and OPTIONS of HTTP/1.0 without a host in, on its paths alone", () => {
  const vhosts = [
    { name: "other.test", port: 80 },
    { name: "a.test", port: 8080, absentHost: ["/healthz", "/live"], upgrades: { "*": 1 } },
  ];
  const checked = definePolicy({ vhosts });
  const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  for (const [line, fields, expected] of [
    ["GET /healthz HTTP/1.0", "", "accepted a.test"],
    ["HEAD /live HTTP/1.0", "", "accepted a.test"],
    ["OPTIONS /live?x=1 HTTP/1.0", "", "accepted a.test"],
    ["GET /healthz HTTP/1.0", upgrade, "accepted a.test"],
    ["POST /healthz HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["get /healthz HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET /healthz/ HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET /Healthz HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET // HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["OPTIONS * HTTP/1.0", "", "421 AUTHORITY_ABSENT"],
    ["GET /healthz HTTP/1.0", "Host: b.test\r\n", "421 NAME_UNKNOWN"],
    ["GET /healthz HTTP/1.0", "Host: a.test\r\n", "421 PORT_MISMATCH"],
    ["GET /healthz HTTP/1.0", "Origin: http://a.test:8080\r\n", "403 ORIGIN_FOREIGN"],
  ] as const) {
    const decision = decide(checked, head(line, fields), http);
    assert.is(words(decision), expected, `${line} ${fields}`);
    if (decision.kind === "accepted") assert.match(explain(decision), "(a.test; no authority, by absentHost; scheme");
  }
  assert.match(
    explain(decide(checked, head("POST /healthz HTTP/1.0", ""), http)),
    "the request names no host, and vhost a.test allows that to health checks alone: /healthz, /live (no authority",
  );
  const secure = definePolicy({ vhosts: [{ name: "a.test", requires: "https", absentHost: ["/healthz"] }] });
  assert.is(words(decide(secure, head("GET /healthz HTTP/1.0", ""), http)), "421 SCHEME_REQUIRED");
  const off = definePolicy({ vhosts: [{ name: "a.test", port: NO_LISTEN, absentHost: ["/healthz"] }] });
  assert.is(words(decide(off, head("GET /healthz HTTP/1.0", ""), http)), "421 NAME_NOT_SERVED");
});

checks("what cannot be meant is a TypeError", () => {
  const check = { name: "a", absentHost: ["/healthz"] };
  for (const [rules, sentence] of [
    [{ ...check, absentHost: "/healthz" }, /vhosts\[0\]\.absentHost is "\/healthz"; it must be a list of paths/],
    [{ ...check, absentHost: [] }, /absentHost is \[\]/],
    ...["healthz", "/health/*", "*", "/a?b", "/a b", "/a#b", "", 1].map((path) => [
      { ...check, absentHost: [path] },
      /absentHost has .*, which is not an exact path such as "\/healthz"/,
    ]),
    [{ ...check, default: true, origins: [] }, /a has absentHost, and a is default/],
  ] as [object, RegExp][]) {
    assert.throws(() => definePolicy({ vhosts: [rules as never] }), sentence);
  }
  assert.throws(() => definePolicy({ vhosts: [check, { ...check, name: "b" }] }), /a and b both have absentHost/);
  const byDefault = { name: "b", default: true, origins: [] };
  assert.throws(() => definePolicy({ vhosts: [check, byDefault] }), /a has absentHost, and b is default/);
  assert.throws(() => localhost({ absentHost: ["/healthz"] } as never), /absentHost is not a setting of localhost\(\)/);
});
