// In:    one origin of a list, as a configuration writes it.
// Out:   OriginPattern; TypeError with the value and the nearest origin that is right for anything else.
// Never: reads what a client sent.

import { describe } from "../head/options.js";
import { type HostPattern, readHostPattern } from "./host-pattern.js";
import { faultOfForm } from "./origin-form.js";
import { impliedPort, isHttp, splitOrigin } from "./serialized-origin.js";

/** A star within the first label: `pr-*.example.com` has left `pr-`, right "" and parent `example.com`. */
export interface LabelPattern {
  readonly kind: "label";
  readonly left: string;
  readonly right: string;
  readonly parent: string;
}

export type OriginPattern =
  /** The origin of sandboxed frames, `data:` URLs and some redirects, of every site. */
  | { readonly kind: "null" }
  /** `file://` */
  | { readonly kind: "empty"; readonly scheme: string }
  | {
      readonly kind: "host";
      /** `http` for ws, and `https` for wss. */
      readonly scheme: string;
      /** `*` for every port; null for none, of a scheme without default. */
      readonly port: number | null | "*";
      readonly host: LabelPattern | { readonly kind: "name"; readonly name: HostPattern } | { readonly kind: "every" };
    };

/** Reads one origin of a list. `forAll`: the setting that admits every page. Throws `TypeError`. */
export function readOriginPattern(written: unknown, where: string, forAll: string): OriginPattern {
  const shown = `${where} is ${describe(written)}, which`;
  if (written === "null") return { kind: "null" };
  const fault = faultOfForm(written, shown, forAll, isRight);
  if (fault !== null) throw new TypeError(fault);
  const text = written as string;
  const { scheme, rest } = splitOrigin(text)!;
  if (rest === "" && !isHttp(scheme)) return { kind: "empty", scheme };
  const [, host, star = ""] = /^(.*?)(:\*)?$/s.exec(rest)!;
  const start = text.slice(0, text.indexOf("://") + 3);
  const read = readHost(host!, { scheme, start, star, shown, forAll });
  return { kind: "host", scheme, port: star === "" ? (read.port ?? impliedPort(scheme)) : "*", host: read.host };
}

/** True for an origin that a list may have. */
export function isRight(text: string): boolean {
  try {
    readOriginPattern(text, "", "");
    return true;
  } catch {
    return false;
  }
}

interface Context {
  readonly scheme: string;
  /** Scheme and `://`, as they were written. */
  readonly start: string;
  /** `:*`, or nothing. */
  readonly star: string;
  readonly shown: string;
  readonly forAll: string;
}

type Read = Pick<Extract<OriginPattern, { kind: "host" }>, "host"> & { readonly port: number | null };

function readHost(written: string, context: Context): Read {
  const { scheme, shown, start, star, forAll } = context;
  const port = /:[^:\]@]*$/.exec(written)?.[0] ?? "";
  if (/[*-]/.test(port))
    throw new TypeError(`${shown} has the port ${JSON.stringify(port.slice(1))}; write a number, or * for every port`);
  const host = written.slice(0, written.length - port.length);
  if (!isHttp(scheme)) {
    if (host === "*") return { host: { kind: "every" }, port: portOf(port, shown) };
    if (host === ".")
      return { host: { kind: "name", name: { stars: "", key: ".", port: null } }, port: portOf(port, shown) };
  }
  if (/^[*.]+$/.test(host) && host.includes("*")) {
    const every = isHttp(scheme)
      ? `every site; to allow all pages, write ${forAll}: origins are then unchecked`
      : `every host; write "${start}*"`;
    throw new TypeError(`${shown} has stars alone in place of a host, for ${every}`);
  }
  if (host.startsWith(".")) {
    throw new TypeError(
      `${shown} begins its host with a dot; write "${start}*${host}${port}${star}" for one label more, or "${start}**${host}${port}${star}" for any number`,
    );
  }
  if (!host.replace(/^\*\*?\./, "").includes("*")) {
    const name = readHostPattern(written, shown, forAll);
    return { host: { kind: "name", name }, port: name.port };
  }
  return readLabel(host, port, context);
}

/** A star somewhere else than as a label before a name. */
function readLabel(host: string, port: string, { start, star, shown, forAll }: Context): Read {
  const dot = host.indexOf(".");
  const [label, parent] = dot < 0 ? [host, ""] : [host.slice(0, dot), host.slice(dot + 1)];
  if (parent.includes("*")) {
    const last = parent.slice(parent.lastIndexOf("*") + 1).replace(/^[^.]*\.?/, "");
    const fix = last.includes(".")
      ? `write "${start}**.${last}${port}${star}" for any number of labels before ${last}`
      : "list each host";
    throw new TypeError(`${shown} may have a star only in its first label; ${fix}`);
  }
  const [left = "", right = "", ...more] = label.split("*");
  if (more.length > 0) {
    throw new TypeError(`${shown} may have one star in its first label, as in "https://pr-*.example.com"`);
  }
  const follows = parent === "" ? "" : `.${parent}`;
  const isLong = /[^.]\.[^.]/.test(parent);
  if ((left !== "" && !left.endsWith("-")) || (right !== "" && !right.startsWith("-"))) {
    const separated = `${left.replace(/([^-])$/, "$1-")}*${right.replace(/^([^-])/, "-$1")}${follows}${port}${star}`;
    const fixes = [
      ...(left === "" ? [`"${start}*.${right}${follows}${port}${star}" for the names below it`] : []),
      ...(isLong ? [`"${start}${separated}"`] : []),
    ];
    const fix = fixes.length > 0 ? `write ${fixes.join(", or ")}` : "list each host";
    throw new TypeError(`${shown} has a star next to other text, where a name of another owner could fit; ${fix}`);
  }
  if (/[^\0-\x7f]/.test(left + right) || /^xn--/i.test(left)) {
    throw new TypeError(
      `${shown} has a star in an internationalized label, whose ASCII form is one code; list each host`,
    );
  }
  if (!isLong) {
    throw new TypeError(
      `${shown} needs at least two labels after the one with the star, as in "https://pr-*.example.com"; list each host`,
    );
  }
  if (!/^[a-z0-9_~-]*$/i.test(left + right)) {
    throw new TypeError(`${shown} may have letters, digits, "-", "_" and "~" beside its star`);
  }
  const name = readHostPattern(`*.${parent}${port}`, shown, forAll);
  const pattern = { left: left.toLowerCase(), right: right.toLowerCase(), parent: name.key };
  return { host: { kind: "label", ...pattern }, port: name.port };
}

/** Of `:8443`, or of nothing. */
function portOf(port: string, shown: string): number | null {
  return port === "" ? null : readHostPattern(`host${port}`, shown, "").port;
}
