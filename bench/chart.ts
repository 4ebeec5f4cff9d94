// In:    the results of a run.
// Out:   an SVG picture of complete heads on the SIMD kernel: how many times headgate's time the others take.
// Never: shows a figure that the JSON has not.

import type { Level } from "./contender.js";
import type { Results } from "./results.js";
import { factor, type Row } from "./row.js";

/** The inputs that are shown; E and G are in the JSON. */
const INPUTS = ["A", "B", "C", "D", "M"];

const WIDTH = 1000;
const LEFT = 56;
const RIGHT = 16;
const GROUP = (WIDTH - LEFT - RIGHT) / INPUTS.length;
/** Between two groups, in parts of a group. */
const GAP = 0.12;
/** Pixels of a doubling. */
const DOUBLING = 52;
const FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";

/** Colours that colour-blind people can distinguish (Okabe and Ito), and that work on white and on black. */
const COLOURS = ["#0072b2", "#56b4e9", "#e69f00", "#009e73", "#7cc9b1", "#cc79a7", "#8c8c8c"];

/** A page of its own, so that the text can be read whatever surrounds the picture. */
function style(page: string, strong: string, soft: string, line: string): string {
  return `
  .page { fill: ${page}; }
  text { fill: ${strong}; }
  .soft { fill: ${soft}; }
  .line { stroke: ${line}; }
  .one, .spread { stroke: ${strong}; }`;
}

const STYLE = `
  text { font: 12px ${FONT}; }
  .title { font-size: 20px; font-weight: 600; }
  .heading { font-size: 15px; font-weight: 600; }
  .value { font-size: 10.5px; text-anchor: middle; }
  .losing { font-weight: 700; }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  .group { font-size: 14px; font-weight: 600; text-anchor: middle; }
  .one { stroke-width: 1.5; }
  .spread { stroke-opacity: 0.55; }
  ${style("#ffffff", "#1f2328", "#59636e", "#d8dde3")}
  @media (prefers-color-scheme: dark) {${style("#0d1117", "#f0f6fc", "#9198a1", "#2c333c")}
  }
`;

interface Panel {
  readonly heading: string;
  readonly note: string;
  readonly level: Level;
  readonly base: string;
}

