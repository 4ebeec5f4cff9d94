// In:    the port of a guarded framework on 127.0.0.1, the path of its page or of its WebSockets.
// Out:   whether it is open to its own clients, and closed to foreign pages and to names that were pointed at this machine.
// Never: speaks the framework's own protocol.

import { once } from "node:events";
import { createRequire } from "node:module";
import net, { type AddressInfo, type Server } from "node:net";
import { join } from "node:path";
import type { Gate } from "headgate";
import * as assert from "uvu/assert";
import { folderOf } from "../support/frameworks.js";
import { Client } from "../support/tcp.js";
import { handshakeFields } from "../support/world.js";

/** A package of a framework, which the project does not depend on and so has no types of. */
// biome-ignore lint/suspicious/noExplicitAny: its types are not installed either
export function load(framework: string, name = framework): any {
  return createRequire(join(folderOf(framework), "package.json"))(name);
}

/** The codes of what a gate refuses from now on. */
export function refusals(gate: Gate): string[] {
  const said: string[] = [];
  gate.on("refused", ({ code }) => said.push(code));
  return said;
}

export async function listening(server: Server, host = "127.0.0.1"): Promise<number> {
  await once(server.listen(0, host), "listening");
  return (server.address() as AddressInfo).port;
}

/** The status code for a request. */
export async function status(port: number, target: string, fields: string, address = "127.0.0.1"): Promise<number> {
  const client = new Client(net.connect(port, address));
  await client.send(`GET ${target} HTTP/1.1\r\n${fields}\r\n`);
  const [response] = await client.responses(1);
  client.stream.destroy();
  return response!.statusCode;
}

/** What strangers get of a WebSocket on `path`, and of the page `page`; `said` has the codes of the gate. */
export async function knock(
  port: number,
  path: string,
  said: string[],
  { page = "/", address = "127.0.0.1", more = "" } = {},
): Promise<void> {
  const own = `Host: ${address.includes(":") ? `[${address}]` : address}:${port}\r\n`;
  const rebound = `Host: rebound.example:${port}\r\n`;
  said.length = 0;
  const upgrade = (fields: string): Promise<number> =>
    status(port, path, `${fields}${more}${handshakeFields}`, address);
  assert.is(await upgrade(`${own}Origin: http://evil.example\r\n`), 403);
  assert.is(await upgrade(`${rebound}Origin: http://rebound.example:${port}\r\n`), 421);
  assert.is(await status(port, page, rebound, address), 421);
  assert.is(await status(port, page, `${own}Origin: http://evil.example\r\n`, address), 403);
  assert.equal(said.splice(0), ["ORIGIN_FOREIGN", "NAME_UNKNOWN", "NAME_UNKNOWN", "ORIGIN_FOREIGN"]);
  assert.is(await status(port, page, own, address), 200);
  assert.equal(said, []);
}
