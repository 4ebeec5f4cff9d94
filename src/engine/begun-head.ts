// In:    octets of a head that is incomplete or malformed.
// Out:   whether Node refuses it already: for a method that does not exist, or for its size.
// Never: keeps more than the method.

const LONGEST_METHOD = 24;
/** Methods of RTSP and HTTP/2, which Node's parser reads as far as their names. */
const OTHERS =
  "ANNOUNCE DESCRIBE FLUSH GET_PARAMETER PAUSE PLAY PRI RECORD REDIRECT SETUP SET_PARAMETER TEARDOWN".split(" ");
const LF = 0x0a;
/** What a request line has besides the method and the request-target. */
const BESIDES_TARGET = "  HTTP/1.1\r\n".length;
/** What a field line has besides its name and value. */
const BESIDES_FIELD = ": \r\n".length;

export class BegunHead {
  /** Octets so far. */
  size = 0;
  #opening = "";
  #lines = 0;
  /** Where the request line ends. */
  #requestLine = Number.POSITIVE_INFINITY;

  add(octets: Uint8Array): void {
    const missing = LONGEST_METHOD - this.#opening.length;
    if (missing > 0) this.#opening += String.fromCharCode(...octets.subarray(0, missing));
    for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
      if (this.#lines++ === 0) this.#requestLine = this.size + at;
    }
    this.size += octets.length;
  }

  /** Where the first octet is that no method has there; -1 if it may still become one of them, or is. */
  wrongMethodAt(methods: ReadonlyMap<string, number>): number {
    const space = this.#opening.indexOf(" ");
    const method = space < 0 ? this.#opening : this.#opening.slice(0, space);
    if (space >= 0 && methods.has(method)) return -1;
    const begins = (text: string): boolean => {
      for (const name of methods.keys()) if (name.startsWith(text)) return true;
      return OTHERS.some((name) => name.startsWith(text));
    };
    if (space < 0 && begins(method)) return -1;
    let at = 0;
    while (at < method.length && begins(method.slice(0, at + 1))) at++;
    return at;
  }

  /** True if the octet at `offset` belongs to the request line. */
  isRequestLine(offset: number): boolean {
    return offset <= this.#requestLine;
  }

  /** How many octets of request-target, names and values there are at least. */
  get countedAtLeast(): number {
    const method = this.#opening.indexOf(" ");
    return this.size - Math.max(0, method) - BESIDES_TARGET - BESIDES_FIELD * this.#lines;
  }
}
