// In:    a request as Node's parser took it apart.
// Out:   its RequestHead or HeadgateError, as if its octets had been read.
// Never: trusts Node's reading: names, values and target are put together again and read by the kernel.

import type { IncomingMessage } from "node:http";
import { parseHeadText, type WholeHeadResult } from "../head.js";
import type { HeadLimits } from "../limits.js";

/**
 * The head of a request, from its raw headers. What Node has not kept cannot be seen: white space around values, the
 * spelling of line ends, empty lines in front of the request line. Offsets of errors count in the head as it is put
 * together here.
 */
export function headOf(request: IncomingMessage, limits: HeadLimits): WholeHeadResult {
  const { rawHeaders } = request;
  let text = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return parseHeadText(`${text}\r\n`, rawHeaders.length >> 1, limits);
}
