// In:    a way in, and what it cannot have.
// Out:   a suite of the contract of ways in.
// Never: has a case of its own.

import { type WayIn, type WayInContractOptions, wayInContract } from "#src/testing.js";
import { suite } from "../support/suite.js";

export type Way = WayIn;

export function intakeContract(name: string, kind: Omit<WayInContractOptions, "open">, open: () => Promise<Way>): void {
  const test = suite(`intake: ${name}`);
  const contract = wayInContract({ ...kind, open, patience: 60_000 });
  for (const { name, run } of contract.cases) test(name, run);
  test.after(contract.close);
}
