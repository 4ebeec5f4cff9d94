// In:    a vhost as a caller wrote it.
// Out:   what a vhost may have, and TypeError with the fix for what it may not.
// Never: knows other vhosts; vhost-index.ts does.

import { checkSettings, describe, isPort, isRecord } from "../head/options.js";
import { checkExactPaths, isPathPattern, patternFor } from "./claims.js";
import type { Origins } from "./origin.js";
import type { SiteRule, SiteScope } from "./site.js";
import { readSite } from "./site-settings.js";

/** Serves adopted sockets and listens on nothing: there is no port to compare a Host port with. */
export const NO_LISTEN_SERVER = "NO_LISTEN_SERVER" as const;
/** The name is taken and not served. */
export const NO_LISTEN = "NO_LISTEN" as const;

/**
 * A value for `upgrades` in place of a framer: the upgrade is ruled on, and then left to the other 'upgrade' listeners
 * of the guarded server. An adopted socket has no such listeners.
 */
export const LEAVE = "LEAVE" as const;

/**
 * What a vhost's port is, and so what the port in Host is compared with: the public port or ports; nothing, for
 * sockets accepted elsewhere (`NO_LISTEN_SERVER`) or by wish (`any`); the local port of the arrival
 * (`local`); or no service at all (`NO_LISTEN`).
 */
export type VhostPort = number | readonly number[] | typeof NO_LISTEN_SERVER | typeof NO_LISTEN | "local" | "any";

export interface Vhost<Claim = unknown> {
  /**
   * A reg-name, an IPv4address, an IPv6 address in brackets, `*.` and a name for exactly one label more, `**.` and a
   * name for any number, or a network of addresses: `127.0.0.0/8`, `[fd00::]/8`. Names beyond ASCII are converted once.
   * Without a port: that is `port`.
   */
  readonly name: string;
  /** Left out: unchecked where ports do not matter; a socket can only be adopted where it is written. */
  readonly port?: VhostPort | undefined;
  /** Also serves names that no vhost has; never addresses. At most one vhost. */
  readonly default?: boolean | undefined;
  /** Plaintext never reaches it. */
  readonly requires?: "https" | undefined;
  /** Whose pages may send requests here. Left out: `same-authority`. */
  readonly origins?: Origins | undefined;
  /**
   * Whose pages may embed what is here: images, scripts, styles, frames, and whatever else a browser fetches for a page. Left out:
   * `any`. A list has origins as `origins` has them; the own pages always may, and those of `origins`.
   */
  readonly embedding?: SiteScope | readonly string[] | undefined;
  /** From which pages links lead here. Left out: `any`. */
  readonly navigation?: SiteScope | undefined;
  /** Exact paths to which the pages of any site may POST: the ends of logins, for instance. Left out: none. */
  readonly callbacks?: readonly string[] | undefined;
  /**
   * The claims on upgrades, by path: `/exact`, `/prefix/*`, or `*` for all. A path that is not claimed is 404. Left out, or undefined: a
   * guard leaves every upgrade to the server's own listeners, and for adopted sockets and in `decide` no path is claimed.
   */
  readonly upgrades?: Readonly<Record<string, Claim>> | undefined;
  /**
   * Paths of health checks, each exact, such as `/healthz`: GET, HEAD and OPTIONS of HTTP/1.0 that name no host are for this vhost
   * there. At most one vhost has it, and no vhost is `default` then. Left out: such requests are `AUTHORITY_ABSENT`.
   */
  readonly absentHost?: readonly string[] | undefined;
}

/** The settings of a vhost. @internal */
export const vhostSettings = [
  "name",
  "port",
  "default",
  "requires",
  "origins",
  "embedding",
  "navigation",
  "callbacks",
  "upgrades",
  "absentHost",
] as const satisfies readonly (keyof Vhost)[];
const namedPorts = new Set<unknown>([NO_LISTEN_SERVER, NO_LISTEN, "local", "any"]);

/** Throws `TypeError`; returns what else was read. */
export function checkVhost(vhost: unknown, where: string): SiteRule {
  if (!isRecord(vhost)) {
    throw new TypeError(
      `${where} is ${describe(vhost)}; it must be an object such as { name: 'example.com', port: 443 }${fixOfVhost(vhost, where)}`,
    );
  }
  const { name, port, default: byDefault, requires, upgrades, absentHost } = vhost;
  checkSettings(vhost, vhostSettings, `a vhost (${where})`);
  if (typeof name !== "string")
    throw new TypeError(`${where}.name is ${describe(name)}; it must be a string${fixOfName(name)}`);
  if (byDefault !== undefined && typeof byDefault !== "boolean") {
    throw new TypeError(`${where}.default is ${describe(byDefault)}; it must be true or false`);
  }
  if (requires !== undefined && requires !== "https") {
    throw new TypeError(`${where}.requires is ${describe(requires)}; it must be "https" or left out`);
  }
  checkPort(port, `${where}.port`);
  const rule = readSite(vhost, where);
  if (byDefault === true && rule.origins.sameAuthority) {
    throw new TypeError(
      `${where} is default and its origins are those of the same authority: it takes any name, so that a page of any ` +
        'site would pass (DNS rebinding); write origins: ["https://example.com"], or origins: "any"',
    );
  }
  checkUpgrades(upgrades, `${where}.upgrades`);
  checkAbsentHost(absentHost, `${where}.absentHost`);
  return rule;
}

