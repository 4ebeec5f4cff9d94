// In:    a small application on an http.Server: as it is, guarded where headgate's parser does not read the requests, and given adopted sockets.
// Out:   microseconds of processor time of the whole server process for each request of a kept-alive connection.
// Never: sends a request that is refused, or one that a real page would not send.

import type { Order } from "./client.js";
import { PROCESSES, processorTime } from "./contest.js";
import { POST, REQUEST } from "./octets.js";
import type { Trial } from "./trial.js";

const REQUESTS = 4800;

export const requests = (
  octets: string,
  status: number,
  { count: most = REQUESTS, ...how }: Partial<Pick<Order, "act" | "tls" | "pipelined" | "count">> = {},
): Pick<Trial, "step" | "processes" | "act"> => ({
  step: "guard",
  processes: PROCESSES,
  act: (part) => {
    const count = Math.ceil(most / part);
    return processorTime((port) => ({ act: "requests", port, octets, count, concurrency: 32, status, ...how }));
  },
});

export const guarded: Trial = {
  ...requests(REQUEST, 200),
  unit: "µs of processor time a request",
  servers: ["unguarded", "headgate guard, events", "headgate guard, filter", "headgate adopt"],
  base: "unguarded",
};

export const posted: Trial = {
  ...requests(POST, 201),
  unit: "µs of processor time a POST of 1 KiB",
  servers: ["unguarded, POST", "headgate guard, events, POST", "headgate guard, filter, POST"],
  base: "unguarded, POST",
};
