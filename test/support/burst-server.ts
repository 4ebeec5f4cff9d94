// In:    a way in, "tls" or "cleartext", and what the application does with each of its requests.
// Out:   a server of HTTP/2 in a process of its own; its port, to its parent.
// Never: runs tests; test/attack/crash.test.ts starts it.

import http2, {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Stream,
} from "node:http2";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { createGate } from "#src/gate.js";
import type { Handover } from "#src/handover/framer.js";
import { type Act, paths } from "./burst.js";
import { certificate } from "./certificate.js";
import "./heard.js";

const [way, transport, act] = process.argv.slice(2) as [string, string, Act];
const secure = transport === "tls";
const { key, cert } = certificate();
const settings = { enableConnectProtocol: true };

function respond(_request: Http2ServerRequest, response: Http2ServerResponse): void {
  const { stream } = response;
  if (act === "response.destroy()") response.destroy();
  else if (act === "stream.destroy()") stream.destroy();
  else if (act === "stream.close(2)") stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  else if (act === "end(), destroy()") {
    response.end("answered");
    stream.destroy();
  } else process.nextTick(() => stream.destroy());
}

/** Answers as ws does to an opening handshake that it does not like. */
function refuse({ socket }: Handover): void {
  socket.once("finish", () => socket.destroy());
  socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
}

function openGate() {
  return createGate({
    vhosts: [
      {
        name: "localhost",
        port: "any",
        upgrades: {
          [paths.thrown]: () => {
            throw new Error("a framer that fails");
          },
          [paths.refusedByFramer]: refuse,
          [paths.denied]: () => {},
          [paths.deniedLate]: () => {},
        },
      },
    ],
    authorize: ({ path }) => (path === paths.deniedLate ? Promise.resolve(false) : path !== paths.denied),
    ...(way === "adopted" && { requests: respond as never }),
    http2: { cleartext: true },
  });
}

/** What a gate once did: the stream is closed inside 'stream', after its response. */
function bare(stream: ServerHttp2Stream, headers: http2.IncomingHttpHeaders): void {
  stream.on("error", () => {});
  if (headers[":authority"] === "localhost") {
    stream.destroy();
    return;
  }
  stream.respond({ ":status": 421 });
  stream.end("foreign");
  stream.close(constants.NGHTTP2_NO_ERROR);
}

function serve(): net.Server {
  if (way === "adopted") {
    const gate = openGate();
    const adopt = (socket: Duplex): void => void gate.adopt(socket);
    return secure
      ? tls.createServer({ key, cert, ALPNProtocols: ["h2"] }).on("secureConnection", adopt)
      : net.createServer(adopt);
  }
  const server = secure ? http2.createSecureServer({ key, cert, settings }) : http2.createServer({ settings });
  if (way === "bare") server.on("stream", bare);
  else {
    server.on("request", respond);
    openGate().guard(server);
  }
  return server;
}

const server = serve();
server.on("tlsClientError", () => {});
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
