// In:    the configurations and the gate of examples/scale, as they are printed.
// Out:   balancers and gates that run by them, with ports and paths of this machine.
// Never: changes anything else of a configuration.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import tls from "node:tls";
import { certificate } from "./certificate.js";
import { startHaproxy } from "./haproxy.js";
import { startNginx } from "./nginx.js";
import { freePort, type Program, start } from "./program.js";
import { Client } from "./tcp.js";

/** Written there; `10.0.0.11:9000` is the first gate, and so on. */
const GATE = /10\.0\.0\.1(\d):9000/g;

/** Paths that the configurations have, and the port on which they listen. */
const CERTIFICATES = ["/etc/haproxy/site.pem", "/etc/nginx/site.pem"];
const FOLDERS = ["/run/haproxy", "/var/lib/headgate"];
const LISTENS = /(bind |listen ):?443\b/;

/** A balancer before gates; the first gate is `a`. */
export class Fleet {
  readonly folder = mkdtempSync(join(tmpdir(), "headgate-scale-"));
  /** What clients trust. */
  readonly ca: string;
  /** Where clients connect. */
  port = 0;
  balancer!: Program;
  readonly gates = new Map<string, Program>();
  readonly #ports = new Map<string, number>();
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
    const { key, cert } = certificate("app.example.com");
    this.ca = cert;
    writeFileSync(join(this.folder, "site.pem"), key + cert);
  }

  /** `file`: of examples/scale. `environment`: of the gates. `change`: what the document has a reader change. */
  static async start(
    file: string,
    environment: Readonly<Record<string, string>>,
    change: (text: string) => string = (text) => text,
  ): Promise<Fleet> {
    const fleet = new Fleet(environment);
    const written = change(readFileSync(join("examples/scale", file), "utf8"));
    const used = new Set<number>();
    const port = async (): Promise<number> => {
      let free = await freePort();
      while (used.has(free)) free = await freePort();
      used.add(free);
      return free;
    };
    fleet.port = await port();
    for (const [, digit] of written.matchAll(GATE)) fleet.#ports.set(nameOf(digit!), await port());
    await Promise.all([...fleet.#ports.keys()].map((name) => fleet.open(name)));
    const run = file.startsWith("haproxy") ? startHaproxy : startNginx;
    fleet.balancer = await run(fleet.folder, fleet.#here(written), [fleet.port]);
    return fleet;
  }

  /** Starts the gate of this name, on its port. */
  async open(name: string): Promise<void> {
    const port = this.#ports.get(name)!;
    const environment = { NAME: name, PORT: `${port}`, ...this.#environment };
    this.gates.set(name, await start(process.execPath, ["dist/examples/scale/gate.js"], [port], environment));
  }

  /** As a process that is out of memory, or a machine without power: nothing is closed in order. */
  async kill(name: string): Promise<void> {
    this.gates.get(name)!.signal("SIGKILL");
    await this.gates.get(name)!.stop();
    this.gates.delete(name);
  }

  /** Sends SIGTERM, and waits for the end of the process: the counts of its drain. */
  async drain(name: string): Promise<{ closed: number; cut: number; refused: number }> {
    const gate = this.gates.get(name)!;
    await gate.stop();
    this.gates.delete(name);
    const [, counts] = / drained: (\{.*\})/.exec(gate.printed()) ?? [];
    if (counts === undefined) throw new Error(`${name} has not drained: ${gate.printed()}`);
    return JSON.parse(counts);
  }

  /** Where the gate of this name listens; undefined where there is none. */
  portOf(name: string): number | undefined {
    return this.#ports.get(name);
  }

  /** A new client's request: the name of the gate that answered, or the status code of a refusal. */
  async ask(host = "app.example.com"): Promise<string | number> {
    const to = { port: this.port, host: "127.0.0.1", ca: this.ca, servername: "app.example.com" };
    const client = new Client(tls.connect(to));
    await client.send(`GET /page HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    const [response] = await client.all();
    if (response === undefined) return "nothing";
    return response.statusCode === 200 ? JSON.parse(String(response.body)).name : response.statusCode;
  }

  /** A command on HAProxy's stats socket. */
  async command(line: string): Promise<string> {
    const socket = net.connect(join(this.folder, "admin.sock"));
    socket.end(`${line}\n`);
    return text(socket);
  }

  async stop(): Promise<void> {
    await this.balancer.stop();
    for (const gate of this.gates.values()) {
      gate.signal("SIGKILL");
      await gate.stop();
    }
    rmSync(this.folder, { recursive: true });
  }

  #here(written: string): string {
    if (!LISTENS.test(written)) throw new Error("the configuration listens on another port than 443");
    let here = written.replace(GATE, (_, digit: string) => `127.0.0.1:${this.#ports.get(nameOf(digit))}`);
    here = here.replace(LISTENS, `$1127.0.0.1:${this.port}`);
    for (const each of CERTIFICATES) here = here.replaceAll(each, join(this.folder, "site.pem"));
    for (const each of FOLDERS) here = here.replaceAll(each, this.folder);
    return here;
  }
}

const nameOf = (digit: string): string => "abcdefghi"[Number(digit) - 1]!;
