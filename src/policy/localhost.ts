// In:    what the vhosts of a local tool have in common.
// Out:   vhosts for the names of this machine's loopback interface.
// Never: names an address that other machines reach.

import { describe, isRecord } from "../head/options.js";
import type { Vhost } from "./vhost.js";

/** True for a name, a wildcard or a network that `localhost()` makes, or that is within those. */
export function isLocalName(name: string): boolean {
  return /^(?:(?:.*\.)?localhost\.?|127(?:\.\d{1,3}){3}(?:\/\d+)?|\[::1\])$/i.test(name);
}

/** Settings that the vhosts of `localhost()` share. */
export type LocalhostOptions<Claim = unknown> = Omit<Vhost<Claim>, "name" | "default" | "absentHost">;

/**
 * Names under which a browser reaches this machine and no other: localhost and names of one label more (RFC 6761 §6.3),
 * 127.0.0.0/8 (RFC 1122 §3.2.1.3), [::1] (RFC 4291 §2.5.3). A page of another site that has its own name point here (DNS
 * rebinding) names another host, and is refused; so is 0.0.0.0. `embedding` is `same-origin` unless it is given: `same-site` would be
 * every port of this machine. Throws `TypeError` for anything but settings of a vhost.
 */
export function localhost<Claim = never>(options: LocalhostOptions<Claim> = {}): Vhost<Claim>[] {
  if (!isRecord(options)) {
    const fix = typeof options === "number" ? `localhost({ port: ${options} })` : "localhost({ port: 3000 })";
    throw new TypeError(`localhost() takes the settings of a vhost, and this is ${describe(options)}; write ${fix}`);
  }
  for (const name of ["name", "default"]) {
    if (Object.hasOwn(options, name))
      throw new TypeError(`${name} is not a setting of localhost(), which sets the names`);
  }
  if (Object.hasOwn(options, "absentHost")) {
    throw new TypeError(
      "absentHost is not a setting of localhost(), whose clients name a host; give it to the vhost that a balancer checks",
    );
  }
  return ["localhost", "*.localhost", "127.0.0.0/8", "[::1]"].map((name) => ({
    embedding: "same-origin",
    ...options,
    name,
  }));
}
