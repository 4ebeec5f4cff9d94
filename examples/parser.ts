// In:    nothing; the octets are below: node dist/examples/parser.js
// Out:   what a request head contains, and why another one is malformed.
// Never: opens a socket; headgate/parser runs wherever WebAssembly does.

import { HeadReader, parseRequestHead } from "headgate/parser";

const octets = (text: string) => new TextEncoder().encode(text);

// In one piece: whatever the octets contain, the result is a value.
const result = parseRequestHead(octets("GET /live?room=1 HTTP/1.1\r\nHost: Chat.example.com:8443\r\n\r\nmore"));
if (result.kind === "complete") {
  const { head, consumed } = result;
  console.log(head.method, head.path, head.query, `${head.authority}`, head.framing.kind, consumed);
}

// In pieces: a head is refused in the piece that shows the fault.
const reader = new HeadReader();
for (const piece of ["GET / HTTP/1.1\r\nHo", "st: a\r\nContent-Length: 1", "0\r\nContent-Length : 10\r\n"]) {
  const answer = reader.read(octets(piece));
  console.log(answer.kind === "malformed" ? `${answer.fault}` : answer.kind);
}
