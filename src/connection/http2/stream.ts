// In:    a stream that a client has opened, the policy of its connection.
// Out:   the request to whoever serves it, its tunnel to a framer, or a refusal on the stream; one of them, once.
// Never: ends the session, or touches another stream of it.

import type { Arrival } from "../../arrival/arrival.js";
import { type FramerLike, LEAVE, take } from "../../handover/framer.js";
import { SocketHandover } from "../../handover/socket-handover.js";
import type { HeadgateError } from "../../head/fault.js";
import { readHttp2Head } from "../../head/http2.js";
import { type Authorize, Authorizing, type Verdict } from "../../outcome/authorization.js";
import { countedAs, type Gatehouse } from "../../outcome/context.js";
import type { Timed } from "../../outcome/deadlines.js";
import { type Abandoned, type AbandonedCode, abandoned } from "../../outcome/end.js";
import { replyOf } from "../../outcome/reply.js";
import type { Waiting } from "../../outcome/waiting.js";
import {
  type Acceptance,
  type Decision,
  decide,
  type Refusal,
  refuseUnanswered,
  requireListener,
  requireUpgrade,
} from "../../policy/decide.js";
import { explain, explainError } from "../../policy/explain.js";
import type { Opened } from "./compat.js";
import { answer, ignoreError } from "./respond.js";
import { Tunnel } from "./tunnel.js";

const NOTHING = new Uint8Array(0);

/** The connection of a stream. */
export interface ExchangeOwner {
  readonly arrival: Arrival;
  /** Somebody serves requests that are no upgrades. */
  readonly serves: boolean;
  /** Gets an accepted request, or an upgrade that is left to others. */
  serve(opened: Opened, decision: Acceptance<FramerLike>): void;
}

/** One request over HTTP/2. */
export class Exchange implements Waiting {
  due = 0;
  before: Timed | null = null;
  behind: Timed | null = null;
  readonly #house: Gatehouse;
  readonly #owner: ExchangeOwner;
  readonly #opened: Opened;
  #authorizing: Authorizing | null = null;

  constructor(house: Gatehouse, owner: ExchangeOwner, opened: Opened) {
    this.#house = house;
    this.#owner = owner;
    this.#opened = opened;
  }

  /** Of a request behind trusted hops, by what they say of it. */
  get countedAs(): string | null {
    return countedAs(this.#house, this.#arrival);
  }

  /** Of the request, as far as it is known. */
  get #arrival(): Arrival {
    return this.#authorizing?.arrival ?? this.#owner.arrival;
  }

