// In:    octets between two messages, or after the last one.
// Out:   where something other than a line end begins.
// Never: decides how many line ends there may be.

const LF = 0x0a;
const CR = 0x0d;

/** The first octet from `start` on that is neither CR nor LF; `end` if there is none. */
export function lineEndsEnd(octets: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (octets[at] === CR || octets[at] === LF)) at++;
  return at;
}
