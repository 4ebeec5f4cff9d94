// In:    a request as Node's parser took it apart.
// Out:   its RequestHead or HeadFault, as if its octets had been read.
// Never: trusts Node's parse: names, values and target are reassembled and read by the kernel.

import { Status } from "../../assembly/abi.js";
import { HeadFault } from "./fault.js";
import type { HeadLimits } from "./limits.js";
import { parseHeadText, type WholeHeadResult } from "./parse.js";
import type { RequestHead } from "./request-head.js";

/** The members of a message that a ruling is made from. */
export interface Message {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly httpVersion: string;
  /** Name, value, name, value. */
  readonly rawHeaders: readonly string[];
}

/** A request as another guard has read it. */
export function messageOf({ method, requestTarget, httpVersion, rawHeaders }: RequestHead): Message {
  return { method, url: requestTarget, httpVersion, rawHeaders };
}

/**
 * The head of a request, from its raw headers. What Node does not keep is lost: white space around values, the
 * spelling of line ends, empty lines before the request line. Offsets of faults count in the head as it is reassembled
 * here.
 */
export function headOf(message: Message, limits: HeadLimits): WholeHeadResult {
  const { method, url, httpVersion, rawHeaders } = message;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  return parseHeadText(`${text}\r\n`, rawHeaders.length >> 1, limits);
}

/**
 * The fault of a request that the kernel reads as an upgrade and Node's parser did not: Node 20 does not recognize the option
 * `upgrade` of Connection if an HTAB follows it, and does not show the HTAB.
 */
export function unseenUpgrade(head: RequestHead): HeadFault {
  return new HeadFault(Status.CONNECTION_INVALID, head.toString().search(/^connection:/im));
}
