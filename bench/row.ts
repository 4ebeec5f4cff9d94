// In:    the nanoseconds of all contenders of one comparison, round by round.
// Out:   rows as the JSON holds them: medians, quartiles, and ratios taken round by round.
// Never: measures or prints.

import type { Absent, Level } from "./contender.js";
import { round3, type Spread, spread } from "./spread.js";

export interface Row {
  readonly step: string;
  readonly kernel: string;
  readonly input: string;
  readonly contender: string;
  readonly level: Level;
  /** Nanoseconds per request; `least` is the fastest round. Null where `absent` has the reason that there are none. */
  readonly ns: (Spread & { readonly least: number }) | null;
  /** This row's time divided by that of `to`, in the same round; null for headgate's own rows, controls and absent ones. */
  readonly ratio: (Spread & { readonly to: string }) | null;
  readonly absent: string | null;
}

export interface Measured {
  readonly name: string;
  readonly level: Level;
  /** One a round; or why there are none. */
  readonly samples: readonly number[] | Absent;
}

interface Comparison {
  readonly step: string;
  readonly kernel: string;
  readonly input: string;
  /** The row that peers of a level are divided by, as `rowName` calls it. */
  readonly bases: Readonly<Partial<Record<Level, string>>>;
}

/** headgate enters at several levels; all others at one. */
export function rowName(contender: string, level: Level): string {
  return contender === "headgate" ? `${contender} ${level}` : contender;
}

/** A ratio as it is shown: two digits, and in no case 1.0 where headgate loses by a hair. */
export function factor(ratio: number): string {
  if (ratio < 1) return Math.min(ratio, 0.99).toFixed(2);
  return ratio < 9.95 ? ratio.toFixed(1) : ratio.toFixed(0);
}

export function rowsOf({ step, kernel, input, bases }: Comparison, all: readonly Measured[]): Row[] {
  const samplesOf = (base: string): readonly number[] => {
    const found = all.find(({ name, level }) => rowName(name, level) === base)!.samples;
    if ("absent" in found) throw new Error(`${base} on ${input}: ${found.absent}`);
    return found;
  };
  return all.map(({ name, level, samples }) => {
    const row = { step, kernel, input, contender: name, level };
    if ("absent" in samples) return { ...row, ns: null, ratio: null, absent: samples.absent };
    const isPeer = !name.startsWith("headgate") && !name.startsWith("control");
    const ns = { ...spread(samples), least: round3(Math.min(...samples)) };
    return { ...row, ns, ratio: isPeer ? ratioOf(samples, bases[level]!, samplesOf) : null, absent: null };
  });
}

function ratioOf(samples: readonly number[], base: string, samplesOf: (base: string) => readonly number[]) {
  const ours = samplesOf(base);
  return { to: base, ...spread(samples.map((sample, round) => sample / ours[round]!)) };
}
