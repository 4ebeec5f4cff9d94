// In:    heads that are malformed or smuggle another request, and bodies that break, through a gate that gives requests to an http.Server.
// Out:   whether the application sees none of it, and the client one refusal.
// Never: looks into the gate; the application, the client and the gate's events are compared.

import * as assert from "uvu/assert";
import {
  application,
  atEveryCut,
  bodies,
  chunks,
  get,
  last,
  nothingIsLeft,
  openWorld,
  post,
  type Seen,
  type Setting,
  said,
  statuses,
  written,
} from "./support/requests.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

const bad = suite("requests: malformed and smuggled");
bad.after(nothingIsLeft);

const HOST = "Host: a\r\n";
for (const head of [
  `GET /x HTTP/1.1\r\n${HOST}Bad Name: x\r\n\r\n`,
  `GET /x HTTP/1.1\r\n${HOST}X: y\n\r\n`,
  "GET /x HTTP/1.1\r\n\r\n",
  `GET /x HTTP/1.1\r\n${HOST}${HOST}\r\n`,
  "GET /x HTTP/1.1\r\nHost: a b\r\n\r\n",
  `GET  /x HTTP/1.1\r\n${HOST}\r\n`,
  `GET /x HTTP/1.1\r\n${HOST} X: y\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length: 3, 3\r\n\r\nabc`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length: 0x3\r\n\r\nabc`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Content-Length : 3\r\n\r\nabc`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding:\r\nContent-Length: 3\r\n\r\nabc`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.0\r\n${HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}Transfer\0-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `POST /x HTTP/1.1\r\n${HOST}X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
]) {
  bad(`the application never sees ${JSON.stringify(head)}`, async () => {
    for (const first of ["", get("/1"), post("/1?delay=4", "abc")]) {
      const octets = first + head + get("/smuggled");
      await atEveryCut(octets, [], ({ responses, seen, end, label }) => {
        assert.equal(statuses(responses), first === "" ? [400] : [200, 400], label);
        assert.equal(seen.length, first === "" ? 0 : 1, label);
        assert.is(end.kind, "malformed");
      });
    }
  });
}

const tooLong = "x".repeat(300);
for (const body of [
  "g\r\n",
  "\r\n",
  "3 \r\nabc\r\n0\r\n\r\n",
  "3\nabc\r\n0\r\n\r\n",
  "3\r\nabc\n0\r\n\r\n",
  "3\r\nabc0\r\n\r\n",
  "3\r\nabcd\r\n0\r\n\r\n",
  "20000000000000\r\nabc",
  "fffffffffffffffff\r\nabc",
  "3; a\r\nabc\r\n0\r\n\r\n",
  `3;a="b\r\nabc\r\n0\r\n\r\n`,
  `3;${tooLong}\r\nabc\r\n0\r\n\r\n`,
  `3\r\nabc\r\n0;${tooLong}\r\n\r\n`,
  `3\r\nabc\r\n0\r\nX: ${tooLong}\r\n\r\n`,
  "3\r\nabc\r\n0\r\nX : y\r\n\r\n",
  "3\r\nabc\r\n0\r\nX{: y\r\n\r\n",
  "3\r\nabc\r\n0\r\n X: y\r\n\r\n",
  "3\r\nabc\r\n0\r\nX: y\n\r\n",
  "3\r\nabc\r\n0\r\nContent-Length: 3\r\n\r\n",
  "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
  "3\r\nabc\r\n0\r\nConnection: close\r\n\r\n",
]) {
  bad(`a malformed body: ${JSON.stringify(body.slice(0, 50))}`, async () => {
    for (const first of ["", get("/1")]) {
      const octets = first + chunks("/x", body) + get("/smuggled");
      const setting = (): Setting => ({ limits: { headBytes: 250 } });
      const count = first === "" ? 1 : 2;
      await atEveryCut(
        octets,
        [],
        ({ responses, seen, refused, label }) => {
          assert.equal(statuses(responses), [200, 400].slice(2 - count), label);
          assert.is(seen.length, count, label);
          const { state, body: read } = seen[count - 1]!;
          assert.is(state, "aborted", label);
          assert.ok("abc".startsWith(read), `${label}: ${read}`);
          assert.equal(refused, ["BODY_MALFORMED requests"]);
        },
        setting,
      );
    }
  });
}

bad("a malformed body after 100 Continue is 400, and HEAD gets no body", async () => {
  const expecting = chunks("/x", "5\r\nhello\r\nz", "Expect: 100-continue\r\n");
  await atEveryCut(expecting, [], ({ responses, seen }) => {
    assert.equal(statuses(responses), [400]);
    assert.is(seen[0]!.state, "aborted");
  });
  const head = "HEAD /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz";
  await atEveryCut(head, ["HEAD"], ({ responses }) => assert.equal(statuses(responses), [400]));
});

bad("a malformed body after 103 Early Hints is 400", async () => {
  const hinting = (): Setting => {
    const app = application();
    app.server.prependListener("request", (_request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
      response.writeProcessing();
    });
    return { app };
  };
  await atEveryCut(
    chunks("/x", "3\r\nabc\r\nz"),
    [],
    ({ responses, seen }) => {
      assert.equal(statuses(responses), [400]);
      assert.is(seen[0]!.state, "aborted");
    },
    hinting,
  );
  await atEveryCut(
    chunks("/x", "3\r\nabc\r\n0\r\n\r\n") + last,
    [],
    ({ responses }) => {
      assert.equal(statuses(responses), [200, 200]);
      assert.equal(responses[0]!.interim, [103, 102]);
    },
    hinting,
  );
});

bad("a malformed body after a response: the response stays complete, and none follows", async () => {
  for (const way of ["tcp", "memory"] as const) {
    const world = await openWorld();
    const client = await world.connect(way);
    await client.send(chunks("/1?early", "3\r\nabc\r\n"));
    await client.responses(1);
    await client.send(`z\r\n${get("/smuggled")}`);
    assert.equal(bodies(await client.all()), [said("POST", "/1?early")]);
    assert.equal(world.refused, ["BODY_MALFORMED requests"]);
    await world.close();
    // Node forgets a request that was answered, and emits nothing on it when its client has gone.
    assert.is(world.app.seen[0]!.state, "open");
    assert.is(world.app.seen[0]!.body, "abc");
  }
});

bad("a malformed body after a response that the client has not read: it arrives complete", async () => {
  const world = await openWorld();
  const client = await world.connect();
  client.stream.pause();
  const target = "/1?early&size=1000000";
  await client.send(chunks(target, "3\r\nabc\r\n"));
  await until(() => written(world) > 0, "the response begins");
  for (let i = 0; i < 20; i++) await client.send(`z\r\n${get("/smuggled").repeat(1000)}`);
  client.stream.resume();
  assert.equal(bodies(await client.all()), [said("POST", target)]);
  assert.equal(world.refused, ["BODY_MALFORMED requests"]);
  await world.close();
});

bad("a malformed body within a response cuts the response off", async () => {
  const app = application();
  app.server.removeAllListeners("request").on("request", (request, response) => {
    app.seen.push({ method: "POST", target: request.url!, host: "a" } as Seen);
    response.write("begun");
  });
  const world = await openWorld({ app });
  const client = await world.connect();
  await client.send(chunks("/1", "3\r\nabc\r\n"));
  await until(() => client.received.includes("begun"), "the response begins");
  await client.send(`z\r\n${get("/smuggled")}`);
  await client.closed();
  assert.not.match(client.received.toString("latin1"), /\r\n0\r\n\r\n|400/);
  await world.close();
});
