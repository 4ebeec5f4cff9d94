// In:    documents in the part of YAML 1.2 that the project's manifests need.
// Out:   their values.
// Never: guesses: what is not a block mapping, a block sequence or a scalar of one line is an error.

export type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

/** The documents of a stream, between lines of `---`. */
export function readYaml(stream: string): Yaml[] {
  const documents: Line[][] = [[]];
  for (const [i, line] of stream.split("\n").entries()) {
    const text = line.trimStart();
    if (line === "---") documents.push([]);
    else if (text !== "" && !text.startsWith("#")) {
      documents.at(-1)!.push({ indent: line.length - text.length, text: text.trimEnd(), number: i + 1 });
    }
  }
  return documents.filter((lines) => lines.length > 0).map((lines) => new Reader(lines).document());
}

class Reader {
  readonly #lines: Line[];

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  document(): Yaml {
    const value = this.#node(0);
    if (this.#lines.length > 0) throw this.#error("an indentation that nothing has opened");
    return value;
  }

  /** A node whose lines have this indentation. */
  #node(indent: number): Yaml {
    return this.#isItem(indent) ? this.#sequence(indent) : this.#mapping(indent);
  }

  #sequence(indent: number): Yaml[] {
    const items: Yaml[] = [];
    while (this.#isItem(indent)) {
      const { text, number } = this.#lines[0]!;
      // The item begins two columns later, on the same line.
      this.#lines[0] = { indent: indent + 2, text: text.slice(2), number };
      items.push(KEY.test(text.slice(2)) ? this.#mapping(indent + 2) : scalar(this.#lines.shift()!.text, number));
    }
    return items;
  }

  #mapping(indent: number): { [key: string]: Yaml } {
    const entries = new Map<string, Yaml>();
    while (this.#lines[0]?.indent === indent && !this.#isItem(indent)) {
      const [, key, rest] = KEY.exec(this.#lines[0].text) ?? [];
      if (key === undefined) throw this.#error("not a key");
      if (entries.has(key)) throw this.#error(`${key} a second time`);
      const { number } = this.#lines.shift()!;
      const next = this.#lines[0]?.indent ?? -1;
      if (rest !== undefined) entries.set(key, scalar(rest, number));
      else if (next > indent) entries.set(key, this.#node(next));
      else throw new Error(`line ${number}: ${key} has no value`);
    }
    if ((this.#lines[0]?.indent ?? -1) > indent) throw this.#error("an indentation that nothing has opened");
    return Object.fromEntries(entries);
  }

  #isItem(indent: number): boolean {
    const line = this.#lines[0];
    return line?.indent === indent && line.text.startsWith("- ");
  }

  #error(what: string): Error {
    const { number, text } = this.#lines[0]!;
    return new Error(`line ${number}: ${what}: ${text}`);
  }
}

const KEY = /^([A-Za-z][\w./-]*):(?: +(.+))?$/;

function scalar(text: string, number: number): Yaml {
  if (/^"[^"\\]*"$/.test(text)) return text.slice(1, -1);
  if (/^[^\w/]|: | #|\t/.test(text)) throw new Error(`line ${number}: not a plain scalar: ${text}`);
  if (/^(?:true|false)$/.test(text)) return text === "true";
  if (/^(?:0|[1-9]\d*)$/.test(text)) return Number(text);
  // What other readers take for something else than a string: null, octal and other numbers, and in YAML 1.1 yes and no.
  if (/^(?:null|~|y|n|yes|no|on|off|[-+]?[\d_]*\.?\d*(?:e[-+]?\d+)?|0[xo][\da-f]+)$/i.test(text)) {
    throw new Error(`line ${number}: ${text} needs quotes, or another form`);
  }
  return text;
}
