// In:    imports of headgate/policy.
// Out:   the policy, for any JavaScript runtime: pure functions of values.
// Never: imports node: modules, ws, or a socket.

export type { Arrival, ArrivalHints, Forwarding, Proxying, SchemeSource, SocketFacts } from "./arrival/arrival.js";
export type { Unreadable, UnreadableProblem } from "./arrival/forwarded.js";
export type { ProxyEndpoint, ProxyHeader, ProxyTls, ProxyTlv } from "./arrival/proxy/header.js";
export { arrivalOf, type ConnectionFacts } from "./arrival/stated.js";
export type { ForwardedField, TrustRules, UnreadableForwarding } from "./arrival/trust.js";
export { HeadFault } from "./head/fault.js";
export { headOf, type NodeRequest, type WebRequest } from "./head/from-request.js";
export type { WholeHeadResult } from "./head/parse.js";
export type { AuthorityField, RequestHead } from "./head/request-head.js";
export { decide } from "./policy/decide.js";
export type { Acceptance, AuthoritySource, Decision, Refusal, RefusalCode } from "./policy/decision.js";
export { type Explanation, explain, explanation, type PortSource } from "./policy/explain.js";
export { type LocalhostOptions, localhost } from "./policy/localhost.js";
export type { OriginList, Origins } from "./policy/origin.js";
export { definePolicy, type Policy, type PolicyRules } from "./policy/policy-rules.js";
export { type RefusalResponseOptions, refusalResponse } from "./policy/refusal-response.js";
export type { Origin } from "./policy/serialized-origin.js";
export type { Relation, SiteClause, SiteScope } from "./policy/site.js";
export { NO_LISTEN, NO_LISTEN_SERVER, type Vhost, type VhostPort } from "./policy/vhost.js";
