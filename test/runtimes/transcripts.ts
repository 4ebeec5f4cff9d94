// In:    cases of the corpora and the tables, as plain data.
// Out:   what an entry of the package makes of each, one line of JSON a case, to be compared between runtimes.
// Never: needs node:, a file or a global that one of the runtimes lacks.

import { javascript } from "headgate/kernel/javascript";
import { type RequestHead, RequestReader, type ResponseHead, ResponseReader } from "headgate/message";
import { HeadReader, type HeadResult, kernelVariant, parseRequestHead, useKernel } from "headgate/parser";
import {
  arrivalOf,
  decide,
  definePolicy,
  explanation,
  headOf,
  type PolicyRules,
  refusalResponse,
} from "headgate/policy";

/** Octets are text with one character each; what is in `options` goes to the reader as it is. */
export interface Cases {
  readonly heads: readonly { readonly id: string; readonly octets: string; readonly options: object }[];
  readonly messages: readonly {
    readonly id: string;
    readonly octets: string;
    readonly answersTo: readonly string[] | null;
    readonly ended: boolean;
    readonly limits: object;
  }[];
  readonly rulings: readonly { readonly rules: PolicyRules; readonly head: string; readonly peer: string | null }[];
}

const octetsOf = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (octets: Uint8Array): string => Array.from(octets, (octet) => String.fromCharCode(octet)).join("");

function pieces(octets: Uint8Array): Uint8Array[] {
  return Array.from(octets, (octet) => Uint8Array.of(octet));
}

function shownHead(head: RequestHead | ResponseHead): object {
  if ("statusCode" in head) return { start: head.statusCode, framing: head.framing("GET"), fields: head.rawHeaders };
  const { method, requestTarget, targetForm, httpVersion, path, query, scheme, framing, keepAlive, upgrade } = head;
  const parts = { method, requestTarget, targetForm, httpVersion, path, query, scheme, framing, keepAlive, upgrade };
  const [host, authority] = [head.host, head.authority].map((each) => each && [String(each), each.kind, each.port]);
  return { ...parts, host, authority, fields: head.rawHeaders };
}

function shownResult(result: HeadResult): object {
  if (result.kind === "partial") return [result.kind];
  if (result.kind === "malformed") return [result.kind, result.fault.code, result.fault.offset, result.fault.message];
  return [result.kind, shownHead(result.head)];
}

function heads({ heads }: Cases): string[] {
  return heads.map(({ id, octets, options }) => {
    const whole = shownResult(parseRequestHead(octetsOf(octets), options));
    const reader = new HeadReader(options);
    let last: HeadResult = { kind: "partial" };
    for (const piece of pieces(octetsOf(octets))) if (last.kind === "partial") last = reader.read(piece);
    return JSON.stringify([id, whole, shownResult(last)]);
  });
}

function messages({ messages }: Cases): string[] {
  return messages.map(({ id, octets, answersTo, ended, limits }) => {
    const read = (cut: Uint8Array[]): unknown[] => {
      const reader = answersTo === null ? new RequestReader({ limits }) : new ResponseReader({ limits });
      if (reader instanceof ResponseReader) for (const method of answersTo!) reader.requested(method);
      const events: unknown[] = [];
      let content = "";
      const drain = (): void => {
        for (;;) {
          const event = reader.next();
          if (event.kind === "need-data") return;
          if (event.kind === "head" || event.kind === "interim") events.push([event.kind, shownHead(event.head)]);
          else if (event.kind === "data") content += textOf(event.octets);
          else if (event.kind === "end") {
            events.push([event.kind, event.trailers, content]);
            content = "";
          } else if (event.kind === "malformed") return void events.push([event.fault.code, event.fault.offset]);
          else {
            events.push([event.kind]);
            if (event.kind === "closed" || reader.switched) return;
            reader.nextMessage();
          }
        }
      };
      for (const piece of cut) {
        reader.receive(piece);
        drain();
      }
      if (ended) reader.receiveEnd();
      drain();
      return [...events, content];
    };
    return JSON.stringify([id, read([octetsOf(octets)]), read(pieces(octetsOf(octets))).slice(-2)]);
  });
}

function rulings({ rulings }: Cases): string[] {
  return rulings.map(({ rules, head, peer }, i) => {
    const policy = definePolicy(rules);
    const result = parseRequestHead(octetsOf(head));
    if (result.kind !== "complete") return JSON.stringify([i, shownResult(result)]);
    const decision = decide(policy, result.head, arrivalOf(policy, peer === null ? {} : { remoteAddress: peer }));
    return JSON.stringify([i, explanation(decision)]);
  });
}

/** The policy on the web's Request, and the Response to a refusal. Pages may not set Host; the URL has it. */
function requests(): string[] {
  const policy = definePolicy({ vhosts: [{ name: "localhost", port: 3000 }] });
  return ["http://localhost:3000/a?b", "http://rebound.example:3000/", "http://localhost:4000/"].map((url) => {
    const result = headOf(new Request(url, { headers: { "X-Note": "a" } }));
    if (result.kind === "malformed") return result.fault.code;
    const decision = decide(policy, result.head, arrivalOf(policy, {}));
    return JSON.stringify([explanation(decision), decision.kind === "refused" && refusalResponse(decision).status]);
  });
}

/** What is read, by the entry that reads it. */
export const transcripts = {
  "headgate/parser": heads,
  "headgate/message": messages,
  "headgate/policy": (cases: Cases) => [...rulings(cases), ...requests()],
  /** All of it on the build that needs no WebAssembly. */
  "headgate/kernel/javascript": (cases: Cases) => {
    const before = kernelVariant();
    useKernel(javascript);
    const lines = [...heads(cases), ...messages(cases), ...rulings(cases)];
    if (kernelVariant() !== "javascript") throw new Error(`the kernel is ${kernelVariant()}, after ${before}`);
    return lines;
  },
} as const;

export type Entry = keyof typeof transcripts;

/** The transcript, after the name of the kernel that runs where nothing else was asked for. */
export function transcript(entry: Entry, cases: Cases): { kernel: string; lines: string[] } {
  return { kernel: kernelVariant(), lines: transcripts[entry](cases) };
}
