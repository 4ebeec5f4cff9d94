// In:    imports of headgate.
// Out:   the gate, the policy and the parser.
// Never: holds code.

export type { ProxyFault, ProxyFaultCode } from "./arrival/proxy/fault.js";
export type { ClientHello } from "./arrival/tls/client-hello.js";
export { HelloFault, type HelloFaultCode } from "./arrival/tls/fault.js";
export type { TlsRules } from "./connection/tls/routes.js";
export type { OwnTlsOption, TlsTerms } from "./connection/tls/terminator.js";
export { createGate, type Gate } from "./gate.js";
export type {
  Adopting,
  Adoption,
  AdoptOptions,
  GateOptions,
  GuardOptions,
  Http2Options,
} from "./gate-options.js";
export type { Guard } from "./guard/guard.js";
export type { GuardMode, RequestsReadBy } from "./guard/mode.js";
export type { GuardedServer } from "./guard/server.js";
export {
  type Framer,
  type FramerLike,
  FramerRefusal,
  FramerUnavailable,
  type Handover,
  type Sender,
} from "./handover/framer.js";
export type { Passthrough, PassthroughLike, RawConnection } from "./handover/passthrough.js";
export type { Authorization, Authorize, AuthorizeContext } from "./outcome/authorization.js";
export type { DrainCounts, DrainOptions } from "./outcome/drain.js";
export type { Abandoned, AbandonedCode, ConnectionEnd, LostCode, Malformed, Passed, Timing } from "./outcome/end.js";
export { explain } from "./outcome/explain-end.js";
export type { GateLimits } from "./outcome/limits.js";
export type { GateGauges, GateSnapshot } from "./outcome/metrics.js";
export type { GateState } from "./outcome/open-connections.js";
export type { GateCounts, GateDurations, GateEvents, GateTimes } from "./outcome/reports.js";
export * from "./parser.js";
export { LEAVE } from "./policy/vhost.js";
export * from "./policy.js";
