// In:    a contender prepared for an input.
// Out:   what one pass over the input adds to its sink, once all its answers have proved right.
// Never: times anything.

import { isDeepStrictEqual } from "node:util";
import type { Contender, Level, Prepared } from "./contender.js";
import type { Answer, Input } from "./inputs.js";

/** What a contender must say at each level; L0 and L1 leave all of it in the kernel's memory. */
const wanted: Record<Level, readonly (keyof Answer)[]> = {
  L0: ["method", "requestTarget", "version", "fieldLines", "uriHost", "port", "keepAlive", "upgrade"],
  L1: ["method", "requestTarget", "version", "fieldLines", "uriHost", "port", "keepAlive", "upgrade"],
  L2: ["method", "requestTarget", "version", "uriHost", "port", "keepAlive"],
  L3: ["method", "requestTarget", "version", "fieldLines"],
};

/** Runs once over the input, by the very code that will be timed. Throws where an answer is wrong or missing. */
export function rehearse(contender: Contender, input: Input, { sink, run }: Prepared): number {
  sink.sum = 0;
  sink.answers = [];
  run(input.buffers.length);
  const { answers, sum } = sink;
  sink.answers = null;
  const { name, level } = contender;
  checkAnswers(`${name} ${level} on ${input.id}`, wanted[level], answers, input.expected);
  return sum;
}

/** Throws where one of the answers that are wanted is wrong, or a head is missing. */
export function checkAnswers(
  where: string,
  keys: readonly (keyof Answer)[],
  answers: readonly Partial<Answer>[],
  expected: readonly Answer[],
): void {
  if (answers.length !== expected.length) throw new Error(`${where}: ${answers.length} heads, not ${expected.length}`);
  expected.forEach((right, i) => {
    for (const key of keys) {
      const answer = answers[i]![key];
      if (isDeepStrictEqual(answer, right[key])) continue;
      throw new Error(`${where}, head ${i}: ${key} is ${JSON.stringify(answer)}, not ${JSON.stringify(right[key])}`);
    }
  });
}
