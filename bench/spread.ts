// In:    the figures of one row, round by round.
// Out:   their median and quartiles, rounded for the JSON.
// Never: knows what was measured.

/** Of one row over all rounds. */
export interface Spread {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

export function spread(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((one, other) => one - other);
  return { lower: quantile(sorted, 0.25), median: quantile(sorted, 0.5), upper: quantile(sorted, 0.75) };
}

/** The figure that `part` of them do not exceed; `sorted`: at least one, the smallest first. */
export function quantile(sorted: readonly number[], part: number): number {
  const at = (sorted.length - 1) * part;
  const below = sorted[Math.floor(at)]!;
  return round3(below + (sorted[Math.ceil(at)]! - below) * (at - Math.floor(at)));
}

export function round3(value: number): number {
  return Math.round(value * 1000) / 1000;
}
