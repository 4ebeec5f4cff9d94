// In:    names of servers, of this build or of another one; orders for the client.
// Out:   what each server did for them, in rounds, each outcome checked.
// Never: knows what is measured; the steps do.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Order, Outcome } from "./client.js";
import { Program } from "./program.js";
import type { Measured } from "./row.js";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The program of servers of this build. */
export const SERVERS = file("server.js");

/** A server's second argument: it shares its listening socket with one more process; or it is that one. */
export const SHARED = "shared";
export const OF_ANOTHER = "of another";

/** The path of Bun's program, or why there is none. */
export type BunPath = { readonly path: string } | { readonly reason: string };

export interface Effort {
  readonly rounds: number;
  /** Rounds before those, whose figures are dropped: engines compile in steps. */
  readonly warmUp: number;
  /** Divides the work of a round. */
  readonly part: number;
}

export const BUN = "Bun.serve";
export const OURS = "headgate + ws";
export const THEIRS = "node:http + ws";

/** Servers on bare `net` that look at nothing: what no server in Node can cost less than. */
export const FLOOR = {
  waiting: "control: net",
  refusing: "control: net + end",
  upgrading: "control: net, a 101",
  withWs: "control: net + ws",
} as const;

/** What takes part in a contest. */
export interface Entrant {
  /** The server, as its program knows it. */
  readonly name: string;
  /** Its name in this contest, which no other entrant has. */
  readonly label: string;
  /** The path of the program. */
  readonly servers: string;
  /** Two processes accept from one listening socket; the first one's figures are those of the contender. */
  readonly shared?: boolean;
}

/** One server in a process of its own. */
export class Contender {
  readonly name: string;
  readonly label: string;
  readonly program: Program;
  readonly port: number;

  private constructor({ name, label }: Entrant, program: Program, port: number) {
    this.name = name;
    this.label = label;
    this.program = program;
    this.port = port;
  }

  static async start(entrant: Entrant, bun: BunPath): Promise<Contender> {
    const program =
      entrant.name === BUN && "path" in bun
        ? new Program(bun.path, [file("bun-server.js")])
        : new Program(process.execPath, [
            "--expose-gc",
            entrant.servers,
            entrant.name,
            ...(entrant.shared === true ? [SHARED] : []),
          ]);
    return new Contender(entrant, program, await program.read());
  }

  /** Microseconds of processor time of the whole process so far. */
  async usage(): Promise<number> {
    const { user, system } = await this.program.ask<NodeJS.CpuUsage>("usage");
    return user + system;
  }

  /** Octets of heap and array buffers, once so many connections are open and were read from. */
  async memoryWith(connections: number): Promise<number> {
    while ((await this.program.ask("connections")) !== connections) await sleep(20);
    await sleep(200);
    return this.program.ask("memory");
  }

  /** The same, of the process as the system counts it (resident). */
  async residentWith(connections: number): Promise<number> {
    await this.memoryWith(connections);
    return this.program.ask("resident");
  }
}

/** The process that opens connections. */
export class Client {
  readonly #program = new Program(process.execPath, [file("client.js")]);

  /** Milliseconds that it took. Throws for a wrong answer. */
  async obey(order: Order, whose: string): Promise<number> {
    return (await this.outcome(order, whose)).milliseconds;
  }

  /** The same, with all that it noted. */
  async outcome(order: Order, whose: string): Promise<Outcome> {
    const outcome = await this.#program.ask<Outcome>(JSON.stringify(order));
    if (outcome.faults.length > 0) throw new Error(`${whose}: ${outcome.faults.join("; ")}`);
    return outcome;
  }

  end(): Promise<void> {
    return this.#program.end();
  }
}

/** Octets that each connection of the order holds in the server, which are closed again; with what the client noted. */
export async function heldByEach(
  client: Client,
  contender: Contender,
  order: Order,
): Promise<{ readonly octets: number; readonly outcome: Outcome }> {
  const { count } = order;
  const before = await contender.memoryWith(0);
  const outcome = await client.outcome(order, contender.label);
  const held = (await contender.memoryWith(count)) - before;
  await client.obey({ ...order, act: "release", count: 0 }, contender.label);
  return { octets: held / count, outcome };
}

/** One figure of one contender. */
export type Act = (client: Client, contender: Contender) => Promise<number>;

/**
 * Every contender once a round, in an order that turns by one each round: a processor's speed varies, and figures of
 * one round are close enough together to be compared. The first round is of right answers alone.
 */
export async function contest(
  entrants: readonly (Entrant | string)[],
  bun: BunPath,
  effort: Effort,
  act: Act,
): Promise<Measured[]> {
  const all = entrants.map((one) => (typeof one === "string" ? { name: one, label: one, servers: SERVERS } : one));
  const client = new Client();
  const contenders: Contender[] = [];
  try {
    for (const entrant of all) {
      if (entrant.name !== BUN || "path" in bun) contenders.push(await Contender.start(entrant, bun));
    }
    const samples = new Map(all.map(({ label }) => [label, [] as number[]]));
    for (let round = -effort.warmUp; round < effort.rounds; round++) {
      for (let i = 0; i < contenders.length; i++) {
        const contender = contenders[(i + round + effort.warmUp) % contenders.length]!;
        const sample = await act(client, contender);
        if (round >= 0) samples.get(contender.label)!.push(sample);
      }
    }
    return all.map(({ name, label }) => ({
      name: label,
      samples: samples.get(label)!,
      ...(name === BUN && "reason" in bun && { reason: bun.reason }),
    }));
  } finally {
    await Promise.all([client.end(), ...contenders.map(({ program }) => program.end())]);
  }
}

/** Two processes of one program differ by some hundredths, for as long as they run; so a contender has several. */
export const PROCESSES = 5;

/** Contests of as many processes as that, whose rounds are those of `effort` taken together, or a few more. */
export async function contests(
  processes: number,
  entrants: readonly (Entrant | string)[],
  bun: BunPath,
  effort: Effort,
  act: Act,
): Promise<Measured[]> {
  const rounds = Math.ceil(effort.rounds / processes);
  const measured: Measured[][] = [];
  for (let i = 0; i < Math.min(processes, effort.rounds); i++) {
    measured.push(await contest(entrants, bun, { ...effort, rounds }, act));
  }
  return measured[0]!.map((one, i) => ({ ...one, samples: measured.flatMap((some) => some[i]!.samples) }));
}

/**
 * An `Act`: microseconds of a server's processor time for each connection or message of an order. `took` is told the
 * milliseconds of each order.
 */
export function processorTime(
  order: (port: number, name: string) => Order,
  took?: (name: string, milliseconds: number) => void,
): Act {
  return async (client, contender) => {
    const given = order(contender.port, contender.name);
    const before = await contender.usage();
    const milliseconds = await client.obey(given, contender.label);
    took?.(contender.name, milliseconds);
    return ((await contender.usage()) - before) / given.count;
  };
}
