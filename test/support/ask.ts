// In:    a request or an opening handshake, as a client means it.
// Out:   how HTTP/1.1 and HTTP/2 express it.
// Never: corrects a malformed request.

import { type Fields, Flag } from "./http2-frames.js";

export interface Ask {
  /** For a request that is not an opening handshake. */
  readonly method?: string;
  readonly scheme: "http" | "https";
  readonly path: string;
  /** What names the server: Host, or `:authority`; null for neither. */
  readonly named: string | null;
  /** HTTP/1.1 sends it in an absolute-form with this scheme; HTTP/2 in `:scheme`. */
  readonly absolute?: string;
  /** A Host beside the absolute-form, or beside another Host. */
  readonly beside?: string;
  readonly fields?: Fields;
  /** Left out of an opening handshake. */
  readonly without?: string;
}

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

function handshake({ method, without }: Ask): Fields {
  if (method !== undefined) return [];
  return ([["sec-websocket-version", "13"]] as const).filter(([name]) => name !== without);
}

/** The octets of a head. */
export function overHttp1(ask: Ask): string {
  const { method = "GET", path, named, absolute, beside, fields = [] } = ask;
  const target = absolute === undefined ? path : `${absolute}://${named}${path}`;
  const hosts = [absolute === undefined ? named : null, beside ?? null].filter((host) => host !== null);
  const lines = hosts.map((host) => `Host: ${host}\r\n`);
  if (ask.method === undefined) {
    lines.push("Upgrade: websocket\r\n", "Connection: Upgrade\r\n", `Sec-WebSocket-Key: ${KEY}\r\n`);
  } else lines.push("Connection: close\r\n");
  for (const [name, value] of [...handshake(ask), ...fields]) lines.push(`${name}: ${value}\r\n`);
  return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The fields of a request, and the flags of its HEADERS. */
export function overHttp2(ask: Ask): { fields: Fields; flags: number } {
  const { method, scheme, path, named, absolute, beside, fields = [] } = ask;
  const said: [string, string][] = [[":method", method ?? "CONNECT"]];
  if (method === undefined) said.push([":protocol", "websocket"]);
  if (method !== "CONNECT") said.push([":scheme", absolute ?? scheme]);
  if (named !== null) said.push([":authority", named]);
  if (method !== "CONNECT") said.push([":path", path || "/"]);
  if (beside !== undefined) said.push(["host", beside]);
  const others = [...handshake(ask), ...fields].map(([name, value]) => [name.toLowerCase(), value] as const);
  return { fields: [...said, ...others], flags: method === undefined ? 0 : Flag.END_STREAM };
}
