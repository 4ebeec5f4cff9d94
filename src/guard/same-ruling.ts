// In:    an accepted request; later requests of the same connection.
// Out:   which of these are ruled on alike, without being read again.
// Never: covers a request that a reading would refuse.

import type { Message } from "../head/from-message.js";
import { fieldNames, isRuledOn } from "../head/kernel/field-names.js";
import type { HeadLimits } from "../head/limits.js";

/**
 * Finds the field names that a ruling may depend on: those that the kernel reads, and perhaps others of the same length
 * and first letter. The kernel's table has them all, those of policies included.
 */
export class RuledFields {
  /** By length of name: a bit for each first letter, whatever its case. */
  readonly #letters = new Uint32Array(32);

  constructor() {
    for (const [name, number] of fieldNames) {
      if (isRuledOn(number)) this.#letters[name.length]! |= 1 << (name.charCodeAt(0) & 31);
    }
  }

  has(name: string): boolean {
    return name.length < 32 && (this.#letters[name.length]! & (1 << (name.charCodeAt(0) & 31))) !== 0;
  }
}

/** What the kernel reads as an origin-form: visible ASCII but "#". */
const ORIGIN_FORM = /^\/[!"$-~]*$/;

/**
 * A ruling on a request that is no upgrade depends on its connection, the fields that the kernel and the policy read, and
 * no other; not on the method, nor on an origin-form. All else that a reading could refuse, Node's parser has refused, unless
 * it is lenient: names that are no tokens, control octets in values.
 */
export class SameRuling {
  /** Name, value, name, value. */
  readonly #ruledOn: readonly string[];

  private constructor(ruledOn: readonly string[]) {
    this.#ruledOn = ruledOn;
  }

  /** Of an accepted request; null where it can be none. */
  static of({ url, httpVersion, rawHeaders }: Message, fields: RuledFields): SameRuling | null {
    if (httpVersion !== "1.1" || !ORIGIN_FORM.test(url!)) return null;
    const ruledOn: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (fields.has(rawHeaders[i]!)) ruledOn.push(rawHeaders[i]!, rawHeaders[i + 1]!);
    }
    return new SameRuling(ruledOn);
  }

  /** True where a reading would come to the same ruling. */
  covers({ method, url, httpVersion, rawHeaders }: Message, fields: RuledFields, limits: HeadLimits): boolean {
    const ruledOn = this.#ruledOn;
    const count = rawHeaders.length;
    if (count > 2 * limits.fieldLines || httpVersion !== "1.1" || !ORIGIN_FORM.test(url!)) return false;
    // "GET / HTTP/1.1", and the CRLF behind it and behind the last field line.
    let size = method!.length + url!.length + 14;
    let found = 0;
    for (let i = 0; i < count; i += 2) {
      const name = rawHeaders[i]!;
      const value = rawHeaders[i + 1]!;
      size += name.length + value.length + 4;
      if (!fields.has(name)) continue;
      if (ruledOn[found] !== name || ruledOn[found + 1] !== value) return false;
      found += 2;
    }
    return found === ruledOn.length && size <= limits.headBytes;
  }
}

/** A server's parser lets pass what a reading would refuse; it says so itself, or the process was told so. */
export function isLenient(server: object): boolean {
  const { insecureHTTPParser, httpValidation } = server as { insecureHTTPParser?: boolean; httpValidation?: string };
  if (insecureHTTPParser !== undefined) return insecureHTTPParser;
  if (httpValidation !== undefined) return httpValidation !== "strict";
  return /insecure-http-parser|http-validation/.test(`${process.execArgv} ${process.env.NODE_OPTIONS}`);
}
