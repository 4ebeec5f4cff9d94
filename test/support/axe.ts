// In:    a page in Chromium.
// Out:   what axe-core finds in it that is not accessible.
// Never: leaves a rule out.

import { readFileSync } from "node:fs";
import type { Frame, Page } from "playwright-core";

const source = readFileSync("node_modules/axe-core/axe.min.js", "utf8");

/** WCAG 2.2 A and AA, and what axe-core counts as good practice. */
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

interface Finding {
  readonly id: string;
  readonly help: string;
  readonly nodes: readonly { readonly target: readonly string[]; readonly failureSummary?: string }[];
}

/** One line for each element that breaks a rule. */
export async function findBarriers(page: Page | Frame): Promise<string[]> {
  // The page's own policy forbids it to load the script.
  await page.evaluate(source);
  const found = await page.evaluate<readonly Finding[]>(
    `axe.run(document, { runOnly: ${JSON.stringify(tags)} }).then(({ violations }) => violations)`,
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary ?? ""}`),
  );
}
