// In:    how a configuration handles TLS, by server name.
// Out:   the route for one ClientHello.
// Never: touches a socket.

import type { SecureContextOptions } from "node:tls";
import { isPassthrough, type PassthroughLike } from "../../handover/passthrough.js";
import { Authority } from "../../head/authority.js";
import { describe, isRecord } from "../../head/options.js";
import type { TlsRoutes } from "../../outcome/context.js";
import { HostMap } from "../../policy/host-map.js";
import { type HostPattern, readHostPattern } from "../../policy/host-pattern.js";
import { Terminator, type TlsTerms } from "./terminator.js";

/**
 * By server name, with a leading `*.` or `**.` as in vhosts; `*` is for all other names, and for clients that send none. The values are
 * TLS options, with which the gate terminates TLS, or a passthrough that gets the untouched connection.
 */
export type TlsRules = Readonly<Record<string, TlsTerms | PassthroughLike>>;

/** A route whose certificate can be renewed. */
type NamedRoute =
  | { readonly kind: "secure"; readonly terminator: Terminator }
  | { readonly kind: "pass"; readonly passthrough: PassthroughLike };

/** For all other names, and for none. */
const ALL = "*";

export class ServerNames implements TlsRoutes {
  readonly #named = new HostMap<NamedRoute>();
  #others: NamedRoute | undefined;

  /** `protocols`: offered by ALPN. Throws `TypeError` with the path, the value and the fix. */
  constructor(rules: TlsRules, protocols: readonly string[]) {
    if (!isRecord(rules) || Object.keys(rules).length === 0) {
      throw new TypeError(
        `tls must be an object such as { "chat.example.com": { key, cert } }, with at least one name; it is ${Array.isArray(rules) ? "a list" : describe(rules)}`,
      );
    }
    // Not shown: there is a private key in them.
    const [option] = ["key", "cert", "pfx"].filter((name) => Object.hasOwn(rules, name));
    if (option !== undefined) {
      throw new TypeError(
        `tls.${option} is a TLS option in place of a server name; for every name, write tls: { "*": { key, cert } }`,
      );
    }
    for (const [name, rule] of Object.entries(rules)) {
      const where = `tls[${JSON.stringify(name)}]`;
      const made: NamedRoute = isPassthrough(rule)
        ? { kind: "pass", passthrough: rule }
        : { kind: "secure", terminator: new Terminator(rule, protocols, where) };
      if (name === ALL) {
        this.#others = made;
        continue;
      }
      const pattern = readServerName(name, where);
      if (this.#named.get(pattern) !== undefined)
        throw new TypeError(`${where} is a name that tls already has in another spelling`);
      this.#named.set(pattern, made);
    }
  }

  /** The entries with a name, so without `*`. */
  get named(): HostMap<unknown> {
    return this.#named;
  }

  find(serverName: string | null): NamedRoute | undefined {
    if (serverName === null) return this.#others;
    return this.#named.find(new Authority(serverName, "reg-name", null)) ?? this.#others;
  }

  /** Throws `TypeError` for a name that `tls` does not have, or for which the gate does not terminate TLS. */
  renew(name: string, given: SecureContextOptions): void {
    const where = `renew(${JSON.stringify(name)})`;
    const known = name === ALL ? this.#others : this.#named.get(readServerName(name, where));
    if (known?.kind !== "secure") throw new TypeError(`${where}: tls has no certificate for that name`);
    known.terminator.renew(given, where);
  }
}

function readServerName(name: string, where: string): HostPattern {
  if (typeof name !== "string") throw new TypeError(`${where} needs a name that tls has, or "${ALL}"`);
  const pattern = readHostPattern(name, where, `"${ALL}"`);
  if (pattern.port !== null) throw new TypeError(`${where} has a port, but server names have none; leave it out`);
  // Names that look like IPv4 addresses consist of digits and dots, and only addresses begin with a bracket.
  if (/^\[|^[\d.]+$/.test(pattern.key)) {
    throw new TypeError(
      `${where} is an address, which a client cannot send as its server name (RFC 6066 §3); "${ALL}" is for clients that send none`,
    );
  }
  return pattern;
}
