// In:    a policy, and how its gate speaks TLS and HTTP/2; or that its server is guarded.
// Out:   a TypeError with the place and the fix where upgrades or requests would go to another process and never could.
// Never: sees a socket; what depends on one shows at its handover.

import { type FramerLike, isSender, type Sender } from "../handover/framer.js";
import type { Policy } from "../policy/policy-rules.js";
import type { Http2Rules, TlsRoutes } from "./context.js";

/** Throws `TypeError` for a sender whose sockets would have TLS state, or be streams of HTTP/2. */
export function checkTravel(
  policy: Policy<FramerLike>,
  requests: Sender | null,
  tls: TlsRoutes | null,
  http2: Http2Rules | undefined,
): void {
  for (const { name, place, isRequests } of sending(policy, requests)) {
    if (tls?.find(serverNameFor(name))?.kind === "secure") {
      throw new TypeError(
        `${place} is toProcess, and tls terminates TLS here for vhost ${name}; TLS state cannot be sent to a process: write ` +
          `tls: { ${JSON.stringify(name)}: toProcess(child) }, and let the child speak TLS`,
      );
    }
    if (http2?.cleartext && (isRequests || http2.enableConnectProtocol)) {
      const [what, fix] = isRequests
        ? ["requests", "http2: false"]
        : [
            "WebSockets",
            "http2: { cleartext: true, enableConnectProtocol: false }, and their clients open connections",
          ];
      throw new TypeError(
        `${place} is toProcess, and http2.cleartext admits ${what} on streams of HTTP/2, which cannot be sent to a process; write ${fix}`,
      );
    }
  }
}

/** Throws `TypeError` for a sender: a guarded server reads its sockets by itself. */
export function checkGuardedTravel(policy: Policy<FramerLike>): void {
  for (const { place } of sending(policy, null)) {
    throw new TypeError(
      `${place} is toProcess, but a guarded server reads its sockets by itself, so they cannot be sent to a process; accept with ` +
        "createServer(UNREAD, listener) of node:net, and adopt each socket",
    );
  }
}

function* sending({ vhosts }: Policy<FramerLike>, requests: Sender | null) {
  for (const [i, { name, upgrades }] of vhosts.entries()) {
    for (const [path, claim] of Object.entries(upgrades ?? {})) {
      const place = `vhosts[${i}].upgrades[${JSON.stringify(path)}]`;
      if (isSender(claim)) yield { name, place, isRequests: false };
    }
    if (requests !== null) yield { name, place: "requests", isRequests: true };
  }
}

/** One that a client of the vhost sends; null if the vhost is an address, which is not a server name (RFC 6066 §3). */
function serverNameFor(name: string): string | null {
  if (/^\[|^[\d./]+$/.test(name)) return null;
  return name.replace(/^\*+(?=\.)/, "a").toLowerCase();
}
