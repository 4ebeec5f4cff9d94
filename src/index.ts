// In:    imports of headgate.
// Out:   the gate, the policy and the parser.
// Never: holds code.

export { type Framer, type FramerLike, type Handover, LEAVE } from "./framer/framer.js";
export {
  type AdoptOptions,
  createGate,
  type Gate,
  type GateCounts,
  type GateEvents,
  type GateOptions,
  type GuardOptions,
} from "./gate.js";
export type { Guard } from "./guard/guard.js";
export type { Authorization, Authorize, AuthorizeContext } from "./intake/authorizing.js";
export type { Abandoned, AbandonedCode, End } from "./intake/end.js";
export { explainAbandoned } from "./intake/explain-abandoned.js";
export type { GateLimits } from "./limits.js";
export * from "./parser.js";
export * from "./policy.js";
export type { ProxyError, ProxyErrorCode } from "./proxy-error.js";
