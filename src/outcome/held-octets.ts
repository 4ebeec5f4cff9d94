// In:    octets that cannot be passed on yet, in pieces.
// Out:   the same octets, in one piece.
// Never: uses much more memory or time than the octets need, however small the pieces are.

import { NOTHING } from "../head/kernel/latin1.js";

/** Pieces up to this size are joined: octets that come one by one would cost a Buffer each. */
const PIECE_OCTETS = 2048;
/** The initial room for joined octets. */
const LEAST_ROOM = 64;

export class HeldOctets {
  #pieces: Uint8Array[] = [];
  /** What came in small pieces after these, and perhaps room for more. */
  #joined: Uint8Array = NOTHING;
  #joinedLength = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(octets: Uint8Array): void {
    this.#length += octets.length;
    if (this.#joinedLength + octets.length > PIECE_OCTETS) {
      this.#endPiece();
      if (octets.length > PIECE_OCTETS / 2) {
        this.#pieces.push(octets);
        return;
      }
    }
    this.#join(octets);
  }

  #join(octets: Uint8Array): void {
    const length = this.#joinedLength + octets.length;
    if (length > this.#joined.length) {
      // With its own memory: a slice of Node's pool keeps the entire pool alive, which has 64 KiB since Node 24.
      const wider = Buffer.allocUnsafeSlow(Math.min(PIECE_OCTETS, Math.max(LEAST_ROOM, 2 * length)));
      wider.set(this.#joined.subarray(0, this.#joinedLength));
      this.#joined = wider;
    }
    this.#joined.set(octets, this.#joinedLength);
    this.#joinedLength = length;
  }

  #endPiece(): void {
    if (this.#joinedLength > 0) this.#pieces.push(this.#joined.subarray(0, this.#joinedLength));
    this.#joined = NOTHING;
    this.#joinedLength = 0;
  }

  /** Returns everything that was held; from now on nothing is. */
  take(): Uint8Array {
    this.#endPiece();
    const octets = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#length = 0;
    return octets;
  }
}
