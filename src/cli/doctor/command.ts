// In:    the arguments of `headgate doctor`.
// Out:   the report, printed; the exit code.
// Never: sends anything before every address was checked.

import type { Command } from "../command.js";
import { manual } from "../manual.js";
import { readArguments } from "../options.js";
import { examine } from "./examine.js";
import { exitCodeOf } from "./summary.js";
import { addressesOf, targetOf } from "./target.js";

const TIMEOUT = 3000;
const TOTAL_TIMEOUT = 120_000;

export const doctor: Command = async (args, terminal) => {
  const given = readArguments(manual.doctor.options, args, 1);
  const [url] = given.operands;
  if (url === undefined) throw new TypeError("the URL of the server is missing, such as http://localhost:3000");
  const [json, junit] = [given.flag("json"), given.flag("junit")];
  if (json && junit) throw new TypeError("--json and --junit exclude each other");
  const target = targetOf(url, given.text("ws"), given.text("ws-protocol"));
  const options = {
    unsafe: given.flag("unsafe"),
    timeout: given.number("timeout", 1, 600_000) ?? TIMEOUT,
    totalTimeout: given.number("total-timeout", 1, 3_600_000) ?? TOTAL_TIMEOUT,
    progress: (line: string) => terminal.warn(`${line}\n`),
  };
  const addresses = await addressesOf(target, given.flag("i-own-this-host"));
  const report = await examine(target, addresses, options);
  if (json) {
    const { jsonOf } = await import("./json.js");
    terminal.print(`${JSON.stringify(jsonOf(report), null, 2)}\n`);
  } else if (junit) terminal.print((await import("./junit.js")).junitOf(report));
  else terminal.print((await import("./table.js")).tableOf(report, terminal.paint));
  return exitCodeOf(report);
};
