// In:    imports of headgate/parser.
// Out:   the parser, for any JavaScript runtime.
// Never: imports node: modules, ws, or a policy.

export { Authority, type AuthorityResult, parseAuthority, type Scheme, type UriHostKind } from "./head/authority.js";
export { type Fault, HeadFault, type HeadFaultCode } from "./head/fault.js";
export { type KernelVariant, kernelVariant, useKernel } from "./head/kernel/instance.js";
export type { HeadLimits } from "./head/limits.js";
export {
  type HeadOptions,
  type HeadResult,
  type HeadsResult,
  parseRequestHead,
  parseRequestHeads,
} from "./head/parse.js";
export { HeadReader } from "./head/reader.js";
export { type Framing, RequestHead, type RequestTargetForm } from "./head/request-head.js";
