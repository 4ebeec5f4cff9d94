// In:    calls from src/head/kernel/instance.ts, with octets already at Memory.INPUT.
// Out:   a status, and the record at Memory.RECORD.
// Never: does the work itself.

import { AuthorityBlock, Head, Memory, Status } from "./abi";
import { authorityMayEnd, authorityRefusal, finishAuthority, readAuthority } from "./authority";
import { clearNames, enterSpelling } from "./field-name";
import { readHead } from "./head";
import { buildTables } from "./octets";
import { octetRefusal } from "./stop";
import { readTrailers } from "./trailers";

buildTables();
clearNames();

/**
 * Enters a spelling of a field name, the `length` octets at INPUT, which a parse then knows by its `code`: a `FieldName`
 * and a `FieldSpelling`.
 */
export function enterName(length: u32, code: u32): void {
  enterSpelling(Memory.INPUT, <usize>Memory.INPUT + length, code);
}

/**
 * Reads one head from the octets `start`..`end` of INPUT, of which as many have come in, into RECORD. `options` are
 * `Option` bits; `headBytes` and `fieldLines` the limits.
 */
export function parseHead(start: u32, end: u32, options: u32, headBytes: u32, fieldLines: u32): Status {
  return readHead(Memory.INPUT + start, Memory.INPUT + end, options, headBytes, fieldLines);
}

/**
 * Reads the trailer section at the beginning of the octets `start`..`end` of INPUT, with the empty line after it, into
 * RECORD, as the field lines of a head. Only `Option.RESUME` means anything here. `sectionBytes` is the most octets that the
 * lines may have, the empty one not counted.
 */
export function parseTrailers(start: u32, end: u32, options: u32, sectionBytes: u32, fieldLines: u32): Status {
  return readTrailers(Memory.INPUT + start, Memory.INPUT + end, options, sectionBytes, fieldLines);
}

/** Reads `length` octets at INPUT as one whole authority into the `AuthorityBlock` of the Host field. */
export function parseAuthority(length: u32): Status {
  const start: usize = Memory.INPUT;
  const end = start + length;
  const block: usize = Memory.RECORD + Head.HOST;
  const stop = readAuthority(block, start, end);
  let status: Status = Status.COMPLETE;
  let offending: usize = stop;
  if (stop < end) {
    const because = authorityRefusal(block, load<u8>(stop));
    status = octetRefusal(load<u8>(stop), because, because);
  } else if (!authorityMayEnd(block)) {
    status = authorityRefusal(block, 0);
  } else {
    status = finishAuthority(block);
    offending = start + load<u32>(block, AuthorityBlock.START);
  }
  store<u32>(Memory.RECORD, status, Head.STATUS);
  store<u32>(Memory.RECORD, offending - start, Head.OFFSET);
  return status;
}
