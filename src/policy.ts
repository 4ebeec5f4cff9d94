// In:    imports of headgate/policy.
// Out:   the policy, for any JavaScript runtime: pure functions of values.
// Never: imports node: modules, ws, or a socket.

export type { Arrival, Forwarding, GivenArrival, Proxying, SchemeSource } from "./arrival.js";
export {
  type Acceptance,
  type AuthoritySource,
  type Decision,
  decide,
  definePolicy,
  type Policy,
  type PolicyRules,
  type Refusal,
  type RefusalCode,
} from "./decision.js";
export { type Explanation, explain, explainError, explanation, type PortSource } from "./explain.js";
export { type LocalhostOptions, localhost } from "./localhost.js";
export type { OriginList, Origins } from "./origin.js";
export type { ProxyEndpoint, ProxyHeader, ProxyTls, ProxyTlv } from "./proxy-header.js";
export type { ForwardedField, TrustRules } from "./trust.js";
export { NO_LISTEN, NO_LISTEN_SERVER, type Vhost, type VhostPort } from "./vhost.js";
