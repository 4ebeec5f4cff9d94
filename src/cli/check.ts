// In:    the arguments of `headgate check`.
// Out:   the decision on the request that they describe.
// Never: sends it.

import type { Command } from "./command.js";
import { manual } from "./manual.js";
import { type Arguments, readArguments } from "./options.js";
import { ruleOn } from "./ruling.js";

export const check: Command = async (args, terminal) => {
  const given = readArguments(manual.check.options, args, 0, (host) => `; write --host ${host}`);
  return ruleOn(Buffer.from(headOf(given), "utf8"), given, terminal);
};

/** The options that are fields, in the order in which a browser sends them. */
const fields = [
  ["origin", "Origin"],
  ["referer", "Referer"],
  ["site", "Sec-Fetch-Site"],
  ["mode", "Sec-Fetch-Mode"],
  ["dest", "Sec-Fetch-Dest"],
] as const;

const HANDSHAKE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

function headOf(given: Arguments): string {
  const { text } = given;
  const lines = [`${text("method") ?? "GET"} ${text("path") ?? "/"} HTTP/1.1`, `Host: ${text("host") ?? "localhost"}`];
  for (const [option, name] of fields) {
    const value = text(option);
    if (value !== undefined) lines.push(`${name}: ${value}`);
  }
  if (given.flag("upgrade")) lines.push(...HANDSHAKE);
  lines.push(...given.texts("field"));
  const broken = lines.find((line) => /[\r\n]/.test(line));
  if (broken !== undefined) throw new TypeError(`${JSON.stringify(broken)} has a line end, which a field cannot have`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
