// In:    every decision, malformed head, end and duration of a gate's connections.
// Out:   the gate's events, the same ones for the entire process, and counts.
// Never: throws; an error of a listener is rethrown after the connection has been dealt with.

import { channel } from "node:diagnostics_channel";
import type { EventEmitter } from "node:events";
import type { Arrival } from "../arrival/arrival.js";
import type { FramerLike } from "../handover/framer.js";
import type { HeadFaultCode } from "../head/fault.js";
import type { Acceptance, Refusal, RefusalCode } from "../policy/decision.js";
import { explain } from "../policy/explain.js";
import { presumptionWords } from "../policy/site-words.js";
import type { Abandoned, AbandonedCode, ConnectionEnd, LostCode, Malformed, Passed, Timing } from "./end.js";
import { throwLater } from "./throw-later.js";

/** The events of a gate. */
export interface GateEvents {
  /** An upgrade goes to its framer, or a request (`decision.upgrade` false) to `requests` or the guarded server. */
  accepted: [decision: Acceptance<FramerLike>];
  refused: [decision: Refusal<FramerLike>];
  /** In report mode: enforce mode would have refused the request that the next event, `accepted`, is about. */
  reported: [decision: Refusal<FramerLike>];
  /** `end.reported`: in report mode, the head goes on to the guarded server, whose parser has accepted it. */
  malformed: [end: Malformed];
  /** A connection goes unread to its passthrough. */
  passed: [end: Passed];
  abandoned: [end: Abandoned];
  /** A head was read, `authorize` has answered, or an upgrade or a connection was handed over. */
  timed: [timing: Timing];
}

/** Counts since the gate was made; a code that has not occurred is missing. */
export interface GateCounts {
  readonly refused: Partial<Record<RefusalCode, number>>;
  readonly reported: Partial<Record<RefusalCode | HeadFaultCode, number>>;
  /** All of them, also those that report mode let through, which are in `reported` as well. */
  readonly malformed: Partial<Record<HeadFaultCode, number>>;
  readonly abandoned: Partial<Record<AbandonedCode, number>>;
  /** Connections that a child process had acknowledged, and that had not closed when a signal or a fault ended it. */
  readonly lost: Partial<Record<LostCode, number>>;
}

/** Milliseconds; Prometheus's default buckets, with one for what takes no time. */
const BOUNDS: readonly number[] = Object.freeze([1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]);

/** Durations so far. */
export interface GateDurations {
  /** Upper bounds in milliseconds, inclusive, in ascending order. */
  readonly bounds: readonly number[];
  /** How many are within each bound and beyond the previous one; the last number, one more than there are bounds, is of those beyond all. */
  readonly counts: readonly number[];
  readonly count: number;
  /** Milliseconds. */
  readonly sum: number;
}

/** Durations of adopted connections and their requests, and of upgrades to guarded servers; `Timing` has what each begins and ends with. */
export type GateTimes = Readonly<Record<Timing["stage"], GateDurations>>;

/** The same events for the entire process, as `diagnostics_channel` messages. */
const channels = {
  accepted: channel("headgate:accepted"),
  refused: channel("headgate:refused"),
  reported: channel("headgate:reported"),
  malformed: channel("headgate:malformed"),
  passed: channel("headgate:passed"),
  timed: channel("headgate:timed"),
  abandoned: channel("headgate:abandoned"),
};

/** What a gate reports: called once for each decision, malformed head and end, before anything is done about it. */
export class Reports {
  readonly #gate: EventEmitter<GateEvents>;
  readonly #refused = new Map<RefusalCode, number>();
  readonly #reported = new Map<RefusalCode | HeadFaultCode, number>();
  readonly #malformed = new Map<HeadFaultCode, number>();
  readonly #abandoned = new Map<AbandonedCode, number>();
  readonly #lost = new Map<LostCode, number>();
  readonly #durations = { head: new Histogram(), authorize: new Histogram(), handover: new Histogram() };
  /** About a scheme that nothing states. */
  #hasWarned = false;
  /** About a refusal that nothing listened for. */
  #hasWarnedUnheard = false;

  /** `gate` emits the events. */
  constructor(gate: EventEmitter<GateEvents>) {
    this.#gate = gate;
  }

