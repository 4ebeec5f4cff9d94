// In:    values, each for a name or a wildcard.
// Out:   the value that a name means.
// Never: looks for a suffix of a length that no wildcard has, however many a name may have.

import { type Authority, isPlainName, nameKey } from "../head/authority.js";
import type { HostPattern } from "./host-pattern.js";

const DOT = 0x2e;

/** Finds the exact name first, then the closest wildcard; of the same suffix `*.` before `**.`. */
export class HostMap<Value> {
  readonly #exact = new Map<string, Value>();
  /** By what is to the right of the stars. */
  readonly #wildcards = new Map<string, { "*"?: Value; "**"?: Value }>();
  /** The lengths of these suffixes, the longest first. */
  #lengths: readonly number[] = [];

  /** The value of that very pattern. */
  get({ stars, key }: HostPattern): Value | undefined {
    return stars === "" ? this.#exact.get(key) : this.#wildcards.get(key)?.[stars];
  }

  set({ stars, key }: HostPattern, value: Value): void {
    if (stars === "") this.#exact.set(key, value);
    else {
      this.#wildcards.set(key, { ...this.#wildcards.get(key), [stars]: value });
      const lengths = new Set(this.#lengths).add(key.length);
      this.#lengths = [...lengths].sort((one, other) => other - one);
    }
  }

  find(authority: Authority): Value | undefined {
    const exact = this.#exact.get(nameKey(authority));
    if (exact !== undefined || this.#lengths.length === 0 || !isPlainName(authority)) return exact;
    const { uriHost } = authority;
    for (const length of this.#lengths) {
      const dot = uriHost.length - length - 1;
      if (uriHost.charCodeAt(dot) !== DOT) continue;
      const found = this.#wildcards.get(uriHost.slice(dot + 1));
      if (found === undefined) continue;
      const isOneLabel = uriHost.lastIndexOf(".", dot - 1) < 0;
      const value = (isOneLabel ? found["*"] : undefined) ?? found["**"];
      if (value !== undefined) return value;
    }
    return undefined;
  }
}
