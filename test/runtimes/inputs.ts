// In:    the corpora in test/corpus and the tables in test/cases.
// Out:   their cases as plain data, which every runtime can read.
// Never: states what is right; the tests of the corpora and the tables do.

import { readFileSync } from "node:fs";
import type { PolicyRules } from "headgate/policy";
import { readCorpus, readMessageCorpus } from "../support/corpus.js";
import { handshakeFields } from "../support/world.js";
import type { Cases } from "./transcripts.js";

const latin1 = (octets: Uint8Array): string => Buffer.from(octets).toString("latin1");

interface Table {
  readonly policies: Readonly<Record<string, PolicyRules>>;
  readonly rows: readonly {
    readonly policy: string;
    readonly host: string;
    readonly origin?: string | string[] | null;
    readonly fields?: readonly (readonly [string, string])[];
    readonly peer?: string;
  }[];
}

function rulingsOf(table: string): Cases["rulings"] {
  const { policies, rows } = JSON.parse(readFileSync(`test/cases/${table}.json`, "utf8")) as Table;
  return rows.map(({ policy, host, origin = null, fields = [], peer = null }) => {
    const { vhosts, ...rules } = policies[policy]!;
    const origins = origin === null ? [] : [origin].flat().map((value) => ["Origin", value] as const);
    const lines = [...fields, ...origins].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    return {
      rules: { ...rules, vhosts: vhosts.map((vhost) => ({ ...vhost, upgrades: { "*": 1 } })) },
      head: `GET /live HTTP/1.1\r\nHost: ${host}\r\n${lines}${handshakeFields}\r\n`,
      peer: peer === "unix" ? null : peer,
    };
  });
}

export const cases: Cases = {
  heads: readCorpus().map(({ id, octets, options: { host, headBytes, fieldLines } }) => {
    return { id, octets: latin1(octets), options: { host, limits: { headBytes, fieldLines } } };
  }),
  messages: readMessageCorpus().map(({ id, octets, expected }) => {
    const {
      answersTo = null,
      ended = false,
      overheadBytes = 16_384,
      fieldLines = 100,
    } = expected as {
      answersTo?: string[];
      ended?: boolean;
      overheadBytes?: number;
      fieldLines?: number;
    };
    return { id, octets: latin1(octets), answersTo, ended, limits: { overheadBytes, fieldLines } };
  }),
  rulings: [...rulingsOf("origin-cases"), ...rulingsOf("forwarded-cases")],
};
