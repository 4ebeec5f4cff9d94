// In:    clicks and messages of a person; decisions, over a WebSocket.
// Out:   requests to the right and the wrong host, and what came of each; every decision, newest first.
// Never: makes markup out of what it received.

/** Decisions that stay on the page. */
const SHOWN = 200;
/** Milliseconds before the stream of decisions is opened again. */
const PATIENCE = 1000;

/** Milliseconds for the decision on a request to arrive. */
const DECISION = 5000;

const port = location.port === "" ? "" : `:${location.port}`;

/** The same site under its other name, which is another origin. */
const otherName = location.hostname === "localhost" ? "127.0.0.1" : "localhost";
const { guarded } = document.body.dataset;

/** What the buttons open: each is its button's id. */
const targets = {
  echo: `ws://echo.localhost${port}/echo`,
  chat: `ws://chat.localhost${port}/chat`,
  foreign: `ws://foreign.localhost${port}/echo`,
  port: `ws://declared.localhost${port}/echo`,
  path: `ws://echo.localhost${port}/nobody`,
  origin: `ws://${otherName}${port}/decisions`,
  "guard-own": `http://${location.hostname}:${guarded}/notes`,
  "guard-foreign": `http://${otherName}:${guarded}/notes`,
  "guard-host": `http://foreign.localhost:${guarded}/notes`,
};

const element = (selector, parent = document) => parent.querySelector(selector);
const outcome = (id) => element(`output[for=${id}]`);

/** Counts the requests of this page; each has a query of its own, so that its decision can be told from others. */
let requests = Math.floor(Math.random() * 1e9);
/** Decisions that are waited for: what each has to fulfil, and what then happens. */
const expected = new Set();

/** The decision that `isIt` accepts; null if it does not come in time. */
function decisionOn(isIt) {
  return new Promise((resolve) => {
    const expectation = { isIt, resolve };
    expected.add(expectation);
    setTimeout(() => resolve(null), DECISION);
  }).finally(() => {
    for (const each of expected) if (each.isIt === isIt) expected.delete(each);
  });
}

/** What the client got, and why. */
function showText(id, got, why = "") {
  const headline = document.createElement("span");
  headline.textContent = got;
  headline.classList.toggle("refusal", why !== "");
  const reason = document.createElement("span");
  reason.textContent = why;
  outcome(id).replaceChildren(headline, reason);
}

/** A browser hides from a page why a request failed; the gate's decision shows it. */
async function showOutcome(id, decided, passed, failed) {
  const entry = await decided;
  if (entry === null) showText(id, failed);
  else if (entry.code === null) showText(id, passed);
  else showText(id, `${failed}: ${entry.statusCode} ${entry.code}`, entry.explanation);
}

/** The target, with a query of its own, and the decision on it. */
function marked(target) {
  const query = `?knock=${++requests}`;
  return [target + query, decisionOn((entry) => entry.target?.endsWith(query))];
}

/** Opens a WebSocket and waits until it has opened or failed. */
async function open(id) {
  outcome(id).textContent = "…";
  const [target, decided] = marked(targets[id]);
  const webSocket = new WebSocket(target);
  const opened = await new Promise((resolve) => {
    webSocket.addEventListener("open", () => resolve(webSocket), { once: true });
    webSocket.addEventListener("close", () => resolve(null), { once: true });
  });
  if (opened === null) await showOutcome(id, decided, "", "not opened");
  else showText(id, "opened");
  return opened;
}

function setState(state, isOpen, text) {
  state.classList.toggle("open", isOpen);
  state.textContent = text;
}

/** A button whose WebSocket is only opened to be decided on. */
function knockOnly(id) {
  element(`#${id}`).addEventListener("click", async () => {
    const webSocket = await open(id);
    webSocket?.close(1000);
  });
}

/** A button that sends a request to the guarded server. */
function ask(id, options) {
  element(`#${id}`).addEventListener("click", async () => {
    outcome(id).textContent = "…";
    const [target, decided] = marked(targets[id]);
    const shown = showOutcome(id, decided, "passed", "refused");
    const body = await fetch(target, options).then(
      (response) => response.text(),
      () => "",
    );
    await shown;
    if (body !== "") showText(id, `passed, and got: ${body.trim()}`);
  });
}

