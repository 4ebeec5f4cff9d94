// In:    a vhost, the effective port and the arrival of a request.
// Out:   whether they fit, and with which ports the port was compared.
// Never: knows where a port came from.

import type { Arrival } from "../arrival/arrival.js";
import { NO_LISTEN_SERVER, numbersOf, type Vhost } from "./vhost.js";

export function portFits(vhost: Vhost, port: number | null, arrival: Arrival): boolean {
  // Without authority there is nothing to compare; only a default vhost, or one with absentHost, is reached this way.
  if (port === null || vhost.port === undefined) return true;
  if (vhost.port === "any" || vhost.port === NO_LISTEN_SERVER) return true;
  return portsOf(vhost, arrival).includes(port);
}

/** Empty where nothing is compared, or the local port is not known. */
export function portsOf(vhost: Vhost, arrival: Arrival): readonly number[] {
  if (vhost.port !== "local") return numbersOf(vhost.port) ?? [];
  return arrival.localPort === undefined ? [] : [arrival.localPort];
}

/** Those that the scheme of the arrival may reach. */
export function reachable<Claim>(vhosts: readonly Vhost<Claim>[], { scheme }: Arrival): readonly Vhost<Claim>[] {
  return vhosts.filter(({ requires }) => requires !== "https" || scheme === "https");
}
