// In:    what a run found; the list of what is declared to fail.
// Out:   the table, in Markdown, and the failed cells that are not declared.
// Never: runs anything.

/** Null for a check that passed, a text for one that failed; absent where the runtime has no such thing. */
export type Cells = ReadonlyMap<string, ReadonlyMap<string, string | null>>;

/** A check that is known to fail in a runtime, and why. */
export interface Declared {
  readonly runtime: string;
  /** Names of checks, as in the table; `*` at the end for all that begin so. */
  readonly checks: readonly string[];
  readonly reason: string;
}

const covers = ({ checks }: Declared, check: string): boolean =>
  checks.some((each) => (each.endsWith("*") ? check.startsWith(each.slice(0, -1)) : check === each));

/** The number of the declaration of a cell, from 1; 0 for none. */
export function declarationOf(declared: readonly Declared[], runtime: string, check: string): number {
  return 1 + declared.findIndex((each) => each.runtime === runtime && covers(each, check));
}

/** One line for each cell that failed and is not declared, or is declared and passed. */
export function surprises(cells: Cells, declared: readonly Declared[]): string[] {
  return [...cells].flatMap(([check, row]) =>
    [...row].flatMap(([runtime, found]) => {
      const number = declarationOf(declared, runtime, check);
      if (found !== null && number === 0) return [`${runtime}: ${check}: ${found}`];
      if (found === null && number > 0) return [`${runtime}: ${check} is declared to fail, and passes`];
      return [];
    }),
  );
}

/** The table with a row for each check and a column for each runtime, and the reasons below it. */
export function markdown(cells: Cells, runtimes: readonly string[], declared: readonly Declared[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |\n`;
  let text = line(["", ...runtimes]) + line(["---", ...runtimes.map(() => "---")]);
  for (const [check, row] of cells) {
    const shown = runtimes.map((runtime) => {
      const found = row.get(runtime);
      if (found === undefined) return "-";
      return found === null ? "yes" : `no (${declarationOf(declared, runtime, check)})`;
    });
    text += line([check, ...shown]);
  }
  if (declared.length > 0) text += "\n";
  for (const [i, { runtime, reason }] of declared.entries()) text += `${i + 1}. ${runtime}: ${reason}\n`;
  return text;
}
