// In:    the standard streams and the environment of the process.
// Out:   text on them, in colours where a person reads it.
// Never: writes an escape sequence to a stream that is not a terminal, or where NO_COLOR is set.

import { readFile } from "node:fs/promises";
import { styleText } from "node:util";

/** The members of `process` that are used. */
interface Streams {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
  on(event: "error", listener: (error: Error & { code?: string }) => void): unknown;
}

export type Style = "red" | "green" | "yellow" | "bold" | "dim";
/** A text in one style; on streams without colours, the text itself. */
export type Paint = (style: Style, text: string) => string;

export const plain: Paint = (_style, text) => text;
// `hasColours` has decided already, for the stream that is meant.
const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false });

export class Terminal {
  readonly #streams: Streams;
  /** For what is printed. */
  readonly paint: Paint;

  constructor(streams: Streams) {
    this.#streams = streams;
    this.paint = hasColours(streams.stdout, streams.env) ? coloured : plain;
    for (const stream of [streams.stdout, streams.stderr]) {
      stream.on("error", ({ code, message }) => {
        // What reads the output may end first, as head(1) does; the exit code still counts.
        if (code === "EPIPE") return;
        if (stream !== streams.stderr) this.warn(`headgate: ${message}\n`);
        process.exit(2);
      });
    }
  }

  /** The result, to standard output. */
  print(text: string): void {
    this.#streams.stdout.write(text);
  }

  /** Progress and errors, to standard error. */
  warn(text: string): void {
    this.#streams.stderr.write(text);
  }

  /** A file's content; of standard input where the name is `-`. */
  async read(name: string): Promise<Uint8Array> {
    if (name !== "-") return readFile(name);
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#streams.stdin) pieces.push(piece);
    return Buffer.concat(pieces);
  }
}

/** https://no-color.org: any value but the empty one. */
function hasColours({ isTTY }: Output, { NO_COLOR, TERM }: Streams["env"]): boolean {
  return isTTY === true && (NO_COLOR ?? "") === "" && TERM !== "dumb";
}
