// In:    nothing; the server and its client are here: node dist/examples/http-parser-node.js
// Out:   what a server of node:http answers to three connections, read by headgate's parser.
// Never: needs a policy; a gate rules on requests besides (examples/guard.ts).

import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { type ParseError, useIn, whyUnavailable } from "headgate/http-parser/node";

const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
if (whyUnavailable() === null) useIn(server);

server.on("clientError", (error: ParseError, socket) => {
  console.log(error.code, `${error.cause?.code ?? ""}: ${error.cause?.message ?? error.reason}`);
  socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
});

server.listen(0, "127.0.0.1");
await once(server, "listening");
const { port } = server.address() as AddressInfo;

for (const head of [
  "GET /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "GET /page HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
  "GET /page HTTP/1.1\r\nHost: localhost:80.evil.example\r\n\r\n",
]) {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  let answer = "";
  socket.on("data", (text: string) => (answer += text));
  socket.end(head);
  await once(socket, "close");
  console.log("the client:", answer.split("\r\n")[0]);
}

server.close();
