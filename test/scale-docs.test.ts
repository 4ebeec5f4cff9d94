// In:    docs/scale.md, and the files of examples/scale.
// Out:   whether the page shows them word for word, and has their figures.
// Never: starts a balancer.

import { readdirSync } from "node:fs";
import * as assert from "uvu/assert";
import { parseAllDocuments } from "yaml";
import { blocks, plain, read, rows, section } from "./support/document.js";
import { suite } from "./support/suite.js";

const page = read("docs/scale.md");
const program = read("examples/scale/gate.ts");
const languages: Record<string, string> = {
  "gate.ts": "ts",
  "haproxy.cfg": "haproxy",
  "haproxy-tcp.cfg": "haproxy",
  "nginx.conf": "nginx",
  "nginx-stream.conf": "nginx",
  "kubernetes.yaml": "yaml",
  "ingress.yaml": "yaml",
  "gateway.yaml": "yaml",
};

const test = suite("docs/scale.md");

test("shows each file of examples/scale word for word", () => {
  assert.equal(readdirSync("examples/scale").sort(), Object.keys(languages).sort());
  for (const [file, language] of Object.entries(languages)) {
    const text = read(`examples/scale/${file}`);
    const shown = language === "ts" ? text.replace(/^(?:\/\/[^\n]*\n)+\n/, "") : text;
    assert.ok(blocks(page, language).includes(shown), `${file} is shown otherwise`);
    assert.match(page, `](../examples/scale/${file})`);
  }
});

test("has every variable of the program, with its default", () => {
  const documented = new Map<string, string>();
  for (const [names, , values] of rows(section(page, "## The process")).filter(([cell]) => /^`[A-Z]+`/.test(cell!))) {
    const defaults = values!.split(", ").map(plain);
    for (const [i, name] of names!.split(", ").map(plain).entries()) documented.set(name, defaults[i]!);
  }
  const used = new Map<string, string>();
  for (const [, name, value] of program.matchAll(/\b([A-Z]{4,}) = "([^"]*)"/g)) used.set(name!, value!);
  for (const [, name, value] of program.matchAll(/process\.env\.([A-Z]+) \?\? (\d+)/g)) used.set(name!, value!);
  // What the gate calls itself matters to tests alone; two have no default.
  used.delete("NAME");
  for (const name of ["SCHEME", "CHECKS"]) used.set(name, "");
  assert.equal([...documented].sort(), [...used].sort());
});

test("the timeline of a pod is that of the manifest", () => {
  const [deployment] = parseAllDocuments(read("examples/scale/kubernetes.yaml"));
  const pod = (deployment!.toJS() as { spec: { template: { spec: Pod } } }).spec.template.spec;
  const { env, lifecycle } = pod.containers[0];
  const value = (name: string): number => Number(env.find((each) => each.name === name)!.value);
  const sigterm = lifecycle.preStop.sleep.seconds;
  const seconds = [
    0,
    sigterm,
    sigterm + value("NOTICE") + value("SPREAD"),
    sigterm + value("NOTICE") + value("DEADLINE"),
    pod.terminationGracePeriodSeconds,
  ];
  // Comments of a manifest look like headings.
  const prose = page.replace(/^```.*?^```$/gms, "");
  const documented = rows(section(prose, "## Kubernetes")).filter(([cell]) => /^\d+$/.test(cell!));
  assert.equal(
    documented.map(([second]) => Number(second)),
    seconds,
  );
});

test("the time until HAProxy notices is that of its configuration, and shorter than NOTICE for a 404", () => {
  for (const file of ["haproxy.cfg", "haproxy-tcp.cfg"]) {
    const text = read(`examples/scale/${file}`);
    const [, timeout] = /timeout check (\d+)s/.exec(text)!;
    const [, interval, fall] = /inter (\d+)s fall (\d+)/.exec(text)!;
    const longest = Number(fall) * (Number(interval) + Number(timeout));
    assert.match(page, `mark its server down, within ${longest} seconds here`);
    const [, notice] = /process\.env\.NOTICE \?\? (\d+)/.exec(program)!;
    assert.ok(Number(notice) > Number(interval) + Number(timeout));
  }
});

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [
    {
      readonly env: readonly { readonly name: string; readonly value: string }[];
      readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
    },
  ];
}
