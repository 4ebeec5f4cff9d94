// In:    imports of headgate/http-parser.
// Out:   what npm http-parser-js exports.
// Never: imports node: modules.

export {
  type HeadersCompleteResult,
  type HeadersInfo,
  HTTPParser,
  methods,
  type ParseError,
  type ParserType,
} from "./engine/http-parser.js";
