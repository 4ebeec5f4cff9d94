// In:    a browser's request, as proxies pass it on.
// Out:   rows: what reading and ruling cost where a trusted proxy has written fields, beside the same request without them.
// Never: rules on a request that is refused.

import { parseRequestHead } from "../src/parser.js";
import { decide, definePolicy } from "../src/policy.js";
import { Sink } from "./contender.js";
import { REQUEST, SERVED_HOST } from "./gate/octets.js";
import { measure, type Timing } from "./measure.js";
import { entrant } from "./message.js";
import { type Row, rowsOf } from "./row.js";

const STEP = "proxy";
const PROXY = "10.0.0.9";
const X_FORWARDED = ["X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"] as const;

const lines = (...fields: string[]): string => REQUEST.replace("\r\n\r\n", `\r\n${fields.join("\r\n")}\r\n\r\n`);

/** As these proxies are mostly set: the request with its fields, and what the policy trusts. */
const requests = {
  "headgate, no proxy": [REQUEST, undefined],
  "X-Forwarded, nginx": [
    lines("X-Forwarded-For: 203.0.113.7", `X-Forwarded-Host: ${SERVED_HOST}`, "X-Forwarded-Proto: https"),
    X_FORWARDED,
  ],
  "X-Forwarded, two hops": [
    lines("X-Forwarded-For: 203.0.113.7, 10.1.2.3", `X-Forwarded-Host: ${SERVED_HOST}`, "X-Forwarded-Proto: https"),
    X_FORWARDED,
  ],
  "X-Forwarded, HAProxy, IPv6": [
    lines("X-Forwarded-For: 2001:db8::17", "X-Forwarded-Proto: https"),
    ["X-Forwarded-For", "X-Forwarded-Proto"],
  ],
  "Forwarded, HAProxy": [lines(`Forwarded: proto=https;host=${SERVED_HOST};for=203.0.113.7`), "rfc7239"],
} as const;

export async function compareProxies(kernel: string, timing: Timing): Promise<Row[]> {
  process.stderr.write(`behind a proxy, ${kernel} kernel\n`);
  const entrants = Object.entries(requests).map(([name, [text, forwarded]]) => {
    const octets = Buffer.from(text);
    const trust = forwarded === undefined ? {} : { trust: { from: ["10.0.0.0/8"], forwarded } };
    const policy = definePolicy({ vhosts: [{ name: SERVED_HOST }], ...trust });
    const arrival = { scheme: "http" as const, remoteAddress: PROXY, remotePort: 4000, localPort: 80 };
    return entrant(name, () => {
      const sink = new Sink();
      const once = (): void => {
        const result = parseRequestHead(octets);
        if (result.kind !== "complete" || decide(policy, result.head, arrival).kind !== "accepted") {
          throw new Error(`${name}: not accepted`);
        }
        sink.sum += octets.length;
      };
      return { sink, once };
    });
  });
  const bases = { L3: "headgate, no proxy" } as const;
  return rowsOf({ step: STEP, kernel, input: "browser", bases }, await measure(entrants, timing));
}
