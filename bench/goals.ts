// In:    rows and sizes.
// Out:   which of the goals set for headgate they meet.
// Never: measures, or bends a goal to a figure.

import { handshake, largeHead } from "./inputs.js";
import type { Row } from "./row.js";
import type { Size } from "./sizes.js";

export interface Goal {
  readonly what: string;
  /** At least, or at most. */
  readonly bound: ">=" | "<=";
  readonly wanted: number;
  /** "" for a ratio. */
  readonly unit: "" | "ms" | "KiB";
  /** The median; null where it was not measured. */
  readonly measured: number | null;
  readonly met: boolean | null;
}

/** Times of others divided by headgate's at the same level, SIMD kernel: at least these. */
const headRatios: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "C picohttpparser": { A: 0.9, B: 1.5, C: 1.5, D: 2, M: 1.5 },
  "Node HTTPParser, reused": { A: 4, B: 5, C: 4.5, D: 3.5, M: 4.5 },
  "undici llhttp": { A: 4, B: 6.5, C: 6, D: 4, M: 6 },
  "http-parser-js": { A: 6, B: 11, C: 10, D: 10, M: 9 },
  Milo: { B: 5.5 },
};

/** Complete messages, all strings made: browsers' requests (B, C, M), a response (R). */
const messageRatios: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  B: { "Node HTTPParser, reused": 2.5, "http-parser-js": 9 },
  C: { "Node HTTPParser, reused": 2.5, "http-parser-js": 9 },
  M: { "Node HTTPParser, reused": 2.5, "http-parser-js": 9 },
  R: { "Node HTTPParser, reused": 2 },
};

/** Octet by octet, Node's reused parser takes at least so many times headgate's time. */
const OCTET_BY_OCTET_RATIO = 10;
/** Octet by octet, an octet of the large head may take so many times the time of one of the small head: linear. */
const LINEAR = 1.25;
const FIRST_PARSE_MILLISECONDS = 5;
/** KiB: of the module itself, which reads responses and trailers as well, and after gzip of what is imported. */
const MODULE_KIBIBYTES = 11;
const PARSER_KIBIBYTES = 20;
const HEADGATE_KIBIBYTES = 40;

function goal(what: string, bound: Goal["bound"], wanted: number, unit: Goal["unit"], measured?: number): Goal {
  if (measured === undefined) return { what, bound, wanted, unit, measured: null, met: null };
  const met = bound === ">=" ? measured >= wanted : measured <= wanted;
  return { what, bound, wanted, unit, measured: Math.round(measured * 1000) / 1000, met };
}

export function goalsOf(rows: readonly Row[], sizes: readonly Size[]): Goal[] {
  const find = (step: string, input: string, contender: string): Row | undefined =>
    rows.find(
      (row) => row.kernel === "simd" && row.step === step && row.input === input && row.contender === contender,
    );
  const heads = Object.entries(headRatios).flatMap(([contender, ratios]) =>
    Object.entries(ratios).map(([input, wanted]) =>
      goal(`${contender} on ${input}`, ">=", wanted, "", find("head", input, contender)?.ratio?.median),
    ),
  );
  const pieces = [handshake, largeHead].map(({ id }) => {
    const row = find("octet-by-octet", id, "Node HTTPParser, reused");
    return goal(`Node HTTPParser, reused, octet by octet on ${id}`, ">=", OCTET_BY_OCTET_RATIO, "", row?.ratio?.median);
  });
  const perOctet = [handshake, largeHead].map(({ id, buffers }) => {
    const ns = find("octet-by-octet", id, "headgate HeadReader")?.ns;
    return ns == null ? Number.NaN : ns.median / buffers[0]!.length;
  });
  const messages = Object.entries(messageRatios).flatMap(([input, ratios]) =>
    Object.entries(ratios).map(([contender, wanted]) =>
      goal(
        `${contender}, complete messages ${input}`,
        ">=",
        wanted,
        "",
        find("message", input, contender)?.ratio?.median,
      ),
    ),
  );
  const growth = perOctet[1]! / perOctet[0]!;
  const first = find("first-parse", handshake.id, "headgate/parser")?.ns;
  const size = (name: string) => sizes.find((each) => each.name === name);
  const kibibytes = (octets: number | undefined) => (octets === undefined ? undefined : octets / 1024);
  return [
    ...heads,
    ...pieces,
    // Of a step that runs by name.
    ...messages.filter(({ measured }) => measured !== null),
    goal("time an octet, octet by octet, G divided by B", "<=", LINEAR, "", Number.isNaN(growth) ? undefined : growth),
    goal(
      "import and first parse",
      "<=",
      FIRST_PARSE_MILLISECONDS,
      "ms",
      first == null ? undefined : first.median / 1e6,
    ),
    goal("simd.wasm", "<=", MODULE_KIBIBYTES, "KiB", kibibytes(size("simd.wasm")?.octets)),
    goal("headgate/parser, gzipped", "<=", PARSER_KIBIBYTES, "KiB", kibibytes(size("headgate/parser")?.gzipped)),
    goal("headgate, gzipped", "<=", HEADGATE_KIBIBYTES, "KiB", kibibytes(size("headgate")?.gzipped)),
  ];
}
