// In:    the hops that a configuration trusts, the fields they write into a request, the arrival of its connection.
// Out:   the arrival of the request: where its client came in.
// Never: reads an element that a client or an untrusted hop may have written.

import type { Authority, Scheme } from "../head/authority.js";
import {
  type Address,
  formatAddress,
  isIpv4Mapped,
  type Network,
  parseNetwork,
  parsePeerAddress,
} from "../head/ip-address.js";
import { NetworkTable } from "../head/network-table.js";
import { checkSettings, describe } from "../head/options.js";
import type { Arrival, Forwarding } from "./arrival.js";
import {
  ForwardedElements,
  ForwardedValues,
  NO_LINES,
  type Node,
  readForwardedFor,
  readHost,
  readPort,
  readScheme,
  statedLines,
  Unreadable,
  withoutLastComma,
} from "./forwarded.js";

export type ForwardedField = "X-Forwarded-For" | "X-Forwarded-Host" | "X-Forwarded-Proto" | "X-Forwarded-Port";

export interface TrustRules {
  /**
   * Peers that may speak for their clients: addresses, networks such as `10.0.0.0/8` and `fd00::/8`, and `unix` for
   * UNIX-domain sockets. IPv4-mapped peers count as IPv4.
   */
  from: readonly string[];
  /** `rfc7239`: Forwarded is read. A list: these X-Forwarded fields are read, and no others. By default, none is. */
  forwarded?: "rfc7239" | readonly ForwardedField[] | undefined;
  /**
   * True: adopted connections of these peers begin with a PROXY header, of version 1 or 2, and connections of all other peers are
   * closed. Default false: no connection begins with one.
   */
  proxyProtocol?: boolean | undefined;
}

/** The part of a request that trust reads. */
interface Fields {
  /** The value of each line of that name, in order. */
  fieldValues(name: string): string[];
}

/** What a trusted hop has written and cannot be read, and where. */
export class UnreadableForwarding {
  readonly field: "Forwarded" | ForwardedField;
  /** Counted from the right, as in `Forwarding`. */
  readonly element: number;
  readonly hop: string;
  readonly part: Unreadable;

  constructor(field: UnreadableForwarding["field"], element: number, hop: string, part: Unreadable) {
    this.field = field;
    this.element = element;
    this.hop = hop;
    this.part = part;
  }
}

/** The content of the chosen element; null or undefined for what it lacks. */
interface ChosenElement {
  readonly hop: string;
  readonly element: number;
  /** Undefined if the client's address is not stated, null if no hop knows it. */
  readonly node: Node | null | undefined;
  readonly scheme: Scheme | null;
  readonly authority: Authority | null;
  readonly port: number | null;
}

type Walked = Pick<ChosenElement, "hop" | "element" | "node">;
type Lines = readonly string[];

/** Octets of a host that are remembered for the next request. */
const LONGEST_KEPT = 255;

const fields: readonly ForwardedField[] = [
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Proto",
  "X-Forwarded-Port",
];

/** Trusted hops, checked once. */
export class Trust {
  readonly proxyProtocol: boolean;
  readonly #networks = new NetworkTable<true>();
  readonly #unix: boolean;
  /** Null if no such field is read. */
  readonly #field: Forwarding["field"] | null;
  readonly #fields: ReadonlySet<ForwardedField>;
  #newestHost: { readonly text: string; readonly authority: Authority } | null = null;
  /** The newest peer, as its socket writes it, and what came of that: most connections are those of one proxy. */
  #newest: { readonly remoteAddress: string; readonly peer: string | null } | null = null;

  /** Throws `TypeError` with the path, the value and the fix. */
  constructor({ from, forwarded, proxyProtocol = false }: TrustRules) {
    this.proxyProtocol = proxyProtocol;
    for (const each of from) if (each !== "unix") this.#networks.set(readTrusted(each), true);
    this.#unix = from.includes("unix");
    this.#field = forwarded === undefined ? null : forwarded === "rfc7239" ? "Forwarded" : "X-Forwarded";
    this.#fields = new Set(forwarded === "rfc7239" ? [] : forwarded);
  }

