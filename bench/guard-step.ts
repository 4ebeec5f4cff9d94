// In:    where a run of the parser's bench writes its rows.
// Out:   the arguments of `bench:gate` for its step of guarded requests, which every whole run ends with.
// Never: lets a run that writes elsewhere reach the committed results.

/** `out`: where rows go, undefined where nothing is written; `committed`: where the committed ones are. */
export function guardStep(out: string | undefined, committed: string, quick: boolean): string[] {
  const step = ["--only", "guard"];
  if (quick) step.push("--quick");
  // bench:gate itself knows its committed file, and writes there unless told otherwise.
  if (out !== undefined && out !== committed) step.push("--out", `${out.replace(/\.json$/, "")}.guard.json`);
  return step;
}
