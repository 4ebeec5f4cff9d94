// In:    a stream that a client has opened, the policy of its connection.
// Out:   the request to its server, its tunnel to a framer, or a refusal on the stream; exactly one of these.
// Never: ends the session, or touches another stream of it.

import type { Arrival } from "../../arrival/arrival.js";
import type { FramerLike } from "../../handover/framer.js";
import type { HeadFault } from "../../head/fault.js";
import { readHttp2Head } from "../../head/http2.js";
import { Question, type Verdict } from "../../outcome/authorization.js";
import { type Claimed, type Context, countedAs, type Opened, UNDECIDED } from "../../outcome/context.js";
import type { Timed } from "../../outcome/deadlines.js";
import { type Abandoned, type AbandonedCode, type Answered, abandoned } from "../../outcome/end.js";
import { framerCode, handOverTunnel } from "../../outcome/hand-over.js";
import type { Drainable } from "../../outcome/open-connections.js";
import { replyTo } from "../../outcome/reply.js";
import { routeOf, type Ways } from "../../outcome/route.js";
import type { Waiting } from "../../outcome/waiting.js";
import { decide, refuseDraining, refuseUnanswered } from "../../policy/decide.js";
import type { Acceptance, Decision, Refusal } from "../../policy/decision.js";
import { ignoreError, respond } from "./respond.js";
import { Tunnel } from "./tunnel.js";

/** The connection of a stream. */
export interface ExchangeOwner {
  readonly arrival: Arrival;
  /** The ways for its accepted requests. */
  readonly ways: Ways;
  /** Gets an accepted request, or an upgrade that is left to other listeners. */
  serve(opened: Opened, decision: Acceptance<FramerLike>): void;
  /** Gets a stream whose malformed head is only reported; undefined where it is refused. */
  readonly pass?: ((opened: Opened) => void) | undefined;
}

/** One request over HTTP/2. */
export class Exchange implements Waiting, Drainable {
  due = 0;
  list: object | null = null;
  previous: Timed | null = null;
  next: Timed | null = null;
  readonly #context: Context;
  readonly #owner: ExchangeOwner;
  readonly #opened: Opened;
  #question: Question | null = null;

  constructor(context: Context, owner: ExchangeOwner, opened: Opened) {
    this.#context = context;
    this.#owner = owner;
    this.#opened = opened;
  }

  /** For a request from a trusted hop, by what the hop states. */
  get countedAs(): string | null {
    return countedAs(this.#context, this.#arrival);
  }

  /** The arrival of the request, as far as it is known. */
  get #arrival(): Arrival {
    return this.#question?.arrival ?? this.#owner.arrival;
  }

