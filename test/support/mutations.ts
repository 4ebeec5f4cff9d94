// In:    a seed, and octets to begin with.
// Out:   octets that are nearly right; an endless row of such heads.
// Never: gives another row for the same seed.

/** Numbers from 0 up to 2^32 - 1; mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return (word ^ (word >>> 14)) >>> 0;
  };
}

/** These octets with some changed, taken out, doubled or put in; what is put in is often of `interesting`. */
export function nearly(octets: Uint8Array, random: () => number, interesting: readonly number[]): Buffer {
  let mutated = Buffer.from(octets);
  for (let left = 1 + (random() % 3); left > 0; left--) {
    const at = random() % (mutated.length + 1);
    const [front, back] = [mutated.subarray(0, at), mutated.subarray(at)];
    const octet = interesting[random() % (interesting.length + 1)] ?? random() & 255;
    const way = random() % 5;
    if (way === 0) mutated = Buffer.concat([front, Uint8Array.of(octet), back]);
    else if (way === 1) mutated = Buffer.concat([front, back.subarray(1 + (random() % 3))]);
    else if (way === 2) mutated = Buffer.concat([front, back.subarray(0, 1 + (random() % 12)), back]);
    else mutated = Buffer.concat([front, Uint8Array.of(octet), back.subarray(1)]);
  }
  return mutated;
}

const octets = [..."\0\t\n\r !\"#%&'()*+,-./0129:;<=>?@AHZ[\\]^_az{|}~\x7f\x80\xff"].map((c) => c.charCodeAt(0));

const pieces = [
  "\r\n",
  "\r\n\r\n",
  " ",
  "\t",
  ",",
  ":",
  "chunked",
  "gzip, ",
  "0",
  "65535",
  "65536",
  "close",
  "keep-alive",
  "upgrade",
  "websocket",
  "h2c",
  "Host: a\r\n",
  "Host: b:1\r\n",
  "host:[::1]:2\r\n",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Content-Length:\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: gzip\r\n",
  "transfer-encoding:,chunked\r\n",
  "Connection: close\r\n",
  "Connection: keep-alive\r\n",
  "Connection: Upgrade\r\n",
  "Connection: keep-alive, upgrade\r\n",
  "Proxy-Connection: keep-alive\r\n",
  "Proxy-Connection: close\r\n",
  "Upgrade: websocket\r\n",
  "Upgrade: h2c\r\n",
  "Upgrade:\r\n",
  "Expect: 100-continue\r\n",
  "X: y\r\n",
  "A:\r\n",
  " folded\r\n",
  "HTTP/1.0\r\n",
  "HTTP/1.1\r\n",
  "GET ",
  "POST ",
  "CONNECT a:1 ",
  "OPTIONS * ",
  "http://a/",
  "http://[::1]:3?x",
  "%41",
  "::",
  "[::ffff:1.2.3.4]",
].map((piece) => Uint8Array.from(piece, (c) => c.charCodeAt(0)));

/** Heads made from `seeds` by one to four mutations each. */
export function* mutations(seeds: readonly Uint8Array[], seed: number): Generator<Uint8Array, never> {
  const random = seeded(seed);
  for (;;) {
    const head = seeds[random() % seeds.length]!;
    yield mutated(head, 1 + (random() % 4), random, seeds);
  }
}

/** The same octets with so many mutations, which take parts of `seeds` and `added` pieces. */
export function mutated(
  octets: Uint8Array,
  count: number,
  random: () => number,
  seeds: readonly Uint8Array[],
  added: readonly Uint8Array[] = [],
): Uint8Array {
  const below = (n: number): number => random() % n;
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const all = added.length === 0 ? pieces : [...pieces, ...added];
  let head = [...octets];
  for (let left = count; left > 0; left--) head = mutate(head, below, pick, seeds, all);
  return Uint8Array.from(head);
}

function mutate(
  head: number[],
  below: (n: number) => number,
  pick: <T>(list: readonly T[]) => T,
  seeds: readonly Uint8Array[],
  pieces: readonly Uint8Array[],
): number[] {
  const at = below(head.length + 1);
  const before = head.slice(0, at);
  switch (below(9)) {
    case 0:
      return [...before, pick(octets), ...head.slice(at + 1)];
    case 1:
      return [...before, pick(octets), ...head.slice(at)];
    case 2:
      return [...before, ...head.slice(at + 1 + below(4))];
    case 3:
      return head.map((octet, i) => (i === at ? octet ^ (1 << below(8)) : octet));
    case 4:
      return [...before, ...pick(pieces), ...head.slice(at)];
    case 5: {
      const line = lineStart(head, at);
      return [...head.slice(0, line), ...pick(pieces), ...head.slice(line)];
    }
    case 6: {
      const line = lineStart(head, at);
      const next = lineStart(head, head.length, line);
      return [...head.slice(0, next), ...head.slice(line, next), ...head.slice(next)];
    }
    case 7: {
      const other = pick(seeds);
      return [...before, ...other.subarray(below(other.length + 1))];
    }
    default: {
      const line = lineStart(head, at);
      return [...head.slice(0, line), ...head.slice(lineStart(head, head.length, line))];
    }
  }
}

/** The last line start at or before `limit`; with `from`, the first one after it. */
function lineStart(head: number[], limit: number, from?: number): number {
  if (from !== undefined) {
    const end = head.indexOf(0x0a, from);
    return end < 0 ? limit : end + 1;
  }
  return head.lastIndexOf(0x0a, Math.max(0, limit - 1)) + 1;
}
