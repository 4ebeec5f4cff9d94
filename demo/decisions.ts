// In:    the events of gates.
// Out:   every decision as an entry: JSON for the page, one line for the terminal.
// Never: decides anything; the sentences of decisions are the library's.

import { styleText } from "node:util";
import { explain, type Gate } from "headgate";

export type Verdict = "accepted" | "refused" | "malformed" | "abandoned";

export type Road = "adopted" | "guarded";

/** What the terminal and the page show of one decision. */
export interface Entry {
  /** Counts from 1. */
  readonly number: number;
  /** As RFC 3339 writes it. */
  readonly time: string;
  readonly verdict: Verdict;
  /** Whether the connection was adopted, or accepted by a guarded server. */
  readonly road: Road;
  /** The request-target; null where no head could be read. */
  readonly target: string | null;
  /** How the client was answered; null where the gate left that to the site, or the connection was abandoned. */
  readonly statusCode: number | null;
  /** The stable code of a refusal, an error or an end. */
  readonly code: string | null;
  readonly explanation: string;
}

/** Numbers decisions, of one gate or of several. */
export class DecisionLog {
  #number = 0;
  readonly #listener: (entry: Entry) => void;

  /** Calls `listener` for everything that the watched gates decide from now on. */
  constructor(listener: (entry: Entry) => void) {
    this.#listener = listener;
  }

  watch(gate: Gate, road: Road): void {
    const report = (entry: Pick<Entry, "verdict" | "target" | "statusCode" | "code" | "explanation">): void => {
      this.#number++;
      this.#listener({ number: this.#number, time: new Date().toISOString(), road, ...entry });
    };
    gate.on("accepted", (decision) => {
      const { upgrade, head } = decision;
      const statusCode = upgrade ? 101 : null;
      report({
        verdict: "accepted",
        target: head.requestTarget,
        statusCode,
        code: null,
        explanation: explain(decision),
      });
    });
    gate.on("refused", (decision) => {
      const { head, statusCode, code } = decision;
      report({ verdict: "refused", target: head.requestTarget, statusCode, code, explanation: explain(decision) });
    });
    gate.on("malformed", ({ fault }) => {
      const { statusCode, code } = fault;
      report({ verdict: "malformed", target: null, statusCode, code, explanation: explain(fault) });
    });
    gate.on("abandoned", (end) => {
      report({ verdict: "abandoned", target: null, statusCode: null, code: end.code, explanation: explain(end) });
    });
  }
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
