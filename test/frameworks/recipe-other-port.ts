// In:    examples/recipes/other-port.mjs; Chromium, where it is there.
// Out:   what every recipe is tested for; a page on another port calls the API and opens a WebSocket.
// Never: has a page on the server's own port.

import { createServer } from "node:http";
import * as assert from "uvu/assert";
import { launchChromium } from "../support/chromium.js";
import { freePort } from "../support/program.js";
import { skip } from "../support/suite.js";
import { callFrom } from "./page-call.js";
import { recipe } from "./recipe.js";

const pagePort = await freePort();
const pageOrigin = `http://localhost:${pagePort}`;

/** What its script does: the call of the API, then a WebSocket. */
async function script(origin: string): Promise<string[]> {
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`${origin}/api`, { method: "POST", headers, body: "{}" });
  const webSocket = new WebSocket(`${origin.replace("http", "ws")}/live`);
  const echoed = new Promise<string>((resolve, reject) => {
    webSocket.onopen = () => webSocket.send("hello");
    webSocket.onmessage = ({ data }) => resolve(data);
    webSocket.onerror = () => reject(new Error("the WebSocket was refused"));
  });
  return [`${response.status}`, await echoed];
}

async function use(origin: string): Promise<void> {
  await callFrom(pageOrigin, "same-site", origin);
  const { browser, noBrowser } = await launchChromium();
  if (browser === null) return skip("recipe other-port in Chromium", noBrowser!);
  const server = createServer((_request, response) => void response.end("<!doctype html>"));
  await new Promise<void>((resolve) => server.listen(pagePort, "localhost", resolve));
  try {
    const page = await browser.newPage();
    await page.goto(pageOrigin);
    assert.equal(await page.evaluate(script, origin), ["200", "echo: hello"]);
  } finally {
    await browser.close();
    server.close();
    server.closeAllConnections();
  }
}

const environment = { PAGE_PORT: `${pagePort}` };
recipe("other-port", { webSocketPath: "/live", api: "/api", pageOrigin, environment, use });
