// In:    what can be timed, and how many rounds of how many milliseconds.
// Out:   nanoseconds per request of each in each round.
// Never: compares them; row.ts does, round by round.

import type { Absent, Level } from "./contender.js";
import type { Measured } from "./row.js";

/** Work that is timed in turns with other work: by Benchmark.js in this process, or by a process of its own. */
export interface Timed {
  /** Nanoseconds per request, over about so many milliseconds. Throws where the work was not all done. */
  time(milliseconds: number): number | Promise<number>;
}

export interface Timing {
  readonly rounds: number;
  /** Of one measurement: one contender in one round. */
  readonly milliseconds: number;
  /** Rounds before those, whose figures are dropped: engines compile in steps. */
  readonly warmUp: number;
}

export interface Entrant {
  readonly name: string;
  readonly level: Level;
  readonly timed: Timed | Absent;
}

/**
 * Each contender once a round, in an order that rotates by one each round: a processor's speed varies, and measurements of
 * one round are close enough together to be compared.
 */
export async function measure(entrants: readonly Entrant[], timing: Timing): Promise<Measured[]> {
  return takeTurns(entrants, timing, (timed) => timed.time(timing.milliseconds));
}

/** The rounds alone, for work that is timed in its own way. */
export async function takeTurns<Work extends object>(
  entrants: readonly { readonly name: string; readonly level: Level; readonly timed: Work | Absent }[],
  { rounds, warmUp }: Pick<Timing, "rounds" | "warmUp">,
  time: (work: Work) => number | Promise<number>,
): Promise<Measured[]> {
  const present: { work: Work; samples: number[] }[] = [];
  const measured = entrants.map(({ name, level, timed }): Measured => {
    if ("absent" in timed) return { name, level, samples: timed };
    const samples: number[] = [];
    present.push({ work: timed, samples });
    return { name, level, samples };
  });
  for (let round = 0; round < warmUp + rounds; round++) {
    for (let i = 0; i < present.length; i++) {
      const { work, samples } = present[(i + round) % present.length]!;
      const sample = await time(work);
      if (round >= warmUp) samples.push(sample);
    }
  }
  return measured;
}
