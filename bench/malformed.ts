// In:    malformed heads in turn, as scanners send them.
// Out:   rows: what a refusal costs.
// Never: enters http-parser-js or the pure JavaScript parser, which take some of these for requests.

import { HeadgateError, parseRequestHead } from "../src/parser.js";
import { Sink } from "./contender.js";
import { NodeSession, nodeParserVersion } from "./contenders/node-parser.js";
import { UndiciSession } from "./contenders/undici.js";
import { malformedHeads, type Octets } from "./inputs.js";
import { measure, type Task, type Timing } from "./measure.js";
import { type Row, rowsOf } from "./row.js";

const OURS = "headgate parseRequestHead";

interface Refuser {
  readonly name: string;
  /** Null where it sees nothing wrong. */
  refuse(octets: Octets): Error | HeadgateError | null;
}

export function refusers(): Refuser[] {
  const sink = new Sink();
  const undici = new UndiciSession(sink, 4096, "by span");
  const all: Refuser[] = [
    {
      name: OURS,
      refuse(octets) {
        const result = parseRequestHead(octets);
        return result.kind === "error" ? result.error : null;
      },
    },
    { name: "undici llhttp", refuse: (octets) => undici.execute(octets) },
  ];
  if (nodeParserVersion !== undefined) {
    const node = new NodeSession(sink, 0);
    all.push({
      name: "Node HTTPParser, reused",
      refuse(octets) {
        const result = node.execute(octets);
        return typeof result === "number" ? null : result;
      },
    });
  }
  return all;
}

/** Throws where a contender lets one pass, or headgate says something else than it should. */
export function rehearseRefusals({ name, refuse }: Refuser): void {
  for (const { octets, code } of malformedHeads) {
    const error = refuse(octets);
    if (error === null) throw new Error(`${name} lets ${code} pass: ${octets.toString("latin1")}`);
    if (error instanceof HeadgateError && error.code !== code) throw new Error(`${name}: ${error.code}, not ${code}`);
  }
}

function refusalTask(refuser: Refuser): Task {
  rehearseRefusals(refuser);
  const sink = new Sink();
  const { name, refuse } = refuser;
  const { length } = malformedHeads;
  return {
    sink,
    name: `${name} on malformed heads`,
    pass: length,
    passSum: length,
    requests: length,
    run(times) {
      for (let i = 0; i < times; i++) sink.refused(refuse(malformedHeads[i % length]!.octets));
    },
  };
}

export function compareRefusals(kernel: string, timing: Timing): Row[] {
  process.stderr.write(`malformed, ${kernel} kernel: ${malformedHeads.length} heads in turn\n`);
  const all = refusers();
  const samples = measure(all.map(refusalTask), timing);
  return rowsOf(
    { step: "malformed", kernel, input: "malformed", base: OURS },
    all.map(({ name }, i) => ({ name, level: "L2", samples: samples[i]! })),
  );
}