  get #isGone(): boolean {
    const { stream } = this.#opened;
    return stream.destroyed || stream.closed;
  }

  begin(): void {
    const { stream, rawHeaders } = this.#opened;
    // It was reset before it was read; a client that opens and resets streams should not cost decisions.
    if (this.#isGone) {
      stream.on("error", ignoreError);
      return;
    }
    const result = readHttp2Head(rawHeaders, stream.endAfterHeaders, this.#context.limits);
    if (result.kind === "malformed") this.#malformed(result.fault);
    else this.#act(decide(this.#context.policy, result.head, this.#owner.arrival));
  }

  #act(ruled: Decision<FramerLike>): void {
    const { kind, decision } = routeOf(ruled, this.#owner.ways, this.#opened.stream);
    switch (kind) {
      case "refuse":
        this.#refuse(decision);
        break;
      case "authorize":
        this.#authorize(decision);
        break;
      case "hand over":
        if (decision.upgrade) this.#handOver(decision);
        else this.#cannotTravel(decision);
        break;
      case "serve":
        this.#serve(decision);
    }
  }

  #serve(decision: Acceptance<FramerLike>): void {
    this.#context.known.set(this.#opened.stream, decision);
    this.#context.reports.accepted(decision);
    this.#owner.serve(this.#opened, decision);
  }

  /** Asks the application. What the client sends meanwhile waits in the stream, bounded by flow control. */
  #authorize(decision: Acceptance<FramerLike>): void {
    const question = new Question(decision);
    this.#question = question;
    this.#opened.stream.on("error", ignoreError).once("close", this.#onClose);
    const overload = this.#context.authorizing.admit(this);
    if (overload !== null) {
      this.#tell(this.#abandoned(overload, "authorize"), decision.head.method);
      return;
    }
    question.ask(this.#context.authorize!, (verdict) => {
      if (this.#question === question) this.#answered(decision, verdict);
    });
  }

  readonly #onClose = (): void => this.#context.reports.ended(this.#abandoned("PEER_ENDED", "authorize"));

  #answered(decision: Acceptance<FramerLike>, verdict: Verdict): void {
    const { arrival, head } = decision;
    this.#context.reports.timed("authorize", this.#context.authorizing.waited(this), arrival);
    if (this.#question === null) return;
    this.#asked();
    if (verdict.kind === "failed") {
      const { limits } = this.#context;
      this.#tell(abandoned("AUTHORIZE_FAILED", "authorize", arrival, limits, verdict.cause), head.method);
    } else if (verdict.kind === "refused") this.#refuse(verdict.decision);
    else this.#handOver(decision);
  }

  /** No answer is awaited any more. */
  #asked(): Question | null {
    const question = this.#question;
    if (question === null) return null;
    this.#question = null;
    this.#context.authorizing.remove(this);
    this.#opened.stream.removeListener("close", this.#onClose);
    return question;
  }

  /** The application did not answer in time. */
  expire(): void {
    const { decision } = this.#question!;
    this.#refuse(refuseUnanswered(decision, this.#context.limits.authorizeTimeout));
  }

  /** It waits for the application, and the gate takes no more upgrades. */
  drain(): void {
    if (this.#question !== null) this.#refuse(refuseDraining(this.#question.decision));
  }

  cut(): void {
    this.drain();
  }

  #handOver(decision: Acceptance<FramerLike>): void {
    const { known, others } = this.#context;
    known.set(this.#opened.stream, decision);
    this.#context.reports.accepted(decision);
    if (others === undefined) {
      this.#open({ decision, known });
      return;
    }
    this.#opened.stream.removeListener("error", ignoreError);
    others.takeStream(this.#opened, decision, {
      open: (claimed) => this.#open(claimed),
      leave: () => this.#owner.serve(this.#opened, decision),
    });
  }

  /** A request that would go to another process with its connection. */
  #cannotTravel({ head }: Acceptance<FramerLike>): void {
    const cause = new TypeError(
      "a stream of HTTP/2 cannot be sent to a process; let what ends TLS here offer http/1.1 alone (ALPN)",
    );
    this.#tell(this.#abandoned("FRAMER_FAILED", "handover", cause), head.method);
  }

  /** Gives the tunnel to the framer that claims it. */
  #open(claimed: Claimed): void {
    const { decision } = claimed;
    const { stream } = this.#opened;
    stream.on("error", ignoreError);
    const tunnel = new Tunnel(stream, decision.arrival);
    tunnel.on("error", ignoreError);
    handOverTunnel(this.#context, claimed, tunnel, {
      taken: () => {},
      notTaken: (cause) => {
        const code = framerCode(cause);
        const end = this.#abandoned(code, "handover", cause);
        // One that refuses answers by itself.
        const isAnswered = code === "FRAMER_REFUSED";
        if (!isAnswered && !tunnel.hasAnswered) this.#tell(end, decision.head.method);
        else {
          this.#context.reports.ended(end);
          if (!isAnswered) tunnel.destroy();
        }
      },
    });
  }

  #refuse(decision: Refusal<FramerLike>): void {
    this.#asked()?.abort();
    this.#tell({ kind: "refused", decision }, decision.head.method);
  }

  #malformed(fault: HeadFault): void {
    const { arrival, pass } = this.#owner;
    if (pass === undefined || !this.#hasTaker) {
      this.#tell({ kind: "malformed", fault, arrival });
      return;
    }
    this.#context.known.set(this.#opened.stream, UNDECIDED);
    this.#context.reports.passedMalformed({ kind: "malformed", fault, arrival, reported: true });
    pass(this.#opened);
  }

  /** CONNECT never goes on, and an extended CONNECT only to listeners. */
  get #hasTaker(): boolean {
    const { stream, headers } = this.#opened;
    if (headers[":method"] !== "CONNECT") return true;
    return headers[":protocol"] !== undefined && this.#owner.ways.hears(stream);
  }

  #abandoned(code: AbandonedCode, stage: Abandoned["stage"], cause?: unknown): Abandoned {
    const arrival = this.#arrival;
    this.#asked()?.abort();
    return abandoned(code, stage, arrival, this.#context.limits, cause);
  }

  /** Ends the request, and answers its client. `method`: of the request, if it is known. */
  #tell(end: Answered, method?: string): void {
    this.#context.reports.ended(end);
    const reply = replyTo(end, this.#context.expose);
    if (reply !== null) respond(this.#opened.stream, method, reply);
  }
}
