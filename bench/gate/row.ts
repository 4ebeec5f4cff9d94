// In:    what one comparison measured, round by round.
// Out:   rows as the JSON holds them: medians, quartiles, and ratios taken round by round.
// Never: measures or prints.

import { type Spread, spread } from "../spread.js";

export interface Row {
  readonly step: string;
  readonly contender: string;
  readonly unit: string;
  /** Null if it could not be measured; `reason` has the cause. */
  readonly value: Spread | null;
  /** This row's value divided by that of `to`, in the same round; null for `to` itself. */
  readonly ratio: (Spread & { readonly to: string }) | null;
  readonly reason?: string;
}

/** One contender's figures; `samples` is empty where it could not run. */
export interface Measured {
  readonly name: string;
  readonly samples: readonly number[];
  readonly reason?: string;
}

/** `base`: the contender that the others are divided by. */
export function rowsOf(step: string, unit: string, base: string, all: readonly Measured[]): Row[] {
  const theirs = all.find(({ name }) => name === base)!.samples;
  return all.map(({ name, samples, reason }) => {
    const row = { step, contender: name, unit };
    if (samples.length === 0) return { ...row, value: null, ratio: null, reason: reason ?? "no sample" };
    const ratios = samples.map((sample, round) => sample / theirs[round]!);
    return { ...row, value: spread(samples), ratio: name === base ? null : { to: base, ...spread(ratios) } };
  });
}
