// In:    calls from src/wasm.ts, with octets already at Memory.INPUT.
// Out:   a status, and records at Memory.RECORDS.
// Never: does the work itself.

import { AuthorityBlock, Capacity, FieldLine, Flag, Head, Memory, Status, TargetForm } from "./abi";
import { authorityMayEnd, authorityRefusal, finishAuthority, readAuthority } from "./authority";
import { buildNames } from "./field-name";
import { readHead } from "./head";
import { buildTables } from "./octets";
import { octetRefusal } from "./stop";

buildTables();
buildNames();

/**
 * Reads one head from the octets at INPUT, of which `length` have come in, into the record at RECORDS.
 * `options` are `Option` bits; `headBytes` and `fieldLines` the limits.
 */
export function parseHead(length: u32, options: u32, headBytes: u32, fieldLines: u32): Status {
  return readHead(Memory.RECORDS, Memory.INPUT, Memory.INPUT + length, options, headBytes, fieldLines);
}

/**
 * Reads pipelined heads one after another, their records standing one behind the other from RECORDS on, each
 * Head.SIZE + FIELD_LINES * FieldLine.SIZE octets long. Stops behind a head that has a body, a Connection with
 * upgrade, or the method CONNECT, since what follows those is no head; at a head that is refused or not whole,
 * whose record is the last; and where the next record might not fit. Returns how many records it wrote.
 */
export function parseHeads(length: u32, options: u32, headBytes: u32, fieldLines: u32): u32 {
  const end: usize = Memory.INPUT + length;
  const recordsEnd: usize = Memory.RECORDS + Memory.RECORDS_SIZE;
  const largest: usize = Head.SIZE + min<u32>(fieldLines, Capacity.FIELD_LINES) * FieldLine.SIZE;
  let base: usize = Memory.INPUT;
  let record: usize = Memory.RECORDS;
  let records: u32 = 0;
  // Bounds: base <= end; a record is begun only where the largest one fits.
  while (base < end && record + largest <= recordsEnd) {
    records++;
    if (readHead(record, base, end, options, headBytes, fieldLines) !== Status.COMPLETE) break;
    if (!isFollowedByHead(record)) break;
    base += load<u32>(record, Head.OFFSET);
    record += Head.SIZE + load<u32>(record, Head.FIELD_LINES) * FieldLine.SIZE;
  }
  return records;
}

function isFollowedByHead(record: usize): bool {
  const flags = load<u32>(record, Head.FLAGS);
  const authorityForm = load<u32>(record, Head.TARGET_FORM) === TargetForm.AUTHORITY;
  return !authorityForm && !(flags & (Flag.CONTENT_LENGTH | Flag.TRANSFER_ENCODING | Flag.CONNECTION_UPGRADE));
}

/** Reads `length` octets at INPUT as one whole authority into the `AuthorityBlock` of the Host field. */
export function parseAuthority(length: u32): Status {
  const base: usize = Memory.INPUT;
  const end = base + length;
  const block: usize = Memory.RECORDS + Head.HOST;
  const stop = readAuthority(block, base, base, end);
  let status: Status = Status.COMPLETE;
  let blamed: usize = stop;
  if (stop < end) {
    const because = authorityRefusal(block, load<u8>(stop));
    status = octetRefusal(load<u8>(stop), because, because);
  } else if (!authorityMayEnd(block)) {
    status = authorityRefusal(block, 0);
  } else {
    status = finishAuthority(block, base);
    blamed = base + load<u32>(block, AuthorityBlock.START);
  }
  store<u32>(Memory.RECORDS, status, Head.STATUS);
  store<u32>(Memory.RECORDS, blamed - base, Head.OFFSET);
  return status;
}
