// In:    what was written, and the parts that the kernel found in it.
// Out:   the same text in coloured pieces.
// Never: makes markup out of text.

import type { Written } from "./octets.js";
import type { Part, PartKind } from "./parts.js";

/** Without it, a last empty line has no height. */
const ZERO_WIDTH_SPACE = "\u200b";

/** Replaces the content of `canvas`, which lies under the editor and has its text at the same places. */
export function paint(canvas: HTMLElement, text: string, { from, to }: Written, parts: readonly Part[]): void {
  const pieces: Node[] = [];
  let at = 0;
  for (const { kind, start, end } of parts) {
    // CR and LF are one character of the text, and its colour is that of CR.
    const begin = Math.max(at, from[start]!);
    at = Math.max(at, to[end - 1]!);
    for (const piece of text.slice(begin, at).split(/(\n)/)) if (piece !== "") pieces.push(pieceOf(kind, piece));
  }
  canvas.replaceChildren(...pieces, ZERO_WIDTH_SPACE);
}

function pieceOf(kind: PartKind, text: string): HTMLElement {
  const piece = document.createElement("span");
  piece.className = text === "\n" ? `${kind} line-end` : kind;
  piece.textContent = text;
  return piece;
}
