// In:    the text of a field value, one character an octet; places in it.
// Out:   where tokens and white space begin and end; whether it is a token or a value; the members of a list.
// Never: looks at an octet more than twice, as a pattern that ends with any number of spaces would.

import { OctetClass } from "../../assembly/abi.js";
import { kernel } from "./kernel/instance.js";

/** The end of the run of octets of these classes that begins at `start`. */
function runEnd(text: string, start: number, wanted: OctetClass): number {
  const { classes } = kernel();
  let end = start;
  while (end < text.length && (classes[text.charCodeAt(end)]! & wanted) !== 0) end++;
  return end;
}

/** The beginning of the run of octets of these classes that ends at `end`. */
function runStart(text: string, end: number, wanted: OctetClass): number {
  const { classes } = kernel();
  let start = end;
  while (start > 0 && (classes[text.charCodeAt(start - 1)]! & wanted) !== 0) start--;
  return start;
}

/** token (RFC 9110 §5.6.2); `start` itself if there is none. */
const tokenEnd = (text: string, start: number): number => runEnd(text, start, OctetClass.TOKEN);
export const tokenStart = (text: string, end: number): number => runStart(text, end, OctetClass.TOKEN);

export const isToken = (text: string): boolean => text !== "" && tokenEnd(text, 0) === text.length;

/** field-value with white space around it (RFC 9110 §5.5); it may be empty. */
export const isFieldValue = (text: string): boolean => runEnd(text, 0, OctetClass.VALUE) === text.length;

/** OWS (RFC 9110 §5.6.3) */
export const spaceEnd = (text: string, start: number): number => runEnd(text, start, OctetClass.WHITESPACE);
export const spaceStart = (text: string, end: number): number => runStart(text, end, OctetClass.WHITESPACE);

/** The text without white space around it. */
export function trimmed(text: string): string {
  const end = spaceStart(text, text.length);
  return text.slice(Math.min(end, spaceEnd(text, 0)), end);
}

/** The members of a comma-separated list, without white space around them; no comma is quoted (RFC 9110 §5.6.1). */
export function members(list: string): string[] {
  return list.split(",").map(trimmed);
}
