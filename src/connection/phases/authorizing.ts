// In:    a connection whose upgrade waits for the application's answer, octets that arrive meanwhile.
// Out:   the upgrade to its framer, with those octets, or a refusal.
// Never: keeps more octets than the limit.

import type { Arrival } from "../../arrival/arrival.js";
import type { FramerLike } from "../../handover/framer.js";
import { Question, type Verdict } from "../../outcome/authorization.js";
import { HeldOctets } from "../../outcome/held-octets.js";
import { refuseDraining, refuseUnanswered } from "../../policy/decide.js";
import type { Acceptance } from "../../policy/decision.js";
import { readOn } from "../socket.js";
import type { Phase, Phased } from "./phase.js";

export class Authorizing implements Phase {
  readonly stage = "authorize";
  readonly decision: Acceptance<FramerLike>;
  readonly #connection: Phased;
  readonly #question: Question;
  readonly #early = new HeldOctets();
  #isOver = false;

  constructor(connection: Phased, decision: Acceptance<FramerLike>) {
    this.#connection = connection;
    this.decision = decision;
    this.#question = new Question(decision);
  }

  get requestArrival(): Arrival {
    return this.decision.arrival;
  }

  begin(rest: Uint8Array): void {
    const { context, input, socket } = this.#connection;
    input.become("authorizing");
    if (!this.#connection.mayWait(context.authorizing.admit(this.#connection))) return;
    this.receive(rest);
    if (this.#isOver) return;
    readOn(socket, false);
    this.#question.ask(context.authorize!, (verdict) => {
      if (!this.#isOver) this.#answered(verdict);
    });
  }

  #answered(verdict: Verdict): void {
    const { context } = this.#connection;
    context.reports.timed("authorize", context.authorizing.waited(this.#connection), this.decision.arrival);
    // A listener may have closed it.
    if (this.#isOver) return;
    this.#isOver = true;
    if (verdict.kind === "failed") this.#connection.abandonWith("AUTHORIZE_FAILED", verdict.cause);
    else if (verdict.kind === "refused") this.#connection.refuse(verdict.decision);
    else this.#connection.handOver(this.decision, this.#early.take());
  }

  /** Clients rarely send octets here, before they know that the upgrade is accepted; still, none may be lost. */
  receive(octets: Uint8Array): void {
    this.#early.add(octets);
    const { context } = this.#connection;
    if (this.#early.length > context.limits.earlyBytes) this.#connection.abandonWith("EARLY_OCTETS");
  }

  peerEnded(): void {
    this.#connection.abandon("PEER_ENDED");
    this.#connection.socket.destroy();
  }

  idle(): void {}

  expire(): void {
    const { authorizeTimeout } = this.#connection.context.limits;
    this.#connection.refuse(refuseUnanswered(this.decision, authorizeTimeout));
  }

  drain(): void {
    this.#connection.refuse(refuseDraining(this.decision));
  }

  leave(): void {
    this.#connection.context.authorizing.remove(this.#connection);
    // After an answer, the signal is not aborted.
    if (!this.#isOver) this.#question.abort();
    this.#isOver = true;
  }
}