  /**
   * The arrival of a request: that of its connection, unless a trusted peer states more. `UnreadableForwarding` if the peer's statement
   * cannot be read.
   */
  arrivalOf(request: Fields, arrival: Arrival): Arrival | UnreadableForwarding {
    const field = this.#field;
    if (field === null) return arrival;
    const stated = field === "Forwarded" ? this.#readForwarded(request, arrival) : this.#readFields(request, arrival);
    if (stated === null || stated instanceof UnreadableForwarding) return stated ?? arrival;
    const { hop, element, node, scheme, authority, port } = stated;
    const forwarding: Forwarding = { field, hop, element, authority, port };
    // Actual TLS is never downgraded.
    const isStated = scheme !== null && arrival.schemeSource !== "tls";
    const client = node === undefined ? arrival : clientAt(node);
    return {
      scheme: isStated ? scheme : arrival.scheme,
      schemeSource: isStated ? "forwarded" : (arrival.schemeSource ?? "given"),
      remoteAddress: client.remoteAddress,
      remotePort: client.remotePort,
      localAddress: arrival.localAddress,
      localPort: arrival.localPort,
      ...(arrival.proxy !== undefined && { proxy: arrival.proxy }),
      forwarding,
    };
  }

  /**
   * The walk from the right. What the client's element does not state may be stated by trusted hops nearer to this process: of a host,
   * the outermost of them knows best; a scheme is that of one link, so that they have to agree.
   */
  #readForwarded(request: Fields, arrival: Arrival): ChosenElement | UnreadableForwarding | null {
    const lines = statedLines(request.fieldValues("forwarded"));
    const peer = lines.length === 0 ? null : this.trustedPeer(arrival);
    if (peer === null) return null;
    const elements = new ForwardedElements(withoutLastComma(lines), this.#readHost);
    const stated = new Stated();
    let hop = peer;
    let chosen = elements.next()!;
    for (let element = 1; ; element++) {
      if (chosen instanceof Unreadable) return new UnreadableForwarding("Forwarded", element, hop, chosen);
      const { node, scheme, host } = chosen;
      const next = this.#trusts(node) ? elements.next() : null;
      if (next === null) {
        const authority = host ?? stated.authority;
        return { hop, element, node, scheme: scheme ?? stated.scheme, authority, port: null };
      }
      stated.add(host, scheme);
      hop = formatAddress(node!.address!);
      chosen = next;
    }
  }

  /** X-Forwarded-For is walked; the others are read at the place where that came to, counted from the right. */
  #readFields(request: Fields, arrival: Arrival): ChosenElement | UnreadableForwarding | null {
    const addresses = this.#linesOf(request, "X-Forwarded-For");
    const hosts = this.#linesOf(request, "X-Forwarded-Host");
    const schemes = this.#linesOf(request, "X-Forwarded-Proto");
    const ports = this.#linesOf(request, "X-Forwarded-Port");
    const isSilent = addresses.length + hosts.length + schemes.length + ports.length === 0;
    const peer = isSilent ? null : this.trustedPeer(arrival);
    if (peer === null) return null;
    const walked = this.#walk(withoutLastComma(addresses), peer);
    if (walked instanceof UnreadableForwarding) return walked;
    const stated = new Stated();
    const authority = readAt("X-Forwarded-Host", hosts, walked, this.#readHost, (host) => stated.add(host, null));
    if (authority instanceof UnreadableForwarding) return authority;
    const scheme = readAt("X-Forwarded-Proto", schemes, walked, readScheme, (value) => stated.add(null, value));
    if (scheme instanceof UnreadableForwarding) return scheme;
    const port = readAt("X-Forwarded-Port", ports, walked, readPort);
    if (port instanceof UnreadableForwarding) return port;
    const { hop, element, node } = walked;
    return { hop, element, node, port, authority: authority ?? stated.authority, scheme: scheme ?? stated.scheme };
  }

