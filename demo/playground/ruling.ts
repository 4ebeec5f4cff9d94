// In:    everything that a visitor has written: a head, a policy, facts of the connection.
// Out:   what the kernel and the policy make of them.
// Never: throws because of what was written, or sends it anywhere.

import { type HeadResult, parseAuthority, parseRequestHead } from "headgate/parser";
import {
  type ArrivalHints,
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
  /** The address that the connection comes from; "unix" for a UNIX-domain socket; "" states none. */
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
  /** Why the connection cannot come from there. */
  readonly connectionProblem: string | null;
}

/** An upgrade that a policy does not mention belongs to the listeners of the guarded server. */
const LEFT = { "*": "LEAVE" };

export function ruleOn(inputs: Inputs): Ruling {
  const written = octetsOf(inputs.head);
  const result = parseRequestHead(written.octets);
  const parts = partsOf(written.octets, result);
  const [policy, policyProblem] = attempt(() => readPolicy(inputs.policy));
  const connectionProblem = problemOf(inputs.client);
  const canDecide = policy !== null && connectionProblem === null && result.kind === "complete";
  const decision = canDecide ? decide(policy, result.head, arrivalOf(policy, hintsOf(inputs))) : null;
  return { written, result, parts, decision, policyProblem, connectionProblem };
}

/** A peer on a UNIX-domain socket has no address. */
const UNIX = "unix";

function problemOf(client: string): string | null {
  if (client === "" || client === UNIX) return null;
  const result = parseAuthority(client.includes(":") ? `[${client}]` : client);
  if (result.kind === "complete" && result.authority.kind !== "reg-name") return null;
  return `${client} is not an IPv4 or IPv6 address, or unix`;
}

function hintsOf({ client, scheme }: Inputs): ArrivalHints {
  return {
    ...(scheme !== "" && { scheme: scheme as "http" | "https" }),
    ...(client === UNIX ? { unix: true } : client !== "" && { remoteAddress: client }),
  };
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
