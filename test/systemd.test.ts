// In:    systemd-socket-activate in its three modes, the examples that it starts, WebSocket clients.
// Out:   whether each mode serves; the processes' descriptors; whose sockets are not taken.
// Never: needs a running systemd.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { WebSocket } from "ws";
import { systemdConnection, systemdDescriptors, systemdListeners } from "#src/intake.js";
import { activate, cannotActivate } from "./support/activation.js";
import { suite } from "./support/suite.js";
import { until } from "./support/until.js";

async function echo(url: string): Promise<string> {
  const webSocket = new WebSocket(url, { headers: { Host: "localhost:9" } });
  await once(webSocket, "open");
  webSocket.send("hello");
  const [message] = await once(webSocket, "message");
  webSocket.close();
  await once(webSocket, "close");
  return String(message);
}

const modes = suite("systemd: three modes");

const examples = "dist/examples/systemd";
const missing = cannotActivate();
modes.needing(missing, "listening sockets, by their names, over TCP", async () => {
  const service = await activate(["--fdname=web"], [`${examples}/listener.js`]);
  assert.is(await echo(`ws://${service.address}/echo`), "echo: hello");
  assert.is(await echo(`ws://${service.address}/echo`), "echo: hello");
  assert.match(service.log(), "serving web");
  await service.stop();
});

modes.needing(missing, "a listening UNIX-domain socket", async () => {
  const service = await activate([], [`${examples}/listener.js`], `/tmp/headgate-${process.pid}.socket`);
  assert.is(await echo(`ws+unix://${service.address}:/echo`), "echo: hello");
  await service.stop();
});

for (const [options, example] of [
  [["--accept"], "connection"],
  [["--accept", "--inetd"], "inetd"],
] as const) {
  modes.needing(missing, `one connection a process (${options.join(" ")}), which ends with it`, async () => {
    const service = await activate(options, [`${examples}/${example}.js`]);
    assert.is(await echo(`ws://${service.address}/echo`), "echo: hello");
    assert.is(await echo(`ws://${service.address}/echo`), "echo: hello");
    const died = (): number => service.log().match(/died with code 0/g)?.length ?? 0;
    await until(
      () => died() === 2,
      () => `both processes have ended: ${service.log()}`,
    );
    await service.stop();
  });
}

const faults = suite("systemd: what is not ours");

/** Runs `act` with these variables; returns which are left. */
function under(variables: Record<string, string | undefined>, act: () => void): string[] {
  const names = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"];
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    act();
    return names.filter((name) => process.env[name] !== undefined);
  } finally {
    for (const name of names) delete process.env[name];
  }
}

faults("descriptors come with their names, and once", () => {
  const mine = { LISTEN_PID: String(process.pid) };
  const left = under({ ...mine, LISTEN_FDS: "2", LISTEN_FDNAMES: "web:admin" }, () => {
    assert.equal(systemdDescriptors(), [
      { fd: 3, name: "web" },
      { fd: 4, name: "admin" },
    ]);
    assert.throws(() => systemdDescriptors(), /LISTEN_FDS is not set: .*already been taken/);
  });
  assert.equal(left, []);
  under({ ...mine, LISTEN_FDS: "1" }, () => assert.equal(systemdDescriptors(), [{ fd: 3, name: "unknown" }]));
});

faults("what is absent, another's or makes no sense is a TypeError", () => {
  const mine = { LISTEN_PID: String(process.pid) };
  for (const [variables, message] of [
    [{}, /LISTEN_FDS is not set: no socket unit started this process/],
    [{ LISTEN_FDS: "1" }, /LISTEN_PID is not set/],
    [{ LISTEN_PID: "1", LISTEN_FDS: "1" }, /LISTEN_PID is 1, and this process is \d+: .*without a shell or npm/],
    [{ ...mine, LISTEN_FDS: "0" }, /LISTEN_FDS is "0"/],
    [{ ...mine, LISTEN_FDS: "1048577" }, /LISTEN_FDS is "1048577"/],
    [{ ...mine, LISTEN_FDS: "9".repeat(400) }, /LISTEN_FDS is "9+"/],
    [{ ...mine, LISTEN_FDS: "1x" }, /LISTEN_FDS is "1x"/],
    [{ ...mine, LISTEN_FDS: "2", LISTEN_FDNAMES: "web" }, /LISTEN_FDNAMES has 1 names, but LISTEN_FDS is 2/],
  ] as const) {
    for (const act of [systemdDescriptors, systemdConnection, () => systemdListeners(() => {})]) {
      const run = (): void =>
        void under(variables, () => {
          act();
        });
      assert.throws(run, (error: unknown) => error instanceof TypeError && message.test(error.message));
    }
  }
  under({ ...mine, LISTEN_FDS: "2" }, () =>
    assert.throws(systemdConnection, /a connection is one descriptor; .*systemdListeners/),
  );
  assert.throws(() => systemdListeners(undefined as never), /takes a function/);
  // The descriptors of another process stay announced to it.
  assert.equal(
    under({ LISTEN_PID: "1", LISTEN_FDS: "1" }, () => assert.throws(systemdDescriptors, /LISTEN_PID is 1/)),
    ["LISTEN_PID", "LISTEN_FDS"],
  );
});

faults("standard input that is not a socket", () => {
  const program = `import { inetdConnection } from "headgate/intake"; inetdConnection();`;
  const run = (): string =>
    execFileSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  assert.throws(run, /standard input is not a socket/);
});

faults("the unit files name the examples", () => {
  for (const [unit, example] of [
    ["headgate.service", "listener.js"],
    ["headgate-each@.service", "connection.js"],
    ["headgate-each@.service", "inetd.js"],
  ] as const) {
    assert.match(readFileSync(`examples/systemd/${unit}`, "utf8"), example);
    assert.ok(existsSync(`${examples}/${example}`));
  }
});
