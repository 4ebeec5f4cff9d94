// In:    values, each for a name or a wildcard.
// Out:   the value that a name means.
// Never: holds addresses' networks, or a default; who uses it does.

import type { Authority } from "../head/authority.js";
import { isPlainName, type NamePattern, nameKey } from "./host-pattern.js";

/** Finds the exact name first, then the closest wildcard; of the same suffix `*.` before `**.`. */
export class NameTable<Value> {
  readonly #values = { "": new Map<string, Value>(), "*": new Map<string, Value>(), "**": new Map<string, Value>() };

  /** The value of that very pattern. */
  get({ stars, key }: NamePattern): Value | undefined {
    return this.#values[stars].get(key);
  }

  set({ stars, key }: NamePattern, value: Value): void {
    this.#values[stars].set(key, value);
  }

  find(authority: Authority): Value | undefined {
    const exact = this.#values[""].get(nameKey(authority));
    if (exact !== undefined || !isPlainName(authority)) return exact;
    const { "*": oneLabel, "**": anyDepth } = this.#values;
    const { uriHost } = authority;
    for (let dot = uriHost.indexOf("."), first = true; dot >= 0; first = false) {
      const suffix = uriHost.slice(dot + 1);
      const found = (first ? oneLabel.get(suffix) : undefined) ?? anyDepth.get(suffix);
      if (found !== undefined) return found;
      dot = uriHost.indexOf(".", dot + 1);
    }
    return undefined;
  }
}
