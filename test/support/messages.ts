// In:    octets of one direction of a connection, in pieces, and whether it ends after them.
// Out:   what a MessageReader makes of them, in the form of the reference.
// Never: knows what octets mean.

import type { MessageLimits } from "#src/message/limits.js";
import { type RequestHead, RequestReader, type ResponseHead, ResponseReader } from "#src/message.js";
import type { ReferenceMessage, ReferenceReading } from "../reference/message.js";

export interface MessageOptions {
  /** Methods of the requests that the octets answer; null for octets that are requests. */
  answersTo: readonly string[] | null;
  ended: boolean;
  limits?: Partial<MessageLimits>;
  host?: "required" | "optional" | "unchecked";
  /** Runs after each piece. */
  between?: () => void;
}

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString("latin1");

const startOf = (head: RequestHead | ResponseHead): string =>
  "statusCode" in head
    ? `${head.toString().slice("HTTP/1.1 ".length).split("\r\n")[0]}`
    : `${head.method} ${head.requestTarget}`;

function messageOf(head: RequestHead | ResponseHead): ReferenceMessage {
  const { rawHeaders, httpVersion, keepAlive } = head;
  const fields = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]!] as [string, string]] : []));
  return { start: startOf(head), httpVersion, fields, keepAlive, content: "", trailers: [] };
}

/** Reads the pieces, each as soon as it has come. */
export function readMessages(pieces: readonly Uint8Array[], options: MessageOptions): ReferenceReading {
  const { answersTo, ended, limits = {}, host = "required", between = () => {} } = options;
  const reader = answersTo === null ? new RequestReader({ limits, host }) : new ResponseReader({ limits });
  if (reader instanceof ResponseReader) for (const method of answersTo!) reader.requested(method);
  const messages: ReferenceMessage[] = [];
  let complete = 0;
  const unanswered = (): number => (reader instanceof ResponseReader ? reader.unanswered : 0);
  const drain = (): Omit<ReferenceReading, "unanswered"> | null => {
    for (;;) {
      const event = reader.next();
      switch (event.kind) {
        case "head":
          messages.push(messageOf(event.head));
          break;
        case "interim":
          messages.push(messageOf(event.head));
          complete++;
          break;
        case "data":
          messages.at(-1)!.content += latin1(event.octets);
          break;
        case "end":
          messages.at(-1)!.trailers = [...event.trailers];
          complete++;
          break;
        case "paused":
          if (reader.switched) return { messages, complete, after: "switched" };
          reader.nextMessage();
          break;
        case "need-data":
          return null;
        case "closed":
          return { messages, complete, after: "closed" };
        case "malformed":
          return { messages, complete, after: "malformed", code: event.fault.code, offset: event.fault.offset };
      }
    }
  };
  for (const piece of pieces) {
    reader.receive(piece);
    const reading = drain();
    if (reading !== null) return { ...reading, unanswered: unanswered() };
    between();
  }
  if (ended) reader.receiveEnd();
  const reading = drain() ?? { messages, complete, after: reader.idle ? "paused" : "partial" };
  return { ...reading, unanswered: unanswered() };
}
