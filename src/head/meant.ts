// In:    a name that is not among the known ones.
// Out:   the known one that it resembles, or that other packages call so.
// Never: accepts it.

/** What other packages call it (Vite, the MCP SDK, cors, Express, node:http): the first known one is meant. */
const peers: Readonly<Record<string, readonly string[]>> = {
  allowedHosts: ["vhosts", "name"],
  hosts: ["vhosts", "name"],
  host: ["vhosts", "name"],
  hostname: ["vhosts", "name"],
  hostnames: ["vhosts", "name"],
  allowedOrigins: ["origins"],
  cors: ["origins"],
  trustProxy: ["trust"],
  proxy: ["proxyProtocol"],
  head: ["rest"],
  paths: ["upgrades"],
  path: ["upgrades"],
  maxHeaderSize: ["headBytes"],
  maxHeadersCount: ["fieldLines"],
  headersTimeout: ["headTimeout"],
  keepAliveTimeout: ["idleTimeout"],
  timeout: ["signal"],
};

/** Null where none comes near. */
export function meantBy(name: string, known: readonly string[]): string | null {
  const called = Object.hasOwn(peers, name) ? peers[name]!.find((peer) => known.includes(peer)) : undefined;
  if (called !== undefined) return called;
  // A third of the letters may differ, and no more than two: more is a guess.
  let least = Math.min(2, Math.floor(name.length / 3)) + 1;
  let nearest: string | null = null;
  for (const each of known) {
    const distance = distanceOf(name.toLowerCase(), each.toLowerCase(), least);
    if (distance < least) [least, nearest] = [distance, each];
  }
  return nearest;
}

/** Letters to add, drop, replace, or exchange with the next one (optimal string alignment); `limit` for as many or more. */
function distanceOf(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  let [beforeLast, last]: [number[], number[]] = [[], Array.from({ length: right.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= left.length; i++) {
    const row = [i];
    for (let j = 1; j <= right.length; j++) {
      const differs = left[i - 1] === right[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + differs);
      const isSwapped = i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      if (isSwapped) row[j] = Math.min(row[j]!, beforeLast[j - 2]! + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[right.length]!;
}
