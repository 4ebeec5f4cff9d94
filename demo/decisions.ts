// In:    the events of a gate.
// Out:   every decision as an entry: JSON for the page, one line for the terminal.
// Never: decides anything; the sentences of decisions are the library's.

import { styleText } from "node:util";
import { explain, type Gate } from "headgate";

export type Verdict = "accepted" | "refused" | "malformed" | "abandoned";

/** What the terminal and the page show of one decision. */
export interface Entry {
  /** Counts from 1. */
  readonly number: number;
  /** As RFC 3339 writes it. */
  readonly time: string;
  readonly verdict: Verdict;
  /** How the client was answered; null where the gate left that to the site, or the connection was abandoned. */
  readonly statusCode: number | null;
  /** The stable code of a refusal, an error or an end. */
  readonly code: string | null;
  readonly explanation: string;
}

/** Calls `listener` for everything that the gate decides from now on. */
export function watchDecisions(gate: Gate, listener: (entry: Entry) => void): void {
  let number = 0;
  const report = (verdict: Verdict, statusCode: number | null, code: string | null, explanation: string): void => {
    number++;
    listener({ number, time: new Date().toISOString(), verdict, statusCode, code, explanation });
  };
  gate.on("accepted", (decision) => report("accepted", decision.upgrade ? 101 : null, null, explain(decision)));
  gate.on("refused", (decision) => report("refused", decision.statusCode, decision.code, explain(decision)));
  gate.on("malformed", ({ fault }) => report("malformed", fault.statusCode, fault.code, explain(fault)));
  gate.on("abandoned", ({ code, stage }) => {
    const words = code.toLowerCase().replaceAll("_", " ");
    report("abandoned", null, code, `${words}; stage of the connection: ${stage}`);
  });
}

const colours = { accepted: "green", refused: "red", malformed: "magenta", abandoned: "yellow" } as const;

/** An entry for the terminal, without line end. */
export function terminalLine(entry: Entry, coloured: boolean): string {
  const time = new Date(entry.time).toTimeString().slice(0, 8);
  const padded = entry.verdict.padEnd(9);
  const verdict = coloured ? styleText(colours[entry.verdict], padded) : padded;
  const statusCode = String(entry.statusCode ?? "").padStart(3);
  // An accepted upgrade has a status code and no code, a plain request has neither.
  const code = entry.code === null ? "" : `${entry.code}: `;
  return `${time} ${verdict} ${statusCode} ${code}${entry.explanation}`;
}