  get #isGone(): boolean {
    const { stream } = this.#opened;
    return stream.destroyed || stream.closed;
  }

  begin(): void {
    const { stream, rawHeaders } = this.#opened;
    // Reset before anybody could look at it; whoever opens and resets streams is not worth a ruling.
    if (this.#isGone) {
      stream.on("error", ignoreError);
      return;
    }
    const result = readHttp2Head(rawHeaders, stream.endAfterHeaders, this.#house.limits);
    if (result.kind === "error") this.#malformed(result.error);
    else this.#act(decide(this.#house.policy, result.head, this.#owner.arrival));
  }

  #act(decision: Decision<FramerLike>): void {
    if (decision.kind === "refused") {
      this.#refuse(decision);
    } else if (decision.claim === LEAVE && !this.#house.others!.listening("stream")) {
      this.#refuse(decision.reported ?? requireListener(decision));
    } else if (decision.upgrade && this.#house.authorize !== undefined) {
      this.#authorize(decision, this.#house.authorize);
    } else if (decision.upgrade) {
      this.#handOver(decision);
    } else if (!this.#owner.serves) {
      this.#refuse(decision.reported ?? requireUpgrade(decision));
    } else {
      this.#serve(decision);
    }
  }

  #serve(decision: Acceptance<FramerLike>): void {
    this.#house.known.set(this.#opened.stream, decision);
    this.#house.accepted(decision);
    this.#owner.serve(this.#opened, decision);
  }

  /** Asks the application. What the client sends meanwhile waits in the stream, no more than its window lets it send. */
  #authorize(decision: Acceptance<FramerLike>, authorize: Authorize): void {
    const authorizing = new Authorizing(decision, 0);
    this.#authorizing = authorizing;
    this.#opened.stream.on("error", ignoreError).once("close", this.#onClose);
    const overload = this.#house.authorizing.admit(this);
    if (overload !== null) {
      this.#abandon(overload, "authorize");
      this.#answer(503, decision.head.method);
      return;
    }
    authorizing.ask(authorize, (verdict) => {
      if (this.#authorizing === authorizing) this.#answered(decision, verdict);
    });
  }

  readonly #onClose = (): void => this.#abandon("PEER_ENDED", "authorize");

  #answered(decision: Acceptance<FramerLike>, verdict: Verdict): void {
    if (verdict.kind === "failed") {
      this.#abandon("AUTHORIZE_FAILED", "authorize", verdict.cause);
      this.#answer(500, decision.head.method);
    } else if (verdict.kind === "refused") {
      this.#refuse(verdict.decision);
    } else {
      this.#asked();
      this.#handOver(decision);
    }
  }

  /** No answer is awaited any more. */
  #asked(): Authorizing | null {
    const authorizing = this.#authorizing;
    if (authorizing === null) return null;
    this.#authorizing = null;
    this.#house.authorizing.remove(this);
    this.#opened.stream.removeListener("close", this.#onClose);
    return authorizing;
  }

  /** The application's word did not come in time. */
  expire(): void {
    const { decision } = this.#authorizing!;
    this.#refuse(refuseUnanswered(decision, this.#house.limits.authorizeTimeout));
  }

  #handOver(decision: Acceptance<FramerLike>): void {
    if (decision.claim === LEAVE) {
      this.#opened.stream.removeListener("error", ignoreError);
      this.#serve(decision);
      return;
    }
    const { stream } = this.#opened;
    const { known } = this.#house;
    stream.on("error", ignoreError);
    const tunnel = new Tunnel(stream, decision.arrival);
    tunnel.on("error", ignoreError);
    known.set(stream, decision);
    known.set(tunnel, decision);
    this.#house.accepted(decision);
    try {
      const handover = new SocketHandover(tunnel, decision, NOTHING, known);
      const promise: unknown = take(decision.claim!, handover);
      if (typeof (promise as PromiseLike<void> | null | undefined)?.then !== "function") return;
      Promise.resolve(promise).then(
        () => {},
        (cause) => this.#notTaken(tunnel, decision, cause),
      );
    } catch (cause) {
      this.#notTaken(tunnel, decision, cause);
    }
  }

  #notTaken(tunnel: Tunnel, decision: Acceptance<FramerLike>, cause: unknown): void {
    this.#abandon("FRAMER_FAILED", "handover", cause);
    if (tunnel.hasAnswered) tunnel.destroy();
    else this.#answer(500, decision.head.method);
  }

  #refuse(decision: Refusal<FramerLike>): void {
    this.#asked()?.abort();
    this.#house.ended({ kind: "refused", decision });
    const { statusCode, fields, head } = decision;
    this.#answer(statusCode, head.method, this.#house.expose ? explain(decision) : undefined, fields);
  }

  #malformed(error: HeadgateError): void {
    this.#house.ended({ kind: "malformed", error, arrival: this.#owner.arrival });
    this.#answer(error.statusCode, undefined, this.#house.expose ? explainError(error) : undefined);
  }

  #abandon(code: AbandonedCode, stage: Abandoned["stage"], cause?: unknown): void {
    const arrival = this.#arrival;
    this.#asked()?.abort();
    this.#house.ended(abandoned(code, stage, arrival, this.#house.limits, cause));
  }

  #answer(statusCode: number, method?: string, explanation?: string, fields?: Readonly<Record<string, string>>): void {
    answer(this.#opened.stream, method, replyOf(statusCode, { explanation, fields }));
  }
}
