// In:    a project; Chromium, where this machine has it.
// Out:   transcripts of the entries in a page, and in a worker of it.
// Never: bundles; pages import the files of the package themselves.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { launchChromium } from "../support/chromium.js";
import type { Transcript } from "./programs.js";
import { resolved } from "./project.js";
import type { Entry } from "./transcripts.js";

const modules: Readonly<Record<string, string>> = {
  "/": '<!doctype html><title>headgate</title><link rel="icon" href="data:,">',
  "/read.js": `import { cases } from "/cases.js";
import { transcript } from "/transcripts.js";
export const read = (entry) => transcript(entry, cases);
`,
  "/worker.js": `import { read } from "/read.js";
onmessage = ({ data }) => {
  try {
    postMessage({ read: read(data) });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};
postMessage(null);
`,
};

export interface Pages {
  inPage(entry: Entry): Promise<Transcript>;
  inWorker(entry: Entry): Promise<Transcript>;
  close(): Promise<void>;
}

/** Throws where there is no Chromium. */
export async function openPages(folder: string): Promise<Pages> {
  const { browser, noBrowser } = await launchChromium();
  if (browser === null) throw new Error(noBrowser!);
  const server = createServer((request, response) => {
    const path = request.url!;
    const file = join(folder, path);
    const text =
      modules[path] ?? (/^(?:\/[\w-]+)+\.js$/.test(path) && existsSync(file) ? readFileSync(file, "utf8") : null);
    response.setHeader("Content-Type", path === "/" ? "text/html" : "text/javascript");
    response.writeHead(text === null ? 404 : 200).end(text === null ? "" : resolved(text, "/"));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  // Text, so that these functions are not compiled for Node; each entry has a page of its own, and so a kernel of its own.
  const evaluate = async (program: string): Promise<Transcript> => {
    const page = await browser.newPage();
    try {
      await page.goto(address);
      return (await page.evaluate(program)) as Transcript;
    } finally {
      await page.close();
    }
  };
  return {
    inPage: (entry) => evaluate(`import("/read.js").then(({ read }) => read(${JSON.stringify(entry)}))`),
    inWorker: (entry) =>
      evaluate(`new Promise((resolve, reject) => {
        const worker = new Worker("/worker.js", { type: "module" });
        worker.onerror = (event) => reject(new Error(event.message));
        worker.onmessage = ({ data }) => {
          if (data === null) worker.postMessage(${JSON.stringify(entry)});
          else if (data.error) reject(new Error(data.error));
          else resolve(data.read);
        };
      })`),
    async close() {
      await browser.close();
      server.close();
    },
  };
}
