// In:    the manifests of examples/scale, and the program that they start.
// Out:   whether they can be read, and whether figures, names, ports and paths that depend on each other agree.
// Never: needs a cluster.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as assert from "uvu/assert";
import { parseAllDocuments } from "yaml";
import { suite } from "./support/suite.js";

const program = readFileSync("examples/scale/gate.ts", "utf8");
const files = ["kubernetes.yaml", "ingress.yaml", "gateway.yaml"];
const manifests = files.flatMap((file) => readManifests(readFileSync(join("examples/scale", file), "utf8")));

/** The values of a file's documents. YAML 1.1 and 1.2 have to agree on them: `yes` and `010` are a string and 10 in one alone. */
function readManifests(text: string): unknown[] {
  const [values, others] = (["1.2", "1.1"] as const).map((version) =>
    parseAllDocuments(text, { version }).map((document) => {
      for (const fault of [...document.errors, ...document.warnings]) throw fault;
      return document.toJS() as unknown;
    }),
  );
  if (!isDeepStrictEqual(values, others)) throw new Error("YAML 1.1 and 1.2 read different values");
  return values!;
}

/** What a path of names and numbers leads to. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const step of path) found = (found as Record<string, unknown> | undefined)?.[step];
  if (found === undefined) throw new Error(`there is no ${path.join(".")}`);
  return found;
}

function ofKind(kind: string): unknown {
  const found = manifests.filter((each) => at(each, "kind") === kind);
  assert.is(found.length, 1, kind);
  return found[0]!;
}

const pod = at(ofKind("Deployment"), "spec", "template", "spec");
const container = at(pod, "containers", 0);
const environment = new Map(
  (at(container, "env") as unknown[]).map((each) => [at(each, "name") as string, at(each, "value") as string]),
);
const port = at(container, "ports", 0);

const test = suite("scale: Kubernetes");

test("the pod has more time than preStop and the program need", () => {
  const preStop = at(container, "lifecycle", "preStop", "sleep", "seconds") as number;
  const [notice, spread, deadline] = ["NOTICE", "SPREAD", "DEADLINE"].map((name) => Number(environment.get(name)));
  const grace = at(pod, "terminationGracePeriodSeconds") as number;
  assert.ok(grace > preStop + notice! + deadline!, `${grace} > ${preStop} + ${notice} + ${deadline}`);
  assert.ok(spread! < deadline!);
  // A pod that leaves is taken out of the Service at once; one that is not ready, by its probe. Either way before SIGTERM.
  const { periodSeconds, failureThreshold } = at(container, "readinessProbe") as Record<string, number>;
  assert.ok(preStop > periodSeconds! * failureThreshold!);
});

test("environment, port and probes are those of the program", () => {
  const used = new Set(
    [...program.matchAll(/\b([A-Z]{4,})\b(?= = "| \?\?)|process\.env\.([A-Z]+)/g)].map(
      (match) => match[1] ?? match[2]!,
    ),
  );
  for (const name of environment.keys()) assert.ok(used.has(name), `${name} in ${[...used]}`);
  assert.is(Number(environment.get("PORT")), at(port, "containerPort"));
  assert.match(program, `"${environment.get("TRUST")}": {`);
  assert.match(environment.get("TRUSTED")!, /^\d+(?:\.\d+){3}\/\d+$/);
  for (const probe of ["readinessProbe", "livenessProbe"]) {
    const get = at(container, probe, "httpGet");
    assert.is(at(get, "port"), at(port, "name"));
    assert.match(program, `request.url === "${at(get, "path")}"`);
    assert.equal(at(get, "httpHeaders"), [{ name: "Host", value: "health.internal" }]);
  }
  assert.match(program, '{ name: "health.internal"');
});

test("labels, names and ports lead from the outside to the pod", () => {
  const labels = at(ofKind("Deployment"), "spec", "template", "metadata", "labels");
  const service = ofKind("Service");
  for (const selector of [
    at(ofKind("Deployment"), "spec", "selector", "matchLabels"),
    at(service, "spec", "selector"),
    at(ofKind("PodDisruptionBudget"), "spec", "selector", "matchLabels"),
    at(ofKind("NetworkPolicy"), "spec", "podSelector", "matchLabels"),
  ]) {
    assert.equal(selector, labels);
  }
  const servicePort = at(service, "spec", "ports", 0);
  assert.is(at(servicePort, "targetPort"), at(port, "name"));
  assert.is(at(ofKind("NetworkPolicy"), "spec", "ingress", 0, "ports", 0, "port"), at(port, "name"));
  const rule = at(ofKind("Ingress"), "spec", "rules", 0);
  assert.equal(at(rule, "http", "paths", 0, "backend", "service"), {
    name: at(service, "metadata", "name"),
    port: { name: at(servicePort, "name") },
  });
  const route = at(ofKind("HTTPRoute"), "spec");
  assert.equal(at(route, "rules", 0, "backendRefs", 0), {
    name: at(service, "metadata", "name"),
    port: at(servicePort, "port"),
  });
  assert.is(at(route, "parentRefs", 0, "name"), at(ofKind("Gateway"), "metadata", "name"));
});

test("the public name and port are those of the gate's vhost", () => {
  const listener = at(ofKind("Gateway"), "spec", "listeners", 0);
  for (const host of [
    at(listener, "hostname"),
    at(ofKind("HTTPRoute"), "spec", "hostnames", 0),
    at(ofKind("Ingress"), "spec", "rules", 0, "host"),
    at(ofKind("Ingress"), "spec", "tls", 0, "hosts", 0),
  ]) {
    assert.match(program, `{ name: "${host}", port: ${at(listener, "port")}, requires: "https"`);
  }
});

test("a connection that a balancer keeps unused is not closed by the gate first", () => {
  const [, kept] = /keepAliveTimeout = ([\d_]+);/.exec(program)!;
  const seconds = Number(kept!.replaceAll("_", "")) / 1000;
  for (const [file, name] of [
    ["haproxy.cfg", "timeout http-keep-alive"],
    ["nginx.conf", "keepalive_timeout"],
  ] as const) {
    const [, own] = new RegExp(`^ *${name} (\\d+)s`, "m").exec(readFileSync(join("examples/scale", file), "utf8"))!;
    assert.ok(seconds > Number(own), `${file}: ${seconds} > ${own}`);
  }
});

const reader = suite("scale: the reader of manifests");

reader("refuses what is wrong, or is read differently by YAML 1.1 and 1.2", () => {
  assert.equal(readManifests('a: 1\nb:\n  - c: x/y:1\n    d: "0"\n---\nk8s.io/e:\n  f: 0s\n'), [
    { a: 1, b: [{ c: "x/y:1", d: "0" }] },
    { "k8s.io/e": { f: "0s" } },
  ]);
  for (const wrong of ["a: 1\na: 2", "a: 1\n   b: 2", "a:\n  b: 1\n c: 2", "a: yes", "a: 010", "a: 12:30"]) {
    assert.throws(() => readManifests(wrong), /./, wrong);
  }
});
