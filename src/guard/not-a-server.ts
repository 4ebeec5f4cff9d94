// In:    what a caller gave to `guard` in place of a server.
// Out:   the end of a sentence: where the server is, or what else to call.
// Never: changes it, or fails on it, whatever it is.

/** Members that are the server in Fastify, Vite, socket.io, Hapi and others. */
const members = ["httpServer", "server", "listener"] as const;

const MIDDLEWARE_MODE = "; in middleware mode Vite has no httpServer: guard the server that uses its middlewares";

/** "" if there is nothing to advise. `isServer`: true for what can be guarded. */
export function adviceOn(value: unknown, isServer: (value: unknown) => boolean): string {
  try {
    return adviceFor(value, isServer);
  } catch {
    // A Proxy, or a getter that throws.
    return "";
  }
}

function adviceFor(value: unknown, isServer: (value: unknown) => boolean): string {
  if (value === undefined) return "; if a framework makes the server, guard what it returns when it listens";
  if (value === null) return MIDDLEWARE_MODE;
  if (/^\d{1,5}$/.test(String(value))) return `; a gate makes no server: write guard(server.listen(${value}))`;
  const it = value as Readonly<Record<string, unknown>>;
  const has = (name: string): boolean => typeof it[name] === "function";
  if (typeof value !== "object" && typeof value !== "function") return "";
  if (has("then")) return "; await the promise, and guard its server";
  const found = members.find((name) => isServer(it[name]));
  if (found !== undefined) return `; write guard(it.${found})`;
  if (has("getHttpServer")) return "; write guard(it.getHttpServer())";
  if ("middlewares" in value && it.httpServer === null) return MIDDLEWARE_MODE;
  if (has("handleUpgrade")) {
    return '; guard the http.Server, and give upgrades to it by upgrades: { "*": wsFramer(wss) }, or by { "*": LEAVE } if it listens itself';
  }
  if (has("goaway") && has("settings")) return "; a session has one connection: guard the server that emits it";
  if (has("write") && has("resume") && has("on")) return "; for a socket write gate.adopt(socket)";
  if (has("callback") && has("listen"))
    return "; write guard(http.createServer(it.callback())), or guard(it.listen(port))";
  if (typeof value === "function") {
    const listens = has("listen") ? ", or guard(it.listen(port))" : "";
    return `; for an application write guard(http.createServer(it))${listens}`;
  }
  if (has("fetch")) return "; guard the http.Server that its adapter returns, as in guard(serve(it))";
  if (has("guard") && has("adopt")) return "; write guard(server) on the gate, with a server";
  return "";
}
