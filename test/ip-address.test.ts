// In:    texts that are IP addresses, nearly are, or are not.
// Out:   whether they are read as the kernel reads an authority, and written as it writes one.
// Never: knows how either reads.

import fc from "fast-check";
import * as assert from "uvu/assert";
import { parseAuthority } from "#src/head/authority.js";
import { formatAddress, parseAddress, parsePeerAddress } from "#src/head/ip-address.js";
import { suite } from "./support/suite.js";

const addresses = suite("IP addresses");
const runs = { numRuns: 20_000 };

addresses("IPv4: what the kernel calls an IPv4address is one, and nothing else is", () => {
  const octet = fc.oneof(
    fc.integer({ min: 0, max: 300 }).map(String),
    fc.constantFrom("00", "01", "001", "256", "0255", "", " 1", "1 ", "+1", "0x7f", "1e2"),
  );
  const text = fc.oneof(
    fc.array(octet, { minLength: 3, maxLength: 5 }).map((octets) => octets.join(".")),
    fc.string({ unit: fc.constantFrom(..."0123456789.."), maxLength: 16 }),
  );
  fc.assert(
    fc.property(text, (written) => {
      const result = parseAuthority(written);
      const isOne = result.kind === "complete" && result.authority.kind === "IPv4address";
      const address = parseAddress(written);
      assert.is(address !== null, isOne, written);
      if (isOne) assert.is(formatAddress(address!), result.authority.uriHost);
    }),
    runs,
  );
});

addresses("IPv6: text is that of RFC 5952, as the kernel's record gives it", () => {
  const piece = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 8, maxLength: 8 }), (pieces) => {
      const text = pieces.map((each) => each.toString(16)).join(":");
      const result = parseAuthority(`[${text}]`);
      assert.ok(result.kind === "complete");
      assert.equal(parseAddress(text), pieces);
      assert.is(`[${formatAddress(pieces)}]`, result.authority.uriHost);
      assert.equal(parseAddress(formatAddress(pieces)), pieces);
    }),
    runs,
  );
  for (const wrong of ["", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1]:80", "[::1]", "::g", "::1.2.3"]) {
    assert.is(parseAddress(wrong), null, wrong);
  }
  assert.equal(parsePeerAddress("::ffff:10.1.2.3"), [0x0a01, 0x0203]);
  assert.equal(parsePeerAddress("fe80::1%eth0"), [0xfe80, 0, 0, 0, 0, 0, 0, 1]);
});
