// In:    nothing.
// Out:   the field names that the kernel knows by number, in their usual spelling.
// Never: interprets a field.

import { FieldName } from "../../../assembly/abi.js";

/** Names whose values the kernel reads or the policy needs, in the order of `FieldName`, from HOST on. */
const read =
  "Host Connection Upgrade Content-Length Transfer-Encoding Expect Sec-WebSocket-Key Sec-WebSocket-Version " +
  "Sec-WebSocket-Protocol Sec-WebSocket-Extensions Origin Forwarded X-Forwarded-For X-Forwarded-Host " +
  "X-Forwarded-Proto X-Forwarded-Port Proxy-Connection";

/** Other names that clients send often: recognized, so that their strings need not be made. From COMMON on. */
const common =
  "Accept Accept-Charset Accept-Encoding Accept-Language Authorization Cache-Control Content-Type Cookie Date " +
  "If-Modified-Since If-None-Match Keep-Alive Pragma Priority Range Referer Sec-CH-UA Sec-CH-UA-Mobile " +
  "Sec-CH-UA-Platform Sec-Fetch-Dest Sec-Fetch-Mode Sec-Fetch-Site Sec-Fetch-User Sec-GPC " +
  "Upgrade-Insecure-Requests User-Agent X-Real-IP X-Request-ID X-Requested-With";

/** Each name and its number. */
export const fieldNames: readonly (readonly [name: string, number: number])[] = [
  ...read.split(" ").map((name, i) => [name, FieldName.HOST + i] as const),
  ...common.split(" ").map((name, i) => [name, FieldName.COMMON + i] as const),
];
