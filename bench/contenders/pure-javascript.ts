// In:    the inputs.
// Out:   a plain JavaScript parser: no WebAssembly, and of native code only indexOf and latin1Slice.
// Never: reads Host, Connection or a body's framing, as every other contender does.

import { type Contender, Sink } from "../contender.js";
import type { Octets } from "../inputs.js";

/** 1 for tchar (RFC 9110 §5.6.2). */
const token = Uint8Array.from({ length: 256 }, (_, octet) =>
  /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(octet)) ? 1 : 0,
);

const SP = 32;
const CR = 13;
const LF = 10;

/**
 * Reports the head that begins at `start` to the sink, and returns its octets: 0 if it is incomplete, -1 if it is
 * malformed. Of eight ways that were tried this was the fastest: one string and slices of it, checks on the octets
 * (a typed array) with plain comparisons, no regular expression.
 */
function parseHead(octets: Octets, start: number, sink: Sink): number {
  const end = octets.indexOf("\r\n\r\n", start, "latin1");
  if (end < 0) return 0;
  const text = octets.latin1Slice(start, end + 2);

  let at = start;
  while (token[octets[at]!] === 1) at++;
  const methodEnd = at;
  if (at === start || octets[at++] !== SP) return -1;
  while (octets[at]! > SP && octets[at]! < 127) at++;
  const targetEnd = at;
  if (at === methodEnd + 1 || octets[at] !== SP) return -1;
  const version = octets[at + 8]! - 48;
  if (text.slice(at - start, at - start + 8) !== " HTTP/1." || (version !== 0 && version !== 1)) return -1;
  at += 9;
  if (octets[at] !== CR || octets[at + 1] !== LF) return -1;
  at += 2;

  const fieldLines: string[] = [];
  while (at < end + 2) {
    const nameStart = at;
    while (token[octets[at]!] === 1) at++;
    const nameEnd = at;
    if (at === nameStart || octets[at++] !== 58) return -1;
    while (isWhitespace(octets[at]!)) at++;
    const valueStart = at;
    for (let octet = octets[at]!; (octet >= SP && octet !== 127) || octet === 9; octet = octets[at]!) at++;
    let valueEnd = at;
    while (valueEnd > valueStart && isWhitespace(octets[valueEnd - 1]!)) valueEnd--;
    if (octets[at] !== CR || octets[at + 1] !== LF) return -1;
    at += 2;
    fieldLines.push(text.slice(nameStart - start, nameEnd - start), text.slice(valueStart - start, valueEnd - start));
  }
  const method = text.slice(0, methodEnd - start);
  const requestTarget = text.slice(methodEnd + 1 - start, targetEnd - start);
  sink.strings(fieldLines, method, requestTarget, 10 + version, fieldLines);
  return end + 4 - start;
}

function isWhitespace(octet: number): boolean {
  return octet === SP || octet === 9;
}

export const pureJavaScript: readonly Contender[] = [
  {
    name: "pure JavaScript",
    level: "L3",
    prepare({ buffers }) {
      const sink = new Sink();
      const mask = buffers.length - 1;
      return {
        sink,
        run(times) {
          for (let i = 0; i < times; i++) {
            const octets = buffers[i & mask]!;
            for (let at = 0; at < octets.length; ) {
              const size = parseHead(octets, at, sink);
              if (size <= 0) break;
              at += size;
            }
          }
        },
      };
    },
  },
];