  #linesOf(request: Fields, name: ForwardedField): Lines {
    return this.#fields.has(name) ? statedLines(request.fieldValues(name)) : NO_LINES;
  }

  #walk(lines: Lines, peer: string): Walked | UnreadableForwarding {
    const only = onlyValue(lines);
    if (only !== null) {
      const node = readForwardedFor(only);
      if (node instanceof Unreadable) return new UnreadableForwarding("X-Forwarded-For", 1, peer, node);
      return { hop: peer, element: 1, node };
    }
    const values = new ForwardedValues(lines);
    let hop = peer;
    const nearest = values.next();
    if (nearest === null) return { hop, element: 1, node: undefined };
    let value: string = nearest;
    for (let element = 1; ; element++) {
      const node: Node | Unreadable = values.read(value, readForwardedFor);
      if (node instanceof Unreadable) return new UnreadableForwarding("X-Forwarded-For", element, hop, node);
      const next: string | null = this.#trusts(node) ? values.next() : null;
      if (next === null) return { hop, element, node };
      hop = formatAddress(node.address!);
      value = next;
    }
  }

  /** Most requests that come by one proxy are for one host. */
  readonly #readHost = (text: string): Authority | Unreadable => {
    if (this.#newestHost?.text === text) return this.#newestHost.authority;
    const authority = readHost(text);
    if (text.length <= LONGEST_KEPT && !(authority instanceof Unreadable)) this.#newestHost = { text, authority };
    return authority;
  };

  /** The address of a connection's peer, or `unix`; null if it is not trusted. */
  trustedPeer({ remoteAddress, unix }: Arrival): string | null {
    if (unix === true) return this.#unix ? "unix" : null;
    if (remoteAddress === undefined) return null;
    if (this.#newest?.remoteAddress === remoteAddress) return this.#newest.peer;
    const address = parsePeerAddress(remoteAddress);
    const peer = address !== null && this.#holds(address) ? formatAddress(address) : null;
    this.#newest = { remoteAddress, peer };
    return peer;
  }

  #trusts(node: Node | null): boolean {
    return node !== null && node.address !== null && this.#holds(node.address);
  }

  #holds(address: Address): boolean {
    return this.#networks.find(address) === true;
  }
}

function clientAt(node: Node | null): Pick<Arrival, "remoteAddress" | "remotePort"> {
  if (node === null || node.address === null) return { remoteAddress: undefined, remotePort: undefined };
  return { remoteAddress: formatAddress(node.address), remotePort: node.port ?? undefined };
}

/** What trusted hops nearer than the client's state of the host and the scheme, from the right. */
class Stated {
  authority: Authority | null = null;
  /** Null where none states it, and where they differ. */
  scheme: Scheme | null = null;
  #differ = false;

