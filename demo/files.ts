// In:    files of demo/ and dist/playground/, and the ports that the page leads to.
// Out:   the files of the live page and the playground, by their paths.
// Never: takes a path of the file system from a request.

import { readdirSync, readFileSync } from "node:fs";

/** The attacker's name. Browsers look it up as 127.0.0.1 (RFC 6761 §6.3), as if the attacker's DNS had just answered so. */
export const REBOUND_NAME = "rebound.localhost";

/** Ports of 127.0.0.1 that the page leads to. */
export interface Neighbours {
  readonly guarded: number;
  readonly rebinding: number;
}

export interface File {
  readonly contentType: string;
  readonly content: Buffer | string;
  /** True if its script compiles WebAssembly. */
  readonly compiles?: boolean;
}

/** From dist/demo, where this file runs, to demo, where the page's files are. */
const SOURCES = new URL("../../demo/", import.meta.url);
const PLAYGROUND = new URL("../playground/", import.meta.url);

const mediaTypes: Readonly<Record<string, string>> = { html: "text/html", css: "text/css", js: "text/javascript" };

/** Every file, read once. */
export function readFiles(neighbours: Neighbours | null): ReadonlyMap<string, File> {
  const page = read(SOURCES, "page.html");
  const { guarded = 0, rebinding = 0 } = neighbours ?? {};
  const content = String(page.content).replace("{guarded}", `${guarded}`).replaceAll("{rebinding}", `${rebinding}`);
  const files = new Map<string, File>([["/", { ...page, content }]]);
  for (const name of ["page.css", "page.js", "theme.css"]) files.set(`/${name}`, read(SOURCES, name));
  for (const name of readdirSync(PLAYGROUND)) {
    files.set(`/playground/${name === "index.html" ? "" : name}`, { ...read(PLAYGROUND, name), compiles: true });
  }
  return files;
}

function read(folder: URL, name: string): File {
  const contentType = `${mediaTypes[name.split(".").at(-1)!]}; charset=utf-8`;
  return { contentType, content: readFileSync(new URL(name, folder)) };
}
