// In:    arguments of Chromium, arguments of the demo.
// Out:   Chromium, where this machine has it; the demo, running, and what it printed.
// Never: leaves a closed browser or demo running.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { type Suite, skip, suite } from "./suite.js";

const CHROMIUM = "/usr/bin/chromium";

const ARGUMENTS = [
  "--no-sandbox",
  "--headless",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Chromium, or why there is none. */
export async function launchChromium(
  ...more: string[]
): Promise<{ browser: Browser | null; noBrowser: string | null }> {
  if (!existsSync(CHROMIUM)) return { browser: null, noBrowser: `there is no ${CHROMIUM}` };
  const { chromium } = await import("playwright-core");
  try {
    const args = [...ARGUMENTS, ...more];
    return { browser: await chromium.launch({ executablePath: CHROMIUM, args }), noBrowser: null };
  } catch (error) {
    const [why] = (error as Error).message.split("\n");
    return { browser: null, noBrowser: `${CHROMIUM} does not start: ${why}` };
  }
}

const DEMO = join("dist", "demo", "main.js");

/** Milliseconds within which the demo listens, plays its exchange, or ends. */
const PATIENCE = 30_000;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningDemo {
  readonly port: number;
  /** Resolves with the first printed line that matches, be it old or new. */
  line(pattern: RegExp): Promise<string>;
  /** Sends the signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
}

class Demo {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = "";
  #stderr = "";

  constructor(options: readonly string[]) {
    const child = spawn(process.execPath, [DEMO, ...options], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (octets: Buffer) => (this.#stdout += octets));
    child.stderr.on("data", (octets: Buffer) => (this.#stderr += octets));
    // A test that fails may never come to its end().
    const orphaned = (): boolean => child.kill("SIGKILL");
    process.once("exit", orphaned);
    child.once("exit", () => process.removeListener("exit", orphaned));
    this.#child = child;
    this.ended = once(child, "close").then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
    }));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async line(pattern: RegExp): Promise<string> {
    const signal = AbortSignal.timeout(PATIENCE);
    for (;;) {
      // What follows the last line end is not a line yet.
      const found = this.#stdout
        .split("\n")
        .slice(0, -1)
        .find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await once(this.#child.stdout!, "data", { signal }).catch(() => {
        throw new Error(`no line ${pattern} in:\n${this.#stdout}${this.#stderr}`);
      });
    }
  }
}

/** Runs the demo to its end; kills it where that takes too long. */
export async function runDemo(...options: string[]): Promise<Ended> {
  const demo = new Demo(options);
  const timer = setTimeout(() => demo.kill("SIGKILL"), PATIENCE);
  const ended = await demo.ended;
  clearTimeout(timer);
  return ended;
}

/** Starts the demo on any free port and waits until it listens. */
export async function startDemo(): Promise<RunningDemo> {
  const demo = new Demo(["--port", "0"]);
  const address = await demo.line(/^http:/);
  return {
    port: Number(/^http:\/\/localhost:(\d+)\//.exec(address)?.[1]),
    line: (pattern) => demo.line(pattern),
    end(signal): Promise<Ended> {
      demo.kill(signal);
      const timer = setTimeout(() => demo.kill("SIGKILL"), PATIENCE);
      return demo.ended.finally(() => clearTimeout(timer));
    },
  };
}

/** A suite for the demo in Chromium, with the browser and, within its tests, the port of the running demo; skipped by name where there is no Chromium. */
export async function demoSuite(
  name: string,
  run: (test: Suite, browser: Browser, port: () => number) => void,
): Promise<void> {
  const { browser, noBrowser } = await launchChromium();
  if (browser === null) {
    skip(name, noBrowser!);
    return;
  }
  const test = suite(name);
  let demo: RunningDemo;
  test.before(async () => {
    demo = await startDemo();
  });
  test.after(async () => {
    await browser.close();
    await demo.end("SIGTERM");
  });
  run(test, browser, () => demo.port);
}
