// In:    a server that listens on a loopback address, of HTTP/1.1 with TLS or without.
// Out:   the status code of a request to it, or of an upgrade of a path.
// Never: keeps a connection.

import https from "node:https";
import net, { type AddressInfo, type Server } from "node:net";
import tls from "node:tls";
import { Client } from "./tcp.js";
import { handshakeFields } from "./world.js";

export async function statusOver(server: Server, host: string, upgraded?: string): Promise<number> {
  const to = { port: (server.address() as AddressInfo).port, host };
  const client = new Client(
    server instanceof https.Server ? tls.connect({ ...to, rejectUnauthorized: false }) : net.connect(to),
  );
  const fields = upgraded === undefined ? "Connection: close\r\n" : handshakeFields;
  await client.send(`GET ${upgraded ?? "/"} HTTP/1.1\r\nHost: ${host}:${to.port}\r\n${fields}\r\n`);
  const [response] = await client.responses(1);
  client.stream.destroy();
  return response!.statusCode;
}
