// In:    one origin of a list; the value of an Origin field.
// Out:   whether a list may have it; whether it admits that Origin.
// Never: shares code with src/. Written from docs/policy.md, "Origins".

import { readReferenceOrigin } from "./origin.js";

/** True for an Origin that the list admits. */
export type ReferenceListing = (value: string) => boolean;

const LABEL = "[A-Za-z0-9._~-]+";

const literally = (text: string): string => text.replace(/[.~-]/g, "\\$&").toLowerCase();

/** Null for what no list may have. */
export function referenceListing(written: string): ReferenceListing | null {
  if (written === "null") return (value) => value === "null";
  const [, scheme, host, port] = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/(.*?)(:\*|:\d*)?$/s.exec(written) ?? [];
  if (scheme === undefined || host === undefined) return null;
  const hosts = hostsOf(host, /^(?:https?|wss?)$/i.test(scheme));
  if (hosts === null) return null;
  // Read with a host that every scheme may have, for scheme and port.
  const isEmpty = host === "" && port === undefined;
  if (host === "" && !isEmpty) return null;
  const own = readReferenceOrigin(`${scheme}://${isEmpty ? "" : "host"}${port === ":*" ? "" : (port ?? "")}`);
  if (own === null) return null;
  return (value) => {
    const origin = readReferenceOrigin(value);
    if (origin === null || origin.scheme !== own.scheme || (port !== ":*" && origin.port !== own.port)) return false;
    return hosts(origin.host);
  };
}

/** Which hosts are meant; null where the host may not be listed. */
function hostsOf(host: string, isHttp: boolean): ((host: string) => boolean) | null {
  if (!host.includes("*")) {
    if (host.startsWith(".") && host !== ".") return null;
    const read = readReferenceOrigin(`${isHttp ? "http" : "app"}://${host}`);
    if (read === null || /^[^[]*:/.test(host)) return null;
    return (other) => other === read.host;
  }
  if (host === "*") return isHttp ? null : (other) => other !== "";
  const isPlain = (name: string): boolean => new RegExp(`^${LABEL}$`).test(name) && !/^\.|\.\.|\.$/.test(name);
  const isAddress = (name: string): boolean => /^\d+(?:\.\d+){3}$/.test(name);
  const [, stars, name] = /^(\*\*?)\.([^*]+)$/.exec(host) ?? [];
  if (name !== undefined) {
    const bare = name.replace(/\.$/, "");
    if (!isPlain(bare) || (isAddress(bare) && bare === name)) return null;
    const end = new RegExp(`^${stars === "*" ? "[a-z0-9_~-]+" : "[a-z0-9._~-]+"}\\.${literally(bare)}$`);
    return (other) => isPlain(other) && end.test(other);
  }
  const [, left, right, parent] = /^((?:[A-Za-z0-9_~-]*-)?)\*((?:-[A-Za-z0-9_~-]*)?)\.([^*]+)$/.exec(host) ?? [];
  if (left === undefined || right === undefined || parent === undefined) return null;
  const bare = parent.replace(/\.$/, "");
  if (!isPlain(bare) || (isAddress(bare) && bare === parent) || !bare.includes(".") || /^xn--/i.test(left)) return null;
  const whole = new RegExp(`^${literally(left)}[a-z0-9-]+${literally(right)}\\.${literally(bare)}$`);
  return (other) => whole.test(other);
}
