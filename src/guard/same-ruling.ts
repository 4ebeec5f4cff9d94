// In:    an accepted request; later requests of the same connection.
// Out:   which of these get the same ruling, without being parsed again.
// Never: covers a request that parsing would refuse.

import { isLenientServer } from "../engine/seat.js";
import type { Message } from "../head/from-message.js";
import { fieldNames, isAboutPages, isRuledOn } from "../head/kernel/field-names.js";
import type { HeadLimits } from "../head/limits.js";
import { isSafe, type Sharing } from "../policy/site.js";

/**
 * Finds the field names that a ruling may depend on: those that the kernel reads, and possibly others of the same length
 * and first letter. The kernel's table has all of them, including those of policies.
 */
export class RuledFields {
  /** By length of name: a bit for each first letter, ignoring case. */
  readonly #letters = new Uint32Array(32);
  /** Those without the fields about pages, for rulings that did not depend on these. */
  readonly few: RuledFields | null;

  constructor(isRead = isRuledOn) {
    for (const [name, number] of fieldNames) {
      if (isRead(number)) this.#letters[name.length]! |= 1 << (name.charCodeAt(0) & 31);
    }
    this.few = isRead === isRuledOn ? new RuledFields((number) => isRuledOn(number) && !isAboutPages(number)) : null;
  }

  has(name: string): boolean {
    return name.length < 32 && (this.#letters[name.length]! & (1 << (name.charCodeAt(0) & 31))) !== 0;
  }
}

/** What the kernel reads as an origin-form: visible ASCII except "#". */
const ORIGIN_FORM = /^\/[!"$-~]*$/;

/**
 * A ruling on a request that is not an upgrade depends on its connection, its method and the fields that the kernel and the policy
 * read, but not on an origin-form; the ruling itself states where it depends on less, and where on the path (`Sharing`). Node's
 * parser has refused everything else that parsing could refuse, such as names that are not tokens and control octets in values,
 * unless it is lenient.
 */
export class SameRuling {
  /** Name, value, name, value. */
  readonly #ruledOn: readonly string[];
  readonly #fields: RuledFields;
  /** Null: any method, or a safe one. */
  readonly #method: string | null;
  readonly #isSafe: boolean;

  private constructor(ruledOn: readonly string[], fields: RuledFields, method: string | null, needsSafe: boolean) {
    this.#ruledOn = ruledOn;
    this.#fields = fields;
    this.#method = method;
    this.#isSafe = needsSafe;
  }

  /** The ruling on an accepted request; null if it cannot be shared. */
  static of(message: Message, fields: RuledFields, sharing: Sharing): SameRuling | null {
    const { method, url, httpVersion, rawHeaders } = message;
    if (sharing === "nothing" || httpVersion !== "1.1" || !ORIGIN_FORM.test(url!)) return null;
    const isNarrow = sharing === "same fields";
    const read = isNarrow ? fields : fields.few!;
    const ruledOn: string[] = [];
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (read.has(rawHeaders[i]!)) ruledOn.push(rawHeaders[i]!, rawHeaders[i + 1]!);
    }
    return new SameRuling(ruledOn, read, isNarrow ? method! : null, sharing === "safe methods");
  }

  /** True if parsing would lead to the same ruling. */
  covers({ method, url, httpVersion, rawHeaders }: Message, limits: HeadLimits): boolean {
    const ruledOn = this.#ruledOn;
    const fields = this.#fields;
    const count = rawHeaders.length;
    if (count > 2 * limits.fieldLines || httpVersion !== "1.1" || !ORIGIN_FORM.test(url!)) return false;
    if (this.#method !== null ? method !== this.#method : this.#isSafe && !isSafe(method!)) return false;
    // " HTTP/1.1", the SP before the target, and the CRLF after the request line and after the last field line.
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

/** Whether a server's parser accepts what parsing would refuse, by its own options or those of the process. */
export function isLenient(server: object): boolean {
  const byDefault = (): boolean =>
    /insecure-http-parser|http-validation/.test(`${process.execArgv} ${process.env.NODE_OPTIONS}`);
  return isLenientServer(server, byDefault);
}
