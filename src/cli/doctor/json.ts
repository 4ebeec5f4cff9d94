// In:    a report.
// Out:   the same as plain data; doctor.schema.json describes it.
// Never: leaves a probe out.

import type { Report } from "./examine.js";
import { groups } from "./probes.js";
import { countsOf, outcomeOf, redGroups } from "./summary.js";

export function jsonOf(report: Report): object {
  const { target, requests, addresses } = report;
  return {
    url: target.url,
    requests,
    counts: countsOf(report),
    addresses: addresses.map(({ address, problem, rows }) => ({
      address,
      problem,
      rows: rows.map((row) => ({
        id: row.probe.id,
        group: row.probe.group,
        title: row.probe.title,
        outcome: outcomeOf(row),
        statusCode: row.statusCode,
        reason: row.reason,
      })),
    })),
    advice: redGroups(report).map((group) => ({ group, why: groups[group].why, stop: groups[group].stop })),
  };
}
