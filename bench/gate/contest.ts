// In:    names of servers, orders for the client.
// Out:   what each server did for them, in rounds, each outcome checked.
// Never: knows what is measured; the steps do.

import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Order, Outcome } from "./client.js";
import { Program } from "./program.js";
import type { Measured } from "./row.js";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

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

/** One server in a process of its own. */
export class Contender {
  readonly name: string;
  readonly program: Program;
  readonly port: number;

  private constructor(name: string, program: Program, port: number) {
    this.name = name;
    this.program = program;
    this.port = port;
  }

  static async start(name: string, bun: BunPath): Promise<Contender> {
    const program =
      name === BUN && "path" in bun
        ? new Program(bun.path, [file("bun-server.js")])
        : new Program(process.execPath, ["--expose-gc", file("server.js"), name]);
    return new Contender(name, program, await program.read());
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
}

/** The process that opens connections. */
export class Client {
  readonly #program = new Program(process.execPath, [file("client.js")]);

  /** Milliseconds that it took. Throws for a wrong answer. */
  async obey(order: Order, whose: string): Promise<number> {
    const { faults, milliseconds } = await this.#program.ask<Outcome>(JSON.stringify(order));
    if (faults.length > 0) throw new Error(`${whose}: ${faults.join("; ")}`);
    return milliseconds;
  }

  end(): Promise<void> {
    return this.#program.end();
  }
}

/** One figure of one contender. */
export type Act = (client: Client, contender: Contender) => Promise<number>;

/**
 * Every contender once a round, in an order that turns by one each round: a processor's speed varies, and figures of
 * one round stand close enough together to be compared. The first round is of right answers alone.
 */
export async function contest(names: readonly string[], bun: BunPath, effort: Effort, act: Act): Promise<Measured[]> {
  const client = new Client();
  const contenders: Contender[] = [];
  try {
    for (const name of names) {
      if (name !== BUN || "path" in bun) contenders.push(await Contender.start(name, bun));
    }
    const samples = new Map(names.map((name) => [name, [] as number[]]));
    for (let round = -effort.warmUp; round < effort.rounds; round++) {
      for (let i = 0; i < contenders.length; i++) {
        const contender = contenders[(i + round + effort.warmUp) % contenders.length]!;
        const sample = await act(client, contender);
        if (round >= 0) samples.get(contender.name)!.push(sample);
      }
    }
    return names.map((name) => ({
      name,
      samples: samples.get(name)!,
      ...(name === BUN && "reason" in bun && { reason: bun.reason }),
    }));
  } finally {
    await Promise.all([client.end(), ...contenders.map(({ program }) => program.end())]);
  }
}

/** An `Act`: microseconds of a server's processor time for each connection or message of an order. */
export function processorTime(order: (port: number, name: string) => Order): Act {
  return async (client, contender) => {
    const given = order(contender.port, contender.name);
    const before = await contender.usage();
    await client.obey(given, contender.name);
    return ((await contender.usage()) - before) / given.count;
  };
}
