// In:    origins as a configuration lists them; an Origin that was read.
// Out:   whether the list has it.
// Never: does more for an Origin than one look-up for each length that the list has, however long the Origin is.

import { type Authority, isPlainName } from "../head/authority.js";
import { HostMap } from "./host-map.js";
import { type LabelPattern, type OriginPattern, readOriginPattern } from "./origin-pattern.js";
import { canonicalOrigin, type Origin } from "./serialized-origin.js";

/** Origins of a list, checked once: names, wildcards, a star within a label, any host of a scheme, any port. */
export class OriginSet {
  /** As they were written. */
  readonly written: readonly string[];
  /** Canonical texts, and `null`. */
  readonly #exact = new Set<string>();
  /** By canonical text of scheme and port. */
  readonly #byPort = new Map<string, HostSet>();
  /** By scheme: those of every port. */
  readonly #everyPort = new Map<string, HostSet>();

  /**
   * Throws `TypeError` with the path, the value and the fix. `forAll`: the setting that admits every page, such as `origins: "any"`.
   * `besides`: a word that the list may contain too; `written` is without it.
   */
  constructor(list: readonly unknown[], where: string, forAll: string, besides?: string) {
    const written: string[] = [];
    // A copy visits each item once, and holes as well.
    Array.from(list).forEach((each, i) => {
      if (each === besides && besides !== undefined) return;
      this.#add(readOriginPattern(each, `${where}[${i}]`, forAll));
      written.push(each as string);
    });
    this.written = written;
  }

  #add(pattern: OriginPattern): void {
    if (pattern.kind === "null") this.#exact.add("null");
    else if (pattern.kind === "empty") this.#exact.add(canonicalOrigin(pattern.scheme, "", null));
    else {
      const { scheme, port, host } = pattern;
      if (host.kind === "name" && host.name.stars === "" && port !== "*") {
        this.#exact.add(canonicalOrigin(scheme, host.name.key, port));
        return;
      }
      const [places, place] =
        port === "*" ? [this.#everyPort, scheme] : [this.#byPort, canonicalOrigin(scheme, "", port)];
      const hosts = places.get(place) ?? new HostSet();
      hosts.add(host);
      places.set(place, hosts);
    }
  }

  /** True where the list has that origin. `text`: canonical, or `null`; `origin`: the same, read. */
  has(text: string, origin: Origin | null): boolean {
    if (this.#exact.has(text)) return true;
    if (origin === null) return false;
    const { scheme, authority, port } = origin;
    if (authority === null) return false;
    if (this.#byPort.size > 0 && this.#byPort.get(canonicalOrigin(scheme, "", port))?.has(authority)) return true;
    return this.#everyPort.get(scheme)?.has(authority) === true;
  }
}

/** The hosts of one scheme and port. */
class HostSet {
  readonly #names = new HostMap<true>();
  readonly #labels = new Map<string, LabelSet>();
  #hasEvery = false;

  add(host: Extract<OriginPattern, { kind: "host" }>["host"]): void {
    if (host.kind === "every") this.#hasEvery = true;
    else if (host.kind === "name") this.#names.set(host.name, true);
    else {
      const labels = this.#labels.get(host.parent) ?? new LabelSet();
      labels.add(host);
      this.#labels.set(host.parent, labels);
    }
  }

  has(authority: Authority): boolean {
    if (this.#hasEvery || this.#names.find(authority) !== undefined) return true;
    if (this.#labels.size === 0 || !isPlainName(authority)) return false;
    const { uriHost } = authority;
    const dot = uriHost.indexOf(".");
    return dot > 0 && this.#labels.get(uriHost.slice(dot + 1))?.has(uriHost.slice(0, dot)) === true;
  }
}

/** Labels with a star in them, found by the lengths of what is to the left and to the right of it. */
class LabelSet {
  readonly #texts = new Set<string>();
  readonly #lengths: (readonly [left: number, right: number])[] = [];

  add({ left, right }: LabelPattern): void {
    this.#texts.add(`${left}*${right}`);
    const isKnown = this.#lengths.some(([one, other]) => one === left.length && other === right.length);
    if (!isKnown) this.#lengths.push([left.length, right.length]);
  }

  has(label: string): boolean {
    return this.#lengths.some(([left, right]) => {
      const end = label.length - right;
      if (end <= left || !this.#texts.has(`${label.slice(0, left)}*${label.slice(end)}`)) return false;
      return /^[a-z0-9-]+$/.test(label.slice(left, end));
    });
  }
}