const panels: readonly Panel[] = [
  {
    heading: "Parsers for JavaScript",
    note: "from a Buffer to the method, the request-target and every name and value as strings",
    level: "L3",
    base: "headgate L3",
  },
  {
    heading: "Native parsers",
    note: "octets in place, no strings; headgate also names fields and reads Host, Connection and framing",
    level: "L0",
    base: "headgate L0",
  },
];

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function text(x: number, y: number, content: string, classes = ""): string {
  return `<text x="${round(x)}" y="${round(y)}"${classes === "" ? "" : ` class="${classes}"`}>${escaped(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, classes: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${classes}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Words in lines of at most so many characters. */
function wrap(content: string, characters: number): string[] {
  const lines = [""];
  for (const word of content.split(" ")) {
    const last = lines[lines.length - 1]!;
    if (last !== "" && last.length + 1 + word.length > characters) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}

/** The position of a ratio: doublings above the line of headgate. */
function height(ratio: number): number {
  return Math.log2(ratio) * DOUBLING;
}

/** One bar, from the line of headgate to the median, with its quartiles; n/a where there is no figure. */
function bar(row: Row | undefined, x: number, width: number, one: number, colour: string): string {
  const middle = x + width / 2;
  if (row?.ratio == null) return text(middle, one - 4, "n/a", "value soft");
  const { contender, input, ratio } = row;
  const top = one - height(Math.max(1, ratio.median));
  const bottom = one - height(Math.min(1, ratio.median));
  const isLosing = ratio.median < 1;
  const label = isLosing ? one - height(ratio.lower) + 13 : one - height(ratio.upper) - 4;
  const title = `${contender} on ${input}: ${ratio.median.toFixed(2)} (quartiles ${ratio.lower.toFixed(2)} to ${ratio.upper.toFixed(2)})`;
  return [
    `<g><title>${escaped(title)}</title>`,
    `<rect x="${round(x)}" y="${round(top)}" width="${round(width)}" height="${round(bottom - top)}" fill="${colour}"/>`,
    line(middle, one - height(ratio.lower), middle, one - height(ratio.upper), "spread"),
    text(middle, label, factor(ratio.median), isLosing ? "value losing" : "value"),
    "</g>",
  ].join("");
}

/** The contenders' names in rows that fit; returns the picture and how high it is. */
function legend(
  names: readonly string[],
  absent: ReadonlyMap<string, string>,
  y: number,
): [svg: string[], height: number] {
  const svg: string[] = [];
  let x = LEFT;
  let row = 0;
  names.forEach((name, i) => {
    const reason = absent.get(name);
    const label = reason === undefined ? name : `${name} (${reason})`;
    const width = 34 + label.length * 6.6;
    if (x > LEFT && x + width > WIDTH - RIGHT) {
      x = LEFT;
      row++;
    }
    const base = y + row * 20;
    svg.push(
      `<rect x="${round(x)}" y="${base - 10}" width="12" height="12" rx="2" fill="${COLOURS[i % COLOURS.length]}"/>`,
    );
    svg.push(text(x + 18, base, label));
    x += width;
  });
  return [svg, (row + 1) * 20];
}

/** The scale: whole doublings that hold all quartiles. */
function scaleOf(rows: readonly Row[]): { lowest: number; highest: number } {
  const ends = rows.flatMap(({ ratio }) => (ratio === null ? [] : [ratio.lower, ratio.upper].map(Math.log2)));
  return { lowest: Math.floor(Math.min(-1, ...ends)), highest: Math.ceil(Math.max(1, ...ends)) };
}

function tick(doublings: number): string {
  return doublings < 0 ? `1/${2 ** -doublings}` : `${2 ** doublings}`;
}

/** A panel from `top` down; returns the picture and where it ends. */
function panel({ heading, note, level, base }: Panel, results: Results, top: number): [svg: string[], bottom: number] {
  const rows = results.rows.filter(
    (row) => row.step === "head" && row.kernel === "simd" && row.level === level && INPUTS.includes(row.input),
  );
  const peers = rows.filter(({ contender }) => !/^(?:headgate|control)/.test(contender));
  const names = [...new Set(peers.map(({ contender }) => contender))];
  const absent = new Map<string, string>();
  for (const name of names) {
    const own = peers.filter(({ contender }) => contender === name);
    if (own.every(({ ns }) => ns === null)) absent.set(name, own[0]!.absent!);
  }
  const svg = [text(LEFT, top, heading, "heading"), text(LEFT, top + 19, note, "soft")];
  const [entries, legendHeight] = legend(names, absent, top + 44);
  svg.push(...entries);

  const { lowest, highest } = scaleOf(peers);
  const plotTop = top + 44 + legendHeight + 8;
  const one = plotTop + highest * DOUBLING;
  const plotBottom = one - lowest * DOUBLING;
  for (let at = lowest; at <= highest; at++) {
    const y = one - at * DOUBLING;
    svg.push(line(LEFT, y, WIDTH - RIGHT, y, at === 0 ? "one" : "line"), text(LEFT - 8, y + 4, tick(at), "end soft"));
  }
  svg.push(text(LEFT + 4, plotTop + 14, "headgate is faster ↑", "soft"));
  svg.push(text(LEFT + 4, plotBottom - 6, "headgate is slower ↓", "soft"));
  svg.push(text(WIDTH - RIGHT - 4, plotBottom - 6, `1 = ${base}, in the same round`, "end soft"));

  const width = (GROUP * (1 - GAP)) / names.length;
  let bottom = plotBottom;
  INPUTS.forEach((input, i) => {
    const start = LEFT + i * GROUP + (GROUP * GAP) / 2;
    names.forEach((name, j) => {
      const row = peers.find((each) => each.input === input && each.contender === name);
      svg.push(bar(row, start + j * width + 1, width - 2, one, COLOURS[j % COLOURS.length]!));
    });
    const centre = LEFT + (i + 0.5) * GROUP;
    svg.push(text(centre, plotBottom + 20, input, "group"));
    const title = results.inputs.find(({ id }) => id === input)?.title ?? "";
    wrap(title, 28).forEach((words, row) => {
      svg.push(text(centre, plotBottom + 37 + row * 15, words, "middle soft"));
      bottom = Math.max(bottom, plotBottom + 37 + row * 15);
    });
  });
  return [svg, bottom];
}

export function drawChart(results: Results): string {
  const { environment, timing, quick } = results;
  const svg = [
    text(LEFT, 38, "Parsing one request head: time taken, in multiples of headgate's", "title"),
    text(
      LEFT,
      60,
      "Bars: medians; thin lines: quartiles; logarithmic scale, a line a doubling. Higher is better for headgate.",
      "soft",
    ),
  ];
  let y = 98;
  for (const each of panels) {
    const [part, bottom] = panel(each, results, y);
    svg.push(...part);
    y = bottom + 46;
  }
  const built = Object.values(environment.natives).some((version) => version !== null);
  const lines = [
    `Node ${environment.node}, V8 ${environment.v8}; ${environment.cpu}, ${environment.cores} cores, ${environment.platform}; ${timing.rounds} interleaved rounds of ${timing.milliseconds} ms${quick ? "; a quick run, which says nothing" : ""}`,
    `http-parser-js ${environment.httpParserJs}, undici ${environment.undici}, Milo ${environment.milo}${built ? "; native parsers from Debian's packages, compiled for this processor" : ""}`,
  ];
  lines.forEach((content, i) => {
    svg.push(text(LEFT, y - 8 + i * 17, content, "soft"));
  });
  const total = Math.ceil(y + 30);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${total}" width="${WIDTH}" height="${total}" role="img" aria-label="Time of other parsers in multiples of headgate's">
<style>${STYLE}</style>
<rect class="page" width="${WIDTH}" height="${total}"/>
${svg.join("\n")}
</svg>
`;
}