function checkPort(port: unknown, where: string): void {
  if (port === undefined || namedPorts.has(port)) return;
  const numbers = Array.isArray(port) ? port : [port];
  if (numbers.length > 0 && numbers.every(isPort)) return;
  throw new TypeError(
    `${where} is ${describe(port)}; it must be a number from 1 to 65535, a list of them, ` +
      `${[...namedPorts].map((name) => JSON.stringify(name)).join(", ")}${fixOfPort(port)}`,
  );
}

/** Of numbers as text, as in `process.env.PORT`, and of what other packages call any port. */
function fixOfPort(port: unknown): string {
  if (port === "*" || port === 0 || port === true || port === null) return `; for every port, write "any"`;
  const texts: unknown[] = Array.isArray(port) ? port : [port];
  const numbers = texts.map((text) => (typeof text === "string" && /^\d{1,5}$/.test(text) ? Number(text) : text));
  const isRight = numbers.length > 0 && numbers.every((n) => typeof n === "number" && n >= 1 && n <= 65_535);
  if (!isRight || !texts.some((text) => typeof text === "string")) return "";
  return `; write ${Array.isArray(port) ? `[${numbers.join(", ")}]` : `${numbers[0]}, as in Number(process.env.PORT)`}`;
}

function checkUpgrades(upgrades: unknown, where: string): void {
  if (upgrades === undefined) return;
  if (!isRecord(upgrades) || isClaim(upgrades)) {
    throw new TypeError(
      `${where} must be an object such as { '/live': wsFramer(wss) }; it is ${describe(upgrades)}${fixOfUpgrades(upgrades)}`,
    );
  }
  for (const [pattern, claim] of Object.entries(upgrades)) {
    if (!isPathPattern(pattern)) {
      throw new TypeError(`${where}[${JSON.stringify(pattern)}] is not a path: ${patternFor(pattern)}`);
    }
    if (claim === undefined) {
      throw new TypeError(`${where}[${JSON.stringify(pattern)}] is undefined; write a claim, or leave the path out`);
    }
  }
}

/** A framer, or a WebSocketServer, in place of paths. */
function isClaim(upgrades: object): boolean {
  return ["take", "handleUpgrade"].some((name) => typeof (upgrades as Record<string, unknown>)[name] === "function");
}

function fixOfUpgrades(upgrades: unknown): string {
  if (upgrades === LEAVE || upgrades === true)
    return '; to leave every upgrade to other listeners, write { "*": LEAVE }';
  if (upgrades === false || upgrades === null) return "; to take no upgrades, write {}";
  if (typeof upgrades === "function") return '; for every path, write { "*": framer }';
  if (Array.isArray(upgrades) || upgrades instanceof Map) return "; write each path with its framer";
  if (typeof upgrades === "string" && isPathPattern(upgrades)) return `; write { ${JSON.stringify(upgrades)}: framer }`;
  if (typeof upgrades !== "object") return "";
  return `; for every path, write { "*": ${"take" in upgrades! ? "framer" : "wsFramer(wss)"} }`;
}

function fixOfVhost(vhost: unknown, where: string): string {
  if (typeof vhost === "string") return `; write { name: ${describe(vhost)} }`;
  if (Array.isArray(vhost)) return `; ${where} is a list within the list: spread it, as in [...localhost(), other]`;
  return typeof vhost === "function" ? "; call it, and spread its list: [...localhost()]" : "";
}

function fixOfName(name: unknown): string {
  if (Array.isArray(name)) return "; write a vhost for each name";
  return name instanceof RegExp ? ', with "*." before it for one label more, or "**." for any number' : "";
}

function checkAbsentHost(paths: unknown, where: string): void {
  if (paths === undefined) return;
  checkExactPaths(paths, where, '"/healthz"');
  if (paths.length === 0) throw new TypeError(`${where} is []; it must have a path such as "/healthz", or be left out`);
}

/** The declared port numbers; null where the setting is not numbers. */
export function numbersOf(port: VhostPort | undefined): readonly number[] | null {
  if (typeof port === "number") return [port];
  return typeof port === "object" ? port : null;
}
