// In:    vhosts as a caller wrote them.
// Out:   an index that finds the ones a name means, the pages that may ask them, and their claims; TypeError where their order would count.
// Never: compares ports or schemes of a request; decide.ts does that.

import { type Authority, isPlainName } from "../head/authority.js";
import { addressOf } from "../head/ip-address.js";
import { NetworkTable } from "../head/network-table.js";
import { describe } from "../head/options.js";
import type { RequestHead } from "../head/request-head.js";
import { Claims } from "./claims.js";
import { HostMap } from "./host-map.js";
import { readHostPattern, readNetworkName } from "./host-pattern.js";
import { isLocalName } from "./localhost.js";
import { isSafe, type SiteRule } from "./site.js";
import { checkVhost, numbersOf, type Vhost } from "./vhost.js";

/** Finds vhosts by name: exact names first, then the closest wildcard or network, then the default. */
export class VhostIndex<Claim> {
  readonly #named = new HostMap<Vhost<Claim>[]>();
  readonly #networks = new NetworkTable<Vhost<Claim>[]>();
  readonly #default: Vhost<Claim>[];
  readonly #sites = new Map<Vhost<Claim>, SiteRule>();
  readonly #claims = new Map<Vhost<Claim>, Claims<Claim>>();
  /** Where health checks that name no host are answered. */
  readonly absentHost: Vhost<Claim> | null;
  /** Some names are those of this machine alone, as `localhost()` has them. */
  readonly isLocal: boolean;
  /** The strictest word that a vhost has for pages of other sites. */
  readonly strictest: Pick<Vhost, "embedding" | "navigation">;

  /** Throws `TypeError` with the path, the value and the fix. */
  constructor(vhosts: readonly Vhost<Claim>[]) {
    if (!Array.isArray(vhosts) || vhosts.length === 0) {
      throw new TypeError(
        `vhosts must be a list with at least one vhost: vhosts: [{ name: 'example.com', port: 443 }]; it is ${describe(vhosts)}${fixOf(vhosts)}`,
      );
    }
    // A hole would be passed over.
    Array.from(vhosts).forEach((vhost, i) => {
      this.#sites.set(vhost, checkVhost(vhost, `vhosts[${i}]`));
      this.#claims.set(vhost, new Claims(vhost.upgrades));
      this.#add(vhost, `vhosts[${i}]`);
    });
    this.isLocal = vhosts.some(({ name }) => isLocalName(name));
    this.strictest = strictestOf(vhosts);
    this.#default = vhosts.filter((vhost) => vhost.default === true);
    if (this.#default.length > 1) {
      const names = this.#default.map((vhost) => vhost.name).join(" and ");
      throw new TypeError(`${names} are both default; only one vhost can be`);
    }
    this.absentHost = readAbsentHost(vhosts);
  }

  #add(vhost: Vhost<Claim>, where: string): void {
    const vhosts = this.#placeOf(vhost.name, `${where}.name ${JSON.stringify(vhost.name)}`);
    if (vhosts.some((other) => overlap(vhost, other))) {
      throw new TypeError(
        `${where}: another vhost named ${vhost.name} takes the same ports, so that their order would decide; ` +
          "give each its own port numbers",
      );
    }
    vhosts.push(vhost);
  }

  /** The vhosts that share a name so far. */
  #placeOf(name: string, shown: string): Vhost<Claim>[] {
    if (name.includes("://")) throw new TypeError(`${shown} is a URL; write its host name alone`);
    const network = readNetworkName(name, shown);
    if (network !== null) {
      const known = this.#networks.get(network) ?? [];
      this.#networks.set(network, known);
      return known;
    }
    const pattern = readHostPattern(name, shown, "default: true");
    if (name.endsWith(":") || pattern.port !== null) {
      throw new TypeError(`${shown} contains a port; write it as port: ${pattern.port ?? 443}`);
    }
    const known = this.#named.get(pattern) ?? [];
    this.#named.set(pattern, known);
    return known;
  }

  /** The vhosts that the name means; empty where it means none. They differ in their ports. */
  find(authority: Authority | null): readonly Vhost<Claim>[] {
    if (authority === null) return this.#default;
    const named = this.#named.find(authority);
    if (named !== undefined) return named;
    const address = addressOf(authority);
    if (address !== null) return this.#networks.find(address) ?? [];
    return isPlainName(authority) ? this.#default : [];
  }

  /** The vhosts for a request that names no host: the default one, or the one that has its path for health checks. */
  findWithoutHost({ httpVersion, method, path }: RequestHead): readonly Vhost<Claim>[] {
    const { absentHost } = this;
    if (absentHost === null) return this.#default;
    const isCheck = httpVersion === "1.0" && isSafe(method) && absentHost.absentHost!.includes(path);
    return isCheck ? [absentHost] : [];
  }

  /** By which pages a vhost of this index may be asked, and for what. */
  siteOf(vhost: Vhost<Claim>): SiteRule {
    return this.#sites.get(vhost)!;
  }

  /** The claims on the upgrades of a vhost. One that is not of this index is for a guarded server, and has one claim. */
  claimsOf(vhost: Vhost<Claim>): Claims<Claim> {
    return this.#claims.get(vhost) ?? new Claims(vhost.upgrades);
  }
}

/** Of vhosts that are not a list. */
function fixOf(vhosts: unknown): string {
  if (typeof vhosts === "function") return "; call it: vhosts: localhost()";
  if (typeof vhosts === "string") return `; write vhosts: [{ name: ${describe(vhosts)} }]`;
  return typeof vhosts === "object" && vhosts !== null && "name" in vhosts ? "; put it into a list" : "";
}

/** The vhost that has the setting, which a default vhost leaves nothing to. */
function readAbsentHost<Claim>(vhosts: readonly Vhost<Claim>[]): Vhost<Claim> | null {
  const [first = null, second] = vhosts.filter(({ absentHost }) => absentHost !== undefined);
  if (second !== undefined) {
    throw new TypeError(`${first!.name} and ${second.name} both have absentHost; only one vhost can`);
  }
  const byDefault = vhosts.find((vhost) => vhost.default === true);
  if (first !== null && byDefault !== undefined) {
    throw new TypeError(
      `${first.name} has absentHost, and ${byDefault.name} is default: it gets every request without a host; leave one of them out`,
    );
  }
  return first;
}

function strictestOf(vhosts: readonly Vhost[]): Pick<Vhost, "embedding" | "navigation"> {
  const wordOf = (setting: "embedding" | "navigation") =>
    (["same-origin", "same-site"] as const).find((word) => vhosts.some((vhost) => vhost[setting] === word));
  return { embedding: wordOf("embedding"), navigation: wordOf("navigation") };
}

/** True where some port and scheme would fit both. */
function overlap(one: Vhost, other: Vhost): boolean {
  const numbers = numbersOf(one.port);
  const otherNumbers = numbersOf(other.port);
  if (numbers === null || otherNumbers === null) return true;
  return numbers.some((number) => otherNumbers.includes(number));
}
