// In:    nothing.
// Out:   for each setting of a vhost: a vhost that has it, and requests whose decisions depend on it.
// Never: leaves a setting out; the compiler has the list.

import type { RefusalCode } from "#src/policy/decision.js";
import type { Vhost, vhostSettings } from "#src/policy/vhost.js";
import type { Ask } from "./ask.js";

type Setting = (typeof vhostSettings)[number];

export interface SettingCase {
  readonly why: string;
  /** Of a vhost whose name is `a` where it is not the setting itself. */
  readonly vhost: Omit<Vhost, "upgrades">;
  /** Claimed paths. */
  readonly claims?: string;
  readonly ask: Omit<Ask, "scheme">;
  readonly decision: RefusalCode | "accepted";
}

interface SettingCases {
  /** Whose row of docs/errors.md names the setting. */
  readonly code: RefusalCode;
  readonly cases: readonly SettingCase[];
}

const a = { name: "a", port: "any" } as const;
const get = { method: "GET", path: "/", named: "a" };
const post = { ...get, method: "POST" };
const from = (site: string, ...more: [string, string][]): { fields: [string, string][] } => ({
  fields: [["Sec-Fetch-Site", site], ...more],
});
const link: [string, string][] = [
  ["Sec-Fetch-Mode", "navigate"],
  ["Sec-Fetch-Dest", "document"],
];
const evil: [string, string] = ["Referer", "https://evil.example/"];
const listed: [string, string] = ["Referer", "https://front.example/page"];

export const settingCases: Readonly<Record<Setting, SettingCases>> = {
  name: {
    code: "NAME_UNKNOWN",
    cases: [{ why: "another name", vhost: a, ask: { ...get, named: "b" }, decision: "NAME_UNKNOWN" }],
  },
  port: {
    code: "PORT_MISMATCH",
    cases: [
      { why: "another port", vhost: { ...a, port: 8080 }, ask: { ...get, named: "a:81" }, decision: "PORT_MISMATCH" },
    ],
  },
  default: {
    code: "NAME_UNKNOWN",
    cases: [
      {
        why: "a name that no vhost has",
        vhost: { ...a, default: true, origins: [] },
        ask: { ...get, named: "b" },
        decision: "accepted",
      },
    ],
  },
  requires: {
    code: "SCHEME_REQUIRED",
    cases: [{ why: "plaintext", vhost: { ...a, requires: "https" }, ask: get, decision: "SCHEME_REQUIRED" }],
  },
  origins: {
    code: "ORIGIN_FOREIGN",
    cases: [
      {
        why: "an Origin that is not listed",
        vhost: { ...a, origins: ["https://front.example"] },
        ask: { ...get, fields: [["Origin", "https://evil.example"]] },
        decision: "ORIGIN_FOREIGN",
      },
      {
        why: "null of the own page",
        vhost: a,
        ask: { ...post, ...from("same-origin", ["Origin", "null"], ["Sec-Fetch-Mode", "navigate"]) },
        decision: "accepted",
      },
      {
        why: "null that a service worker has passed on",
        vhost: a,
        ask: { ...post, ...from("same-origin", ["Origin", "null"], ["Sec-Fetch-Mode", "same-origin"]) },
        decision: "SITE_FOREIGN",
      },
    ],
  },
  embedding: {
    code: "SITE_FOREIGN",
    cases: [
      { why: "any", vhost: { ...a, embedding: "any" }, ask: { ...get, ...from("cross-site") }, decision: "accepted" },
      {
        why: "same-origin, by metadata",
        vhost: { ...a, embedding: "same-origin" },
        ask: { ...get, ...from("same-site") },
        decision: "SITE_FOREIGN",
      },
      {
        why: "same-site",
        vhost: { ...a, embedding: "same-site" },
        ask: { ...get, ...from("same-site") },
        decision: "accepted",
      },
      {
        why: "a list, and another page",
        vhost: { ...a, embedding: ["https://front.example"] },
        ask: { ...get, fields: [evil] },
        decision: "SITE_FOREIGN",
      },
      {
        why: "a list, and a page of it",
        vhost: { ...a, embedding: ["https://front.example"] },
        ask: { ...get, ...from("cross-site", listed) },
        decision: "accepted",
      },
      {
        why: "a prefetch",
        vhost: { ...a, embedding: "same-origin" },
        ask: { ...get, ...from("none", ["Sec-Purpose", "prefetch;prerender"], ...link) },
        decision: "SITE_FOREIGN",
      },
    ],
  },
  navigation: {
    code: "SITE_FOREIGN",
    cases: [
      {
        why: "a link from another site",
        vhost: { ...a, navigation: "same-origin" },
        ask: { ...get, ...from("cross-site", ...link) },
        decision: "SITE_FOREIGN",
      },
      {
        why: "the same without metadata",
        vhost: { ...a, navigation: "same-site" },
        ask: { ...get, fields: [evil, ["Accept", "text/html,*/*"]] },
        decision: "SITE_FOREIGN",
      },
      { why: "any", vhost: a, ask: { ...get, ...from("cross-site", ...link) }, decision: "accepted" },
    ],
  },
  callbacks: {
    code: "SITE_FOREIGN",
    cases: [
      {
        why: "another path",
        vhost: { ...a, callbacks: ["/auth/callback"] },
        ask: { ...post, path: "/auth/callback/", ...from("cross-site") },
        decision: "SITE_FOREIGN",
      },
      {
        why: "the path, with a query and a foreign Origin",
        vhost: { ...a, callbacks: ["/auth/callback"] },
        ask: { ...post, path: "/auth/callback?x", ...from("cross-site", ["Origin", "https://evil.example"]) },
        decision: "accepted",
      },
    ],
  },
  upgrades: {
    code: "PATH_UNCLAIMED",
    cases: [
      {
        why: "another path",
        vhost: a,
        claims: "/live",
        ask: { path: "/other", named: "a" },
        decision: "PATH_UNCLAIMED",
      },
    ],
  },
  // Requests of HTTP/1.0, which HTTP/2 has no form of: health-checks.test.ts has them.
  absentHost: {
    code: "AUTHORITY_ABSENT",
    cases: [
      {
        why: "another name on the path of a health check",
        vhost: { ...a, absentHost: ["/healthz"] },
        ask: { ...get, path: "/healthz", named: "b" },
        decision: "NAME_UNKNOWN",
      },
    ],
  },
};
