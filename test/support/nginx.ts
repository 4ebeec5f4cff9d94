// In:    a folder to write to.
// Out:   what this machine's nginx lacks of what the tests have it do.
// Never: starts nginx, but to test a configuration.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { missing, runs } from "./program.js";

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
