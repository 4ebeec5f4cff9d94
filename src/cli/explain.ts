// In:    the arguments of `headgate explain`, the octets of a head.
// Out:   the decision on it.
// Never: repairs what it reads: line ends count.

import type { Command } from "./command.js";
import { manual } from "./manual.js";
import { readArguments } from "./options.js";
import { ruleOn } from "./ruling.js";

export const explainHead: Command = async (args, terminal) => {
  const given = readArguments(manual.explain.options, args, 1);
  const [file = "-"] = given.operands;
  if (file === "-" && given.text("policy") === "-") {
    throw new TypeError("the policy and the head cannot both be standard input");
  }
  return ruleOn(await terminal.read(file), given, terminal);
};
