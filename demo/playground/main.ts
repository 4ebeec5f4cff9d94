// In:    what a visitor types, chooses and follows.
// Out:   the page, as the ruling on it demands.
// Never: makes markup out of text, or sends anything.

import { javascript } from "headgate/kernel/javascript";
import { kernelVariant, useKernel } from "headgate/parser";
import { type Example, examples } from "./examples.js";
import { paint } from "./paint.js";
import { factsOf, headline, type Row, reasonsOf } from "./report.js";
import { type Inputs, type Ruling, ruleOn, verdictOf } from "./ruling.js";
import { fragmentOf, inputsOf, isSame } from "./share.js";

/** Milliseconds without typing before a decision is read out, and before the address changes. */
const PAUSE = 500;

const find = <Kind extends HTMLElement>(id: string): Kind => document.querySelector<Kind>(`#${id}`)!;

const head = find<HTMLTextAreaElement>("head");
const policy = find<HTMLTextAreaElement>("policy");
const client = find<HTMLInputElement>("client");
const scheme = find<HTMLSelectElement>("scheme");
const live = find("live");

let ruling: Ruling;
let timer: ReturnType<typeof setTimeout> | undefined;

const inputs = (): Inputs => ({
  head: head.value,
  policy: policy.value,
  client: client.value.trim(),
  scheme: scheme.value,
});

/** Rules on the inputs, and shows it. */
function update(): void {
  const given = inputs();
  ruling = ruleOn(given);
  const verdict = verdictOf(ruling);
  const { written, result, parts, policyProblem, connectionProblem } = ruling;
  paint(find("octets"), given.head, written, parts);
  find("count").textContent = `${written.octets.length} octets`;
  find("decision").dataset.verdict = verdict.kind;
  find("verdict").replaceChildren(...headline(ruling, verdict).map(spanOf));
  find("sentence").textContent = verdict.sentence;
  find("show").hidden = result.kind !== "malformed";
  showRows(find("reasons"), reasonsOf(ruling));
  showRows(find("facts"), factsOf(ruling));
  showProblem(policy, find("policy-problem"), policyProblem);
  showProblem(client, find("connection-problem"), connectionProblem);
  head.setAttribute("aria-invalid", String(result.kind === "malformed"));
  find("copied").textContent = "";
  showExample(examples.find((each) => isSame(each.inputs, given)));
}

function spanOf(text: string): HTMLElement {
  const span = document.createElement("span");
  span.textContent = text;
  return span;
}

function showRows(list: HTMLElement, rows: readonly Row[]): void {
  const items = rows.map(([term, description]) => {
    const item = document.createElement("div");
    const [name, value] = [document.createElement("dt"), document.createElement("dd")];
    name.textContent = term;
    value.textContent = description;
    item.append(name, value);
    return item;
  });
  list.replaceChildren(...items);
  list.hidden = items.length === 0;
}

function showProblem(field: HTMLElement, place: HTMLElement, problem: string | null): void {
  place.hidden = problem === null;
  place.textContent = problem ?? "";
  field.setAttribute("aria-invalid", String(problem !== null));
}

function showExample(shown: Example | undefined): void {
  for (const button of find("examples").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === shown?.id));
  }
  find("story").textContent = shown?.story ?? "Your own request. The link in the address bar leads back to it.";
}

/** Not with each key: a screen reader would never come to the end of a sentence. */
function updateSoon(): void {
  update();
  clearTimeout(timer);
  timer = setTimeout(() => {
    const verdict = verdictOf(ruling);
    live.textContent = `${headline(ruling, verdict).join(", ")}. ${verdict.sentence}`;
    history.replaceState(null, "", fragmentOf(inputs()));
  }, PAUSE);
}

function load(given: Inputs): void {
  head.value = given.head;
  policy.value = given.policy;
  client.value = given.client;
  scheme.value = given.scheme;
  updateSoon();
}

function offerExamples(): void {
  const items = examples.map(({ id, title, inputs: given }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.value = id;
    button.textContent = title;
    button.addEventListener("click", () => load(given));
    const item = document.createElement("li");
    item.append(button);
    return item;
  });
  find("examples").replaceChildren(...items);
}

/** Selects the offending octet in the editor. */
function showOctet(): void {
  if (ruling.result.kind !== "malformed") return;
  const { offset } = ruling.result.fault;
  const { from, to } = ruling.written;
  head.focus();
  head.setSelectionRange(from[offset] ?? head.value.length, to[offset] ?? head.value.length);
}

async function copyLink(): Promise<void> {
  const fragment = fragmentOf(inputs());
  history.replaceState(null, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    find("copied").textContent = "copied";
  } catch {
    find("copied").textContent = "the link is in the address bar";
  }
}

/** The inputs of the address; a fragment that is not one of ours leads to an example. */
function follow(): void {
  const { hash } = location;
  const followed = inputsOf(hash);
  load(followed ?? examples.find(({ id }) => id === "rebinding")!.inputs);
  if (followed === null && hash !== "") find("copied").textContent = "the link is damaged; this is an example";
}

/** Starts it: where WebAssembly is forbidden, that is its translation into JavaScript. */
function nameOfKernel(): string {
  try {
    return `WebAssembly, ${kernelVariant()}`;
  } catch {
    useKernel(javascript);
    return "JavaScript";
  }
}

for (const control of [head, policy, client, scheme]) control.addEventListener("input", updateSoon);
find("show").addEventListener("click", showOctet);
find("share").addEventListener("click", copyLink);
addEventListener("hashchange", follow);
find("kernel").textContent = `Kernel: ${nameOfKernel()}`;
offerExamples();
follow();
