// In:    clicks and messages of a person; decisions, over a WebSocket.
// Out:   WebSockets to the right and the wrong host; each decision, newest first.
// Never: makes markup out of what it received.

/** Decisions that stay on the page. */
const SHOWN = 200;
/** Milliseconds before the stream of decisions is opened again. */
const PATIENCE = 1000;

const port = location.port === "" ? "" : `:${location.port}`;

/** What the buttons open: each is its button's id. */
const targets = {
  echo: `ws://echo.localhost${port}/echo`,
  chat: `ws://chat.localhost${port}/chat`,
  foreign: `ws://foreign.localhost${port}/echo`,
  port: `ws://declared.localhost${port}/echo`,
  path: `ws://echo.localhost${port}/nobody`,
  // The same site under its other name, which is another origin.
  origin: `ws://${location.hostname === "localhost" ? "127.0.0.1" : "localhost"}${port}/decisions`,
};

const element = (selector, parent = document) => parent.querySelector(selector);
const outcome = (id) => element(`output[for=${id}]`);

/** Opens a WebSocket and waits until it has opened or failed; a browser does not tell a page why it failed. */
function open(target) {
  const webSocket = new WebSocket(target);
  return new Promise((resolve) => {
    webSocket.addEventListener("open", () => resolve(webSocket), { once: true });
    webSocket.addEventListener("close", () => resolve(null), { once: true });
  });
}

function setState(state, isOpen, text) {
  state.classList.toggle("open", isOpen);
  state.textContent = text;
}

/** A button whose WebSocket is only opened to be decided on. */
function knockOnly(id) {
  element(`#${id}`).addEventListener("click", async () => {
    outcome(id).textContent = "…";
    const webSocket = await open(targets[id]);
    outcome(id).textContent = webSocket === null ? "not opened" : "opened";
    webSocket?.close(1000);
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
    outcome(id).textContent = "…";
    const opened = await open(targets[id]);
    outcome(id).textContent = opened === null ? "not opened" : "opened";
    if (opened === null) return;
    webSocket = opened;
    setState(state, true, "open");
    opened.addEventListener("message", ({ data }) => show(data, false));
    opened.addEventListener("close", () => {
      // A newer one may have taken its place.
      if (webSocket !== opened) return;
      webSocket = null;
      setState(state, false, "closed");
      outcome(id).textContent = "closed";
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
    try {
      const response = await fetch("/malformed", { method: "POST" });
      outcome("malformed").textContent = (await response.text()).trim();
    } catch {
      outcome("malformed").textContent = "the server does not answer";
    }
  });
}

function showDecision({ number, time, verdict, statusCode, code, explanation }, list) {
  const item = element("#decision").content.firstElementChild.cloneNode(true);
  item.value = number;
  item.classList.add(verdict);
  element(".verdict", item).textContent = verdict;
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
for (const id of ["echo", "chat"]) conversation(id);
sendMalformed();
watchDecisions();
