// In:    the inputs.
// Out:   parsers in C and Rust, each in a process of its own, which reads octets that lie in its memory: L0.
// Never: does what they leave out, which `does` names; headgate's L0 does all of that.

import { checkAnswers } from "../answers.js";
import type { Input } from "../inputs.js";
import { type Built, build, type NativeParser } from "../native/build.js";
import { NativeChild } from "../native/child.js";

export interface NativeContender {
  readonly name: string;
  readonly level: "L0";
  /** Its work, as far as it differs from headgate's. */
  readonly does: string;
  /** The package and the compiler; null where it was not built. */
  version(): string | null;
  /** A process that gave the right answers for this input; or why there is none. */
  enter(input: Input): Promise<NativeChild | { readonly absent: string }>;
}

function contender(name: string, parser: NativeParser, does: string): NativeContender {
  let found: ReturnType<typeof build> | undefined;
  const built = (): ReturnType<typeof build> => (found ??= build(parser));
  return {
    name,
    level: "L0",
    does,
    version: () => versionOf(built()),
    async enter(input) {
      const executable = built();
      if ("absent" in executable) return executable;
      const child = new NativeChild(executable.executable, input, passSum(input));
      try {
        checkAnswers(`${name} L0 on ${input.id}`, READ, await child.answers(), input.expected);
      } catch (error) {
        await child.end();
        throw error;
      }
      return child;
    },
  };
}

function versionOf(built: Built | { readonly absent: string }): string | null {
  return "version" in built ? built.version : null;
}

/** Octets and field lines, as headgate's L0 adds them. */
function passSum({ buffers, expected }: Input): number {
  const octets = buffers.reduce((sum, { length }) => sum + length, 0);
  return expected.reduce((sum, { fieldLines }) => sum + fieldLines.length / 2, octets);
}

/** What all of them read. */
const READ = ["method", "requestTarget", "version", "fieldLines"] as const;
const SPANS = "spans only: no field is named, and Host, Connection and framing are not read";

export const natives: readonly NativeContender[] = [
  contender("C picohttpparser", "picohttpparser", SPANS),
  contender("Rust httparse", "httparse", SPANS),
  contender("C llhttp", "llhttp", "spans kept by its callbacks; Connection, Upgrade and framing read, Host not"),
];
