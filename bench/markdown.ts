// In:    titles and cells.
// Out:   a table in Markdown; the first column has words, the others figures.
// Never: knows what they are of.

/** `titles`: of all columns but the first, which has none. */
export function markdown(titles: readonly string[], lines: readonly (readonly string[])[]): string {
  const rule = `|---|${"--:|".repeat(titles.length)}`;
  const line = (cells: readonly string[]) => `|${cells.map((cell) => (cell === "" ? " |" : ` ${cell} |`)).join("")}`;
  return [line(["", ...titles]), rule, ...lines.map(line)].join("\n");
}
