// In:    nothing.
// Out:   what doctor sends, as a table: the hostile requests, why each matters, and what stops it.
// Never: has code; message.ts writes the octets.

/** What a probe is compared with: the same request under a good Host. */
export type Kind = "request" | "upgrade" | "unsafe" | "http2";

export type Group = "host" | "origin" | "site" | "websocket" | "message" | "unsafe" | "http2";

/**
 * One hostile request. In every text `{host}`, `{port}` and `{authority}` are those of the URL, `{origin}` is its origin, and `{other}` is
 * another port.
 */
export interface Probe {
  /** Stable; User-Agent has it. */
  readonly id: string;
  readonly group: Group;
  readonly kind: Kind;
  readonly title: string;
  /** Field values of Host, one line each; left out: the good one. */
  readonly hosts?: readonly string[];
  /** Of `unsafe`; otherwise GET. */
  readonly method?: string;
  /** The authority of an absolute-form. */
  readonly absolute?: string;
  /** Further field lines. */
  readonly lines?: readonly string[];
  readonly body?: string;
  /** Line ends; left out: CRLF. */
  readonly newline?: string;
  /** Over HTTP/2: `:authority`, and Host beside it. */
  readonly authority?: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Status codes that refuse it besides those that refuse every probe. */
  readonly refusals?: readonly number[];
}

export const groups: Readonly<Record<Group, { readonly title: string; readonly why: string; readonly stop: string }>> =
  {
    host: {
      title: "Host",
      why: "a page can point a name of its own at this machine (DNS rebinding), and then reads and sends whatever it likes",
      stop: "serve only the names that are yours: vhosts: localhost(), or a vhost for each name",
    },
    origin: {
      title: "Origin",
      why: "a page of another site has caused the request, and its effect happens whether or not the page can read the response",
      stop: 'compare Origin with the request\'s own origin: origins, "same-authority" by default',
    },
    site: {
      title: "Fetch metadata",
      why: "a page of another site embeds what is here, or has a browser fetch it in advance; such requests have no Origin",
      stop: 'refuse them by Sec-Fetch-Site and Referer: embedding: "same-origin", as localhost() has it',
    },
    websocket: {
      title: "WebSocket",
      why: "any page can open a WebSocket to any address; browsers send its Origin and leave the check to the server",
      stop: "rule on upgrades as on requests: gate.guard(server) does, before any listener of 'upgrade'",
    },
    message: {
      title: "malformed heads",
      why: "a proxy and this server may read such a request differently, so that one of them sees another request or another Host",
      stop: "refuse what two recipients may read differently: headgate's parser, by guard or adopt",
    },
    unsafe: {
      title: "unsafe methods",
      why: "a page of another site changes something here",
      stop: "refuse methods other than GET, HEAD and OPTIONS of other origins: every vhost does",
    },
    http2: {
      title: "HTTP/2",
      why: "the same holds for :authority as for Host",
      stop: "rule on HTTP/2 by the same policy: gate.guard(server) or adopt",
    },
  };

const host = (id: string, title: string, ...hosts: string[]): Probe => ({
  id: `HOST-${id}`,
  group: "host",
  kind: "request",
  title,
  hosts,
});
const origin = (id: string, title: string, ...lines: string[]): Probe => ({
  id: `ORIGIN-${id}`,
  group: "origin",
  kind: "request",
  title,
  lines,
});
const site = (id: string, title: string, mode: string, dest: string, ...lines: string[]): Probe => ({
  id: `SITE-${id}`,
  group: "site",
  kind: "request",
  title,
  lines: ["Sec-Fetch-Site: cross-site", `Sec-Fetch-Mode: ${mode}`, `Sec-Fetch-Dest: ${dest}`, ...lines],
});
const websocket = (id: string, title: string, rest: Partial<Probe>): Probe => ({
  id: `WEBSOCKET-${id}`,
  group: "websocket",
  kind: "upgrade",
  title,
  ...rest,
});
const message = (id: string, title: string, lines: readonly string[], rest: Partial<Probe> = {}): Probe => ({
  id: `MESSAGE-${id}`,
  group: "message",
  kind: "request",
  title,
  lines,
  refusals: [501],
  ...rest,
});
const unsafe = (method: string, id: string, title: string, ...lines: string[]): Probe => ({
  id: `UNSAFE-${method}-${id}`,
  group: "unsafe",
  kind: "unsafe",
  method,
  title: `${method} ${title}`,
  lines,
});
const http2 = (id: string, title: string, rest: Partial<Probe>): Probe => ({
  id: `HTTP2-${id}`,
  group: "http2",
  kind: "http2",
  title,
  ...rest,
});

const EVIL = "https://evil.example";
const OWN = "Origin: {origin}";

