// In:    names and their numbers, once; then field names, already known to be tokens.
// Out:   the number of a name, if it was entered; the table by which common-lines.ts finds common spellings.
// Never: looks at a value. src/head/kernel/field-names.ts has the names.

import { Capacity, FieldName, FieldSpelling, Head, Memory, NameEntry } from "./abi";
import { CASE_BIT, COLON_SP, SMALL_A } from "./ascii";

/** "A" to "Z" and "a" to "z" as numbers from 0. */
function letter(octet: u32): u32 {
  return (octet | CASE_BIT) - SMALL_A;
}

/** The mask of an entry of no name: all of its octets are compared. */
const ALL_OCTETS: u32 = 0xffffffff;

/** Spreads the names over the table so that no two spellings share an entry; found by trial, for the names that are entered. */
const SPREAD: u32 = 0x99282003;

/** Makes every entry one of no name, as 32 zeros are, which no line begins with; runs when the module is instantiated. */
export function clearNames(): void {
  for (let i: usize = 0; i < <usize>Capacity.NAMES; i++) {
    store<u32>(<usize>Memory.NAMES + i * NameEntry.SIZE, ALL_OCTETS, NameEntry.MASK);
  }
}

/** Enters the spelling at..end, its `code` a `FieldName` and a `FieldSpelling`. Three octets after it may be written. */
export function enterSpelling(at: usize, end: usize, code: u32): void {
  const name = code & FieldSpelling.NAME;
  const length: usize = end - at;
  store<u16>(end, COLON_SP);
  const entry = <usize>Memory.NAMES + nameEntry(load<u32>(at), load<u32>(end - 4));
  // Bounds: a name has at most NameEntry.LONGEST octets, so that with ": " it fits the entry's 32, and its length one of
  // the 32 words of SUSPECTS.
  for (let i: usize = 0; i < length + 2; i++) store<u8>(entry + i, load<u8>(at + i));
  store<u32>(entry, code, NameEntry.CODE);
  store<u32>(entry, spellingMask(length), NameEntry.MASK);
  store<u32>(entry, name < <u32>FieldName.RECOGNISED ? 1 << name : 0, NameEntry.BIT);
  store<u32>(entry, Memory.RECORD + Head.KNOWN + (name << 2), NameEntry.KNOWN);
  if (name >= <u32>FieldName.RECOGNISED) return;
  const suspects = <usize>Memory.SUSPECTS + (length << 2);
  store<u32>(suspects, load<u32>(suspects) | (1 << letter(load<u8>(at))));
}

/**
 * Which entry a name could only have, in octets from Memory.NAMES on, by its first four and last four octets. No two
 * spellings share one, which a test makes sure of. (A name of fewer octets has octets around it counted in, and is not
 * one of those.)
 */
export function nameEntry(first: u32, last: u32): usize {
  // Bounds: the highest nine bits, times NameEntry.SIZE, stay inside the table.
  return (((first + last) * SPREAD) >>> 17) & ((Capacity.NAMES - 1) * NameEntry.SIZE);
}

/** A bit for each octet of a spelling of that length and its ": ". */
export function spellingMask(length: usize): u32 {
  return (1 << (<u32>length + 2)) - 1;
}

/** True where a name of that length that the kernel reads has that first letter, case ignored. */
export function isSuspect(initial: u32, length: usize): bool {
  // Bounds: length is at most NameEntry.LONGEST, by every caller.
  return ((load<u32>(<usize>Memory.SUSPECTS + (length << 2)) >> letter(initial)) & 1) !== 0;
}

/** The case bit of each of four octets. */
export const CASE_BITS: u32 = CASE_BIT * 0x01010101;

/** The name at..end, in whatever spelling, of those that the kernel reads. Field names are case-insensitive (RFC 9110 §5.1). */
export function fieldName(at: usize, end: usize): FieldName {
  const length = end - at;
  if (length > <usize>NameEntry.LONGEST || !isSuspect(load<u8>(at), length)) return FieldName.UNKNOWN;
  const entry = <usize>Memory.NAMES + nameEntry(load<u32>(at) | CASE_BITS, load<u32>(end - 4) | CASE_BITS);
  // Letters become small ones, and no tchar becomes an octet of these names but they. Bounds: an entry has 32 octets.
  if (load<u16>(entry + length) !== COLON_SP) return FieldName.UNKNOWN;
  for (let i: usize = 0; i < length; i += 4) {
    let others = (load<u32>(at + i) | CASE_BITS) ^ load<u32>(entry + i);
    // Of the last word, only the octets of the name.
    if (length - i < 4) others <<= (4 - <u32>(length - i)) << 3;
    if (others) return FieldName.UNKNOWN;
  }
  const name = load<u32>(entry, NameEntry.CODE) & FieldSpelling.NAME;
  return name < <u32>FieldName.RECOGNISED ? name : FieldName.UNKNOWN;
}
