// In:    nothing.
// Out:   a fresh key and a self-signed certificate (RFC 5280 §4.1), for servers and clients of tests.
// Never: writes a file, or needs a program.

import { createSign, generateKeyPairSync } from "node:crypto";

/** One DER value (X.690 §8.1): tag, length, contents. */
function der(tag: number, ...contents: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(contents.map((each) => (typeof each === "string" ? Buffer.from(each, "latin1") : each)));
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), body]);
}

const sequence = (...contents: Buffer[]): Buffer => der(0x30, ...contents);
const oid = (hex: string): Buffer => der(0x06, Buffer.from(hex, "hex"));

const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));
const COMMON_NAME = oid("550403");
const SUBJECT_ALT_NAME = oid("551d11");

/** YYMMDDHHMMSSZ (RFC 5280 §4.1.2.5.1). */
const time = (date: Date): Buffer =>
  der(
    0x17,
    `${date
      .toISOString()
      .replace(/[-:T]|\.\d+/g, "")
      .slice(2)}`,
  );

/** Options for `https.createServer` and `tls.createServer`; `cert` is what a peer trusts. For names and 127.0.0.1, for a day. */
export function certificate(host = "localhost", ...others: string[]): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, host))));
  const day = 86_400_000;
  const validity = sequence(time(new Date(Date.now() - day)), time(new Date(Date.now() + day)));
  const names = der(
    0x04,
    sequence(...[host, ...others].map((each) => der(0x82, each)), der(0x87, Buffer.of(127, 0, 0, 1))),
  );
  const tbs = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    ECDSA_WITH_SHA256,
    name,
    validity,
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(sequence(SUBJECT_ALT_NAME, names))),
  );
  const signature = createSign("sha256").update(tbs).sign(privateKey);
  const whole = sequence(tbs, ECDSA_WITH_SHA256, der(0x03, Buffer.of(0), signature)).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${whole.match(/.{1,64}/g)!.join("\n")}\n-----END CERTIFICATE-----\n`,
  };
}
