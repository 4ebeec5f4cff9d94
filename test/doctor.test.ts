// In:    servers of node:http with ws, of node:https and node:http2, unguarded and guarded, on both addresses of the loopback interface.
// Out:   whether doctor finds what gets through and nothing else, and stays within its bounds.
// Never: asks a server of another machine.

import { spawn } from "node:child_process";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import net, { type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { Ajv } from "ajv";
import * as assert from "uvu/assert";
import { WebSocketServer } from "ws";
import { type ExamineOptions, examine, planOf, type Report } from "#src/cli/doctor/examine.js";
import { jsonOf } from "#src/cli/doctor/json.js";
import { judge, unusable } from "#src/cli/doctor/judge.js";
import { junitOf } from "#src/cli/doctor/junit.js";
import { probes } from "#src/cli/doctor/probes.js";
import { countsOf, differs, exitCodeOf, outcomeOf } from "#src/cli/doctor/summary.js";
import { tableOf } from "#src/cli/doctor/table.js";
import { addressesOf, targetOf } from "#src/cli/doctor/target.js";
import { plain } from "#src/cli/terminal.js";
import { createGate, localhost } from "#src/index.js";
import { certificate } from "./support/certificate.js";
import { read } from "./support/document.js";
import { suite } from "./support/suite.js";

const test = suite("doctor");
const hasIpv6 = Object.values(networkInterfaces()).some((each) => each?.some(({ address }) => address === "::1"));
/** Where there is no IPv6, another address of the loopback interface takes its place. */
const SECOND = hasIpv6 ? "::1" : "127.0.0.2";

const opened: net.Server[] = [];
test.after(() => {
  for (const server of opened) {
    (server as Server).closeAllConnections?.();
    server.close();
  }
});

async function listen<Any extends net.Server>(server: Any, host = "127.0.0.1", port = 0): Promise<number> {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return (server.address() as AddressInfo).port;
}

/** The probes that an application was called for: User-Agent names each. */
class Calls {
  readonly ids: string[] = [];
  readonly listener: RequestListener = ({ headers }, response) => {
    this.note(headers["user-agent"]);
    response.end("from the application");
  };
  note(agent: string | undefined): void {
    const id = /^headgate-doctor \((.*)\)$/.exec(agent ?? "")?.[1] ?? "unknown";
    if (id !== "baseline") this.ids.push(id);
  }
}

/** A server with WebSockets. */
function application(calls: Calls): Server {
  const server = createServer(calls.listener);
  new WebSocketServer({ server }).on("connection", (_, { headers }) => calls.note(headers["user-agent"]));
  return server;
}

function guarded<Any extends Parameters<ReturnType<typeof createGate>["guard"]>[0]>(server: Any): Any {
  const gate = createGate({ vhosts: localhost() });
  gate.guard(server);
  gate.on("refused", () => {}).on("malformed", () => {});
  return server;
}

const quiet: ExamineOptions = { unsafe: true, timeout: 5000, totalTimeout: 60_000, progress: () => {} };

function asked(port: number, addresses = ["127.0.0.1"], more: Partial<ExamineOptions> = {}): Promise<Report> {
  return examine(targetOf(`http://localhost:${port}/`), addresses, { ...quiet, ...more });
}

const idsOf = ({ addresses }: Report, outcome: string): string[] =>
  addresses.flatMap(({ rows }) => rows.filter((row) => outcomeOf(row) === outcome).map(({ probe }) => probe.id));

test("a server that is not guarded is red, and its application was called for what got through", async () => {
  const calls = new Calls();
  const report = await asked(await listen(application(calls)));
  const red = idsOf(report, "red");
  for (const id of ["HOST-NAME", "HOST-TWO-LAST", "HOST-ABSOLUTE", "ORIGIN-FOREIGN", "ORIGIN-NULL", "SITE-SCRIPT"]) {
    assert.ok(red.includes(id), id);
  }
  for (const id of ["WEBSOCKET-FOREIGN", "WEBSOCKET-NAME", "UNSAFE-POST-FOREIGN"]) assert.ok(red.includes(id), id);
  // Later versions of Node refuse it themselves.
  if (process.versions.node.startsWith("20.")) assert.ok(red.includes("MESSAGE-CODING-EMPTY"));
  assert.equal(calls.ids.sort(), red.sort());
  assert.is(exitCodeOf(report), 1);
  assert.equal(idsOf(report, "yellow"), []);
});

test("the same server, guarded, is green, and its application is not called for any hostile row", async () => {
  const calls = new Calls();
  const report = await asked(await listen(guarded(application(calls))));
  assert.equal(calls.ids, []);
  const { red, yellow, green, "not-asked": missing } = countsOf(report);
  const http2 = probes.filter(({ kind }) => kind === "http2").length;
  assert.equal([red, yellow, missing], [0, 0, http2], tableOf(report, plain));
  assert.is(green, probes.length - http2);
  assert.is(exitCodeOf(report), 0);
});

test("a server that is guarded on one address of its name and not on the other is red", async () => {
  const port = await listen(guarded(application(new Calls())));
  await listen(application(new Calls()), SECOND, port);
  const report = await asked(port, ["127.0.0.1", SECOND]);
  const [first, second] = report.addresses.map(({ rows }) => rows.filter((row) => outcomeOf(row) === "red").length);
  assert.is(first, 0);
  assert.ok(second! > 20, `${second}`);
  assert.is(exitCodeOf(report), 1);
  assert.ok(differs(report));
  assert.match(tableOf(report, plain), "The addresses answer differently");
});

test("HTTP/2 is asked where it is offered: with prior knowledge, and by TLS", async () => {
  const listener = (_: unknown, response: { end(text: string): unknown }): unknown => response.end("page");
  const cleartext = createHttp2Server(listener as never);
  const key = certificate("localhost");
  for (const isGuarded of [false, true]) {
    const { createSecureServer } = await import("node:http2");
    const secure = createSecureServer({ ...key, allowHTTP1: true }, listener as never);
    const port = await listen(isGuarded ? guarded(secure) : secure);
    const report = await examine(targetOf(`https://localhost:${port}/`), ["127.0.0.1"], quiet);
    const rows = report.addresses[0]!.rows.filter(({ probe }) => probe.kind === "http2");
    assert.equal(new Set(rows.map(outcomeOf)), new Set([isGuarded ? "green" : "red"]), tableOf(report, plain));
    assert.is(exitCodeOf(report), isGuarded ? 0 : 1);
  }
  const report = await asked(await listen(cleartext));
  assert.is(report.addresses[0]!.rows.length, 0, "it does not speak HTTP/1.1");
  const plainHttps = guarded(createHttpsServer(key, listener as never));
  const alone = await examine(targetOf(`https://localhost:${await listen(plainHttps)}/`), ["127.0.0.1"], quiet);
  assert.is(alone.addresses[0]!.rows.find(({ probe }) => probe.kind === "http2")!.reason, "no HTTP/2 here");
});

test("no more requests than were announced, unsafe ones only if wanted, and never more than the time allows", async () => {
  const seen: { method: string; url: string; length: string | undefined }[] = [];
  const server = createServer(({ method, url, headers }, response) => {
    seen.push({ method: method!, url: url!, length: headers["content-length"] });
    response.end(`${seen.length}`);
  });
  const port = await listen(server);
  const lines: string[] = [];
  const report = await asked(port, undefined, { unsafe: false, progress: (line) => lines.push(line) });
  assert.match(lines[0]!, `at most ${planOf(false).most} requests to each of 127.0.0.1 in 60 s`);
  assert.ok(report.requests <= planOf(false).most && seen.length <= report.requests);
  assert.equal(new Set(seen.map(({ method }) => method)), new Set(["GET"]));
  assert.ok(idsOf(report, "red").includes("HOST-NAME"), "content that differs each time is compared by status code");
  seen.length = 0;
  await asked(port);
  const unsafe = seen.filter(({ method }) => method !== "GET");
  assert.equal(new Set(unsafe.map(({ method }) => method)), new Set(["POST", "PUT", "DELETE"]));
  assert.ok(unsafe.every(({ url, length }) => /^\/headgate-doctor-[a-z0-9]+$/.test(url) && length === "0"));
  const mute = net.createServer(() => {});
  const late = await asked(await listen(mute), undefined, { timeout: 50 });
  assert.is(late.addresses[0]!.problem, "no response in time");
  assert.is(exitCodeOf(late), 2);
  let count = 0;
  const half = createServer((_, response) => void (count++ < 3 && response.end("a")));
  const stopped = await asked(await listen(half), undefined, { totalTimeout: 300 });
  assert.ok(idsOf(stopped, "not-asked").length > 50);
});

test("where the time is over before all was asked, nothing more is sent, and the result does not count", async () => {
  let arrived = 0;
  const slow = guarded(createServer((_, response) => void setTimeout(() => response.end("a"), 100)));
  const port = await listen(slow.on("connection", () => arrived++));
  for (const totalTimeout of [50, 250]) {
    arrived = 0;
    const report = await asked(port, ["127.0.0.1", "127.0.0.1"], { totalTimeout });
    assert.ok(arrived <= report.requests, `${arrived} connections for ${report.requests} requests`);
    for (const { problem } of report.addresses) assert.is(problem, "the time is over; --total-timeout sets it");
    assert.is(report.addresses[1]!.rows.length, 0);
    assert.is(exitCodeOf(report), 2, `${totalTimeout}`);
  }
  const [, second] = (await asked(port, ["127.0.0.1", "127.0.0.1"], { totalTimeout: 50 })).addresses;
  assert.equal(second!.rows, []);
});

test("an address that listens and cannot be compared counts, and one where nothing listens does not", async () => {
  const port = await listen(guarded(createServer((_, response) => void response.end("a"))));
  const one = await asked(port);
  const free = await asked(1);
  assert.is(exitCodeOf({ ...one, addresses: [...one.addresses, ...free.addresses] }), 0);
  const mute = await asked(await listen(net.createServer(() => {})), undefined, { timeout: 50 });
  const both = { ...one, addresses: [...one.addresses, ...mute.addresses] };
  assert.is(exitCodeOf(both), 2);
  assert.match(junitOf(both), '<error message="no response in time"/>');
  const beside = junitOf({ ...one, addresses: [...one.addresses, ...free.addresses] });
  assert.not.match(beside, "<error");
  assert.match(beside, '<skipped message="ECONNREFUSED"/>');
  assert.match(junitOf(free), '<error message="ECONNREFUSED"/>');
});

test("redirects are not followed, and events that never end are an answer", async () => {
  const targets: string[] = [];
  const server = createServer(({ url }, response) => {
    targets.push(url!);
    if (url === "/") response.writeHead(302, { Location: "/elsewhere" }).end();
    else response.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: 1\n\n");
  });
  const port = await listen(server);
  await asked(port, undefined, { unsafe: false });
  assert.ok(!targets.includes("/elsewhere") && targets.length > 30);
  const events = await examine(targetOf(`http://localhost:${port}/events`), ["127.0.0.1"], {
    ...quiet,
    totalTimeout: 3500,
  });
  assert.ok(idsOf(events, "red").includes("HOST-NAME"));
});

test("an address that does not listen, and a good request that is refused, are told apart from a guarded server", async () => {
  const free = await listen(net.createServer());
  await new Promise((resolve) => opened.pop()!.close(resolve));
  const none = await asked(free);
  assert.is(none.addresses[0]!.problem, "ECONNREFUSED");
  assert.is(exitCodeOf(none), 2);
  assert.match(tableOf(none, plain), "127.0.0.1: ECONNREFUSED\n\n0 got through, 0 refused");
  const port = await listen(guarded(createServer((_, response) => void response.end())));
  const other = await examine(targetOf(`http://app.example:${port}/`), ["127.0.0.1"], quiet);
  assert.is(other.addresses[0]!.problem, "the good request is refused, 421");
  assert.is(exitCodeOf(other), 2);
});

test("every address of the name is asked, and one of another machine needs its owner's word", async () => {
  const at = (url: string, ...found: string[]): Promise<string[]> =>
    addressesOf(targetOf(url), false, async () => found);
  assert.equal(await at("http://localhost:1", "127.0.0.1"), ["127.0.0.1", "::1"]);
  assert.equal(await at("http://app.localhost:1"), ["127.0.0.1", "::1"]);
  assert.equal(await at("http://tool.test:1", "127.0.0.2", "::ffff:127.0.0.1"), ["127.0.0.2", "::ffff:127.0.0.1"]);
  const refused = (asking: Promise<string[]>): Promise<string> => asking.then(String, ({ message }) => message);
  const rebound = /has the address 192\.0\.2\.1, which is not of this machine/;
  for (const found of [["192.0.2.1"], ["127.0.0.1", "192.0.2.1"]]) {
    assert.match(await refused(at("http://tool.test:1", ...found)), rebound);
  }
  assert.match(await refused(at("http://localhost:1", "192.0.2.1")), rebound);
  for (const [url, address] of [
    ["http://0.0.0.0:3000/a", "0.0.0.0"],
    ["http://[::]:3000/a", "::"],
  ] as const) {
    const written = `${address} is an address that servers listen on; write http://localhost:3000/a`;
    assert.is(await refused(at(url, address)), written);
  }
  assert.throws(
    () => targetOf("http://me:secret@localhost:3000"),
    ({ message }: Error) => /userinfo/.test(message) && !message.includes("secret"),
  );
  assert.equal(await addressesOf(targetOf("http://tool.test"), true, async () => ["192.0.2.1"]), ["192.0.2.1"]);
});

test("the rules of red and green", () => {
  const response = (statusCode: number, digest = "") => ({ kind: "response", statusCode, digest }) as const;
  const baseline = { response: response(200, "page"), isStable: true };
  for (const [answer, colour] of [
    [response(200, "page"), "red"],
    [response(200, "other"), "red"],
    [response(101), "red"],
    [response(400), "green"],
    [response(403), "green"],
    [response(404), "green"],
    [response(421), "green"],
    [response(426), "green"],
    [response(302), "yellow"],
    [response(500), "yellow"],
    [response(501), "yellow"],
    [{ kind: "closed" }, "green"],
    [{ kind: "silent" }, "yellow"],
    [{ kind: "malformed" }, "yellow"],
  ] as const) {
    assert.is(judge(answer, baseline).colour, colour, JSON.stringify(answer));
  }
  assert.is(judge(response(501), baseline, [501]).colour, "green");
  const notFound = { response: response(404, "page"), isStable: true };
  assert.is(judge(response(404, "page"), notFound).colour, "red", "the application's own 404");
  assert.is(judge(response(404, "gate"), notFound).colour, "green");
  assert.is(judge(response(404, "gate"), { ...notFound, isStable: false }).colour, "red");
  assert.is(unusable(response(200)), null);
  assert.match(unusable(response(421))!, "refused, 421");
});

test("probes have ids of their own, and every group has one", () => {
  assert.is(new Set(probes.map(({ id }) => id)).size, probes.length);
  assert.equal(
    [...new Set(probes.map(({ group }) => group))].sort(),
    JSON.parse(read("doctor.schema.json")).definitions.group.enum.sort(),
  );
});

test("--json is what doctor.schema.json describes, --junit has a case for each probe, and progress is on standard error", async () => {
  const port = await listen(application(new Calls()));
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(JSON.parse(read("doctor.schema.json")));
  assert.ok(validate(jsonOf(await asked(1))), JSON.stringify(validate.errors));
  const run = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ["dist/lib/cli.js", "doctor", `http://127.0.0.1:${port}`, ...args]);
      let [stdout, stderr] = ["", ""];
      child.stdout.on("data", (text) => (stdout += text));
      child.stderr.on("data", (text) => (stderr += text));
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    });
  const json = await run("--json");
  assert.is(json.code, 1);
  const report: { counts: { red: number } } = JSON.parse(json.stdout);
  const isValid: boolean = validate(report);
  assert.ok(isValid, JSON.stringify(validate.errors));
  assert.match(
    json.stderr,
    /^at most \d+ requests to each of 127\.0\.0\.1 in 120 s\n127\.0\.0\.1: \d+ requests, \d+ got through\n$/,
  );
  const { stdout: xml } = await run("--junit");
  assert.is(xml.match(/<testcase /g)!.length, planOf(false).wanted.length);
  assert.is(xml.match(/<failure /g)!.length, report.counts.red);
  assert.match((await run()).stdout, `${report.counts.red} got through, `);
});

test("JUnit XML escapes what it shows, and has a problem as an error", async () => {
  const target = targetOf('http://127.0.0.1:1/?a=<&">');
  const report: Report = {
    target,
    requests: 0,
    addresses: [{ address: "::1", problem: "<ECONNREFUSED>", isAbsent: true, rows: [] }],
  };
  const xml = junitOf(report);
  assert.match(xml, "&#60;ECONNREFUSED&#62;");
  assert.not.match(xml.replace(/<[^<>]*>/g, ""), /[<>"]/);
});
