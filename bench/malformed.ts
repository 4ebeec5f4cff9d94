// In:    malformed heads in turn, as scanners send them: whole, and octet by octet until they are refused.
// Out:   rows: what a refusal costs.
// Never: enters http-parser-js, Milo or the pure JavaScript parser, which take some of these for requests.

import { HeadFault, HeadReader, type HeadResult, parseRequestHead } from "../src/parser.js";
import { Sink } from "./contender.js";
import { NodeSession, nodeParserHidden, nodeParserVersion } from "./contenders/node-parser.js";
import { UndiciSession } from "./contenders/undici.js";
import { malformedHeads, type Octets } from "./inputs.js";
import { type Entrant, measure, type Timing } from "./measure.js";
import { type Row, rowsOf } from "./row.js";
import { Stopwatch } from "./stopwatch.js";

export interface Refuser {
  readonly name: string;
  /** Takes the next octets of a head. Null if it sees nothing wrong yet; after an error it is ready for another head. */
  read(octets: Octets): Error | HeadFault | null;
}

export type Manner = "whole" | "octet by octet";

export const manners: readonly Manner[] = ["whole", "octet by octet"];

const ours: Record<Manner, string> = { whole: "headgate parseRequestHead", "octet by octet": "headgate HeadReader" };

function errorOf(result: HeadResult): HeadFault | null {
  return result.kind === "malformed" ? result.fault : null;
}

/** A new one for each step: headgate, undici's llhttp and, where it shows its parser, Node. */
export function refusers(manner: Manner): Refuser[] {
  const sink = new Sink();
  const reader = new HeadReader();
  const undici = new UndiciSession(sink, 4096, "by span");
  const all: Refuser[] = [
    {
      name: ours[manner],
      read: (octets) => errorOf(manner === "whole" ? parseRequestHead(octets) : reader.read(octets)),
    },
    { name: "undici llhttp", read: (octets) => undici.execute(octets) },
  ];
  if (nodeParserVersion !== undefined) {
    const node = new NodeSession(sink, 0);
    all.push({
      name: NODE,
      read(octets) {
        const result = node.execute(octets);
        return typeof result === "number" ? null : result;
      },
    });
  }
  return all;
}

const NODE = "Node HTTPParser, reused";

/** The pieces in which each head is given. */
function piecesOf(manner: Manner): readonly (readonly Octets[])[] {
  return malformedHeads.map(({ octets }) =>
    manner === "whole" ? [octets] : Array.from(octets, (_, at) => octets.subarray(at, at + 1) as Octets),
  );
}

/**
 * Throws if a contender lets one pass, or headgate reports another fault than it should, or needs octets after the
 * offending line.
 */
export function rehearseRefusals({ name, read }: Refuser, manner: Manner): void {
  const pieces = piecesOf(manner);
  malformedHeads.forEach(({ octets, code, fault }, i) => {
    let error: Error | HeadFault | null = null;
    let seen = 0;
    for (const piece of pieces[i]!) {
      error = read(piece);
      seen += piece.length;
      if (error !== null) break;
    }
    if (error === null) throw new Error(`${name} lets ${code} pass: ${octets.toString("latin1")}`);
    if (!(error instanceof HeadFault)) return;
    if (error.code !== code) throw new Error(`${name}: ${error.code}, not ${code}`);
    if (manner === "octet by octet" && seen > fault) throw new Error(`${name} reads ${seen} octets to see ${code}`);
  });
}

function entrantOf(refuser: Refuser, manner: Manner): Entrant {
  rehearseRefusals(refuser, manner);
  const sink = new Sink();
  const { name, read } = refuser;
  const pieces = piecesOf(manner);
  const { length } = pieces;
  const run = (times: number) => {
    for (let i = 0; i < times; i++) {
      for (const piece of pieces[i % length]!) {
        const error = read(piece);
        if (error === null) continue;
        sink.refused(error);
        break;
      }
    }
  };
  const task = {
    sink,
    run,
    name: `${name} on malformed heads, ${manner}`,
    pass: length,
    passSum: length,
    requests: length,
  };
  return { name, level: "L2", timed: new Stopwatch(task) };
}

export async function compareRefusals(manner: Manner, kernel: string, timing: Timing): Promise<Row[]> {
  process.stderr.write(`malformed, ${kernel} kernel: ${malformedHeads.length} heads in turn, ${manner}\n`);
  const entrants = refusers(manner).map((refuser) => entrantOf(refuser, manner));
  if (nodeParserVersion === undefined) entrants.push({ name: NODE, level: "L2", timed: nodeParserHidden });
  const all = await measure(entrants, timing);
  return rowsOf({ step: "malformed", kernel, input: manner, bases: { L2: ours[manner] } }, all);
}
