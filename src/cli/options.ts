// In:    a table of options, the arguments of a command.
// Out:   the values of the options, and the operands.
// Never: accepts an option that the table does not have.

import { type ParseArgsConfig, parseArgs } from "node:util";

/** An option that has a value, or a flag. */
interface OptionEntry {
  /** The placeholder of its value; a flag has none. */
  readonly value?: string;
  /** May be given several times. */
  readonly multiple?: true;
  /** The values that it may have. */
  readonly choices?: readonly string[];
  readonly help: string;
}
export type OptionTable = Readonly<Record<string, OptionEntry>>;

/** The values of an option: the last one, or each. */
export interface Arguments {
  readonly operands: readonly string[];
  text(name: string): string | undefined;
  texts(name: string): readonly string[];
  flag(name: string): boolean;
  /** A whole number within the range. */
  number(name: string, min: number, max: number): number | undefined;
}

/** Throws `TypeError` for an unknown option, a missing or a wrong value, and for more than `most` operands. */
export function readArguments(table: OptionTable, args: readonly string[], most: number): Arguments {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, { value, multiple }] of Object.entries(table)) {
    options[name] = { type: value === undefined ? "boolean" : "string", multiple: multiple === true };
  }
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  if (positionals.length > most) throw new TypeError(`${JSON.stringify(positionals[most])} is one operand too many`);
  for (const [name, { choices }] of Object.entries(table)) {
    const given = values[name];
    if (choices === undefined || given === undefined || choices.includes(String(given))) continue;
    throw new TypeError(`--${name} is ${JSON.stringify(given)}; it must be one of ${choices.join(", ")}`);
  }
  const text = (name: string): string | undefined => values[name] as string | undefined;
  return {
    operands: positionals,
    text,
    texts: (name) => (values[name] ?? []) as string[],
    flag: (name) => values[name] === true,
    number: (name, min, max) => {
      const given = text(name);
      if (given === undefined) return undefined;
      const number = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN;
      if (number >= min && number <= max) return number;
      throw new TypeError(`--${name} is ${JSON.stringify(given)}; it must be a number from ${min} to ${max}`);
    },
  };
}
