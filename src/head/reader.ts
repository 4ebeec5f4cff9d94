// In:    octets of a connection, in pieces.
// Out:   HeadResult for each piece: partial, a RequestHead, or a HeadFault.
// Never: looks at an octet more than a bounded number of times, or keeps anything between heads.

import { type HeadLimits, headLimits } from "./limits.js";
import { finish, HEAD, type HeadOptions, type HeadResult, kernelOptions, PARTIAL } from "./parse.js";
import { SectionReader, type SectionResults } from "./section-reader.js";

const results: SectionResults<HeadResult> = {
  kind: HEAD,
  partial: PARTIAL,
  finish(wasm, status, before) {
    const result = finish(wasm, status);
    if (result.kind === "complete") result.consumed -= before;
    return result;
  },
};

/**
 * Reads request heads that arrive in pieces, one after another. It looks at each octet a bounded number of times, keeps
 * nothing between heads, and refuses a head in the chunk that shows the fault (docs/conformance.md).
 */
export class HeadReader {
  readonly #sections: SectionReader<HeadResult>;

  constructor(options?: HeadOptions);
  /** With limits that were already checked, as for each connection of a gate. @internal */
  constructor(options: undefined, checked: HeadLimits);
  constructor(options?: HeadOptions, checked?: HeadLimits) {
    this.#sections = new SectionReader(results, kernelOptions(options), checked ?? headLimits(options?.limits));
  }

  /** Octets of a partial head that this reader holds; 0 between heads. */
  get pending(): number {
    return this.#sections.pending;
  }

  /**
   * Takes the next octets. `complete`: `consumed` counts within this chunk, and the reader is ready for the next head.
   * `malformed`: the connection has no further head; the reader forgets this one.
   */
  read(chunk: Uint8Array): HeadResult {
    return this.#sections.read(chunk);
  }
}
