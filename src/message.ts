// In:    imports of headgate/message.
// Out:   readers of whole messages, for any JavaScript runtime.
// Never: imports node: modules, ws, or a policy.

export { HeadFault, type HeadFaultCode } from "./head/fault.js";
export { RequestHead } from "./head/request-head.js";
export {
  parseResponseHead,
  type ResponseFraming,
  ResponseHead,
  type ResponseHeadResult,
} from "./head/response-head.js";
export { BodyFault, type BodyFaultCode, type MessageFault } from "./message/fault.js";
export type { MessageLimits } from "./message/limits.js";
export type { MessageReaderEvent } from "./message/reader.js";
export { type RequestEvent, RequestReader, type RequestReaderOptions } from "./message/requests.js";
export { type ResponseEvent, ResponseReader, type ResponseReaderOptions } from "./message/responses.js";
