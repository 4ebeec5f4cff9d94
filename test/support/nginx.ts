// In:    a configuration of nginx, a folder to write it to.
// Out:   nginx in the foreground; what this machine's lacks of what the tests have it do.
// Never: changes a configuration.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { missing, type Program, runs, start } from "./program.js";

/** Why nginx cannot do what the tests need; null where it can. */
export function cannotRunNginx(folder: string): string | null {
  const modules = { http_ssl_module: /--with-http_ssl_module/, stream_ssl_module: /--with-stream_ssl_module/ };
  const lacking = missing("nginx", "-V", modules);
  if (lacking !== null) return lacking;
  // The stream module may be a file of its own, which is not there or not loaded.
  const file = join(folder, "minimal.conf");
  writeFileSync(file, `include /etc/nginx/modules-enabled/*.conf;\npid ${folder}/pid;\nevents {}\nstream {}\n`);
  if (runs("nginx", "-t", "-q", "-e", "stderr", "-c", file)) return null;
  return "nginx has no stream module; on Debian it is in the package libnginx-mod-stream";
}

/** Starts nginx with a configuration that keeps it in the foreground; `ports` are those that it listens on. */
export function startNginx(folder: string, text: string, ports: readonly number[]): Promise<Program> {
  const file = join(folder, `nginx-${ports[0]}.conf`);
  writeFileSync(file, text);
  return start("nginx", ["-e", "stderr", "-c", file], ports);
}
