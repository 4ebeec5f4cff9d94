// In:    what a client repeats, and about how many octets of it.
// Out:   octets and heads that contain it, of that size.
// Never: rules on one.

import { parseRequestHead } from "#src/head/parse.js";
import type { RequestHead } from "#src/head/request-head.js";
import { octetsOf } from "./tcp.js";
import { handshakeFields } from "./world.js";

/** Everything that is made here has room. */
export const limits = { headBytes: 131_072, fieldLines: 4096 };

/** As many repetitions of a text as have so many octets. */
export const fill = (text: string, octets: number): string => text.repeat(Math.ceil(octets / text.length));

/** Reads octets that are one complete head. */
export function headFrom(octets: Uint8Array): RequestHead {
  const result = parseRequestHead(octets, { limits });
  if (result.kind !== "complete") throw new Error(`no head: ${JSON.stringify(result)}`);
  return result.head;
}

export const get = (fields: string, target = "/"): RequestHead =>
  headFrom(octetsOf(`GET ${target} HTTP/1.1\r\n${fields}\r\n`));

/** An opening handshake for `a`. */
export const upgrade = (fields: string, target = "/"): RequestHead =>
  get(`Host: a\r\n${handshakeFields}${fields}`, target);
