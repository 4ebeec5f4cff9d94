// In:    a stream whose request an application serves; looks at it at equal intervals.
// Out:   a call when too little of the request's content has come since the last look, or its client has read nothing of the response.
// Never: reads the stream: what node:http2 pushes into it is counted.

import type { ServerHttp2Stream } from "node:http2";
import type { Context } from "../../outcome/context.js";
import type { Deadlines } from "../../outcome/deadlines.js";
import { BodyPace, Looked } from "../pace.js";

/** Octets of a connection below which nothing but control frames was sent: PING has 17 of them, WINDOW_UPDATE 13 (RFC 9113 §4.1). */
const CONTROL_OCTETS = 1024;

/** Looks at the response of a stream until the stream closes: what an application writes passes no code of the gate's. */
class ResponsePace extends Looked {
  readonly #stream: ServerHttp2Stream;
  #left = 0;
  #sent = 0;

  constructor(deadlines: Deadlines, stream: ServerHttp2Stream, late: () => void) {
    super(deadlines, late);
    this.#stream = stream;
  }

  protected override seen(): void {
    this.#left = this.#stream.writableLength;
    if (this.#left > 0) this.#sent = this.#sentSoFar;
  }

  /** A long write counts as waiting until all of it has gone; meanwhile, only its connection shows that it goes. */
  protected override verdict(): "late" | "on time" | "over" {
    const { closed, destroyed, writableLength } = this.#stream;
    if (closed || destroyed) return "over";
    if (writableLength === 0 || writableLength !== this.#left) return "on time";
    return this.#sentSoFar - this.#sent < CONTROL_OCTETS ? "late" : "on time";
  }

  /** Octets of the whole connection. */
  get #sentSoFar(): number {
    const { session } = this.#stream;
    return session === undefined || session.destroyed ? 0 : session.socket.bytesWritten;
  }
}

/** Has `late` called once if the client of a request is too slow, with the code. */
export function keepPace(
  context: Context,
  stream: ServerHttp2Stream,
  late: (code: "BODY_TIMEOUT" | "SEND_TIMEOUT") => void,
): void {
  const response = new ResponsePace(context.sending, stream, () => {
    body?.end();
    late("SEND_TIMEOUT");
  });
  const body = stream.endAfterHeaders
    ? null
    : bodyOf(context, stream, () => {
        response.end();
        late("BODY_TIMEOUT");
      });
  response.begin();
  body?.begin();
  stream.once("close", () => {
    response.end();
    body?.end();
  });
}

function bodyOf(context: Context, stream: ServerHttp2Stream, late: () => void): BodyPace {
  const isFull = (): boolean => stream.readableLength >= stream.readableHighWaterMark;
  const pace = new BodyPace(context, isFull, late);
  const push = stream.push;
  stream.push = (octets: Buffer | null, ...others: [BufferEncoding?]): boolean => {
    if (octets === null) pace.end();
    else pace.came(octets.length);
    const hasRoom = push.call(stream, octets, ...others);
    // Its window is not opened any more until the application reads.
    if (!hasRoom) pace.paused();
    return hasRoom;
  };
  return pace;
}
