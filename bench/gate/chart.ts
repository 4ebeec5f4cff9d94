// In:    the rows of a run.
// Out:   an SVG picture: of each table of the report, a bar a server.
// Never: shows a figure that the JSON has not.

import type { Row } from "./row.js";

const WIDTH = 800;
const LEFT = 230;
const BAR = 18;
const MOST = 350;

const COLOURS: Record<string, string> = {
  headgate: "#0072b2",
  control: "#8c8c8c",
  "node:http": "#e69f00",
  unguarded: "#e69f00",
  "Bun.serve": "#009e73",
};

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 18px; font-weight: 600; }
  .heading { font-size: 14px; font-weight: 600; }
  .end { text-anchor: end; }
  .page { fill: #ffffff; }
  .spread { stroke: #1f2328; stroke-opacity: 0.55; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .page { fill: #0d1117; }
    .spread { stroke: #f0f6fc; }
  }`;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function text(x: number, y: number, content: string, classes: string): string {
  return `<text x="${Math.round(x)}" y="${y}" class="${classes}">${escaped(content)}</text>`;
}

function number(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}

function bar({ contender, value, ratio, reason }: Row, y: number, most: number): string[] {
  const name = text(LEFT - 8, y + 13, contender, "end");
  if (value === null) return [name, text(LEFT + 4, y + 13, `not measured: ${reason}`, "")];
  const length = (of: number): number => LEFT + (MOST * of) / most;
  const colour = COLOURS[Object.keys(COLOURS).find((start) => contender.startsWith(start))!]!;
  const compared = ratio === null ? "" : `, ${ratio.median.toFixed(2)} of ${ratio.to}`;
  const middle = y + BAR / 2 - 1;
  return [
    name,
    `<rect x="${LEFT}" y="${y}" width="${Math.round(length(value.median)) - LEFT}" height="${BAR - 2}" fill="${colour}"/>`,
    `<line x1="${Math.round(length(value.lower))}" y1="${middle}" x2="${Math.round(length(value.upper))}" y2="${middle}" class="spread"/>`,
    text(length(value.upper) + 6, y + 13, `${number(value.median)}${compared}`, ""),
  ];
}

const TITLE = "The gate beside other servers: medians and quartiles";

/** `environment`: where the run took place. */
export function drawChart(rows: readonly Row[], environment: Readonly<Record<string, unknown>>, title = TITLE): string {
  const svg = [text(16, 32, title, "title")];
  let y = 52;
  for (const key of new Set(rows.map(({ step, unit }) => `${step}: ${unit}`))) {
    const some = rows.filter(({ step, unit }) => key === `${step}: ${unit}`);
    const most = Math.max(...some.map(({ value }) => value?.upper ?? 0));
    svg.push(text(16, y + 14, key, "heading"));
    y += 24;
    for (const row of some) {
      svg.push(...bar(row, y, most));
      y += BAR;
    }
    y += 12;
  }
  const { node, ws, bun, cpu, cores, platform } = environment;
  const versions = [`Node ${node}`, ...(ws === undefined ? [] : [`ws ${ws}, Bun ${bun}`])].join(", ");
  svg.push(text(16, y + 14, `${versions}; ${cpu}, ${cores} cores, ${platform}`, ""));
  const height = y + 30;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${title}">
<style>${STYLE}
</style>
<rect class="page" width="${WIDTH}" height="${height}"/>
${svg.join("\n")}
</svg>
`;
}
