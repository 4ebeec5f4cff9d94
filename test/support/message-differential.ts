// In:    octets of one connection, which Node's parser reads by itself.
// Out:   nothing where its requests, put together again as a guard does, are ruled on as the octets are; else an error that shows
//        both.
// Never: opens a socket, or looks at what Node refuses by itself.

import { forwardedHead } from "#src/connection/http1/rewrite.js";
import { headOf } from "#src/head/from-message.js";
import { gateLimits } from "#src/outcome/limits.js";
import { decide } from "#src/policy/decide.js";
import type { Acceptance, Decision } from "#src/policy/decision.js";
import type { Policy } from "#src/policy/policy-rules.js";
import { failure, isReadOtherwise, same } from "./differential.js";
import { NodeReader, type NodeRequest } from "./node-parser.js";
import { arrival, fieldsGoingOn, policies, type Ruled, type Rulings, ruleOn } from "./request-differential.js";

const limits = gateLimits({});

/** What became of the requests that were compared. */
interface MessageTally {
  connections: number;
  /** Requests that are accepted both ways, and of them those that Node took for upgrades and got back. */
  accepted: number;
  givenBack: number;
  /** Refused, or accepted as an upgrade, both ways. */
  others: number;
  /** Heads that are malformed as octets and not as Node has read them, by the code of the octets. */
  unseen: Map<string, number>;
}

export const newMessageTally = (): MessageTally => ({
  connections: 0,
  accepted: 0,
  givenBack: 0,
  others: 0,
  unseen: new Map(),
});

type Ruling = Decision<string> | { readonly kind: "malformed"; readonly code: string };

function ruleOnMessage(request: NodeRequest, policy: Policy<string>): Ruling {
  const { method, requestTarget: url, httpVersion, fields: rawHeaders } = request;
  const result = headOf({ method, url, httpVersion, rawHeaders }, limits);
  if (result.kind === "malformed") return { kind: "malformed", code: result.fault.code };
  return decide(policy, result.head, arrival);
}

/** Everything in a ruling, and everything in its head that does not depend on how it was written. */
function wordsOf(ruling: Ruling): Record<string, unknown> {
  if (ruling.kind === "malformed") return { ...ruling };
  const { head, authority, vhost, ...others } = ruling;
  const { method, requestTarget, targetForm, httpVersion, path, query, scheme, rawHeaders, headers } = head;
  const { framing, keepAlive, upgrade, expectsContinue, host } = head;
  return {
    ...others,
    authority: String(authority),
    vhost: vhost?.name,
    reported: ruling.kind === "accepted" && ruling.reported?.code,
    head: [method, requestTarget, targetForm, httpVersion, path, query, scheme, String(host)],
    fields: [rawHeaders, { ...headers }],
    message: [framing, keepAlive, upgrade, expectsContinue],
  };
}

/** Octets that Node reads, and how far: up to what it takes for an upgrade. */
function readByNode(octets: Buffer): Pick<NodeReader, "requests" | "refused"> & { taken: number } {
  const reader = new NodeReader();
  try {
    const taken = reader.read(octets);
    const { requests, refused } = reader;
    return { requests, refused, taken };
  } finally {
    reader.close();
  }
}

