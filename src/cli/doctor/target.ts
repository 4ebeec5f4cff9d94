// In:    the URL that doctor was given.
// Out:   what is asked: a host, a port, every address of the name.
// Never: lets an address through that is not of this machine, unless its owner is the user.

import { lookup } from "node:dns/promises";
import { BlockList, isIPv6 } from "node:net";

export interface Target {
  readonly url: string;
  readonly isTls: boolean;
  /** As Host has it: IPv6 addresses in brackets. */
  readonly host: string;
  readonly port: number;
  /** Host and port, as a client of the URL writes them in Host. */
  readonly authority: string;
  readonly origin: string;
  /** Path and query. */
  readonly path: string;
  readonly webSocketPath: string;
  /** The subprotocol of WebSockets, where the server wants one. */
  readonly webSocketProtocol: string | undefined;
  /** Path of the unsafe methods. */
  readonly randomPath: string;
}

/** Reads the URL. Throws `TypeError` for one that is not http or https. */
export function targetOf(text: string, webSocketPath?: string, webSocketProtocol?: string): Target {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw new TypeError(
      `${JSON.stringify(text)} is not an http or https URL, such as http://localhost:3000${fixOf(text)}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`the URL of ${url.host} has userinfo, which is not sent; leave it out`);
  }
  const path = `${url.pathname}${url.search}`;
  if (webSocketPath !== undefined && !/^\/[!-~]*$/.test(webSocketPath)) {
    throw new TypeError(`--ws is ${JSON.stringify(webSocketPath)}; it must be a path, such as /ws`);
  }
  if (webSocketProtocol !== undefined && !/^[!#$%&'*+.^_`|~\w-]+$/.test(webSocketProtocol)) {
    throw new TypeError(
      `--ws-protocol is ${JSON.stringify(webSocketProtocol)}; it must be a token, such as graphql-ws`,
    );
  }
  const isTls = url.protocol === "https:";
  return {
    url: url.href,
    isTls,
    host: url.hostname,
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
    authority: url.host,
    origin: url.origin,
    path,
    webSocketPath: webSocketPath ?? path,
    webSocketProtocol,
    randomPath: `/headgate-doctor-${Math.random().toString(36).slice(2, 10)}`,
  };
}

/** Of a port, a host and port, or the URL of a WebSocket. */
function fixOf(text: string): string {
  const [, s = "", host, path] = /^ws(s?):\/\/([^/]+)(\/.*)?$/i.exec(text) ?? [];
  if (host !== undefined) return `; write http${s}://${host}${path === undefined ? "" : ` --ws ${path}`}`;
  if (/^\d+$/.test(text)) return Number(text) <= 65_535 ? `; write http://localhost:${text}` : "";
  return /^[\w.-]+(?::\d+)?(?:\/.*)?$/.test(text) && URL.canParse(`http://${text}`) ? `; write http://${text}` : "";
}

/** How a name is resolved. */
type Resolve = (name: string) => Promise<string[]>;

const resolveAll: Resolve = async (name) => (await lookup(name, { all: true })).map(({ address }) => address);

/**
 * Every address of the target's name. Browsers know localhost without asking (RFC 6761 §6.3): it has both addresses of the loopback
 * interface, whatever is resolved. Throws `TypeError` for an address of another machine, unless `isOwned`.
 */
export async function addressesOf({ host, url }: Target, isOwned: boolean, resolve = resolveAll): Promise<string[]> {
  const name = host.replace(/^\[(.*)\]$/, "$1");
  const found = new Set(isLocalhost(name) ? ["127.0.0.1", "::1"] : []);
  try {
    for (const address of await resolve(name)) found.add(address);
  } catch (error) {
    if (found.size === 0) throw new TypeError(`${name} has no address: ${(error as Error).message}`);
  }
  const foreign = [...found].find((address) => !isLoopback(address));
  if (foreign !== undefined && !isOwned) {
    if (/^(?:0\.0\.0\.0|::)$/.test(name)) {
      throw new TypeError(`${name} is an address that servers listen on; write ${url.replace(host, "localhost")}`);
    }
    throw new TypeError(
      `${name} has the address ${foreign}, which is not of this machine; if the server is yours, add --i-own-this-host`,
    );
  }
  return [...found];
}

function isLocalhost(name: string): boolean {
  return /^(?:.*\.)?localhost\.?$/.test(name);
}

function isLoopback(address: string): boolean {
  const loopback = new BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  const bare = address.replace(/%.*$/, "").replace(/^::ffff:(?=\d+\.)/i, "");
  return loopback.check(bare, isIPv6(bare) ? "ipv6" : "ipv4");
}
