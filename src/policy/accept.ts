// In:    the values of Accept.
// Out:   whether the client prefers JSON to plain text.
// Never: weighs other media types; a refusal has no other forms.

/** `qvalue` (RFC 9110 §12.4.2) */
const QVALUE = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/;
/** Without one of these, both forms have the same weight. */
const TELLING = /json|application\/\*|text\/(?:\*|plain)/i;

/** A media range without parameters, and how specific it is (RFC 9110 §12.5.1). */
const ranges: ReadonlyMap<string, { readonly specificity: number; readonly json: boolean; readonly text: boolean }> =
  new Map([
    ["*/*", { specificity: 0, json: true, text: true }],
    ["application/*", { specificity: 1, json: true, text: false }],
    ["text/*", { specificity: 1, json: false, text: true }],
    ["application/json", { specificity: 2, json: true, text: false }],
    ["text/plain", { specificity: 2, json: false, text: true }],
  ]);

/** A weight, by the most specific range that matches. */
class Weight {
  #specificity = -1;
  value = 0;

  add(specificity: number, value: number): void {
    if (specificity < this.#specificity) return;
    this.value = specificity === this.#specificity ? Math.max(this.value, value) : value;
    this.#specificity = specificity;
  }
}

/**
 * True where `application/json` has a greater weight than `text/plain` (RFC 9110 §12.5.1). Equal ones do not: the order of a list
 * means nothing. `values`: each line of Accept.
 */
export function prefersJson(values: readonly string[]): boolean {
  if (!values.some((value) => TELLING.test(value))) return false;
  const [json, text] = [new Weight(), new Weight()];
  for (const member of values.flatMap((value) => value.split(","))) {
    const [name, ...parameters] = member.split(";").map((part) => part.trim().toLowerCase());
    const range = ranges.get(name!);
    const value = range === undefined ? null : weightOf(parameters);
    if (range === undefined || value === null) continue;
    if (range.json) json.add(range.specificity, value);
    if (range.text) text.add(range.specificity, value);
  }
  return json.value > text.value;
}

/** Null for a weight that is not one, and for a range with parameters that neither form has. */
function weightOf(parameters: readonly string[]): number | null {
  let weight = 1;
  for (const parameter of parameters) {
    if (parameter.startsWith("q=")) {
      const text = parameter.slice(2);
      if (!QVALUE.test(text)) return null;
      weight = Number(text);
    } else if (parameter !== "" && !/^charset="?(?:utf-8|us-ascii)"?$/.test(parameter)) return null;
  }
  return weight;
}
