// In:    a small application on an http.Server: with Node's parser, and with headgate's in its place, without a policy.
// Out:   microseconds of processor time of the whole server process for each request of a kept-alive connection.
// Never: sends a request that is refused.

import { requests } from "./guard.js";
import { POST, REQUEST } from "./octets.js";
import type { Trial } from "./trial.js";

export const seated: Trial = {
  ...requests(REQUEST, 200),
  step: "seat",
  unit: "µs of processor time a request",
  servers: ["unguarded", "headgate's parser"],
  base: "unguarded",
};

export const seatedPost: Trial = {
  ...requests(POST, 201),
  step: "seat",
  unit: "µs of processor time a POST of 1 KiB",
  servers: ["unguarded, POST", "headgate's parser, POST"],
  base: "unguarded, POST",
};
