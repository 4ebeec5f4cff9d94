// In:    the first octets of a TLS connection.
// Out:   what a plain reading of RFC 8446, RFC 6066 and RFC 7301 makes of them.
// Never: shares code with src/, or minds how long it takes.

export interface ReferenceHello {
  readonly serverName: string | null;
  readonly alpnProtocols: string[];
  readonly offersTls13: boolean;
}

class Refused extends Error {}

function need(isSo: boolean): void {
  if (!isSo) throw new Refused();
}

/** Takes the first vector; its length is written in `lengthOctets` octets. */
function take(octets: Buffer, lengthOctets: number, least: number, most: number): [Buffer, Buffer] {
  need(octets.length >= lengthOctets);
  const length = octets.readUIntBE(0, lengthOctets);
  need(length >= least && length <= most && octets.length >= lengthOctets + length);
  return [octets.subarray(lengthOctets, lengthOctets + length), octets.subarray(lengthOctets + length)];
}

/** The handshake octets of all records, as far as they have come. */
function unwrap(octets: Buffer, limit: number): Buffer {
  const pieces: Buffer[] = [];
  let [at, filled] = [0, 0];
  const isWhole = (): boolean => {
    const message = Buffer.concat(pieces);
    return message.length >= 4 && message.length >= 4 + message.readUIntBE(1, 3);
  };
  while (at < octets.length && !isWhole()) {
    need(at < limit);
    need(octets[at] === 22);
    need(octets.length < at + 2 || (at + 1 < limit && octets[at + 1] === 3));
    if (octets.length < at + 5) {
      need(octets.length <= limit);
      break;
    }
    const length = octets.readUInt16BE(at + 3);
    need(at + 5 <= limit && length >= 1 && length <= 16_384);
    for (const octet of octets.subarray(at + 5, at + 5 + length)) {
      if (isWhole()) return Buffer.concat(pieces);
      need(at + 5 + filled < limit);
      pieces.push(Buffer.of(octet));
      filled++;
      const message = Buffer.concat(pieces);
      need(message[0] === 1);
      if (message.length === 4) need(message.readUIntBE(1, 3) + 9 <= limit);
      if (message.length > 4) {
        // The rest of the record at once.
        const rest = octets.subarray(
          at + 5 + filled,
          Math.min(at + 5 + length, at + 5 + filled + 4 + message.readUIntBE(1, 3) - message.length),
        );
        need(at + 5 + filled + rest.length <= limit);
        pieces.push(rest);
        break;
      }
    }
    filled = 0;
    at += 5 + length;
  }
  return Buffer.concat(pieces);
}

/** A plain host name; anything else counts as none. */
function readName(text: string): string | null {
  const labels = text.replace(/\.$/, "").split(".");
  const isPlain = labels.every((label) => /^[a-z0-9_-]+$/i.test(label));
  const isAddress = labels.length === 4 && labels.every((label) => /^\d{1,3}$/.test(label));
  return isPlain && !isAddress ? labels.join(".").toLowerCase() : null;
}

function readMessage(message: Buffer): ReferenceHello {
  let serverName: string | null = null;
  let alpnProtocols: string[] = [];
  let offersTls13 = false;
  need(message.length >= 34 && message[0] === 3);
  let rest = message.subarray(34);
  rest = take(rest, 1, 0, 32)[1];
  const [suites, behindSuites] = take(rest, 2, 2, 65_534);
  need(suites.length % 2 === 0);
  rest = take(behindSuites, 1, 1, 255)[1];
  if (rest.length === 0) return { serverName, alpnProtocols, offersTls13 };
  let [extensions, nothing] = take(rest, 2, 0, 65_535);
  need(nothing.length === 0);
  const seen = new Set<number>();
  while (extensions.length > 0) {
    need(extensions.length >= 2);
    const type = extensions.readUInt16BE(0);
    need(!seen.has(type));
    seen.add(type);
    const [data, behind] = take(extensions.subarray(2), 2, 0, 65_535);
    extensions = behind;
    if (type === 0) {
      const [list, more] = take(data, 2, 1, 65_535);
      need(more.length === 0 && list[0] === 0);
      const [name, names] = take(list.subarray(1), 2, 0, 65_535);
      need(names.length === 0);
      serverName = readName(name.toString("latin1"));
    } else if (type === 16) {
      let [list, more] = take(data, 2, 2, 65_535);
      need(more.length === 0);
      alpnProtocols = [];
      while (list.length > 0) {
        const [protocol, others] = take(list, 1, 1, 255);
        alpnProtocols.push(protocol.toString("latin1"));
        list = others;
      }
    } else if (type === 43) {
      const [list, more] = take(data, 1, 2, 254);
      need(more.length === 0 && list.length % 2 === 0);
      for (let at = 0; at < list.length; at += 2) if (list.readUInt16BE(at) === 0x0304) offersTls13 = true;
    }
  }
  return { serverName, alpnProtocols, offersTls13 };
}

export function referenceHello(octets: Buffer, limit: number): ReferenceHello | "partial" | "refused" {
  try {
    const message = unwrap(octets, limit);
    if (message.length < 4 || message.length < 4 + message.readUIntBE(1, 3)) {
      need(octets.length <= limit);
      return "partial";
    }
    return readMessage(message.subarray(4, 4 + message.readUIntBE(1, 3)));
  } catch (error) {
    if (error instanceof Refused) return "refused";
    throw error;
  }
}
