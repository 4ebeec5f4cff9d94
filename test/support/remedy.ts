// In:    the options of a gate, the remedy of a refusal.
// Out:   the options that follow it to the letter, for each alternative that it offers.
// Never: guesses; what it does not know fails.

import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import type { GateOptions } from "#src/gate-options.js";
import { LEAVE, type Vhost, type VhostPort } from "#src/policy/vhost.js";

type Follow = (options: GateOptions, ...values: string[]) => GateOptions;

/** The values of the words `framer`, `LEAVE` and `server` of a remedy. */
const named = {
  framer: ({ socket }: { socket: { end(octets: string): void } }) =>
    socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
  LEAVE,
  server: (_request: unknown, response: { end(): void }) => response.end(),
};

function evaluated(text: string): unknown {
  return runInNewContext(`(${text})`, { ...named });
}

/** Changes the one vhost that is meant. */
function onVhost(
  options: GateOptions,
  name: string,
  ports: string | undefined,
  change: (vhost: Vhost) => Vhost,
): GateOptions {
  const isMeant = (vhost: Vhost): boolean =>
    vhost.name === name && (ports === undefined || [vhost.port].flat().join(", ") === ports);
  assert.is(options.vhosts.filter(isMeant).length, 1, `${name} (port ${ports})`);
  const vhosts = options.vhosts.map((vhost) => (isMeant(vhost) ? (change(vhost) as typeof vhost) : vhost));
  return { ...options, vhosts };
}

const steps: [RegExp, Follow][] = [
  [
    /set ("(?:[^"\\]|\\.)*"): framer in the upgrades of vhost (\S+)$/,
    (options, path, name) => claimed(options, path!, name!),
  ],
  [
    /add ("(?:[^"\\]|\\.)*"): (framer|LEAVE) to the upgrades of vhost (\S+)$/,
    (options, path, claim, name) => claimed(options, path!, name!, claim as "framer" | "LEAVE"),
  ],
  [
    /set (\w+): (.+) on vhost (\S+)(?: \(port ([\d, ]+)\))?$/,
    (options, setting, value, name, ports) =>
      onVhost(options, name!, ports, (vhost) => ({ ...vhost, [setting!]: evaluated(value!) })),
  ],
  [/set (\w+): (.+)$/, (options, setting, value) => ({ ...options, [setting!]: evaluated(value!) })],
  [
    /remove requires from vhost (\S+)(?: \(port ([\d, ]+)\))?$/,
    (options, name, ports) => onVhost(options, name!, ports, ({ requires: _, ...vhost }) => vhost),
  ],
  [
    /remove absent from the origins of vhost (\S+)$/,
    (options, name) =>
      onVhost(options, name!, undefined, (vhost) => ({ ...vhost, origins: (vhost.origins as { list: [] }).list })),
  ],
  [
    /add (\{.*\}) to vhosts(?:, which also serves every name that no other vhost has)?$/,
    (options, vhost) => ({ ...options, vhosts: [...options.vhosts, evaluated(vhost!) as GateOptions["vhosts"][0]] }),
  ],
  [
    /add (\d+) to the ports of vhost (\S+)(?: \(port ([\d, ]+)\))?$/,
    (options, port, name, ports) =>
      onVhost(options, name!, ports, (vhost) => ({
        ...vhost,
        port: [vhost.port, Number(port)].flat() as VhostPort,
      })),
  ],
  [
    /add ("[^"]*") to the (origins|embedding|callbacks) of vhost (\S+)$/,
    (options, item, setting, name) =>
      onVhost(options, name!, undefined, (vhost) => ({
        ...vhost,
        [setting!]: [...(vhost[setting as keyof Vhost] as string[]), evaluated(item!) as string],
      })),
  ],
  [
    /raise limits\.(\w+) above (\d+)$/,
    (options, name, milliseconds) => ({ ...options, limits: { [name!]: Number(milliseconds) + 1000 } }),
  ],
];

function claimed(options: GateOptions, path: string, name: string, claim: "framer" | "LEAVE" = "framer"): GateOptions {
  return onVhost(options, name, undefined, (vhost) => ({
    ...vhost,
    upgrades: { ...vhost.upgrades, [evaluated(path) as string]: named[claim] },
  }));
}

/** Each clause is a step, except a notice before one. */
function followClause(options: GateOptions, clause: string): GateOptions | null {
  for (const [pattern, follow] of steps) {
    const match = pattern.exec(clause);
    if (match !== null) return follow(options, ...match.slice(1));
  }
  return null;
}

export function followed(options: GateOptions, remedy: string): GateOptions[] {
  return remedy.split("; otherwise, ").map((alternative) => {
    const clauses = alternative.split("; ");
    let result: GateOptions | null = null;
    for (const clause of clauses) result = followClause(result ?? options, clause) ?? result;
    if (result === null) throw new Error(`nothing to follow in ${alternative}`);
    return result;
  });
}