/** A button and a box: the button reopens the WebSocket, the box talks over it and opens it if needed. */
function conversation(id) {
  const box = element(`#${id}-box`);
  const state = element(".state", box);
  const input = element("input", box);
  let webSocket = null;

  const show = (text, sent) => {
    const line = document.createElement("li");
    line.textContent = text;
    line.classList.toggle("sent", sent);
    element("ol", box).append(line);
    const log = element(".log", box);
    log.scrollTop = log.scrollHeight;
  };
  const begin = async () => {
    webSocket?.close(1000);
    const opened = await open(id);
    if (opened === null) return;
    webSocket = opened;
    setState(state, true, "open");
    opened.addEventListener("message", ({ data }) => show(data, false));
    opened.addEventListener("close", () => {
      // A newer one may have taken its place.
      if (webSocket !== opened) return;
      webSocket = null;
      setState(state, false, "closed");
      showText(id, "closed");
    });
  };

  element(`#${id}`).addEventListener("click", begin);
  element("form", box).addEventListener("submit", async (event) => {
    event.preventDefault();
    if (webSocket === null) await begin();
    if (webSocket === null) return;
    webSocket.send(input.value);
    // The chat sends every message to every guest, so only the echo shows what went out.
    if (id === "echo") show(`→ ${input.value}`, true);
    input.value = "";
  });
}

function sendMalformed() {
  element("#malformed").addEventListener("click", async () => {
    outcome("malformed").textContent = "…";
    const pressed = Date.now();
    const decided = decisionOn(({ verdict, time }) => verdict === "malformed" && Date.parse(time) >= pressed);
    try {
      const response = await fetch("/malformed", { method: "POST" });
      const statusLine = (await response.text()).trim();
      showText("malformed", statusLine, (await decided)?.explanation);
    } catch {
      outcome("malformed").textContent = "the server does not answer";
    }
  });
}

function showDecision(entry, list) {
  const { number, time, verdict, road, statusCode, code, explanation } = entry;
  for (const { isIt, resolve } of expected) if (isIt(entry)) resolve(entry);
  const item = element("#decision").content.firstElementChild.cloneNode(true);
  item.value = number;
  item.classList.add(verdict);
  element(".verdict", item).textContent = verdict;
  element(".road", item).textContent = road;
  element(".status", item).textContent = statusCode ?? "";
  element(".code", item).textContent = code ?? "";
  element("time", item).dateTime = time;
  element("time", item).textContent = new Date(time).toLocaleTimeString([], { hourCycle: "h23" });
  element(".explanation", item).textContent = explanation;
  list.prepend(item);
  if (list.childElementCount > SHOWN) list.lastElementChild.remove();
  // What happened before this page was open is not news.
  if (Date.now() - Date.parse(time) < 2000) item.classList.add("fresh");
}

function watchDecisions() {
  const list = element("#decisions");
  const stream = new WebSocket(`ws://${location.host}/decisions`);
  stream.addEventListener("open", () => {
    // The newest decisions come again.
    list.replaceChildren();
    setState(element("#stream"), true, "live");
  });
  stream.addEventListener("message", ({ data }) => showDecision(JSON.parse(data), list));
  stream.addEventListener("close", () => {
    setState(element("#stream"), false, "not connected, trying again");
    setTimeout(watchDecisions, PATIENCE);
  });
}

for (const [id, target] of Object.entries(targets)) element(`#${id} + code`).textContent = target;
// Not every browser lets the keyboard reach a scrolling element.
for (const log of document.querySelectorAll(".log")) log.tabIndex = 0;
for (const id of ["foreign", "port", "origin", "path"]) knockOnly(id);
ask("guard-own", {});
ask("guard-foreign", { method: "POST", mode: "no-cors" });
ask("guard-host", { mode: "no-cors" });
for (const id of ["echo", "chat"]) conversation(id);
sendMalformed();
watchDecisions();
