// In:    a server name as a client sent it by TLS, or as a proxy or a caller states it.
// Out:   the name that requests are compared with, or null where it counts as none.
// Never: refuses a connection; a name that is not one gives no more and no less than none.

/** Labels of letters, digits, `-` and `_`; of server names in A-label form (RFC 6066 §3), as TLS libraries write them. */
const PLAIN = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;
/** What is spelled like an IPv4 address is not a name (RFC 6066 §3). */
const LIKE_ADDRESS = /^\d{1,3}(?:\.\d{1,3}){3}$/;

/**
 * The host_name of SNI (RFC 6066 §3), in lower case and without one trailing dot. Null, as if the client had sent none, for what is
 * not a plain host name: an IP literal, a name with a port, an empty one.
 */
export function serverNameOf(text: string): string | null {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  return PLAIN.test(name) && !LIKE_ADDRESS.test(name) ? name.toLowerCase() : null;
}
