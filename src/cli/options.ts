// In:    a table of options, the arguments of a command.
// Out:   the values of the options, and the operands.
// Never: accepts an option that the table does not have.

import { type ParseArgsConfig, parseArgs } from "node:util";
import { didYouMean } from "../head/options.js";

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

/**
 * Throws `TypeError` for an unknown option, a missing or a wrong value, and for more than `most` operands; `instead`: what to write for the
 * first one too many, or "".
 */
export function readArguments(
  table: OptionTable,
  args: readonly string[],
  most: number,
  instead: (operand: string) => string = () => "",
): Arguments {
  const options: NonNullable<ParseArgsConfig["options"]> = {};
  for (const [name, { value, multiple }] of Object.entries(table)) {
    options[name] = { type: value === undefined ? "boolean" : "string", multiple: multiple === true };
  }
  checkNames(table, args, options);
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  if (positionals.length > most) {
    throw new TypeError(`${JSON.stringify(positionals[most])} is one operand too many${instead(positionals[most]!)}`);
  }
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

/** parseArgs advises on operands where an option is misspelled. */
function checkNames(
  table: OptionTable,
  args: readonly string[],
  options: NonNullable<ParseArgsConfig["options"]>,
): void {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option" || Object.hasOwn(table, token.name)) continue;
    const known = Object.keys(table).map((name) => `--${name}`);
    throw new TypeError(
      `${token.rawName} is not an option; the options are ${known.join(", ")}${didYouMean(token.rawName, known)}`,
    );
  }
}
