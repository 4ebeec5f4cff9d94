// In:    octets.
// Out:   their CRC32C.
// Never: keeps a table; the input is short, and rare.

/** The polynomial 0x1EDC6F41 (RFC 4960 Appendix B), its bits reversed. */
const POLYNOMIAL = 0x82f63b78;

/** As an unsigned number, with the octets from `blank` up to `blank + 4` replaced by zeros. */
export function crc32c(octets: Uint8Array, blank: number): number {
  let sum = 0xffff_ffff;
  for (let i = 0; i < octets.length; i++) {
    if (i < blank || i >= blank + 4) sum ^= octets[i]!;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
  }
  return ~sum >>> 0;
}
