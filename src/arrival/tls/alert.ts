// In:    why a connection ends before TLS is spoken on it.
// Out:   the record that reports it.
// Never: makes an alert for after a ServerHello; Node's TLS sends those.

/** AlertDescription (RFC 8446 §6). */
const descriptions = { decode_error: 50, internal_error: 80, missing_extension: 109, unrecognized_name: 112 };

/** A fatal alert as a separate record (RFC 8446 §5.1, §6), one character per octet. */
export function alert(description: keyof typeof descriptions): string {
  return `\x15\x03\x03\x00\x02\x02${String.fromCharCode(descriptions[description])}`;
}
