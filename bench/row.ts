// In:    the nanoseconds of all contenders of one comparison, round by round.
// Out:   rows as the JSON holds them: medians, quartiles, and ratios taken round by round.
// Never: measures or prints.

import type { Level } from "./contender.js";

/** Of one row over all rounds. */
export interface Spread {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

export interface Row {
  readonly step: string;
  readonly kernel: string;
  readonly input: string;
  readonly contender: string;
  readonly level: Level;
  /** Nanoseconds per request; `least` is the fastest round. */
  readonly ns: Spread & { readonly least: number };
  /** This row's time divided by that of `to`, in the same round; null for headgate's own rows and for controls. */
  readonly ratio: (Spread & { readonly to: string }) | null;
}

export interface Measured {
  readonly name: string;
  readonly level: Level;
  readonly samples: readonly number[];
}

interface Comparison {
  readonly step: string;
  readonly kernel: string;
  readonly input: string;
  /** The row that peers are divided by, as `rowName` calls it. */
  readonly base: string;
}

/** headgate enters at several levels; everybody else at one. */
export function rowName(contender: string, level: Level): string {
  return contender === "headgate" ? `${contender} ${level}` : contender;
}

export function rowsOf({ step, kernel, input, base }: Comparison, all: readonly Measured[]): Row[] {
  const ours = all.find(({ name, level }) => rowName(name, level) === base)!.samples;
  return all.map(({ name, level, samples }) => {
    const isPeer = !name.startsWith("headgate") && !name.startsWith("control");
    const ratios = samples.map((sample, round) => sample / ours[round]!);
    return {
      step,
      kernel,
      input,
      contender: name,
      level,
      ns: { ...spread(samples), least: round3(Math.min(...samples)) },
      ratio: isPeer ? { to: base, ...spread(ratios) } : null,
    };
  });
}

function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((one, other) => one - other);
  return { lower: quantile(sorted, 0.25), median: quantile(sorted, 0.5), upper: quantile(sorted, 0.75) };
}

function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)]!;
  return round3(below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at)));
}

function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
