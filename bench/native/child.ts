// In:    an executable that speaks loop.c's commands, and an input.
// Out:   its answers, and the time that it takes, by its own clock.
// Never: compares an answer.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Answer, Input } from "../inputs.js";
import type { Timed } from "../measure.js";

export class NativeChild implements Timed {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #closed: Promise<unknown>;
  readonly #input: Input;
  /** What one pass over the input adds to the sum; every run must add the same for each. */
  readonly #passSum: number;
  /** Passes of a run; 0 until they were counted. */
  #passes = 0;

  constructor(executable: string, input: Input, passSum: number) {
    this.#input = input;
    this.#passSum = passSum;
    this.#child = spawn(executable, { stdio: ["pipe", "pipe", "inherit"] });
    this.#closed = new Promise((resolve) => this.#child.once("close", resolve));
    // One that cannot run or has ended gives no line, which is said where a line is wanted.
    this.#child.on("error", () => {});
    this.#child.stdin.on("error", () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stdin.write(`load ${input.buffers.length}\n`);
    for (const octets of input.buffers) {
      this.#child.stdin.write(`${octets.length}\n`);
      this.#child.stdin.write(octets);
    }
  }

  async #line(): Promise<string> {
    const { done, value } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#child.spawnfile} ended`);
    return value;
  }

  /** All heads' answers in order, read by the very code that will be timed. */
  async answers(): Promise<Partial<Answer>[]> {
    const answers: Partial<Answer>[] = [];
    this.#child.stdin.write("rehearse\n");
    for (let line = await this.#line(); !line.startsWith("sum "); line = await this.#line()) {
      const [turn, version, method, ...spans] = line.split(" ");
      const octets = this.#input.buffers[Number(turn)]!;
      const texts: string[] = [];
      for (let i = 0; i < spans.length; i += 2) {
        const start = Number(spans[i]);
        texts.push(octets.latin1Slice(start, start + Number(spans[i + 1])));
      }
      const [requestTarget, ...fieldLines] = texts;
      answers.push({ method: method!, version: Number(version), requestTarget: requestTarget!, fieldLines });
    }
    return answers;
  }

  /** Nanoseconds of that many passes. */
  async #run(passes: number): Promise<number> {
    this.#child.stdin.write(`run ${passes * this.#input.buffers.length}\n`);
    const [nanoseconds, sum] = (await this.#line()).split(" ").map(Number);
    const right = passes * this.#passSum;
    if (sum !== right)
      throw new Error(`${this.#child.spawnfile} on ${this.#input.id}: the sum is ${sum}, not ${right}`);
    return nanoseconds!;
  }

  async time(milliseconds: number): Promise<number> {
    const wanted = milliseconds * 1e6;
    if (this.#passes === 0) {
      this.#passes = 1;
      while ((await this.#run(this.#passes)) < wanted / 10) this.#passes *= 2;
    }
    const nanoseconds = await this.#run(this.#passes);
    const { expected } = this.#input;
    const perRequest = nanoseconds / (this.#passes * expected.length);
    this.#passes = Math.ceil((this.#passes * wanted) / nanoseconds);
    return perRequest;
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#closed;
  }
}
