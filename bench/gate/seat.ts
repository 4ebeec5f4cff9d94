// In:    small applications on servers of node:http and node:https: with Node's parser, with headgate's in its place, and guarded by a
//        policy as well.
// Out:   microseconds of processor time of the whole server process for each request; octets that an idle connection holds.
// Never: sends a request that is refused.

import { requests as usual } from "./guard.js";
import { CHUNKED_POST, CLOSING_REQUEST, POST, REQUEST, TINY_REQUEST } from "./octets.js";
import type { Trial } from "./trial.js";

const IDLE = 3000;
/** Half of those of the step before: there are nine tables. */
const requests: typeof usual = (octets, status, how) => usual(octets, status, { count: 2400, ...how });

/** `what`: the end of the names of its servers. */
function trial(
  what: string,
  unit: string,
  act: Pick<Trial, "processes" | "act">,
  others: readonly string[] = [],
): Trial {
  const named = (name: string): string => (what === "" ? name : `${name}, ${what}`);
  const servers = ["unguarded", "headgate's parser", "headgate guard", ...others].map(named);
  return { ...act, step: "seat", unit, servers, base: named("unguarded") };
}

export const seated: readonly Trial[] = [
  trial("", "µs of processor time a browser's GET", requests(REQUEST, 200)),
  trial("tiny", "µs of processor time a GET of 40 octets", requests(TINY_REQUEST, 200)),
  trial("POST", "µs of processor time a POST of 1 KiB", requests(POST, 201)),
  trial("chunked", "µs of processor time a chunked POST of 16 KiB", requests(CHUNKED_POST, 201)),
  trial("pipelined", "µs of processor time a GET, 20 pipelined", requests(REQUEST, 200, { pipelined: 20 })),
  trial("https", "µs of processor time a GET over TLS", requests(REQUEST, 200, { tls: true })),
  trial(
    "closing",
    "µs of processor time a GET with a connection of its own",
    requests(CLOSING_REQUEST, 200, { act: "refusal" }),
  ),
  {
    ...requests(REQUEST, 200),
    step: "seat",
    unit: "µs of processor time a GET of an unguarded server",
    servers: ["unguarded, alone", "unguarded, beside a guarded server"],
    base: "unguarded, alone",
  },
  {
    step: "seat",
    unit: "octets an idle connection, after a request",
    servers: ["unguarded, idle", "headgate's parser, idle", "headgate guard, idle"],
    base: "unguarded, idle",
    act: (part) => async (client, contender) => {
      const count = Math.ceil(IDLE / part);
      const order = { port: contender.port, octets: REQUEST, concurrency: 64, status: 200 } as const;
      const before = await contender.residentWith(0);
      await client.obey({ ...order, act: "idle", count }, contender.label);
      const held = (await contender.residentWith(count)) - before;
      await client.obey({ ...order, act: "release", count: 0 }, contender.label);
      return held / count;
    },
  },
];
