// In:    vhosts as a caller wrote them.
// Out:   vhosts, checked, and an index that finds the ones a name means.
// Never: compares ports or schemes of a request; decision.ts does that.

import { type Authority, parseAuthority } from "./authority.js";
import { checkSettings } from "./settings.js";

/** Serves adopted sockets and listens on nothing: there is no port to compare a Host port with. */
export const NO_LISTEN_SERVER = "NO_LISTEN_SERVER" as const;
/** The name is taken and not served. */
export const NO_LISTEN = "NO_LISTEN" as const;

/**
 * What a vhost's port is, and so what the port in Host is compared with: the public port or ports; nothing, for
 * sockets accepted elsewhere (`NO_LISTEN_SERVER`) or by wish (`any`); the local port of the arrival
 * (`local`); or no service at all (`NO_LISTEN`).
 */
export type VhostPort = number | readonly number[] | typeof NO_LISTEN_SERVER | typeof NO_LISTEN | "local" | "any";

export interface Vhost<Claim = unknown> {
  /**
   * A reg-name, an IPv4address, an IPv6 address in brackets, `*.` and a name for exactly one label more, `**.` and a
   * name for any number. Names beyond ASCII are converted once. Without a port: that is `port`.
   */
  readonly name: string;
  /** Left out: unchecked where ports do not matter; a socket can only be adopted where it is written. */
  readonly port?: VhostPort;
  /** Also serves names that no vhost has; never addresses. At most one vhost. */
  readonly default?: boolean;
  /** Plaintext never reaches it. */
  readonly requires?: "https";
  /** Who takes upgrades, by path: `/exact`, `/prefix/*`, or `*` for all. A path nobody claims is 404. */
  readonly upgrades?: Readonly<Record<string, Claim>>;
}

const settings = ["name", "port", "default", "requires", "upgrades"];
const namedPorts = new Set<unknown>([NO_LISTEN_SERVER, NO_LISTEN, "local", "any"]);

/** A name of plain labels: no empty one, no percent-encoding, no sub-delims. Only such names meet a wildcard. */
export const PLAIN_NAME = /^[a-z0-9_~-]+(?:\.[a-z0-9_~-]+)*$/;

/** Finds vhosts by name: exact names first, then the closest wildcard, then the default. */
export class VhostIndex<Claim> {
  readonly #exact = new Map<string, Vhost<Claim>[]>();
  readonly #oneLabel = new Map<string, Vhost<Claim>[]>();
  readonly #anyDepth = new Map<string, Vhost<Claim>[]>();
  readonly #default: Vhost<Claim>[];

  /** Throws `TypeError` with the path, the value and the fix. */
  constructor(vhosts: readonly Vhost<Claim>[]) {
    if (!Array.isArray(vhosts) || vhosts.length === 0) {
      throw new TypeError(
        "vhosts must be a list with at least one vhost: vhosts: [{ name: 'example.com', port: 443 }]",
      );
    }
    vhosts.forEach((vhost, i) => {
      checkVhost(vhost, `vhosts[${i}]`);
      this.#add(vhost, `vhosts[${i}]`);
    });
    this.#default = vhosts.filter((vhost) => vhost.default === true);
    if (this.#default.length > 1) {
      const names = this.#default.map((vhost) => vhost.name).join(" and ");
      throw new TypeError(`${names} are both default; only one vhost can be`);
    }
  }

  #add(vhost: Vhost<Claim>, where: string): void {
    if (vhost.name.replace(/^\*\*?\./, "").includes("*")) {
      throw new TypeError(
        `${where}.name ${JSON.stringify(vhost.name)}: a star stands alone in front, as in *.example.com; ` +
          "for every name there is default: true",
      );
    }
    const [, stars, written] = /^(?:(\*\*?)\.)?(.*)$/s.exec(vhost.name)!;
    const authority = readName(written!, vhost.name, where);
    if (stars !== undefined && (authority.kind !== "reg-name" || !PLAIN_NAME.test(authority.uriHost))) {
      throw new TypeError(`${where}.name ${JSON.stringify(vhost.name)}: behind ${stars}. stands a plain name`);
    }
    const table = stars === undefined ? this.#exact : stars === "*" ? this.#oneLabel : this.#anyDepth;
    const key = keyOf(authority);
    const others = table.get(key) ?? [];
    for (const other of others) {
      if (overlap(vhost, other)) {
        throw new TypeError(
          `${where}: another vhost named ${vhost.name} takes the same ports, so that their order would decide; ` +
            "give each its own port numbers",
        );
      }
    }
    table.set(key, [...others, vhost]);
  }

  /** The vhosts that the name means; empty where it means none. They differ in their ports. */
  find(authority: Authority | null): readonly Vhost<Claim>[] {
    if (authority === null) return this.#default;
    const exact = this.#exact.get(keyOf(authority));
    if (exact !== undefined) return exact;
    if (authority.kind !== "reg-name" || !PLAIN_NAME.test(authority.uriHost)) return [];
    for (let dot = authority.uriHost.indexOf("."), first = true; dot >= 0; first = false) {
      const suffix = authority.uriHost.slice(dot + 1);
      const found = (first ? this.#oneLabel.get(suffix) : undefined) ?? this.#anyDepth.get(suffix);
      if (found !== undefined) return found;
      dot = authority.uriHost.indexOf(".", dot + 1);
    }
    return this.#default;
  }
}