export const probes: readonly Probe[] = [
  host("NAME", "another name", "rebound.example:{port}"),
  host("NAME-ALONE", "another name, no port", "rebound.example"),
  host("SUFFIX", "a name that begins with the good one", "{host}.rebound.example:{port}"),
  host("PORT-SUFFIX", "a port that goes on as a name", "{host}:{port}.rebound.example"),
  host("PREFIX", "a name that ends with the good one", "rebound{host}:{port}"),
  host("USERINFO", "the good name as userinfo", "{host}:{port}@rebound.example"),
  host("USERINFO-OTHER", "userinfo before the good name", "rebound.example@{host}:{port}"),
  host("PATH", "the good name with a path", "{host}/.rebound.example"),
  host("UNSPECIFIED", "0.0.0.0", "0.0.0.0:{port}"),
  host("UNSPECIFIED-6", "[::]", "[::]:{port}"),
  host("PRIVATE", "a private address", "192.168.0.1:{port}"),
  host("SHORT", "127.1, which URLs turn into 127.0.0.1", "127.1:{port}"),
  host("HEXADECIMAL", "0x7f.1, which URLs turn into 127.0.0.1", "0x7f.1:{port}"),
  host("DECIMAL", "2130706433, which URLs turn into 127.0.0.1", "2130706433:{port}"),
  host("MAPPED", "[::ffff:127.0.0.1]", "[::ffff:127.0.0.1]:{port}"),
  host("PORT-HIGH", "port 99999", "{host}:99999"),
  host("PORT-ZERO", "port 0", "{host}:0"),
  host("PORT-TEXT", "a port that is not a number", "{host}:{port}x"),
  host("EMPTY", "an empty Host", ""),
  host("MISSING", "no Host"),
  host("TWO-FIRST", "two Hosts, the good one first", "{authority}", "rebound.example:{port}"),
  host("TWO-LAST", "two Hosts, the good one last", "rebound.example:{port}", "{authority}"),
  host("LIST", "two names in one Host", "{authority}, rebound.example"),
  {
    ...host("ABSOLUTE", "an absolute-form for another host, the good Host beside it", "{authority}"),
    absolute: "rebound.example:{port}",
  },

  origin("FOREIGN", "of another site", `Origin: ${EVIL}`),
  origin("NULL", "null, of a sandboxed frame", "Origin: null"),
  origin("PORT", "of another port of this machine", "Origin: http://{host}:{other}"),
  origin("SUFFIX", "that begins with the own one", "Origin: http://{host}.evil.example:{port}"),
  origin("EXTENSION", "of a browser's extension", "Origin: chrome-extension://mgefgbbjcmdjcichoclhooccgedlcocg"),
  origin("FILE", "of a file", "Origin: file://"),
  origin("PATH", "the own one with a path", "Origin: {origin}/"),
  origin("LIST", "the own one and another in one line", `Origin: {origin}, ${EVIL}`),
  origin("TWO", "two lines, the own one first", OWN, `Origin: ${EVIL}`),

  site("SCRIPT", "a script of another site", "no-cors", "script", `Referer: ${EVIL}/`),
  site("IMAGE", "an image of another site, without Referer", "no-cors", "image"),
  site("FRAME", "a frame of another site", "navigate", "iframe", `Referer: ${EVIL}/`),
  site("FETCH", "fetch in mode no-cors", "no-cors", "empty", `Referer: ${EVIL}/`),
  site("PREFETCH", "a prefetch for a page of another site", "navigate", "document", "Sec-Purpose: prefetch"),

  websocket("FOREIGN", "Origin of another site", { lines: [`Origin: ${EVIL}`] }),
  websocket("NULL", "Origin null", { lines: ["Origin: null"] }),
  websocket("PORT", "Origin of another port of this machine", { lines: ["Origin: http://{host}:{other}"] }),
  websocket("SUFFIX", "Origin that begins with the own one", { lines: ["Origin: http://{host}.evil.example:{port}"] }),
  websocket("NAME", "another name in Host and Origin", {
    hosts: ["rebound.example:{port}"],
    lines: ["Origin: http://rebound.example:{port}"],
  }),
  websocket("NAME-ALONE", "another name in Host, no Origin", { hosts: ["rebound.example:{port}"] }),
  websocket("MISSING", "no Host", { hosts: [], lines: [OWN] }),
  websocket("TWO", "two Hosts, the good one first", {
    hosts: ["{authority}", "rebound.example:{port}"],
    lines: [OWN],
  }),
  websocket("ABSOLUTE", "an absolute-form for another host", { absolute: "rebound.example:{port}", lines: [OWN] }),

  message("HOST-SPACE", "white space after the name of Host", ["Host : {authority}"], { hosts: [] }),
  message("BOTH", "Content-Length and Transfer-Encoding", ["Content-Length: 5", "Transfer-Encoding: chunked"], {
    body: "0\r\n\r\n",
  }),
  message("LENGTHS", "two lengths", ["Content-Length: 0", "Content-Length: 1"], { body: "x" }),
  message("LENGTH-SIGN", "a length with a sign", ["Content-Length: +0"]),
  message("CODING-EMPTY", "an empty Transfer-Encoding beside a length", ["Transfer-Encoding:", "Content-Length: 0"]),
  message("CODING-TAB", "white space before the name of a coding", ["Transfer-Encoding: \x0bchunked"], {
    body: "0\r\n\r\n",
  }),
  message("CODING-LAST", "chunked that is not the last coding", ["Transfer-Encoding: chunked, identity"], {
    body: "0\r\n\r\n",
  }),
  message("NAME-SPACE", "white space after the name of a field", ["Content-Length : 0"]),
  message("FOLDED", "a folded line", ["X-Folded: a", " b"]),
  message("BARE-CR", "a CR within a value", ["X-Value: a\rHost: rebound.example"]),
  message("NUL", "a NUL within a value", ["X-Value: a\0b"]),
  message("BARE-LF", "lines that end with LF", [], { newline: "\n" }),

  ...["POST", "PUT", "DELETE"].flatMap((method) => [
    unsafe(method, "FOREIGN", "of another site", `Origin: ${EVIL}`),
    unsafe(method, "NULL", "with Origin null", "Origin: null"),
    unsafe(method, "SITE", "of another site, without Origin", "Sec-Fetch-Site: cross-site"),
  ]),

  http2("NAME", "another name", { authority: "rebound.example:{port}" }),
  http2("HEXADECIMAL", "0x7f.1", { authority: "0x7f.1:{port}" }),
  http2("BESIDE", "another Host beside :authority", { fields: { host: "rebound.example:{port}" } }),
  http2("FOREIGN", "Origin of another site", { fields: { origin: EVIL } }),
  http2("NULL", "Origin null", { fields: { origin: "null" } }),
];
