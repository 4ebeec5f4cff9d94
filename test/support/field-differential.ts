// In:    values of Forwarded and Origin, and texts that are nearly one.
// Out:   nothing where the reader of each and its reference agree on them; else an error that shows both.
// Never: decides which one is right.

import { deepStrictEqual } from "node:assert";
import { readFileSync } from "node:fs";
import { type Element, ForwardedElements, Unreadable } from "#src/arrival/forwarded.js";
import { nameKey } from "#src/head/authority.js";
import { formatOrigin, parseOrigin } from "#src/policy/serialized-origin.js";
import { type ReferenceElement, referenceForwarded } from "../reference/forwarded.js";
import { referenceOrigin } from "../reference/origin.js";

/** What became of the values that were compared. */
interface FieldTally {
  values: number;
  read: number;
}

export const newFieldTally = (): FieldTally => ({ values: 0, read: 0 });

const rowsOf = <Row>(name: string): Row[] => JSON.parse(readFileSync(`test/cases/${name}-cases.json`, "utf8")).rows;

const words = (text: string): string[] => text.split(" ");

const FORWARDED_PIECES = [
  ...'"\\,;= \t[]:_.%@\0\x7f\xff',
  ...words('for= host= proto= by=_x secret= "a,b;c=d" \\" http wss unknown _hidden 0 65536 ,for=10.0.0.2'),
  ...words('10.0.0.1 127.1 [::1] [::ffff:10.0.0.1]:80 "[fd00::2]:443" app.example.com:8443'),
];

const ORIGIN_PIECES = [
  ..."/:@.,%*[] \t\0\x7f\xff",
  ...words("http:// https:// ws:// file:// null :80 :443 :0 :65536 %41 xn-- EXAMPLE €"),
  ...words("127.0.0.1 127.0.0.1. 256.0.0.1 [::1] [::ffff:7f00:1] [2001:DB8:0:0:1::] [::1.2.3.4] localhost."),
];

/** Texts made from `seeds` by up to three mutations each, with `pieces` and parts of other seeds put in. */
function* mutations(
  seeds: readonly string[],
  pieces: readonly string[],
  random: () => number,
): Generator<string, never> {
  const pick = (list: readonly string[]): string => list[random() % list.length]!;
  for (;;) {
    let text = pick(seeds);
    for (let left = random() % 4; left > 0; left--) {
      const at = random() % (text.length + 1);
      const [front, back] = [text.slice(0, at), text.slice(at)];
      const way = random() % 5;
      if (way === 0) text = front + pick(pieces) + back;
      else if (way === 1) text = front + pick(pieces) + back.slice(1);
      else if (way === 2) text = front + back.slice(1 + (random() % 3));
      else if (way === 3) text = front + back.slice(0, random() % 12) + back;
      else text = front + pick(seeds).slice(random() % 20);
    }
    yield text;
  }
}

export function forwardedMutations(random: () => number): Generator<string, never> {
  const fields = rowsOf<{ fields: [name: string, value: string][] }>("forwarded").flatMap((row) => row.fields);
  const seeds = fields.filter(([name]) => name.toLowerCase() === "forwarded").map(([, value]) => value);
  return mutations(seeds, FORWARDED_PIECES, random);
}

export function originMutations(random: () => number): Generator<string, never> {
  const origins = rowsOf<{ origin: string | string[] | null }>("origin").flatMap(({ origin }) => origin ?? []);
  return mutations(origins, ORIGIN_PIECES, random);
}

/**
 * Compares the reader, which goes from the right, with the reference, which goes from the left: on the lines as they are,
 * and on what follows each comma of the last one, since clients may have written anything before it.
 */
export function compareForwarded(lines: readonly string[], tally: FieldTally): void {
  const { elements, isWhole } = readAll(lines);
  const answer = referenceForwarded(lines);
  tally.values++;
  if (answer !== null) tally.read++;
  same(lines, isWhole ? elements : null, answer?.toReversed() ?? null);
  const last = lines.at(-1)!;
  for (let comma = last.indexOf(","); comma >= 0; comma = last.indexOf(",", comma + 1)) {
    const behind = referenceForwarded([last.slice(comma + 1)]);
    if (behind !== null) same(lines, elements.slice(0, behind.length), behind.toReversed());
  }
}

/** Elements from the right; `isWhole` where nothing was left unread. */
function readAll(lines: readonly string[]): { elements: ReferenceElement[]; isWhole: boolean } {
  const reader = new ForwardedElements(lines);
  const elements: ReferenceElement[] = [];
  for (;;) {
    const element = reader.next();
    if (element === null || element instanceof Unreadable) return { elements, isWhole: element === null };
    elements.push(wordsOf(element));
  }
}

/** In the words of the reference. */
function wordsOf({ node, host, scheme }: Element): ReferenceElement {
  return {
    node: node === null ? undefined : { address: node.address === null ? null : [...node.address], port: node.port },
    host: host === null ? undefined : [nameKey(host), host.port],
    scheme: scheme ?? undefined,
  };
}

/** Compares the reader with the reference. */
export function compareOrigin(text: string, tally: FieldTally): void {
  const origin = parseOrigin(text);
  const canonical = origin === null ? null : formatOrigin(origin);
  tally.values++;
  same(text, canonical, referenceOrigin(text));
  if (canonical !== null) tally.read++;
}

function same(value: unknown, got: unknown, wanted: unknown): void {
  try {
    deepStrictEqual(got, wanted);
  } catch {
    const [text, read, expected] = [value, got, wanted].map((each) => JSON.stringify(each));
    throw new Error(`the reader and the reference differ on\n${text}\ngot    ${read}\nwanted ${expected}`);
  }
}
