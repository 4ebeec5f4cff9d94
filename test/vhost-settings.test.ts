// In:    the settings of a vhost, from the one list of them in src/policy/vhost.ts.
// Out:   whether each is where settings are: types, checks, localhost(), the schema, the documents, explanations. parity.test.ts asks
//        the requests over HTTP/1.1 and HTTP/2.
// Never: has a list of its own.

import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { decide } from "#src/policy/decide.js";
import { explanation } from "#src/policy/explain.js";
import { localhost } from "#src/policy/localhost.js";
import { definePolicy } from "#src/policy/policy-rules.js";
import { type Vhost, vhostSettings } from "#src/policy/vhost.js";
import { overHttp1 } from "./support/ask.js";
import { headOf } from "./support/refused.js";
import { suite } from "./support/suite.js";
import { type SettingCase, settingCases } from "./support/vhost-settings.js";

const read = (file: string): string => readFileSync(file, "utf8");
const names = [...vhostSettings].sort();
/** What `localhost()` sets itself, or cannot have. */
const own = ["absentHost", "default", "name"];

const test = suite("settings of a vhost");

test("are those of the type, and those that a check lists", () => {
  const [, body] = /export interface Vhost<.*?> \{\n(.*?)^\}/ms.exec(read("src/policy/vhost.ts"))!;
  assert.equal([...body!.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!).sort(), names);
  assert.throws(
    () => definePolicy({ vhosts: [{ name: "a", nothing: 1 } as Vhost] }),
    new RegExp(`the settings are ${vhostSettings.join(", ")}$`),
  );
});

test("are those of policy.schema.json", () => {
  const { properties } = JSON.parse(read("policy.schema.json")).definitions.vhost;
  assert.equal(Object.keys(properties).sort(), names);
});

test("are those of localhost(), but for those that it sets, and one that is given counts", () => {
  for (const name of vhostSettings) {
    const value = { [name]: name };
    if (own.includes(name)) assert.throws(() => localhost(value as never), `${name} is not a setting of localhost()`);
    else for (const vhost of localhost(value as never)) assert.is(vhost[name], name);
  }
  assert.equal(
    localhost().map((vhost) => Object.keys(vhost).sort()),
    localhost().map(() => ["embedding", "name"]),
  );
});

test("are those of docs/policy.md", () => {
  const text = read("docs/policy.md");
  const [, table] = /^## A vhost\n(.*?)^## /ms.exec(text)!;
  assert.equal(
    [...table!.matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1]!),
    [...vhostSettings],
  );
  const [, shared] = /`localhost\(\{ ([\w, ]+) \}\)`/.exec(text)!;
  assert.equal([...shared!.split(", "), ...own].sort(), names);
});

test("are each named by the meaning of a code in docs/errors.md", () => {
  const text = read("docs/errors.md");
  for (const name of vhostSettings) {
    const { code } = settingCases[name];
    const [, meaning] = new RegExp(`^\\| \`${code}\` \\| \\d+ \\| (.*) \\|$`, "m").exec(text)!;
    assert.match(meaning!, `\`${name}\``);
  }
});

function ruled({ vhost, claims = "*", ask }: SettingCase) {
  const head = headOf(overHttp1({ ...ask, scheme: "http" }).replace(/\r\n$/, ""));
  const policy = definePolicy({ vhosts: [{ ...vhost, upgrades: { [claims]: 1 } }] });
  return explanation(decide(policy, head, { scheme: "http", schemeSource: "declared" }));
}

test("are each ruled on, and named by the explanation of a refusal", () => {
  for (const name of vhostSettings) {
    for (const each of settingCases[name].cases) {
      const { code, text } = ruled(each);
      const why = `${name}, ${each.why}: ${text}`;
      assert.is(code ?? "accepted", each.decision, why);
      if (each.decision === settingCases[name].code && !each.why.includes("prefetch")) assert.match(text, name, why);
    }
    assert.ok(settingCases[name].cases.length > 0, name);
  }
});
