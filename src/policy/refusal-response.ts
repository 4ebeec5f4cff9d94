// In:    a refusal, or a malformed head.
// Out:   the Response for it, with the fields and the body of every other refusal.
// Never: needs a runtime with more than the web's Response.

import type { HeadFault } from "../head/fault.js";
import type { Refusal } from "./decision.js";
import { refusalReply } from "./reply.js";

/** Settings of `refusalResponse`. */
export interface RefusalResponseOptions {
  /** True: the body has the line of `explain` too. It contains what the client sent, and names of the policy. Default false. */
  readonly expose?: boolean | undefined;
}

/**
 * The web's `Response` to a refused request (RFC 9110 §15): its status code, `Cache-Control: no-store`, and a body with the code, as
 * JSON where the request's Accept prefers that. The runtime leaves the body out for HEAD, and `Connection` over HTTP/2.
 */
export function refusalResponse(
  refused: Refusal | HeadFault,
  { expose = false }: RefusalResponseOptions = {},
): Response {
  const { statusCode, phrase, fields, body } = refusalReply(refused, expose);
  const headers: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) headers.push([fields[i]!, fields[i + 1]!]);
  const octets = Uint8Array.from(body, (character) => character.charCodeAt(0));
  return new Response(octets, { status: statusCode, statusText: phrase, headers });
}
