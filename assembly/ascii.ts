// In:    nothing.
// Out:   the codes of the octets that the grammars name, and of words that are compared with one load.
// Never: holds code.

export const HTAB: u32 = 0x09;
export const LF: u32 = 0x0a;
export const CR: u32 = 0x0d;
export const SP: u32 = 0x20;
export const HASH: u32 = 0x23;
export const PERCENT: u32 = 0x25;
export const ASTERISK: u32 = 0x2a;
export const COMMA: u32 = 0x2c;
export const MINUS: u32 = 0x2d;
export const DOT: u32 = 0x2e;
export const SLASH: u32 = 0x2f;
export const DIGIT_0: u32 = 0x30;
export const DIGIT_1: u32 = 0x31;
export const DIGIT_9: u32 = 0x39;
export const COLON: u32 = 0x3a;
export const QUESTION_MARK: u32 = 0x3f;
export const AT_SIGN: u32 = 0x40;
export const CAPITAL_A: u32 = 0x41;
export const CAPITAL_F: u32 = 0x46;
export const CAPITAL_Z: u32 = 0x5a;
export const OPENING_BRACKET: u32 = 0x5b;
export const CLOSING_BRACKET: u32 = 0x5d;
export const SMALL_A: u32 = 0x61;
export const SMALL_F: u32 = 0x66;
export const SMALL_T: u32 = 0x74;
export const SMALL_Z: u32 = 0x7a;
export const DEL: u32 = 0x7f;

/** VCHAR is "!" to "~" (RFC 5234 B.1). */
export const FIRST_VISIBLE: u32 = 0x21;
export const LAST_VISIBLE: u32 = 0x7e;
/** obs-text, which is all that is not ASCII (RFC 9110 §5.5). */
export const FIRST_OBS_TEXT: u32 = 0x80;
export const LAST_OBS_TEXT: u32 = 0xff;

/** The bit that a small letter has and its capital lacks. */
export const CASE_BIT: u32 = 0x20;

// Words as the octets of one load, the first one lowest.
export const CRLF: u32 = 0x0a0d;
/** ": " */
export const COLON_SP: u32 = 0x203a;
/** "HTTP/1.1" */
export const HTTP_1_1: u64 = 0x312e312f50545448;
/** "GET " */
export const GET_SP: u32 = 0x20544547;
/** "CONNECT" and "OPTIONS", their seven octets from the second lowest on. */
export const CONNECT: u64 = 0x5443454e4e4f4300;
export const OPTIONS: u64 = 0x534e4f4954504f00;
