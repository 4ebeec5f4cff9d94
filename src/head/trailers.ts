// In:    octets of a connection, in pieces, from the first after the last chunk on.
// Out:   the lines of the trailer section, as sent.
// Never: joins them with the fields of the head (RFC 9110 §6.5.1).

import { Head, Status } from "../../assembly/abi.js";
import { HeadFault } from "./fault.js";
import { kernel } from "./kernel/instance.js";
import type { HeadLimits } from "./limits.js";
import type { SectionKind } from "./parse.js";
import { readFieldLines } from "./request-head.js";
import { SectionReader, type SectionResults } from "./section-reader.js";

export type TrailersResult =
  /** `lines`: name, value, name, value. `consumed` counts within this piece. */
  | { kind: "complete"; lines: string[]; consumed: number }
  | { kind: "partial" }
  /** `fault.offset` counts from the section's first octet. */
  | { kind: "malformed"; fault: HeadFault };

/** The empty line after the section does not count. */
const TRAILERS: SectionKind = { entry: "parseTrailers", uncounted: 2 };

const results: SectionResults<TrailersResult> = {
  kind: TRAILERS,
  partial: { kind: "partial" },
  finish(wasm, status, before) {
    const offset = wasm.words[Head.OFFSET >> 2]!;
    if (status !== Status.COMPLETE) return { kind: "malformed", fault: new HeadFault(status, offset) };
    const lines = readFieldLines(wasm.words, 0, wasm.text.read(0, offset), 0, wasm.spellings);
    return { kind: "complete", lines, consumed: offset - before };
  },
};

/** A reader of one trailer section; `sectionBytes`: the most octets of its lines. @internal */
export function trailerReader(sectionBytes: number, fieldLines: number): SectionReader<TrailersResult> {
  const most = kernel().input.length - TRAILERS.uncounted;
  const limits: HeadLimits = { headBytes: Math.min(sectionBytes, most), fieldLines };
  return new SectionReader(results, 0, limits);
}
