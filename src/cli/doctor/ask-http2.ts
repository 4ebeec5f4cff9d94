// In:    the fields of a request, an address, a time.
// Out:   the answer of the server over HTTP/2; null where it does not speak it.
// Never: keeps a session for another request.

import { createHash } from "node:crypto";
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { TLSSocket } from "node:tls";
import { type AskOptions, connectTo } from "./ask.js";
import type { Answer } from "./judge.js";

/** Sends a request in a session of its own: by ALPN over TLS, else with prior knowledge (RFC 9113 §3.3). */
export async function askHttp2(fields: Record<string, string>, options: AskOptions): Promise<Answer | null> {
  const { target, timeout, signal } = options;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout)]);
  const session = connect(target.origin, { createConnection: () => connectTo(options, "h2") });
  try {
    if (!(await speaksHttp2(session, limit))) return null;
    return await answerOf(session.request(fields), limit);
  } finally {
    session.destroy();
  }
}

/** True once the server's SETTINGS have come. */
function speaksHttp2(session: ClientHttp2Session, limit: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    session.once("remoteSettings", () => {
      const { encrypted, alpnProtocol } = session.socket as TLSSocket;
      resolve(encrypted !== true || alpnProtocol === "h2");
    });
    session.on("error", () => resolve(false));
    session.once("close", () => resolve(false));
    limit.addEventListener("abort", () => resolve(false), { once: true });
    if (limit.aborted) resolve(false);
  });
}

function answerOf(stream: ClientHttp2Stream, limit: AbortSignal): Promise<Answer> {
  const hash = createHash("sha256");
  let statusCode: number | undefined;
  return new Promise((resolve) => {
    const finish = (otherwise: Answer): void => {
      const isResponse = statusCode !== undefined;
      // A promise takes the first of them.
      resolve(
        isResponse ? { kind: "response", statusCode: statusCode!, digest: hash.copy().digest("hex") } : otherwise,
      );
    };
    stream.on("response", (headers) => {
      statusCode = headers[":status"];
    });
    stream.on("data", (piece: Buffer) => hash.update(piece));
    stream.on("error", () => {});
    stream.on("close", () => finish({ kind: "closed" }));
    limit.addEventListener("abort", () => finish({ kind: "silent" }), { once: true });
    stream.end();
  });
}
