// In:    everything that a visitor has written: a head, a policy, facts of the connection.
// Out:   what the kernel and the policy make of them.
// Never: throws because of what was written, or sends it anywhere.

import { type HeadResult, parseRequestHead } from "headgate/parser";
import {
  arrivalOf,
  type Decision,
  decide,
  definePolicy,
  explain,
  type Policy,
  type PolicyRules,
} from "headgate/policy";
import { octetsOf, type Written } from "./octets.js";
import { type Part, partsOf } from "./parts.js";

/** What the page's controls contain, as text. */
export interface Inputs {
  /** With line ends for CR LF, and escapes. */
  readonly head: string;
  /** JSON of policy.schema.json. */
  readonly policy: string;
  /** The address that the connection comes from; "" states none. */
  readonly client: string;
  /** "" follows the policy. */
  readonly scheme: string;
}

export interface Ruling {
  readonly written: Written;
  readonly result: HeadResult;
  readonly parts: readonly Part[];
  /** Null if the head is incomplete or malformed, or there is a problem. */
  readonly decision: Decision | null;
  /** Why there is no policy to decide by. */
  readonly policyProblem: string | null;
  /** Why the facts of the connection are not possible. */
  readonly connectionProblem: string | null;
}

/** An upgrade that a policy does not mention belongs to the listeners of the guarded server. */
const LEFT = { "*": "LEAVE" };

export function ruleOn(inputs: Inputs): Ruling {
  const written = octetsOf(inputs.head);
  const result = parseRequestHead(written.octets);
  const parts = partsOf(written.octets, result);
  const [policy, policyProblem] = attempt(() => readPolicy(inputs.policy));
  const [arrival, connectionProblem] = attempt(() =>
    arrivalOf(policy ?? { scheme: undefined }, {
      ...(inputs.scheme !== "" && { scheme: inputs.scheme as "http" | "https" }),
      ...(inputs.client !== "" && { remoteAddress: inputs.client }),
    }),
  );
  const canDecide = policy !== null && arrival !== null && result.kind === "complete";
  const decision = canDecide ? decide(policy, result.head, arrival) : null;
  return { written, result, parts, decision, policyProblem, connectionProblem };
}

/** The policy of a guarded server with these rules. */
function readPolicy(text: string): Policy<string> {
  const rules = JSON.parse(text) as PolicyRules<string>;
  const policy = definePolicy(rules);
  const vhosts = policy.vhosts.map((vhost) => (vhost.upgrades === undefined ? { ...vhost, upgrades: LEFT } : vhost));
  return definePolicy({ ...rules, vhosts });
}

function attempt<Value>(make: () => Value): [value: Value, problem: null] | [value: null, problem: string] {
  try {
    return [make(), null];
  } catch (error) {
    return [null, error instanceof Error ? error.message : String(error)];
  }
}

/** What happened, in a few words and in a sentence. */
export interface Verdict {
  readonly kind: "accepted" | "refused" | "malformed" | "incomplete" | "undecided";
  /** Of the response; null if there is none, or the application answers. */
  readonly statusCode: number | null;
  readonly code: string | null;
  readonly sentence: string;
}

export function verdictOf({ result, decision, policyProblem, written }: Ruling): Verdict {
  if (result.kind === "malformed") {
    const { fault } = result;
    return { kind: "malformed", statusCode: fault.statusCode, code: fault.code, sentence: explain(fault) };
  }
  if (result.kind === "partial") {
    const sentence = `The kernel waits for more after ${written.octets.length} octets: an empty line ends a head.`;
    return { kind: "incomplete", statusCode: null, code: null, sentence };
  }
  if (decision === null) {
    const what = policyProblem === null ? "connection" : "policy";
    const sentence = `The head is well formed, but the ${what} has to be mended before it can be ruled on.`;
    return { kind: "undecided", statusCode: null, code: null, sentence };
  }
  const { kind } = decision;
  const sentence = explain(decision);
  if (kind === "accepted") return { kind, statusCode: null, code: decision.reported?.code ?? null, sentence };
  return { kind, statusCode: decision.statusCode, code: decision.code, sentence };
}
