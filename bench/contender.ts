// In:    what a contender reports for each head.
// Out:   the sum of it, which is checked after timing; in a rehearsal, the answers themselves.
// Never: knows a contender.

import type { Answer, Input } from "./inputs.js";

/**
 * L0: parse only, octets already in place. L1: copy and parse. L2: an object with method, request-target, version,
 * host, port and flags. L3: and every name and value as strings.
 */
export type Level = "L0" | "L1" | "L2" | "L3";

export interface Contender {
  readonly name: string;
  readonly level: Level;
  prepare(input: Input): Prepared | Absent;
}

/** Instead of a figure: why a contender does not run on an input or on this machine. */
export interface Absent {
  readonly absent: string;
}

export interface Prepared {
  readonly sink: Sink;
  /** Parses `times` buffers of the input in turn, and reports each head to the sink. */
  run(times: number): void;
}

/**
 * Takes what a contender made of each head, so that no engine may leave the work out: a sum over all of it, and the
 * last of it kept where others can see it. The same calls serve the rehearsal, in which it keeps all.
 */
export class Sink {
  sum = 0;
  kept: unknown;
  answers: Partial<Answer>[] | null = null;

  /** L2. */
  object(
    head: unknown,
    method: string,
    requestTarget: string,
    version: number,
    uriHost: string,
    port: number,
    keepAlive: boolean,
  ): void {
    this.sum += method.length + requestTarget.length + version + uriHost.length + port + (keepAlive ? 1 : 0);
    this.kept = head;
    if (this.answers !== null) this.answers.push({ method, requestTarget, version, uriHost, port, keepAlive });
  }

  /** L3; peers do not read the host. */
  strings(head: unknown, method: string, requestTarget: string, version: number, fieldLines: string[]): void {
    const last = fieldLines[fieldLines.length - 1]!;
    this.sum += method.length + requestTarget.length + version + fieldLines.length + last.length;
    this.kept = head;
    if (this.answers !== null) this.answers.push({ method, requestTarget, version, fieldLines });
  }

  /** A malformed head; null where the contender saw nothing wrong. */
  refused(error: unknown): void {
    if (error !== null) this.sum += 1;
    this.kept = error;
  }
}
