// In:    host names as a configuration writes them.
// Out:   HostPattern: a name, a wildcard, or a network of addresses; TypeError with the fix for anything else.
// Never: knows what the name is for.

import { isPlainName, nameKey, parseAuthority } from "../head/authority.js";
import { isIpv4Mapped, type Network, parseNetwork } from "../head/ip-address.js";

export interface HostPattern {
  /** `*` for exactly one label more, `**` for one or more, "" for the name itself. */
  readonly stars: "" | "*" | "**";
  /** See `nameKey`. */
  readonly key: string;
  /** The port after the name; null where there is none. */
  readonly port: number | null;
}

/**
 * Reads a name, maybe with `*.` or `**.` before it and a port after it. `shown` begins the sentences of its TypeErrors: the
 * place and the value; `forAll` is the setting that means every name.
 */
export function readHostPattern(written: string, shown: string, forAll: string): HostPattern {
  const [, stars = "", name] = /^(?:(\*\*?)\.)?(.*)$/s.exec(written)!;
  if (/^\*+\.?$/.test(written)) {
    throw new TypeError(`${shown} is a star alone, for every name; write ${forAll}, or a name`);
  }
  if (name!.includes("*")) {
    const [, end] = /^\*+([^*.]+\.[^*]+)$/.exec(written) ?? [];
    throw new TypeError(
      `${shown} may have a star only before a name, as in *.${end ?? "example.com"}; for every name use ${forAll}`,
    );
  }
  if (written.startsWith(".")) {
    throw new TypeError(
      `${shown} begins with a dot; write *${written} for one label more, or **${written} for any number of labels more`,
    );
  }
  if (/^[0-9a-f:]*:[0-9a-f:]*:[0-9a-f.:]*$/i.test(name!)) {
    throw new TypeError(`${shown} is an IPv6 address; write it in brackets: [${name}]`);
  }
  const result = parseAuthority(toAscii(name!, shown));
  if (result.kind === "malformed") {
    throw new TypeError(`${shown} is not a host name: ${result.fault.message}${fixOfName(written)}`);
  }
  const { authority } = result;
  if (stars !== "" && !isPlainName(authority)) {
    throw new TypeError(`${shown} needs a plain name after ${stars}.`);
  }
  return { stars: stars as HostPattern["stars"], key: nameKey(authority), port: authority.port };
}

/** Of a name with white space, a path or userinfo around it. */
function fixOfName(written: string): string {
  const [, name = ""] = /^\s*(?:[^@/?#]*@)?([^\s/?#]+)/.exec(written) ?? [];
  return name !== written && parseAuthority(name).kind === "complete" ? `; write ${JSON.stringify(name)}` : "";
}

/** Reads `127.0.0.0/8` or `[fd00::]/8`; null for what has no such end. */
export function readNetworkName(written: string, shown: string): Network | null {
  if (!/\/\d+$/.test(written)) return null;
  const network = parseNetwork(written.replace(/^\[([^[\]]*)\]\//, "$1/"));
  if (typeof network === "string") throw new TypeError(`${shown} ${network}`);
  if (network.address.length === 8 && !written.startsWith("[")) {
    throw new TypeError(`${shown} is a network of IPv6; write its address in brackets: [${written.replace("/", "]/")}`);
  }
  if (isIpv4Mapped(network.address)) {
    throw new TypeError(`${shown} contains IPv4-mapped addresses, which no client should name; write IPv4 addresses`);
  }
  return network;
}

/** Converts a name beyond ASCII by the URL standard's domain-to-ASCII; leaves all others, and ports, alone. */
function toAscii(written: string, shown: string): string {
  if (!/[^\0-\x7f]/.test(written)) return written;
  const [, name, port = ""] = /^(.*?)(:\d*)?$/s.exec(written)!;
  try {
    // Octets that would end a URL's host would be converted without a word.
    if (!/[\0-\x20/?#@:\\[\]%]/.test(name!)) return new URL(`http://${name}`).hostname + port;
  } catch {}
  throw new TypeError(`${shown} is not an internationalized host name`);
}
