// In:    what one comparison measured, round by round.
// Out:   rows as the JSON holds them: medians, quartiles, and ratios taken round by round.
// Never: measures or prints.

/** Of one row over all rounds. */
export interface Spread {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

export interface Row {
  readonly step: string;
  readonly contender: string;
  readonly unit: string;
  /** Null where it could not be measured; `reason` says why. */
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
