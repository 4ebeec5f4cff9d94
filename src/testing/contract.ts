// In:    nothing.
// Out:   what a contract consists of, and how a breach of it is reported.
// Never: knows a test runner.

/** One promise of a contract: `test(name, run)` in any runner. */
export interface ContractCase {
  readonly name: string;
  /** Rejects with a `ContractBreach`. Opens what it needs, and closes it again. */
  run(): Promise<void>;
}

/** What is not as the contract has it; `message`: what was done, what came of it, and what is usually the cause. */
export class ContractBreach extends Error {
  override readonly name = "ContractBreach";
}

/** Throws `ContractBreach`. */
export function demand(holds: boolean, breach: string): asserts holds {
  if (!holds) throw new ContractBreach(breach);
}

/** Waits for `promise`, and for `patience` milliseconds at most. */
export async function inTime<Value>(promise: Promise<Value>, patience: number, breach: () => string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new ContractBreach(`${breach()} (waited for ${patience} ms)`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until `holds`, looking again and again. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  patience: number,
  breach: () => string,
): Promise<void> {
  const latest = performance.now() + patience;
  while (!(await holds())) {
    demand(performance.now() < latest, `${breach()} (waited for ${patience} ms)`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