  add(authority: Authority | null, scheme: Scheme | null): void {
    this.authority = authority ?? this.authority;
    if (scheme === null || this.#differ) return;
    this.#differ = this.scheme !== null && this.scheme !== scheme;
    this.scheme = this.#differ ? null : scheme;
  }
}

/** The value of a field that has only one, which is not empty; null otherwise. */
function onlyValue(lines: Lines): string | null {
  return lines.length === 1 && !lines[0]!.includes(",") ? lines[0]! : null;
}

/**
 * Reads the value at the client's place, counted from the right, 1; where the list is shorter, its leftmost. Null where it is
 * empty; `nearer` gets the values of the hops to the right of it then.
 */
function readAt<Value>(
  field: ForwardedField,
  lines: Lines,
  { hop, element: place }: Walked,
  read: (text: string) => Value | Unreadable,
  nearer?: (value: Value) => void,
): Value | UnreadableForwarding | null {
  const only = onlyValue(lines);
  if (only !== null) {
    const result = read(only);
    return result instanceof Unreadable ? new UnreadableForwarding(field, 1, hop, result) : result;
  }
  const values = new ForwardedValues(lines);
  let value = values.next();
  let at = 1;
  for (; at < place; at++) {
    const next = values.next();
    if (next === null) break;
    value = next;
  }
  if (value === null) return null;
  if (value !== "") {
    const result = values.read(value, read);
    return result instanceof Unreadable ? new UnreadableForwarding(field, at, hop, result) : result;
  }
  if (nearer === undefined) return null;
  const again = new ForwardedValues(lines);
  for (let near = 1; near < at; near++) {
    const text = again.next()!;
    if (text === "") continue;
    const result = again.read(text, read);
    if (result instanceof Unreadable) return new UnreadableForwarding(field, near, hop, result);
    nearer(result);
  }
  return null;
}

function readTrusted(written: string): Network {
  const shown = `trust.from has ${describe(written)}, which`;
  if (typeof written !== "string") throw new TypeError(`${shown} is not text such as "10.0.0.0/8" or "unix"`);
  const network = parseNetwork(written.replace(/^\[(.*)\]/s, "$1"));
  if (typeof network === "string") {
    const fix = Object.hasOwn(networks, written) ? `; write ${networks[written]}` : "";
    throw new TypeError(`${shown} ${network}${fix}`);
  }
  if (isIpv4Mapped(network.address)) {
    throw new TypeError(`${shown} is IPv4-mapped; write it as IPv4, because such peers count as IPv4`);
  }
  return network;
}

/** Checks the setting; null if no peer is trusted. Throws `TypeError` with the path, the value and the fix. */
export function readTrust(given: unknown): Trust | null {
  if (given === undefined) return null;
  checkSettings(given, ["from", "forwarded", "proxyProtocol"], "trust", fixOfTrust(given));
  const { from, forwarded, proxyProtocol } = given as Record<keyof TrustRules, unknown>;
  if (!Array.isArray(from) || from.length === 0) {
    throw new TypeError(
      `trust.from is ${describe(from)}; it must be a list such as ${typeof from === "string" ? describe([from]) : '["10.0.0.0/8", "unix"]'}`,
    );
  }
  if (proxyProtocol !== undefined && typeof proxyProtocol !== "boolean") {
    throw new TypeError(`trust.proxyProtocol is ${describe(proxyProtocol)}; it must be true or false`);
  }
  if (forwarded === undefined && proxyProtocol !== true) {
    throw new TypeError('trust has no effect; set forwarded: "rfc7239", proxyProtocol: true, or both');
  }
  if (forwarded !== undefined && forwarded !== "rfc7239" && !(Array.isArray(forwarded) && forwarded.length > 0)) {
    throw new TypeError(
      `trust.forwarded is ${describe(forwarded)}; it must be "rfc7239" for Forwarded, or a list of ${fields.join(", ")}${fixOfFields([forwarded])}`,
    );
  }
  for (const field of Array.isArray(forwarded) ? forwarded : []) {
    if (!fields.includes(field)) {
      throw new TypeError(
        `trust.forwarded has ${describe(field)}; it may have ${fields.join(", ")}${fixOfFields(forwarded as unknown[])}`,
      );
    }
  }
  return new Trust(given as TrustRules);
}

/** Where a setting of `trust` belongs that was given beside it; "" for any other. @internal */
export function ofTrust(name: string): string {
  if (name === "from") return 'trust: { from, forwarded: "rfc7239" }';
  return name === "forwarded" || name === "proxyProtocol" ? `trust: { from: ["10.0.0.0/8"], ${name} }` : "";
}

/** Of fields in another case, or outside of a list; "" where one has no match. */
function fixOfFields(given: readonly unknown[]): string {
  const names = given.map((field) => (typeof field === "string" ? field.toLowerCase() : ""));
  if (names.includes("forwarded")) return '; for Forwarded, write "rfc7239"';
  const meant = names.map((name) => fields.find((field) => field.toLowerCase() === name));
  return meant.includes(undefined) ? "" : `; write ${JSON.stringify(meant).replaceAll(",", ", ")}`;
}

/** Names of proxy-addr, and of hosts, in place of their addresses. */
const networks: Readonly<Record<string, string>> = {
  loopback: '"127.0.0.0/8", "::1"',
  localhost: '"127.0.0.0/8", "::1"',
  linklocal: '"169.254.0.0/16", "fe80::/10"',
  uniquelocal: '"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"',
};

/** Of hops in place of the rules about them. */
function fixOfTrust(given: unknown): string {
  const hops = typeof given === "string" ? [given] : given;
  const from = Array.isArray(hops) && hops.length > 0 ? describe(hops) : '["10.0.0.0/8"]';
  return `write trust: { from: ${from}, forwarded: "rfc7239" }, or the X-Forwarded fields that these hops write`;
}
