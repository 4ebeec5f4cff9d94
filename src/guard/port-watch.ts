// In:    a guarded server; the requests of all servers of node:http in the process.
// Out:   one warning if a server that nothing guards gets a request on the port number of the guarded one.
// Never: looks at a request, or stays subscribed after the warning, or while the guarded server does not listen.

import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { AddressInfo, Server } from "node:net";

const CHANNEL = "http.server.request.start";

/** The message of the channel; it has more members. */
interface RequestStart {
  readonly server: Server;
}

/**
 * A framework that is told to listen on `localhost` may make one server for 127.0.0.1 and another one for ::1, of which an application
 * only sees the first. While this is subscribed, each request of the process costs a message and a comparison or two.
 */
export class PortWatch {
  readonly #server: Server;
  readonly #isGuarded: (server: object) => boolean;
  /** Servers on other ports: to ask for a server's port is a system call. One that listens again elsewhere is not noticed. */
  #elsewhere = new WeakSet<Server>();
  #isSubscribed = false;
  #hasWarned = false;

  constructor(server: Server, isGuarded: (server: object) => boolean) {
    this.#server = server;
    this.#isGuarded = isGuarded;
  }

  /** Does nothing before the server listens. */
  start(): void {
    if (this.#isSubscribed || this.#hasWarned || portOf(this.#server) === null) return;
    this.#isSubscribed = true;
    this.#elsewhere = new WeakSet();
    subscribe(CHANNEL, this.#look);
  }

  stop(): void {
    if (!this.#isSubscribed) return;
    this.#isSubscribed = false;
    unsubscribe(CHANNEL, this.#look);
  }

  readonly #look = (message: unknown): void => {
    const { server } = message as RequestStart;
    if (server === this.#server || this.#elsewhere.has(server) || this.#isGuarded(server)) return;
    const port = portOf(server);
    if (port === null || port !== portOf(this.#server)) {
      this.#elsewhere.add(server);
      return;
    }
    this.#hasWarned = true;
    this.stop();
    const [guarded, other] = [addressOf(this.#server), addressOf(server)];
    process.emitWarning(
      `a gate guards the server on ${guarded}, and another server of this process has got a request on ${other} that nothing rules on; ` +
        "a framework may make one server for each address of localhost: guard each of them, where the framework makes it (Fastify: " +
        "serverFactory), or let it listen on one address",
      { code: "HEADGATE_UNGUARDED" },
    );
  };
}

/** Null if it does not listen, or on a UNIX-domain socket. */
function portOf(server: Server): number | null {
  const address = server.address();
  return address === null || typeof address === "string" ? null : address.port;
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
