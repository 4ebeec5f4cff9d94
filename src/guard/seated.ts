// In:    a server whose requests headgate's parser reads.
// Out:   the heads of those requests, and the faults of heads that it refuses.
// Never: rules on anything.

import type { Seat } from "../engine/seat.js";
import type { SideTable } from "../handover/side-table.js";
import { HeadFault } from "../head/fault.js";
import type { HeadLimits } from "../head/limits.js";
import type { RequestHead } from "../head/request-head.js";

/** The seat of a guarded server. */
export class Seated {
  readonly #seat: Seat;
  readonly #heads: SideTable<RequestHead>;

  constructor(seat: Seat) {
    this.#seat = seat;
    this.#heads = seat.keepHeads();
  }

  release(): void {
    this.#seat.release();
  }

  /**
   * The head of a request as headgate's parser has read it; undefined if Node's has read it, or if it may break the gate's own rules:
   * about its size, and about Host, which is optional where a server decides about it.
   */
  headOf(request: object, { headBytes, fieldLines }: HeadLimits): RequestHead | undefined {
    const head = this.#heads.get(request);
    if (head === undefined || head.size > headBytes || head.rawHeaders.length > 2 * fieldLines) return undefined;
    return head.host !== null || head.httpVersion === "1.0" ? head : undefined;
  }
}

/** Why a head is malformed that headgate's parser has refused, by the error of 'clientError'; undefined for any other error. */
export function faultOf(error: unknown): HeadFault | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof HeadFault ? cause : undefined;
}
