// In:    nothing.
// Out:   the field names that the kernel knows by number, as they are commonly spelled.
// Never: knows what a field means.

import { FieldName } from "../../../assembly/abi.js";

/** Names whose values the kernel reads or the policy needs, in the order of `FieldName`, from HOST on. */
const read =
  "Host Connection Upgrade Content-Length Transfer-Encoding Expect Sec-WebSocket-Key Sec-WebSocket-Version " +
  "Sec-WebSocket-Protocol Sec-WebSocket-Extensions Origin Forwarded X-Forwarded-For X-Forwarded-Host " +
  "X-Forwarded-Proto X-Forwarded-Port Proxy-Connection Sec-Fetch-Site Sec-Fetch-Mode Sec-Fetch-Dest Sec-Purpose Referer " +
  "Accept";

/** Those that clients send most besides: recognised, so that no strings need be made of them. From RECOGNISED on. */
const recognised =
  "Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Content-Type Cookie Date " +
  "If-Modified-Since If-None-Match Keep-Alive Pragma Priority Range Sec-CH-UA Sec-CH-UA-Mobile " +
  "Sec-CH-UA-Platform Sec-Fetch-User Sec-GPC Upgrade-Insecure-Requests User-Agent X-Real-IP X-Request-ID X-Requested-With";

/** True for the number of a name whose value the kernel reads or a policy asks for: a ruling may depend on it. */
export function isRuledOn(number: number): boolean {
  return number < FieldName.READ_END;
}

/** True for those of them that only the rule on pages of other origins reads (src/policy/site.ts), Origin aside. */
export function isAboutPages(number: number): boolean {
  return number >= FieldName.SEC_FETCH_SITE && number < FieldName.READ_END;
}

/** Each name and its number. */
export const fieldNames: readonly (readonly [name: string, number: number])[] = [
  ...read.split(" ").map((name, i) => [name, FieldName.HOST + i] as const),
  ...recognised.split(" ").map((name, i) => [name, FieldName.RECOGNISED + i] as const),
];
