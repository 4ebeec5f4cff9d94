// In:    the rules of a policy, as a caller wrote them.
// Out:   Policy: the rules, checked once, in the form that a decision is made by; TypeError with the fix for a wrong one.
// Never: rules on a request.

import { checkScheme } from "../arrival/check.js";
import { ofTrust, readTrust, type Trust, type TrustRules } from "../arrival/trust.js";
import type { Scheme } from "../head/authority.js";
import { meantBy } from "../head/meant.js";
import { checkSettings, describe } from "../head/options.js";
import type { HostMap } from "./host-map.js";
import { type Vhost, vhostSettings } from "./vhost.js";
import { VhostIndex } from "./vhost-index.js";

/** Plain data where the claims are, so that JSON.parse may give it; policy.schema.json describes that. */
export interface PolicyRules<Claim = unknown> {
  /** For editors of JSON; not read. */
  $schema?: string | undefined;
  /**
   * The scheme that clients use, where a proxy terminates TLS for this process; otherwise it follows the socket. A gate's
   * arrivals have it; `decide` takes the scheme of the arrival that it is given. A gate with `tls` has no `https` here.
   */
  scheme?: Scheme | undefined;
  vhosts: readonly Vhost<Claim>[];
  /** Whose word on the client, the scheme, the host and the public port counts. Left out: no peer's. */
  trust?: TrustRules | undefined;
  /**
   * `report`: what would be refused for its name, scheme, port or origin (421, 403) is accepted where a vhost can take
   * it, and `reported` in the acceptance. Left out: `enforce`.
   */
  mode?: "enforce" | "report" | undefined;
}

/** Rules that were checked once. */
export interface Policy<Claim = unknown> {
  readonly scheme: Scheme | undefined;
  readonly vhosts: readonly Vhost<Claim>[];
  /** As they were written. @internal */
  readonly rules: PolicyRules<Claim>;
  /** @internal */
  readonly index: VhostIndex<Claim>;
  readonly mode: "enforce" | "report";
  /** For a guarded server: what takes in report mode what no default vhost takes. Null for other policies. @internal */
  readonly fallback: Vhost<Claim> | null;
  /** @internal */
  readonly trust: Trust | null;
  /** A ruling depends on addresses or ports of the connection, which a socket shows only while it is open. @internal */
  readonly readsAddresses: boolean;
  /** Names that TLS is spoken for on terms of their own, where the gate speaks it. @internal */
  readonly secured: HostMap<unknown> | null;
  /** The scheme may be declared: not beside TLS of the gate's own, also for servers that such a gate guards. @internal */
  readonly mayDeclare: boolean;
}

/** Checks rules once. Throws `TypeError` with the path, the value and the fix. */
export function definePolicy<Claim = unknown>(rules: PolicyRules<Claim>): Policy<Claim> {
  checkSettings(
    rules,
    ["$schema", "scheme", "vhosts", "trust", "mode"],
    "a policy",
    fixOfVhosts(rules, "definePolicy"),
    policyElsewhere,
  );
  const { scheme, mode = "enforce" } = rules;
  checkScheme("scheme", scheme);
  const index = new VhostIndex(rules.vhosts);
  const trust = readTrust(rules.trust);
  if (mode !== "enforce" && mode !== "report") {
    throw new TypeError(`mode is ${describe(mode)}; it must be "enforce" or "report"`);
  }
  const readsAddresses = trust !== null || rules.vhosts.some(({ port }) => port === "local");
  const given = { scheme, vhosts: Object.freeze([...rules.vhosts]), mode, rules, index, trust, readsAddresses };
  return Object.freeze({ ...given, fallback: null, secured: null, mayDeclare: true });
}

/** Where a setting belongs that a policy does not have. @internal */
export const policyElsewhere = (name: string): string => ofTrust(name) || ofVhost(name);

/** Of a setting that each vhost has for itself. */
function ofVhost(name: string): string {
  const known: readonly string[] = vhostSettings;
  const setting = known.includes(name) ? name : meantBy(name, ["origins"]);
  if (setting === null) return "";
  const inVhost = `it in a vhost: vhosts: [{ ${setting === "name" ? "" : 'name: "example.com", '}${setting} }]`;
  return ["name", "default", "absentHost"].includes(setting) ? inVhost : `${inVhost}, or in localhost({ ${setting} })`;
}

/** Of a list of vhosts in place of the rules that have it. @internal */
export function fixOfVhosts(rules: unknown, caller: string): string {
  return Array.isArray(rules) ? `write ${caller}({ vhosts: [...] }), as in ${caller}({ vhosts: localhost() })` : "";
}

/**
 * The same policy for a guarded server. These claims are those of vhosts without `upgrades`. In report mode the server takes what no
 * default vhost takes, and its upgrades by these claims, but not what a vhost requires https for.
 */
export function forServer<Claim>(policy: Policy<Claim>, upgrades: Readonly<Record<string, Claim>>): Policy<Claim> {
  const vhosts = policy.vhosts.map((vhost) => (vhost.upgrades === undefined ? { ...vhost, upgrades } : vhost));
  const { secured, mayDeclare } = policy;
  const claimed = definePolicy({ ...policy.rules, vhosts });
  return Object.freeze({ ...claimed, secured, mayDeclare, fallback: { name: "*", upgrades } });
}

/** The same policy, where clients come by TLS that the gate speaks on terms of their own for these names; null where it does not. */
export function withSecured<Claim>(policy: Policy<Claim>, secured: HostMap<unknown> | null): Policy<Claim> {
  return Object.freeze({ ...policy, secured, mayDeclare: policy.mayDeclare && secured === null });
}
