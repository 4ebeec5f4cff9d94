// In:    the text of an editor.
// Out:   the octets that it means, and for each octet its place in the text.
// Never: loses an octet: whatever is typed means something.

/** Octets, and the range of the text that each of them was written as: `from[i]`, inclusive, to `to[i]`, exclusive. */
export interface Written {
  readonly octets: Uint8Array;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

const CR = 13;
const LF = 10;

const encoder = new TextEncoder();

/** What a backslash makes of the next character; with any other one it is a backslash. */
const escapes: Readonly<Record<string, number>> = { r: CR, n: LF, t: 9, "0": 0, "\\": 92 };

/** Every line end of the text is CR LF; other characters are in UTF-8; `\r \n \t \0 \\` and `\x7f` are single octets. */
export function octetsOf(text: string): Written {
  const octets: number[] = [];
  const from: number[] = [];
  const to: number[] = [];
  for (let at = 0; at < text.length; ) {
    const [meant, length] = readOne(text, at);
    for (const octet of meant) {
      octets.push(octet);
      from.push(at);
      to.push(at + length);
    }
    at += length;
  }
  return { octets: Uint8Array.from(octets), from, to };
}

/** The octets that the characters at `at` mean, and how many characters they are. */
function readOne(text: string, at: number): [octets: ArrayLike<number> & Iterable<number>, length: number] {
  const character = String.fromCodePoint(text.codePointAt(at)!);
  if (character === "\n") return [[CR, LF], 1];
  if (character === "\\") {
    const hex = /^x([0-9A-Fa-f]{2})/.exec(text.slice(at + 1, at + 4))?.[1];
    if (hex !== undefined) return [[Number.parseInt(hex, 16)], 4];
    const escaped = escapes[text[at + 1] ?? ""];
    if (escaped !== undefined) return [[escaped], 2];
  }
  return [encoder.encode(character), character.length];
}

/** The octets as text, one character per octet. */
export function latin1(octets: Uint8Array): string {
  let text = "";
  for (const octet of octets) text += String.fromCharCode(octet);
  return text;
}
