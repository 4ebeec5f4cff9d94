// In:    a PNG as Chromium draws it: 8 bits a sample, RGB or RGBA, not interlaced.
// Out:   a smaller one of the same size, with a palette of 256 colours.
// Never: reads other kinds of PNG.

import { crc32, deflateSync, inflateSync } from "node:zlib";

const SIGNATURE = Buffer.from("89504e470d0a1a0a", "hex");

/** The picture in its 256 most frequent colours; of each other pixel, the nearest of them. */
export function smaller(png: Buffer): Buffer {
  const { width, height, channels, samples } = read(png);
  const counts = new Map<number, number>();
  const colours = new Uint32Array(width * height);
  for (let i = 0; i < colours.length; i++) {
    const colour = samples.readUIntBE(i * channels, 3);
    colours[i] = colour;
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const frequent = [...counts].sort(([, one], [, other]) => other - one).map(([colour]) => colour);
  const palette = frequent.slice(0, 256);
  const places = new Map(frequent.map((colour, i) => [colour, i < 256 ? i : nearest(colour, palette)]));
  const lines = Buffer.alloc((width + 1) * height);
  for (let i = 0; i < colours.length; i++)
    lines[Math.floor(i / width) * (width + 1) + 1 + (i % width)] = places.get(colours[i]!)!;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  const plte = Buffer.concat(palette.map((colour) => Buffer.from([colour >> 16, (colour >> 8) & 255, colour & 255])));
  const parts = [chunk("IHDR", header), chunk("PLTE", plte), chunk("IDAT", deflateSync(lines, { level: 9 }))];
  return Buffer.concat([SIGNATURE, ...parts, chunk("IEND", Buffer.alloc(0))]);
}

function nearest(colour: number, palette: readonly number[]): number {
  const distance = (other: number): number =>
    [16, 8, 0].reduce((sum, bits) => sum + (((colour >> bits) & 255) - ((other >> bits) & 255)) ** 2, 0);
  return palette.reduce((best, each, i) => (distance(each) < distance(palette[best]!) ? i : best), 0);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const ends = [Buffer.alloc(4), Buffer.alloc(4)] as const;
  ends[0].writeUInt32BE(data.length);
  ends[1].writeUInt32BE(crc32(body));
  return Buffer.concat([ends[0], body, ends[1]]);
}

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Octets of a pixel. */
  readonly channels: number;
  readonly samples: Buffer;
}

function read(png: Buffer): Picture {
  const data: Buffer[] = [];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") data.push(png.subarray(at + 8, at + 8 + length));
    at += length + 12;
  }
  const [width, height, channels] = [png.readUInt32BE(16), png.readUInt32BE(20), png[25] === 6 ? 4 : 3];
  return { width, height, channels, samples: unfilter(inflateSync(Buffer.concat(data)), width * channels, channels) };
}

/** Takes the filter of each line back (PNG, §9). */
function unfilter(lines: Buffer, stride: number, channels: number): Buffer {
  const samples = Buffer.alloc((lines.length / (stride + 1)) * stride);
  for (let i = 0; i < samples.length; i++) {
    const [line, x] = [Math.floor(i / stride), i % stride];
    const left = x < channels ? 0 : samples[i - channels]!;
    const up = line === 0 ? 0 : samples[i - stride]!;
    const corner = x < channels || line === 0 ? 0 : samples[i - stride - channels]!;
    const filter = lines[line * (stride + 1)]!;
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
    samples[i] = lines[line * (stride + 1) + 1 + x]! + guess;
  }
  return samples;
}

function paeth(left: number, up: number, corner: number): number {
  const [toLeft, toUp, toCorner] = [left, up, corner].map((each) => Math.abs(left + up - corner - each)) as [
    number,
    number,
    number,
  ];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
