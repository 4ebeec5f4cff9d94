// In:    what a caller or a configuration states about an arrival.
// Out:   TypeError with path, value and fix for what cannot be.
// Never: changes it.

import { parsePeerAddress } from "../head/ip-address.js";
import { checkSettings, describe, isPort } from "../head/options.js";
import type { ArrivalHints } from "./arrival.js";

/** @internal */
export const arrivalSettings = [
  "scheme",
  "remoteAddress",
  "remotePort",
  "localAddress",
  "localPort",
  "unix",
  "serverName",
  "alpnProtocol",
  "clientVerified",
] as const;

/** Throws `TypeError` for an unknown name, or a value that is not a scheme, address or port. */
export function checkArrivalHints(given: ArrivalHints, where: string): void {
  checkSettings(given, arrivalSettings, where);
  checkScheme(`${where}.scheme`, given.scheme);
  for (const name of ["remoteAddress", "localAddress"] as const) {
    const address: unknown = given[name];
    // Other text would never be trusted, and limits per address would not count it.
    if (address === undefined || address === null) continue;
    if (typeof address !== "string" || parsePeerAddress(address) === null) {
      throw new TypeError(
        `${where}.${name} is ${describe(address)}; it must be an IP address without a port, or null if it is not known`,
      );
    }
  }
  const { unix, remoteAddress } = given;
  if (unix !== undefined && (typeof unix !== "boolean" || (unix && remoteAddress !== undefined))) {
    throw new TypeError(
      `${where}.unix is ${describe(unix)}; it must be true or false, and a UNIX-domain socket has no remoteAddress`,
    );
  }
  for (const name of ["serverName", "alpnProtocol"] as const) {
    const value: unknown = given[name];
    if (value !== undefined && value !== null && typeof value !== "string") {
      throw new TypeError(`${where}.${name} is ${describe(value)}; it must be a string, or null for none`);
    }
  }
  const { clientVerified } = given;
  if (clientVerified !== undefined && typeof clientVerified !== "boolean") {
    throw new TypeError(`${where}.clientVerified is ${describe(clientVerified)}; it must be true or false`);
  }
  for (const name of ["remotePort", "localPort"] as const) {
    const port: unknown = given[name];
    if (port !== undefined && !isPort(port)) {
      throw new TypeError(`${where}.${name} is ${describe(port)}; it must be a number from 1 to 65535`);
    }
  }
}

/** Throws `TypeError` for what is neither http nor https. */
export function checkScheme(where: string, scheme: unknown): void {
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    throw new TypeError(`${where} is ${describe(scheme)}; it must be "http" or "https"`);
  }
}
