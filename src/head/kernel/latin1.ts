// In:    octets, or text with one character per octet (latin1); base64.
// Out:   the other; octets.
// Never: decodes UTF-8; HTTP field values are octets (RFC 9110 §5.5).

import { describe } from "../options.js";

/** The part of Node's Buffer that is used if a runtime has one; found at run time, never imported. */
interface BufferLike {
  toString(encoding: "latin1", start: number, end: number): string;
  write(text: string, offset: number, encoding: "latin1"): number;
  /** What `toString` comes to when it has looked its arguments over; two thirds of its time on a common head. */
  latin1Slice?(start: number, end: number): string;
}
interface BufferConstructor {
  allocUnsafeSlow(length: number): Uint8Array;
  from(text: string, encoding: "base64"): Uint8Array;
  from(buffer: ArrayBufferLike, byteOffset: number, length: number): BufferLike;
}

const NodeBuffer = (globalThis as { Buffer?: BufferConstructor }).Buffer;

/** Reads and writes latin1 text in one fixed array of octets. */
export interface Latin1 {
  read(start: number, end: number): string;
  write(text: string, start: number): void;
}

export function latin1(octets: Uint8Array): Latin1 {
  return NodeBuffer === undefined ? portable(octets) : viaBuffer(octets, NodeBuffer);
}

function viaBuffer(octets: Uint8Array, Buffer: BufferConstructor): Latin1 {
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  return {
    read:
      buffer.latin1Slice === undefined
        ? (start, end) => buffer.toString("latin1", start, end)
        : (start, end) => buffer.latin1Slice!(start, end),
    write: (text, start) => void buffer.write(text, start, "latin1"),
  };
}

/** TextDecoder's "latin1" is windows-1252, so char codes are the only portable way. */
export function portable(octets: Uint8Array): Latin1 {
  const max = 4096; // arguments of one call, far below every engine's limit
  return {
    read(start, end) {
      let text = "";
      for (let at = start; at < end; at += max) {
        text += String.fromCharCode(...octets.subarray(at, Math.min(end, at + max)));
      }
      return text;
    },
    write(text, start) {
      for (let i = 0; i < text.length; i++) octets[start + i] = text.charCodeAt(i);
    },
  };
}

/** The octets that base64 spells. */
export function decodeBase64(base64: string): Uint8Array {
  // A fifth of the time of the code below; this counts towards the first parse.
  if (NodeBuffer !== undefined) return NodeBuffer.from(base64, "base64");
  const text = atob(base64);
  const octets = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) octets[i] = text.charCodeAt(i);
  return octets;
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object;
const getterOf = (name: string) => Object.getOwnPropertyDescriptor(typedArray, name)!.get!;
const length = getterOf("length");
const buffer = getterOf("buffer");
const byteOffset = getterOf("byteOffset");

/**
 * How many octets an array has: a subclass, or a property of the array's own, may claim anything under `length`. Throws `TypeError`
 * for what is not a Uint8Array; `must` is how it begins.
 */
export function countOctets(octets: Uint8Array, must = "octets must be a Uint8Array"): number {
  if (!(octets instanceof Uint8Array)) throw new TypeError(`${must}; ${fixOfOctets(octets)}`);
  return length.call(octets);
}

function fixOfOctets(given: unknown): string {
  if (typeof given === "string") return "TextEncoder makes one from a string";
  const found = `this is ${describe(given)}`;
  // Not every page has SharedArrayBuffer.
  if (/ArrayBuffer\]$/.test(Object.prototype.toString.call(given))) return `${found}; write new Uint8Array(it)`;
  if (ArrayBuffer.isView(given)) return `${found}; write new Uint8Array(it.buffer, it.byteOffset, it.byteLength)`;
  return found;
}

/** The one array of no octets. */
export const NOTHING = new Uint8Array(0);

/** The octets from `start` up to `end`, in the same memory, as an array of no subclass. */
export function viewOf(octets: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(buffer.call(octets), byteOffset.call(octets) + start, end - start);
}

/**
 * An array whose contents are written before they are read. It has its own memory: a slice of Node's pool would keep the
 * entire pool alive, which has 64 KiB since Node 24, for as long as a head is awaited.
 */
export function scratch(length: number): Uint8Array {
  return NodeBuffer === undefined ? new Uint8Array(length) : NodeBuffer.allocUnsafeSlow(length);
}
