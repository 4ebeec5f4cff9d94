// In:    octets of requests.
// Out:   the same as Node's parser shows them, and as a runtime with Request would.
// Never: rules on them.

import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import net, { type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";

export interface Reader {
  /** The request, or the code of the parser's refusal. */
  read(octets: Buffer): Promise<IncomingMessage | string>;
  close(): Promise<void>;
}

/** Node's own server, which leaves the check of Host to the application. */
export async function openReader(): Promise<Reader> {
  let tell: (read: IncomingMessage | string) => void;
  const take = (request: IncomingMessage): void => {
    tell(request);
    request.socket.destroy();
  };
  const server = createServer({ requireHostHeader: false }, take);
  server.on("upgrade", take).on("connect", take);
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    tell(error.code ?? "unknown");
    socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    read: async (octets) => {
      const read = new Promise<IncomingMessage | string>((resolve) => {
        tell = resolve;
      });
      const client = net.connect(port, "127.0.0.1").on("error", () => {});
      client.write(octets);
      const result = await read;
      client.destroy();
      return result;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The Request that a runtime makes of it, by an absolute-form or by Host; null where it cannot. */
export function webRequestOf({ method, url, headers, rawHeaders }: IncomingMessage): Request | null {
  const base = `http://${headers.host ?? "localhost"}`;
  const target = /^[a-z]+:\/\//i.test(url!) ? url! : `${base}${url}`;
  const lines: [string, string][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push([rawHeaders[i]!, rawHeaders[i + 1]!]);
  // Where a field is not a list, a runtime keeps its first line, as Node does.
  const first = new Headers(lines);
  if (headers.host !== undefined) first.set("host", headers.host);
  try {
    return new Request(target, { method: method!, headers: first });
  } catch {
    return null;
  }
}
