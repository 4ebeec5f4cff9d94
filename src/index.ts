// In:    imports of headgate.
// Out:   the gate, the policy and the parser.
// Never: holds code.

export { type Framer, type FramerLike, type Handover, LEAVE } from "./framer/framer.js";
export type { RawHandover, Taker, TakerLike } from "./framer/taker.js";
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
export type { ClientHello } from "./hello-body.js";
export { HelloError, type HelloErrorCode } from "./hello-error.js";
export type { Authorization, Authorize, AuthorizeContext } from "./intake/authorizing.js";
export type { Abandoned, AbandonedCode, End, Passed } from "./intake/end.js";
export { explainAbandoned } from "./intake/explain-abandoned.js";
export type { TlsRules } from "./intake/server-names.js";
export type { TlsTerms } from "./intake/terminator.js";
export type { GateLimits } from "./limits.js";
export * from "./parser.js";
export * from "./policy.js";
export type { ProxyError, ProxyErrorCode } from "./proxy-error.js";
