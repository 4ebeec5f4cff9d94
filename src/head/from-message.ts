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

/** A request as another guard has read it; Connection in a form that every parser reads alike. */
export function messageOf({ method, requestTarget, httpVersion, rawHeaders }: RequestHead): Message {
  const certain = rawHeaders.map((text, i) =>
    isTabbedConnection(rawHeaders, i - 1) ? text.replaceAll("\t", " ") : text,
  );
  return { method, url: requestTarget, httpVersion, rawHeaders: certain };
}

/** True where the field line at `i` is a Connection with an HTAB. */
function isTabbedConnection(rawHeaders: readonly string[], i: number): boolean {
  return i >= 0 && i % 2 === 0 && rawHeaders[i + 1]!.includes("\t") && rawHeaders[i]!.toLowerCase() === "connection";
}

/**
 * The head of a request, from its raw headers. What Node does not keep is lost: white space around values, the
 * spelling of line ends, empty lines before the request line. Offsets of faults count in the head as it is reassembled
 * here. An HTAB that Node shows in Connection is refused: llhttp reads an option before one as another option, and has read the
 * request by it.
 */
export function headOf(message: Message, limits: HeadLimits): WholeHeadResult {
  const { method, url, httpVersion, rawHeaders } = message;
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let i = 0; i < rawHeaders.length; i += 2) text += `${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`;
  const result = parseHeadText(`${text}\r\n`, rawHeaders.length >> 1, limits);
  if (result.kind === "malformed" || !text.includes("\t")) return result;
  const isTabbed = rawHeaders.some((_, i) => isTabbedConnection(rawHeaders, i));
  return isTabbed ? { kind: "malformed", fault: unseenOption(result.head) } : result;
}

/**
 * The fault of a request whose Connection the kernel and Node's parser read differently. An upgrade that Node did not recognize:
 * Node 20 does not see the option `upgrade` if an HTAB follows it, and does not show an HTAB at the end of a value.
 */
export function unseenOption(head: RequestHead): HeadFault {
  return new HeadFault(Status.CONNECTION_INVALID, head.toString().search(/^connection:/im));
}

/** What a server keeps whose `maxHeadersCount` is not set. */
const NODE_FIELD_LINES = 1000;

/** The limits where no line may be missing: of a head with more field lines than `maxHeadersCount`, Node drops the last ones. */
export function limitsBehind(maxHeadersCount: number | null | undefined, limits: HeadLimits): HeadLimits {
  const most = maxHeadersCount ?? NODE_FIELD_LINES;
  if (most <= 0 || most > limits.fieldLines) return limits;
  return { headBytes: limits.headBytes, fieldLines: Math.max(1, most - 1) };
}