/** Compares rulings on requests as Node's parser reads them with those on the octets; `seed` selects the policy. */
export function compareMessages(octets: Buffer, seed: number, tally: MessageTally): void {
  const policy = policies[seed % policies.length]!;
  const rulings = ruleOn(octets, policy);
  let next = 0;
  tally.connections++;
  for (let unread: Buffer | null = octets; unread !== null; ) {
    const { requests, refused, taken } = readByNode(unread);
    let givenBack: Buffer | null = null;
    for (const [i, request] of requests.entries()) {
      const isRewritten = unread !== octets && i === 0;
      const ruling = ruleOnMessage(request, policy);
      const ruled = rulings.requests[next];
      if (ruled === undefined) {
        compareLast(octets, request, ruling, rulings, tally);
        return;
      }
      if (!isRewritten && isReadOtherwise(ruled.decision.head)) {
        compareOtherwise(octets, request, ruling, ruled.decision, tally);
        return;
      }
      if (isRewritten) compareRewritten(octets, request, ruling, ruled);
      else same(octets, `the ruling on request ${next}`, wordsOf(ruling), wordsOf(ruled.decision));
      const { head, authority } = ruling as Acceptance<string>;
      if (request.upgrade && !isRewritten) {
        // If the policy does not see an upgrade, Node reads the head again, as a request.
        givenBack = Buffer.concat([Buffer.from(forwardedHead({ head, authority }), "latin1"), unread.subarray(taken)]);
        tally.givenBack++;
        break;
      }
      tally.accepted++;
      next++;
      // Node goes on after some bodies that are malformed here: limits, fields that may not be trailers.
      if (!ruled.complete && rulings.end === "malformed body") return;
      compareMessage(octets, request, ruled, refused !== null && !request.complete);
    }
    if (givenBack === null && refused === null) {
      same(octets, "requests that Node reads", next, rulings.requests.length);
    }
    unread = givenBack;
  }
}

/** `isPart`: Node has refused the rest of the body. */
function compareMessage(octets: Buffer, request: NodeRequest, { decision, ...body }: Ruled, isPart: boolean): void {
  const { keepAlive } = decision.head;
  const read = [
    request.upgrade,
    request.keepAlive,
    request.complete,
    request.body,
    request.complete && request.trailers,
  ];
  const wanted = [false, keepAlive, body.complete, body.body, body.complete && body.trailers];
  if (isPart && body.body.startsWith(request.body)) wanted.splice(2, 3, ...read.slice(2));
  same(octets, "the message that Node reads", read, wanted);
}

/** The ruling on a head that Node got back: it may have other field lines, and nothing else changes. */
function compareRewritten(octets: Buffer, request: NodeRequest, ruling: Ruling, { decision }: Ruled): void {
  const { head: _head, fields: _fields, message: _message, ...read } = wordsOf(ruling);
  const { head, fields, message, ...wanted } = wordsOf(decision);
  same(octets, "the ruling on what Node got back", read, wanted);
  same(octets, "the lines that Node got back", request.fields, fieldsGoingOn(decision));
}

/**
 * A request whose Connection Node reads otherwise: a guard refuses what it sees of that; where it does not, the ruling is that on
 * the octets, but for whether it is an upgrade to Node, which a guard sees as well. The connection is not followed further.
 */
function compareOtherwise(
  octets: Buffer,
  request: NodeRequest,
  ruling: Ruling,
  decision: Decision<string>,
  tally: MessageTally,
): void {
  tally.others++;
  const isSeen = request.fields.some(
    (text, i) => i % 2 === 1 && /^connection\t.*\t/is.test(`${request.fields[i - 1]}\t${text}`),
  );
  if (isSeen) same(octets, "what a guard sees", wordsOf(ruling), { kind: "malformed", code: "CONNECTION_INVALID" });
  else same(octets, "the ruling on what a guard does not see", wordsOf(ruling), wordsOf(decision));
}

/** A request that the octets do not hold as one that goes on. */
function compareLast(
  octets: Buffer,
  request: NodeRequest,
  ruling: Ruling,
  { last, end }: Rulings,
  tally: MessageTally,
): void {
  if (last !== undefined) {
    if (isReadOtherwise(last.head)) {
      compareOtherwise(octets, request, ruling, last, tally);
      return;
    }
    tally.others++;
    same(octets, "the last ruling", wordsOf(ruling), wordsOf(last));
    if (last.kind === "accepted") same(octets, "the upgrade", request.upgrade, true);
    return;
  }
  const [, code] = /^malformed ([A-Z_]+)$/.exec(end) ?? [];
  if (code === undefined) throw failure(octets, "a further request of Node", request, end);
  // What Node reads as a request, and is ruled on as an upgrade, a guard takes for malformed.
  const isHidden = ruling.kind === "accepted" && ruling.upgrade && !request.upgrade;
  if (ruling.kind === "malformed" || isHidden) tally.others++;
  else tally.unseen.set(code, (tally.unseen.get(code) ?? 0) + 1);
}
