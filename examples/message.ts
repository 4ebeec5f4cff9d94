// In:    nothing; the octets are below: node dist/examples/message.js
// Out:   what a server over two byte streams answers, as its client reads it.
// Never: needs Node: headgate/message runs wherever there are byte streams.

import { RequestReader, ResponseReader } from "headgate/message";

const encode = (text: string) => new TextEncoder().encode(text);
const response = (status: number, text: string) =>
  encode(`HTTP/1.1 ${status} \r\nContent-Length: ${text.length}\r\n\r\n${text}`);

// A server over any pair of byte streams: those of a socket, of a worker, or of a tunnel.
async function serve(input: ReadableStream<Uint8Array>, output: WritableStream<Uint8Array>): Promise<void> {
  const reader = new RequestReader();
  const writer = output.getWriter();
  let [path, length] = ["", 0];
  for await (const octets of input) {
    reader.receive(octets);
    for (let event = reader.next(); event.kind !== "need-data"; event = reader.next()) {
      if (event.kind === "head") [path, length] = [event.head.path, 0];
      else if (event.kind === "data") length += event.octets.length;
      else if (event.kind === "end") await writer.write(response(200, `${path} has ${length} octets`));
      else if (event.kind === "paused") reader.nextMessage();
      else {
        if (event.kind === "malformed") await writer.write(response(event.fault.statusCode, event.fault.code));
        return writer.close();
      }
    }
  }
  return writer.close();
}

// Its client writes three requests at once, the last one malformed, and reads the responses from the stream.
const [up, down] = [new TransformStream<Uint8Array, Uint8Array>(), new TransformStream<Uint8Array, Uint8Array>()];
serve(up.readable, down.writable);
const sized = "POST /sized HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
const chunked = "POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
up.writable.getWriter().write(encode(`${sized}${chunked}GET / HTTP/1.1\nHost: a\n\n`));

const responses = new ResponseReader();
for (const method of ["POST", "POST", "GET"]) responses.requested(method);
for await (const octets of down.readable) {
  responses.receive(octets);
  for (let event = responses.next(); event.kind !== "need-data"; event = responses.next()) {
    if (event.kind === "head") console.log(event.head.statusCode);
    if (event.kind === "data") console.log(new TextDecoder().decode(event.octets));
    if (event.kind === "paused") responses.nextMessage();
  }
}
