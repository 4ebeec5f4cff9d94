// In:    nothing; the octets are below: node dist/examples/message.js
// Out:   what a server over two byte streams answers, as its client reads it.
// Never: needs Node: headgate/message runs wherever there are byte streams.

import { RequestReader, ResponseReader } from "headgate/message";

const encode = (text: string) => new TextEncoder().encode(text);
const response = (status: number, text: string, keepAlive: boolean) =>
  encode(
    `HTTP/1.1 ${status} \r\n${keepAlive ? "" : "Connection: close\r\n"}Content-Length: ${text.length}\r\n\r\n${text}`,
  );

// The octets of a stream, and null for its end: without that, a message that is cut off would look like one that is slow.
async function* withEnd(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array | null> {
  yield* stream;
  yield null;
}

// A server over any pair of byte streams: those of a socket, of a worker, or of a tunnel.
async function serve(input: ReadableStream<Uint8Array>, output: WritableStream<Uint8Array>): Promise<void> {
  const reader = new RequestReader();
  const writer = output.getWriter();
  let [status, target, length, keepAlive] = [200, "", 0, true];
  for await (const octets of withEnd(input)) {
    if (octets === null) reader.receiveEnd();
    else reader.receive(octets);
    for (let event = reader.next(); event.kind !== "need-data"; event = reader.next()) {
      if (event.kind === "head") {
        const { head } = event;
        [status, target, length, keepAlive] = [
          head.method === "CONNECT" ? 405 : 200,
          head.requestTarget,
          0,
          head.keepAlive,
        ];
      } else if (event.kind === "data") length += event.octets.length;
      else if (event.kind === "end") await writer.write(response(status, `${target} has ${length} octets`, keepAlive));
      // After CONNECT and upgrades too, which are declined by any other answer; one that accepts them calls takeRest.
      else if (event.kind === "paused") reader.nextMessage();
      else {
        const { fault } = event.kind === "malformed" ? event : { fault: null };
        if (fault !== null) await writer.write(response(fault.statusCode, fault.code, false));
        return writer.close();
      }
    }
  }
}

// Its client writes four requests at once, the last one malformed, and reads the responses from the stream.
async function read(input: ReadableStream<Uint8Array>, methods: readonly string[]): Promise<void> {
  const reader = new ResponseReader();
  for (const method of methods) reader.requested(method);
  for await (const octets of withEnd(input)) {
    if (octets === null) reader.receiveEnd();
    else reader.receive(octets);
    for (let event = reader.next(); event.kind !== "need-data"; event = reader.next()) {
      if (event.kind === "head") console.log(event.head.statusCode);
      else if (event.kind === "data") console.log(new TextDecoder().decode(event.octets));
      else if (event.kind === "paused" && !reader.switched) reader.nextMessage();
      else if (event.kind !== "interim" && event.kind !== "end") {
        return console.log(`${event.kind}, with ${reader.unanswered} requests unanswered`);
      }
    }
  }
}

const [up, down] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()];
serve(up.readable, down.writable);
const sized = "POST /sized HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const chunked = "POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
const tunnel = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
up.writable.getWriter().write(encode(`${sized}${chunked}${tunnel}GET / HTTP/1.1\nHost: a\n\n`));
await read(down.readable, ["POST", "POST", "CONNECT", "GET"]);