  /** False if nothing listens for accepted requests. */
  get hearsAccepted(): boolean {
    return this.#hears("accepted");
  }

  accepted(decision: Acceptance<FramerLike>): void {
    const { reported } = decision;
    if (decision.presumesTls === true && !this.#hasWarned) {
      this.#hasWarned = true;
      process.emitWarning(presumptionWords(decision), { code: "HEADGATE_SCHEME" });
    }
    if (reported !== undefined) {
      count(this.#reported, reported.code);
      this.#report("reported", reported);
    }
    this.#report("accepted", decision);
  }

  /** In report mode, a malformed head goes on to a guarded server. */
  passedMalformed(end: Malformed): void {
    count(this.#malformed, end.fault.code);
    count(this.#reported, end.fault.code);
    this.#report("malformed", end);
  }

  /** A connection goes to a passthrough. */
  passed(end: Passed): void {
    this.#report("passed", end);
  }

  ended(end: Exclude<ConnectionEnd, Passed | { kind: "handed-over" | "served" }>): void {
    if (end.kind === "refused") {
      count(this.#refused, end.decision.code);
      this.#warnUnheard(end.decision);
      this.#report("refused", end.decision);
    } else if (end.kind === "malformed") {
      count(this.#malformed, end.fault.code);
      this.#report("malformed", end);
    } else {
      count(this.#abandoned, end.code);
      this.#report("abandoned", end);
    }
  }

  /** Of an adopted connection, or of an upgrade to a guarded server. */
  timed(stage: Timing["stage"], milliseconds: number, arrival: Arrival): void {
    this.#durations[stage].add(milliseconds);
    if (this.#hears("timed")) this.#report("timed", { stage, milliseconds, arrival });
  }

  /** A connection was lost with the child process that had acknowledged it. */
  readonly lost = (): void => count(this.#lost, "CHILD_FAILED");

  get counts(): GateCounts {
    return {
      refused: Object.fromEntries(this.#refused),
      reported: Object.fromEntries(this.#reported),
      malformed: Object.fromEntries(this.#malformed),
      abandoned: Object.fromEntries(this.#abandoned),
      lost: Object.fromEntries(this.#lost),
    };
  }

  get durations(): GateTimes {
    const { head, authorize, handover } = this.#durations;
    return { head: head.snapshot, authorize: authorize.snapshot, handover: handover.snapshot };
  }

  #hears(name: keyof GateEvents): boolean {
    return this.#gate.listenerCount(name) > 0 || channels[name].hasSubscribers;
  }

  /** Warns about the first refusal that nothing listens for: it would be a mystery to the owner of the server. */
  #warnUnheard(refusal: Refusal<FramerLike>): void {
    if (this.#hasWarnedUnheard || this.#hears("refused")) return;
    this.#hasWarnedUnheard = true;
    process.emitWarning(
      `a gate has refused a request, and nothing listens for refusals: ${refusal.statusCode} ${refusal.code}, ${explain(refusal)}. ` +
        'Later refusals of this gate are silent; to log each, add gate.on("refused", (decision) => console.warn(explain(decision)))',
      { code: "HEADGATE_UNHEARD" },
    );
  }

  /**
   * Emits an event. If a listener throws, its error is rethrown after the connection has been dealt with, so that no
   * socket is left without an owner.
   */
  #report<Name extends keyof GateEvents>(name: Name, ...values: GateEvents[Name]): void {
    try {
      this.#gate.emit<keyof GateEvents>(name, ...values);
    } catch (error) {
      throwLater(error);
    }
    if (channels[name].hasSubscribers) channels[name].publish(values[0]);
  }
}

function count<Code>(counts: Map<Code, number>, code: Code): void {
  counts.set(code, (counts.get(code) ?? 0) + 1);
}

class Histogram {
  readonly #counts: number[] = [...BOUNDS, 0].fill(0);
  #count = 0;
  #sum = 0;

  add(milliseconds: number): void {
    let bucket = 0;
    while (bucket < BOUNDS.length && milliseconds > BOUNDS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#count++;
    this.#sum += milliseconds;
  }

  get snapshot(): GateDurations {
    return { bounds: BOUNDS, counts: [...this.#counts], count: this.#count, sum: this.#sum };
  }
}
