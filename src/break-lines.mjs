// In:    a bundled module without white space, and its source map.
// Out:   both again, with a line break wherever a line is long and the grammar lets one be.
// Never: breaks a line where a semicolon could be inserted, or within a string.

import { parseAst } from "rolldown/parseAst";

/** Node prints the whole line of an error that nothing catches: a module in one line would bury the message. */
const LONG = 240;

/** `[code, map]` with short lines. The map's other columns and names stay: they are relative across lines. */
export function breakLines(code, map) {
  const breaks = breaksOf(code);
  const broken = breaks.map((at, i) => code.slice(i === 0 ? 0 : breaks[i - 1], at));
  const lines = [...broken, code.slice(breaks.at(-1) ?? 0)];
  return [lines.join("\n"), { ...map, mappings: brokenMappings(code, map.mappings, breaks) }];
}

/** Offsets of `code` before which a line begins. */
function breaksOf(code) {
  const breaks = [];
  let lineStart = 0;
  const places = placesOf(parseAst(code), code);
  for (const [i, at] of places.entries()) {
    lineStart = Math.max(lineStart, code.lastIndexOf("\n", at - 1) + 1);
    // The kernel is one string: it has its line alone.
    const isLongAhead = at > lineStart && (places[i + 1] ?? code.length) - at > 8 * LONG;
    if (at - lineStart < LONG && !isLongAhead) continue;
    breaks.push(at);
    lineStart = at;
  }
  return breaks;
}

/** Where a node begins after a comma, a semicolon or a brace: no semicolon is inserted there (ECMA-262 §12.10). */
function placesOf(root, code) {
  const places = new Set();
  const nodes = [root];
  for (const node of nodes) {
    const before = code[node.start - 1];
    const isStatement = /(?:Declaration|Statement|Definition)$/.test(node.type);
    if (node.type !== "TemplateElement" && (",;{".includes(before) || (before === "}" && isStatement))) {
      places.add(node.start);
    }
    for (const value of Object.values(node)) {
      for (const child of Array.isArray(value) ? value : [value])
        if (typeof child?.type === "string") nodes.push(child);
    }
  }
  return [...places].sort((a, b) => a - b);
}

/** The mappings of a source map (ECMA-426), with the segments of each line shared out among the lines that it becomes. */
function brokenMappings(code, mappings, breaks) {
  const [result, lineBreaks] = [[], breaks.values()];
  let next = lineBreaks.next().value;
  let lineStart = 0;
  const codeLines = code.split("\n");
  for (const [i, line] of mappings.split(";").entries()) {
    const lineEnd = lineStart + codeLines[i].length;
    let [segments, column, written, start] = [[], 0, 0, 0];
    const breakBefore = (limit) => {
      while (next !== undefined && next <= limit) {
        result.push(segments.join(","));
        [segments, written, start] = [[], 0, next - lineStart];
        next = lineBreaks.next().value;
      }
    };
    for (const segment of line === "" ? [] : line.split(",")) {
      const [delta, length] = readVlq(segment);
      column += delta;
      breakBefore(lineStart + column);
      segments.push(writeVlq(column - start - written) + segment.slice(length));
      written = column - start;
    }
    breakBefore(lineEnd);
    result.push(segments.join(","));
    lineStart = lineEnd + 1;
  }
  return result.join(";");
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The first number of a segment, and its length in characters: five bits a digit, the lowest first, the sign in bit 0. */
function readVlq(segment) {
  let [bits, length, digit] = [0, 0, 0];
  do {
    digit = DIGITS.indexOf(segment[length]);
    bits |= (digit & 31) << (5 * length);
    length++;
  } while (digit & 32);
  return [bits & 1 ? -(bits >> 1) : bits >> 1, length];
}

/** A column, which is never negative within a line. */
function writeVlq(number) {
  let [bits, text] = [number << 1, ""];
  do {
    const rest = bits >> 5;
    text += DIGITS[(bits & 31) | (rest > 0 ? 32 : 0)];
    bits = rest;
  } while (bits > 0);
  return text;
}