/** An address and a reg-name that is spelt like one are different names. */
function keyOf(authority: Authority): string {
  const looksLikeAddress = authority.kind === "reg-name" && /^[0-9.]+$/.test(authority.uriHost);
  return looksLikeAddress ? `${authority.uriHost}.` : authority.uriHost;
}

function readName(written: string, whole: string, where: string): Authority {
  const shown = `${where}.name ${JSON.stringify(whole)}`;
  if (written.includes("://")) throw new TypeError(`${shown} is a URL; write its host name alone`);
  if (/^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f.:]*$/i.test(written)) {
    throw new TypeError(`${shown} is an IPv6 address; write it in brackets: [${written}]`);
  }
  const result = parseAuthority(toAscii(written, shown));
  if (result.kind === "error") throw new TypeError(`${shown} is no host name: ${result.error.message}`);
  if (written.endsWith(":") || result.authority.port !== null) {
    throw new TypeError(`${shown} holds a port; write it as port: ${result.authority.port ?? 443}`);
  }
  return result.authority;
}

/** Converts a name beyond ASCII by the URL standard's domain-to-ASCII; leaves all others alone. */
function toAscii(name: string, shown: string): string {
  if (!/[^\0-\x7f]/.test(name)) return name;
  try {
    // Octets that would end a URL's host would be converted without a word.
    if (!/[\0-\x20/?#@:\\[\]%]/.test(name)) return new URL(`http://${name}`).hostname;
  } catch {}
  throw new TypeError(`${shown} is no internationalized host name`);
}

function checkVhost(vhost: unknown, where: string): void {
  if (typeof vhost !== "object" || vhost === null) {
    throw new TypeError(
      `${where} is ${String(vhost)}; it must be an object such as { name: 'example.com', port: 443 }`,
    );
  }
  const { name, port, default: byDefault, requires, upgrades } = vhost as Record<string, unknown>;
  checkSettings(vhost, settings, `a vhost (${where})`);
  if (typeof name !== "string") throw new TypeError(`${where}.name is ${String(name)}; it must be a string`);
  if (byDefault !== undefined && typeof byDefault !== "boolean") {
    throw new TypeError(`${where}.default is ${String(byDefault)}; it must be true or false`);
  }
  if (requires !== undefined && requires !== "https") {
    throw new TypeError(`${where}.requires is ${JSON.stringify(requires)}; it must be "https" or left out`);
  }
  checkPort(port, `${where}.port`);
  checkUpgrades(upgrades, `${where}.upgrades`);
}

function checkPort(port: unknown, where: string): void {
  if (port === undefined || namedPorts.has(port)) return;
  const numbers = Array.isArray(port) ? port : [port];
  if (numbers.length > 0 && numbers.every((n) => Number.isInteger(n) && n >= 1 && n <= 65_535)) return;
  throw new TypeError(
    `${where} is ${JSON.stringify(port)}; it must be a number from 1 to 65535, a list of them, ` +
      `${[...namedPorts].map((name) => JSON.stringify(name)).join(", ")}`,
  );
}

function checkUpgrades(upgrades: unknown, where: string): void {
  if (upgrades === undefined) return;
  if (typeof upgrades !== "object" || upgrades === null) {
    throw new TypeError(`${where} must be an object such as { '/live': wsFramer(wss) }`);
  }
  for (const pattern of Object.keys(upgrades)) {
    if (!/^(?:\*|\/[^*?#\s]*(?:\/\*)?|\/\*)$/.test(pattern)) {
      throw new TypeError(
        `${where}[${JSON.stringify(pattern)}] is no path: write '/exact', '/prefix/*', or '*' for all paths`,
      );
    }
  }
}

/** True where some port and scheme would fit both. */
function overlap(one: Vhost, other: Vhost): boolean {
  const numbers = numbersOf(one.port);
  const otherNumbers = numbersOf(other.port);
  if (numbers === null || otherNumbers === null) return true;
  return numbers.some((number) => otherNumbers.includes(number));
}

/** The declared port numbers; null where the setting is not numbers. */
export function numbersOf(port: VhostPort | undefined): readonly number[] | null {
  if (typeof port === "number") return [port];
  return typeof port === "object" ? port : null;
}

/** The claim on a path of upgrades, with its pattern: exact, then the longest prefix, then `*`; null for none. */
export function claimOf<Claim>(vhost: Vhost<Claim>, path: string): { pattern: string; claim: Claim } | null {
  const { upgrades } = vhost;
  if (upgrades === undefined) return null;
  if (path !== "*" && !path.endsWith("/*") && Object.hasOwn(upgrades, path)) {
    return { pattern: path, claim: upgrades[path]! };
  }
  for (let slash = path.lastIndexOf("/"); slash >= 0; slash = slash === 0 ? -1 : path.lastIndexOf("/", slash - 1)) {
    const pattern = `${path.slice(0, slash)}/*`;
    if (Object.hasOwn(upgrades, pattern)) return { pattern, claim: upgrades[pattern]! };
  }
  return Object.hasOwn(upgrades, "*") ? { pattern: "*", claim: upgrades["*"]! } : null;
}
