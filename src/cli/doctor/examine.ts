// In:    a target, its addresses, what is to be asked.
// Out:   the report: a row for each probe at each address.
// Never: asks more than it has announced.

import { type AskOptions, ask } from "./ask.js";
import { askHttp2 } from "./ask-http2.js";
import { type Answer, type Baseline, judge, unusable, type Verdict } from "./judge.js";
import { baselineOf, fieldsOf, octetsOf, type Question, questionOf } from "./message.js";
import { type Probe, probes } from "./probes.js";
import type { Target } from "./target.js";

export interface Row {
  readonly address: string;
  readonly probe: Probe;
  /** Null where it was not asked; `reason` then has why. */
  readonly verdict: Verdict | null;
  readonly reason: string;
  readonly statusCode: number | null;
}

export interface AddressReport {
  readonly address: string;
  /** Why the address could not be asked, or the answers do not count; null otherwise. */
  readonly problem: string | null;
  /** True where nothing listens: such an address does not count. */
  readonly isAbsent: boolean;
  readonly rows: readonly Row[];
}

export interface Report {
  readonly target: Target;
  readonly requests: number;
  readonly addresses: readonly AddressReport[];
}

export interface ExamineOptions {
  readonly unsafe: boolean;
  /** Milliseconds for a response, and for all of them. */
  readonly timeout: number;
  readonly totalTimeout: number;
  /** Called with each line of progress. */
  readonly progress: (line: string) => void;
}

const TIME_OVER = "the time is over; --total-timeout sets it";

/** The probes that are asked, and the most requests that an address gets: each baseline is asked twice, and one once more at the end. */
export function planOf(unsafe: boolean): { wanted: readonly Probe[]; most: number } {
  const wanted = probes.filter(({ kind }) => unsafe || kind !== "unsafe");
  const baselines = new Set(wanted.map(({ kind, method }) => `${kind} ${method}`));
  return { wanted, most: wanted.length + 2 * baselines.size + 1 };
}

export async function examine(target: Target, addresses: readonly string[], options: ExamineOptions): Promise<Report> {
  const { wanted, most } = planOf(options.unsafe);
  const { timeout, totalTimeout, progress } = options;
  progress(`at most ${most} requests to each of ${addresses.join(", ")} in ${totalTimeout / 1000} s`);
  const signal = AbortSignal.timeout(totalTimeout);
  let requests = 0;
  const reports: AddressReport[] = [];
  for (const address of addresses) {
    const one = new Examination({ target, address, timeout, signal });
    const report = await one.run(wanted);
    requests += one.requests;
    const red = report.rows.filter(({ verdict }) => verdict?.colour === "red").length;
    progress(`${address}: ${report.problem ?? `${one.requests} requests, ${red} got through`}`);
    reports.push(report);
  }
  return { target, requests, addresses: reports };
}

/** One address. */
class Examination {
  readonly #options: AskOptions;
  readonly #baselines = new Map<string, Baseline | string>();
  #isAbsent = false;
  requests = 0;

  constructor(options: AskOptions) {
    this.#options = options;
  }

  async run(wanted: readonly Probe[]): Promise<AddressReport> {
    const { address, signal } = this.#options;
    const first = await this.#baseline(questionOf(wanted[0]!));
    const isAbsent = this.#isAbsent;
    if (typeof first === "string") {
      return { address, problem: signal.aborted ? TIME_OVER : first, isAbsent, rows: [] };
    }
    const rows: Row[] = [];
    for (const probe of wanted) rows.push(await this.#row(probe));
    const last = await this.#ask(baselineOf(questionOf(wanted[0]!)));
    const isAlive = last?.kind === "response" && last.statusCode === first.response.statusCode;
    const changed = isAlive ? null : "the good request is answered differently now, so the answers above do not count";
    return { address, problem: signal.aborted ? TIME_OVER : changed, isAbsent, rows };
  }

  async #row(probe: Probe): Promise<Row> {
    const { address, signal } = this.#options;
    const none = { address, probe, verdict: null, statusCode: null };
    const question = questionOf(probe);
    const baseline = await this.#baseline(question);
    if (signal.aborted) return { ...none, reason: "the time is over" };
    if (typeof baseline === "string") return { ...none, reason: baseline };
    const answer = await this.#ask(question);
    if (answer === null) return { ...none, reason: "no HTTP/2 here" };
    if (signal.aborted) return { ...none, reason: "the time is over" };
    const verdict = judge(answer, baseline, probe.refusals);
    const statusCode = answer.kind === "response" ? answer.statusCode : null;
    return { address, probe, verdict, reason: verdict.reason, statusCode };
  }

  /** The baseline of a question, asked once; or why there is none. */
  async #baseline(question: Question): Promise<Baseline | string> {
    const key = `${question.kind} ${question.method}`;
    const known = this.#baselines.get(key);
    if (known !== undefined) return known;
    const made = await this.#makeBaseline(baselineOf(question));
    this.#baselines.set(key, made);
    return made;
  }

  async #makeBaseline(question: Question): Promise<Baseline | string> {
    const response = await this.#ask(question);
    if (response === null) return "no HTTP/2 here";
    const { kind } = question;
    if (kind === "upgrade" && response.kind === "response" && response.statusCode !== 101) {
      return "no WebSocket at this path; --ws PATH names another";
    }
    this.#isAbsent = response.kind === "unreachable";
    const problem = unusable(response);
    if (problem !== null) return problem;
    const again = await this.#ask(question);
    const isStable = digestOf(again) === digestOf(response);
    return { response: response as Baseline["response"], isStable };
  }

  /** Sends nothing once the time is over. */
  async #ask(question: Question): Promise<Answer | null> {
    const { target, signal } = this.#options;
    if (signal.aborted) return { kind: "silent" };
    this.requests++;
    if (question.kind === "http2") return askHttp2(fieldsOf(question, target), this.#options);
    return ask(octetsOf(question, target), question.method, this.#options);
  }
}

function digestOf(answer: Answer | null): string | null {
  return answer?.kind === "response" ? `${answer.statusCode} ${answer.digest}` : null;
}
