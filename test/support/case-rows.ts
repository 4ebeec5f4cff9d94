// In:    test/cases/host-cases.json and policy-cases.json.
// Out:   their rows, and the octets of each.
// Never: decides what is right; the rows have it.

import { readFileSync } from "node:fs";
import type { VhostPort } from "#src/policy/vhost.js";
import { handshakeFields } from "./world.js";

export interface Right {
  upgrade: boolean;
  statusCode?: number[];
  vhost?: string;
}
interface HostCase {
  vhost: string;
  port: VhostPort;
  request: string;
  host: string | null | { repeat: string; times: number; then: string };
  right: Right;
}
interface PolicyCase {
  scheme: "http" | "https";
  vhosts: { name: string; port: VhostPort; default?: boolean; requires?: "https" }[];
  target: string;
  version: string;
  host: string | null;
  right: Right;
  why: string;
}

const read = <Row>(name: string): Row[] => JSON.parse(readFileSync(`test/cases/${name}.json`, "utf8"));
export const hostCases = read<HostCase>("host-cases");
export const policyCases = read<PolicyCase>("policy-cases");

/** The head of a host case; its Host is UTF-8, as a client that knows no better would send it. */
export function hostCaseHead({ request, host }: HostCase): string {
  const value = host !== null && typeof host === "object" ? host.repeat.repeat(host.times) + host.then : host;
  const target = /^absolute-form (.*)$/.exec(request)?.[1] ?? "/chat";
  const version = request === "HTTP/1.0" ? "1.0" : "1.1";
  return `GET ${target} HTTP/${version}\r\n${hostLines(request, value)}${handshakeFields}\r\n`;
}

function hostLines(request: string, value: string | null): string {
  if (value === null) return "";
  if (request === "two Host headers") {
    return value
      .split(" | ")
      .map((each) => `Host: ${each}\r\n`)
      .join("");
  }
  if (request === '"Host : v"') return `Host : ${value}\r\n`;
  if (request === "host: (lower-case name)") return `host: ${value}\r\n`;
  if (request === "obs-fold Host") return `Host:\r\n ${value}\r\n`;
  return `Host: ${value}\r\n`;
}

export function policyCaseHead({ target, version, host }: PolicyCase): string {
  return `GET ${target} HTTP/${version}\r\n${host === null ? "" : `Host: ${host}\r\n`}${handshakeFields}\r\n`;
}

/** The vhosts of a policy case; a default one has to state its origins. */
export function policyCaseVhosts<Claim>({ vhosts }: PolicyCase, upgrades: Record<string, Claim>) {
  return vhosts.map((vhost) => ({ ...vhost, upgrades, ...(vhost.default && { origins: "any" as const }) }));
}
