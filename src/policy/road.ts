// In:    a policy, and the road on which it is to rule: guarded servers or adopted sockets.
// Out:   a TypeError with the fix for what cannot be served there.
// Never: knows a server; guard/server.ts does.

import type { Policy } from "./policy-rules.js";
import { LEAVE, NO_LISTEN } from "./vhost.js";

/** A guarded server reads its sockets itself, from the first octet. @internal */
export function checkGuardable(policy: Policy<unknown>): void {
  checkSomethingServed(policy);
  if (policy.trust?.proxyProtocol) {
    throw new TypeError(
      "trust has proxyProtocol, but a guarded server reads its connections itself; accept with net.createServer, " +
        "adopt each socket, and give the gate the server as requests",
    );
  }
}

/** Adopted sockets have no listening port of ours, so that each vhost must state its port. @internal */
export function checkAdoptable(policy: Policy<unknown>): void {
  for (const { name, port, upgrades } of policy.vhosts) {
    const [left] = Object.entries(upgrades ?? {}).find(([, claim]) => claim === LEAVE) ?? [];
    if (left !== undefined) {
      throw new TypeError(
        `vhost ${name} leaves upgrades of ${left} to other listeners, but an adopted socket has none; give it a framer, ` +
          "or guard the server that has them",
      );
    }
    if (port === undefined) {
      throw new TypeError(
        `vhost ${name} has no port, and an adopted socket has none to use instead; write the public port, ` +
          "port: NO_LISTEN_SERVER for any, or port: NO_LISTEN for none",
      );
    }
    if (port === "local") {
      throw new TypeError(
        `vhost ${name} has port "local", the local port of an arrival, but a gate that adopts listens on ` +
          "no port; write the public port or NO_LISTEN_SERVER",
      );
    }
  }
  checkSomethingServed(policy);
}

function checkSomethingServed(policy: Policy<unknown>): void {
  if (policy.vhosts.every(({ port }) => port === NO_LISTEN)) {
    throw new TypeError("every vhost has port NO_LISTEN, so no request could be served");
  }
}
