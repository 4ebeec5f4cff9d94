// In:    a program of this project with its arguments, and what `ulimit` is to allow it.
// Out:   a separate process, what it sends over its channel, and how it died, if it did.
// Never: leaves it running after `stop`.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** Milliseconds without a word, far more than any answer takes. */
const PATIENCE = 120_000;

/** A child process under limits of its own. */
export class Limited {
  readonly #child: ChildProcess;
  readonly #heard: unknown[] = [];
  readonly #closed: Promise<unknown>;
  #wake = (): void => {};
  #printed = "";
  #death: string | null = null;

  /** `ulimit`: its arguments, as `-n 4096`; `programArguments`: those of Node, the file among them. */
  constructor(ulimit: string, programArguments: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const command = ["-c", `ulimit ${ulimit}; exec "$0" "$@"`, process.execPath, ...programArguments];
    const env = { ...process.env, ...environment };
    this.#child = spawn("sh", command, { env, stdio: ["ignore", "pipe", "pipe", "ipc"] });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on("data", (octets) => (this.#printed += octets));
    }
    this.#child.on("message", (message) => {
      this.#heard.push(message);
      this.#wake();
    });
    this.#closed = once(this.#child, "close").then(([code, signal]) => {
      this.#death = `${signal ?? `exit code ${code}`}: ${this.#printed.slice(0, 2000)}`;
      this.#wake();
    });
  }

  /** How it died; null while it lives. */
  get death(): string | null {
    return this.#death;
  }

  /** Its next message; fails if it dies first, or is silent for too long. */
  async hear<Message>(): Promise<Message> {
    while (this.#heard.length === 0) {
      if (this.#death !== null) throw new Error(`the process died of ${this.#death}`);
      let timer: NodeJS.Timeout | undefined;
      const news = new Promise<void>((resolve, reject) => {
        this.#wake = resolve;
        timer = setTimeout(() => reject(new Error(`the process is silent: ${this.#printed}`)), PATIENCE);
      });
      await news.finally(() => clearTimeout(timer));
    }
    return this.#heard.shift() as Message;
  }

  /** Sends a message; resolves with the answer. */
  async ask<Message>(message: object | string): Promise<Message> {
    if (this.#death === null) this.#child.send(message, () => {});
    return this.hear();
  }

  async stop(): Promise<void> {
    if (this.#death === null) this.#child.kill("SIGKILL");
    await this.#closed;
  }
}
