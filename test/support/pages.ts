// In:    what each path of a site of pages holds.
// Out:   that site, for the time of a suite, and its address; modules of the build are there as well, under their paths.
// Never: bundles.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import type { Suite } from "./suite.js";

/** A module of the build, such as `/dist/src/parser.js`; null for any other path. */
function moduleOf(path: string): string | null {
  return /^\/dist\/[\w/-]+\.js$/.test(path) && existsSync(`.${path}`) ? readFileSync(`.${path}`, "utf8") : null;
}

/** Listens before the suite; after it the server and the browser end. Returns what gives the site's address. */
export function servePages(
  test: Suite,
  browser: Browser,
  bodyOf: (path: string) => string | null,
  headers: Readonly<Record<string, string>> = {},
): () => string {
  const server = createServer((request, response) => {
    const body = bodyOf(request.url!) ?? moduleOf(request.url!);
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.setHeader("Content-Type", request.url === "/" ? "text/html" : "text/javascript");
    response.writeHead(body === null ? 404 : 200).end(body);
  });
  test.before(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  test.after(async () => {
    await browser.close();
    server.close();
  });
  return () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
