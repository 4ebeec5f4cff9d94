// In:    imports of headgate/parser.
// Out:   the parser, for any JavaScript runtime.
// Never: imports node: modules, ws, or a policy.

export { Authority, type AuthorityResult, parseAuthority, type Scheme, type UriHostKind } from "./authority.js";
export { HeadgateError, type HeadgateErrorCode } from "./errors.js";
export { type Framing, RequestHead, type RequestTargetForm } from "./head.js";
export { HeadReader } from "./head-reader.js";
export type { HeadLimits } from "./limits.js";
export {
  type HeadOptions,
  type HeadResult,
  type HeadsResult,
  parseRequestHead,
  parseRequestHeads,
} from "./parse-head.js";
export { type KernelVariant, kernelVariant, useKernel } from "./wasm.js";
