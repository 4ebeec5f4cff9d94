// In:    octets that nobody takes yet, in pieces.
// Out:   the same octets, in one piece.
// Never: weighs much more than they do, however small the pieces are.

/** Pieces up to this size are joined: octets that come one by one would cost a Buffer each. */
const PIECE_OCTETS = 2048;

export class HeldOctets {
  #pieces: Uint8Array[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(octets: Uint8Array): void {
    if (octets.length === 0) return;
    const last = this.#pieces.at(-1);
    if (last !== undefined && last.length + octets.length <= PIECE_OCTETS) {
      // Of memory of its own: a slice of Node's pool keeps the whole pool, which has 64 KiB since Node 24.
      const joined = new Uint8Array(last.length + octets.length);
      joined.set(last);
      joined.set(octets, last.length);
      this.#pieces[this.#pieces.length - 1] = joined;
    } else {
      this.#pieces.push(octets);
    }
    this.#length += octets.length;
  }

  /** All that was held; nothing is from now on. */
  take(): Uint8Array {
    const octets = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return octets;
  }
}
