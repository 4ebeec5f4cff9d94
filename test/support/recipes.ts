// In:    the source of a recipe of examples/recipes; its page in docs/recipes.
// Out:   the program with the gate and without it, and the difference; the probes that its runtime hides.
// Never: runs one.

import { groups, type Probe } from "#src/cli/doctor/probes.js";
import { rows, section } from "./document.js";

/** A probe by its group and title: "Host: no Host". */
export const nameOf = ({ group, title }: Probe): string => `${groups[group].title}: ${title}`;

const HIDDEN = "## What the runtime hides";

/** The probes that a page lists below that heading, sorted; none where it does not have it. */
export function hiddenOf(page: string): string[] {
  if (!page.includes(`\n${HIDDEN}\n`)) return [];
  return rows(section(page, HIDDEN))
    .map(([name]) => name!)
    .sort();
}

/** The recipe as it is read and copied: without markers, with the gate or without it. */
export function variantsOf(source: string): { before: string; after: string; diff: string; added: number } {
  const lines = source
    .replace(/^(?:\/\/[^\n]*\n)+\n/, "")
    .trimEnd()
    .split("\n");
  const [before, after, diff]: string[][] = [[], [], []];
  let isBlock = false;
  for (const line of lines) {
    if (line.trim() === "// ++") {
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
