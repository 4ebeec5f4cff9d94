// In:    the source of a recipe of examples/recipes.
// Out:   the program with the gate and without it, and the difference.
// Never: runs one.

/** The recipe as it is read and copied: without markers, with the gate or without it. */
export function variantsOf(source: string): { before: string; after: string; diff: string; added: number } {
  const lines = source
    .replace(/^(?:\/\/[^\n]*\n)+\n/, "")
    .trimEnd()
    .split("\n");
  const [before, after, diff]: string[][] = [[], [], []];
  let isBlock = false;
  for (const line of lines) {
    if (line === "// ++") {
      isBlock = !isBlock;
      continue;
    }
    const text = line.replace(/ \/\/ \+$/, "").replace(/^\/\/ - /, "");
    const [isAdded, isRemoved] = [isBlock || line.endsWith(" // +"), line.startsWith("// - ")];
    if (!isAdded) before!.push(text);
    if (!isRemoved) after!.push(text);
    diff!.push(`${isAdded ? "+" : isRemoved ? "-" : " "}${text === "" ? "" : ` ${text}`}`.trimEnd());
  }
  const added = diff!.filter((line) => line.startsWith("+")).length;
  const whole = (text: string[] | undefined): string => `${text!.join("\n")}\n`;
  return { before: whole(before), after: whole(after), diff: whole(diff), added };
}
