// In:    nothing.
// Out:   each command's options, and its help text.
// Never: has an option that the command does not read; the command reads its arguments by this table.

import type { OptionTable } from "./options.js";

interface Manual {
  readonly synopsis: readonly string[];
  readonly text: string;
  readonly options: OptionTable;
  readonly exit: readonly string[];
}

const help = { help: { help: "print this text" } } as const;
const json = { help: "print JSON" } as const;

/** Of the connection, and of the policy that rules. */
const ruling = {
  policy: { value: "FILE", help: "a policy as JSON; left out: { vhosts: localhost() }" },
  road: {
    value: "ROAD",
    choices: ["guard", "adopt"],
    help: "guard (default): of a guarded server; adopt: of adopted sockets",
  },
  scheme: { value: "SCHEME", choices: ["http", "https"], help: "of the connection; left out: the policy's, else http" },
  client: { value: "ADDRESS", help: "the address that the connection comes from" },
  "local-port": { value: "PORT", help: 'the port that it was accepted on, for vhosts with port "local"' },
} as const;

const ruled = ["0  accepted", "1  refused, or malformed", "2  wrong arguments, policy or input"];

export const manual = {
  headgate: {
    synopsis: [
      "headgate doctor URL",
      "headgate explain [FILE]",
      "headgate check --host HOST",
      "headgate COMMAND --help",
    ],
    text: `doctor   asks a server of yours what a hostile page can get from it
explain  rules on a request head, and explains the decision
check    rules on a request that is described by options`,
    options: { ...help, version: { help: "print the version" } },
    exit: [],
  },
  doctor: {
    synopsis: ["headgate doctor URL [--ws PATH] [--unsafe] [--json | --junit]"],
    text: `Sends hostile requests to a server on this machine, to every address of its name, and compares each
response with the one to the same request under the URL's own host. Red: the same response, another one that
serves the request, or a WebSocket. Green: refused with 400, 403, 404, 421 or 426, or closed. Yellow: neither.
Requests are GET unless --unsafe is given, and state their probe in User-Agent. Redirects are not followed,
certificates are not verified.`,
    options: {
      ws: { value: "PATH", help: "the path of WebSockets; left out: the URL's" },
      "ws-protocol": { value: "NAME", help: "their subprotocol, where the server wants one" },
      unsafe: { help: "also POST, PUT and DELETE, without a body, on a random path" },
      "i-own-this-host": { help: "also ask addresses that are not of this machine" },
      timeout: { value: "MS", help: "for each response; left out: 3000" },
      "total-timeout": { value: "MS", help: "for all of them; left out: 120000" },
      json,
      junit: { help: "print JUnit XML, for CI" },
      ...help,
    },
    exit: [
      "0  nothing got through",
      "1  something got through",
      "2  wrong arguments, or the server could not be asked",
    ],
  },
  explain: {
    synopsis: ["headgate explain [--policy FILE] [FILE | -]"],
    text: "Reads the head of an HTTP/1.1 request, as it was sent, from a file or standard input, and rules on it.",
    options: { ...ruling, json, ...help },
    exit: ruled,
  },
  check: {
    synopsis: ["headgate check [--policy FILE] --host HOST [--origin ORIGIN] ..."],
    text: "Rules on the request that the options describe.",
    options: {
      host: { value: "HOST", help: "Host; left out: localhost" },
      origin: { value: "ORIGIN", help: "Origin" },
      method: { value: "METHOD", help: "left out: GET" },
      path: { value: "PATH", help: "the request-target; left out: /" },
      upgrade: { help: "a WebSocket's opening handshake" },
      referer: { value: "URL", help: "Referer" },
      site: { value: "SITE", help: "Sec-Fetch-Site: same-origin, same-site, cross-site or none" },
      mode: { value: "MODE", help: "Sec-Fetch-Mode, such as navigate" },
      dest: { value: "DEST", help: "Sec-Fetch-Dest, such as document" },
      field: {
        value: "LINE",
        multiple: true,
        help: 'another field line, as "X-Forwarded-Proto: https"; may be repeated',
      },
      ...ruling,
      json,
      ...help,
    },
    exit: ruled,
  },
} as const satisfies Record<string, Manual>;

/** The help text of a command, or of the program. */
export function helpOf(name: keyof typeof manual): string {
  const { synopsis, text, options, exit }: Manual = manual[name];
  const rows = Object.entries(options).map(([option, { value, help }]) => {
    return [`--${option}${value === undefined ? "" : ` ${value}`}`, help] as const;
  });
  const width = Math.max(...rows.map(([option]) => option.length));
  const lines = rows.map(([option, help]) => `  ${option.padEnd(width)}  ${help}`);
  const usage = synopsis.map((line, i) => `${i === 0 ? "usage: " : "       "}${line}`);
  const parts = [usage.join("\n"), text, lines.join("\n")];
  if (exit.length > 0) parts.push(["exit code:", ...exit.map((line) => `  ${line}`)].join("\n"));
  return `${parts.join("\n\n")}\n`;
}
