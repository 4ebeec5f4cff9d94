// In:    a project; the program of workerd, the runtime of Cloudflare Workers.
// Out:   transcripts of the entries, what a parse without a kernel throws.
// Never: compiles WebAssembly from bytes: workerd forbids it, and gets the compiled module.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Transcript, withServer } from "./programs.js";
import { pathOf, resolved } from "./project.js";
import type { Entry } from "./transcripts.js";

const SIMD = pathOf("headgate/kernel/simd.wasm");

/** Reads the cases, or tries to compile, by the path of the request. */
const worker = `import kernel from "./${SIMD}";
import { parseRequestHead, useKernel } from "headgate/parser";
import { cases } from "./cases.js";
import { transcript } from "./transcripts.js";

const thrown = (call) => {
  try {
    call();
    return null;
  } catch (error) {
    return error.name + ": " + error.message;
  }
};
const first = () => thrown(() => parseRequestHead(new TextEncoder().encode("GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")));

export default {
  fetch(request) {
    const path = decodeURIComponent(new URL(request.url).pathname.slice(1));
    if (path === "without") return Response.json(first());
    useKernel(kernel);
    return Response.json(transcript(path, cases));
  },
};
`;

function configuration(folder: string, main: string): string {
  const library = "node_modules/headgate/dist/lib";
  const files = [
    "cases.js",
    "transcripts.js",
    pathOf("headgate/kernel/javascript"),
    ...readdirSync(join(folder, library)).flatMap((name) => (name.endsWith(".js") ? [`${library}/${name}`] : [])),
  ];
  for (const file of files) {
    const text = resolved(readFileSync(join(folder, file), "utf8"), "./");
    writeFileSync(join(folder, `${file}.worker`), text);
  }
  const modules = [main, ...files.filter((file) => file !== main)].map(
    (file) => `(name = ${JSON.stringify(file)}, esModule = embed ${JSON.stringify(`${file}.worker`)})`,
  );
  modules.push(`(name = ${JSON.stringify(SIMD)}, wasm = embed ${JSON.stringify(SIMD)})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (modules = [${modules.join(", ")}], compatibilityDate = "2026-11-01"))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`;
}

async function serve<Result>(
  program: string,
  folder: string,
  main: string,
  use: (port: number) => Promise<Result>,
): Promise<Result> {
  writeFileSync(join(folder, "worker.js.worker"), resolved(worker, "./"));
  writeFileSync(join(folder, "config.capnp"), configuration(folder, main));
  const args = ["serve", "config.capnp", "--control-fd=1"];
  return withServer({ program, flags: [] }, folder, args, /"socket":"http","port":(\d+)/, use);
}

async function textOf(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/${encodeURIComponent(path)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 500)}`);
  return text;
}

export function transcriptInWorker(program: string, folder: string, entry: Entry): Promise<Transcript> {
  return serve(program, folder, "worker.js", async (port) => JSON.parse(await textOf(port, entry)));
}

/** Null where a parse without `useKernel` throws the error that has the remedy. */
export function withoutKernel(program: string, folder: string): Promise<string | null> {
  return serve(program, folder, "worker.js", async (port) => {
    const thrown: unknown = JSON.parse(await textOf(port, "without"));
    return /^TypeError: no kernel starts here; import /.test(String(thrown)) ? null : String(thrown);
  });
}
