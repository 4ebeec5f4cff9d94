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
  const isLate = (code: "BODY_TIMEOUT" | "SEND_TIMEOUT"): void => {
    end();
    late(code);
  };
  const response = new ResponsePace(context.sending, stream, () => isLate("SEND_TIMEOUT"));
  const content = stream.endAfterHeaders ? null : new Content(context, stream, () => isLate("BODY_TIMEOUT"));
  const end = (): void => {
    response.end();
    content?.end();
  };
  response.begin();
  stream.once("close", end);
}

/** Counts the content of a request as node:http2 pushes it into the stream. */
class Content {
  readonly #pace: BodyPace;
  #isOver = false;

  constructor(context: Context, stream: ServerHttp2Stream, late: () => void) {
    // Before it is read, node:http2 may keep what has come to itself, where nothing counts it.
    const isUnread = (): boolean =>
      stream.readableLength >= stream.readableHighWaterMark ||
      (stream.readableFlowing !== true && stream.listenerCount("readable") === 0);
    const pace = new BodyPace(context, isUnread, late);
    this.#pace = pace;
    const { push } = stream;
    stream.push = (octets: Buffer | null, ...others: [BufferEncoding?]): boolean => {
      if (octets === null) this.end();
      else pace.came(octets.length);
      const hasRoom = push.call(stream, octets, ...others);
      // Its window is not opened any more until the application reads.
      if (!hasRoom) pace.paused();
      return hasRoom;
    };
    // An application that reads at once does so by then.
    setImmediate(() => {
      if (!this.#isOver) pace.begin();
    });
  }

  end(): void {
    this.#isOver = true;
    this.#pace.end();
  }
}
