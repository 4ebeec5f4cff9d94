// In:    a request as Node's parser took it apart.
// Out:   its RequestHead or HeadgateError, as if its octets had been read; the host that was ruled on, written into it.
// Never: trusts Node's reading: names, values and target are put together again and read by the kernel.

import type { IncomingMessage } from "node:http";
import type { HeadLimits } from "../limits.js";
import { parseHeadText, type WholeHeadResult } from "../parse-head.js";

/** The members of a message that a ruling is made from. */
export type Message = Pick<IncomingMessage, "method" | "url" | "httpVersion" | "rawHeaders">;

/**
 * The head of a request, from its raw headers. What Node has not kept cannot be seen: white space around values, the
 * spelling of line ends, empty lines in front of the request line. Offsets of errors count in the head as it is put
 * together here.
 */
export function headOf(message: Message, limits: HeadLimits): WholeHeadResult {
  const { method, url, httpVersion, rawHeaders } = message;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return parseHeadText(`${text}\r\n`, rawHeaders.length >> 1, limits);
}

/** Absolute-form overrules Host (RFC 9112 §3.2.2), and the policy ruled on what it says: in all that an application reads. */
export function nameHost({ headers, headersDistinct, rawHeaders }: IncomingMessage, host: string): void {
  headers.host = host;
  headersDistinct.host = [host];
  const at = rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === "host");
  if (at < 0) rawHeaders.push("Host", host);
  else rawHeaders[at + 1] = host;
}
