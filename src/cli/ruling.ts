// In:    the octets of a request head, the options of the policy and of the connection.
// Out:   the decision in words or as JSON; the exit code.
// Never: rules by anything but the policy's own functions.

import { arrivalOf } from "../arrival/stated.js";
import type { HeadFault } from "../head/fault.js";
import { parsePeerAddress } from "../head/ip-address.js";
import { parseRequestHead } from "../head/parse.js";
import { decide } from "../policy/decide.js";
import type { Decision } from "../policy/decision.js";
import { explain, explanation } from "../policy/explain.js";
import { localhost } from "../policy/localhost.js";
import { definePolicy, forServer, type Policy, type PolicyRules } from "../policy/policy-rules.js";
import { checkAdoptable, checkGuardable } from "../policy/road.js";
import { printable } from "../policy/shown.js";
import { LEAVE, NO_LISTEN_SERVER } from "../policy/vhost.js";
import type { Arguments } from "./options.js";
import type { Terminal } from "./terminal.js";

type Claim = typeof LEAVE;

/** Rules on a head, prints the decision, and returns the exit code. Throws for a wrong policy and for an incomplete head. */
export async function ruleOn(octets: Uint8Array, args: Arguments, terminal: Terminal): Promise<number> {
  const policy = await policyOf(args, terminal);
  const result = parseRequestHead(octets);
  if (result.kind === "partial") {
    throw new TypeError(`the head is incomplete: ${octets.length} octets, and no empty line, CRLF CRLF, ends it`);
  }
  if (result.kind === "malformed") {
    printFault(result.fault, octets, args, terminal);
    return 1;
  }
  const client = args.text("client");
  if (client !== undefined && parsePeerAddress(client) === null) {
    throw new TypeError(
      `--client is ${JSON.stringify(client)}; it must be an address, such as 192.0.2.7 or 2001:db8::1`,
    );
  }
  const arrival = arrivalOf(policy, {
    scheme: args.text("scheme") as "http" | "https" | undefined,
    remoteAddress: client,
    localPort: args.number("local-port", 1, 65_535),
  });
  const decision = decide(policy, result.head, arrival);
  if (args.flag("json")) printJson(explanation(decision), terminal);
  else terminal.print(`${headline(decision, terminal)}\n${explain(decision)}\n`);
  return decision.kind === "accepted" ? 0 : 1;
}

async function policyOf(args: Arguments, terminal: Terminal): Promise<Policy<Claim>> {
  const isAdopt = args.text("road") === "adopt";
  const file = args.text("policy");
  const rules =
    file === undefined
      ? { vhosts: localhost<Claim>(isAdopt ? { port: NO_LISTEN_SERVER } : {}) }
      : await readRules(file, terminal);
  const policy = definePolicy(rules);
  if (isAdopt) {
    checkAdoptable(policy);
    return policy;
  }
  const guarding = forServer<Claim>(policy, { "*": LEAVE });
  checkGuardable(guarding);
  return guarding;
}

async function readRules(file: string, terminal: Terminal): Promise<PolicyRules<Claim>> {
  const text = new TextDecoder().decode(await terminal.read(file));
  try {
    return JSON.parse(text) as PolicyRules<Claim>;
  } catch (error) {
    throw new TypeError(`${file} is not JSON: ${(error as Error).message}`);
  }
}

function headline(decision: Decision, { paint }: Terminal): string {
  if (decision.kind === "accepted") return paint("green", "accepted");
  return paint("red", `refused ${decision.statusCode} ${decision.code}`);
}

/** With the offending line, and a mark below its octet. */
function printFault(fault: HeadFault, octets: Uint8Array, args: Arguments, terminal: Terminal): void {
  const { code, statusCode, offset, source } = fault;
  const text = explain(fault);
  if (args.flag("json")) {
    printJson({ kind: "malformed", code, statusCode, offset, source, text }, terminal);
    return;
  }
  const all = Buffer.from(octets).toString("latin1");
  const start = all.lastIndexOf("\n", offset - 1) + 1;
  const [line = ""] = all.slice(start).split(/\r?\n/, 1);
  const mark = `  ${printable(line)}\n  ${" ".repeat(printable(line.slice(0, offset - start)).length)}^`;
  if (code === "BARE_LF" && !all.includes("\r\n")) {
    terminal.warn(
      "no line of the input ends with CRLF; if an editor wrote it, convert it: sed 's/$/\\r/' FILE | headgate explain\n",
    );
  }
  terminal.print(`${terminal.paint("red", `malformed ${statusCode} ${code}`)}\n${text}\n${mark}\n`);
}

function printJson(value: object, terminal: Terminal): void {
  terminal.print(`${JSON.stringify(value, null, 2)}\n`);
}
