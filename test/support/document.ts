// In:    the documents.
// Out:   their sections, tables, blocks and lists of words.
// Never: judges them.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";

export const read = (path: string): string => readFileSync(path, "utf8");
export const readme = read("README.md");
export const conformance = read("docs/conformance.md");
export const errors = read("docs/errors.md");
export const limits = read("docs/limits.md");

/** The text under a heading, down to the next one of its rank or above. */
export function section(text: string, heading: string): string {
  const lines = text.split("\n");
  const start = lines.indexOf(heading);
  assert.ok(start >= 0, `no heading ${heading}`);
  const rank = /^#+/.exec(heading)![0].length;
  const length = lines.slice(start + 1).findIndex((line) => /^#+ /.test(line) && line.indexOf(" ") <= rank);
  return lines.slice(start + 1, length < 0 ? undefined : start + 1 + length).join("\n");
}

/** The cells of the rows of every table in a text, without their headings; `\|` is a bar, and backticks are taken off. */
export function rows(text: string): string[][] {
  const found: string[][] = [];
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const inside = line.startsWith("|") && !/^\|[ :-]*-/.test(line) && !/^\|[ :-]*-/.test(lines[i + 1] ?? "");
    if (!inside) continue;
    const cells = line.slice(1, line.lastIndexOf("|")).split(/(?<!\\)\|/);
    found.push(cells.map((cell) => cell.trim().replaceAll("\\|", "|")));
  }
  return found;
}

export const plain = (cell: string | undefined): string => (cell ?? "").replace(/^`([^`]*)`$/, "$1");

/** Fenced blocks of one language, in order. */
export function blocks(text: string, language: string): string[] {
  return [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter(([, kind]) => kind === language)
    .map(([, , body]) => body!);
}

/** The string members of a union type. */
export function members(text: string, declaration: string): string[] {
  const start = text.indexOf(declaration);
  assert.ok(start >= 0, `no ${declaration}`);
  const union = text.slice(start + declaration.length, text.indexOf(";", start));
  return [...union.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
}

export const documents = [
  ...readdirSync(".").filter((name) => name.endsWith(".md")),
  ...["bench", "demo", "docs", "examples", "test"].flatMap(below),
];

function below(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".md")).map((name) => join(folder, name));
}
