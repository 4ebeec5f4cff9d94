// In:    the octets of one request head, and the kernel's record of them.
// Out:   RequestHead: one head as it was sent.
// Never: is made from an incomplete head, or knows about sockets and policies.

import { Flag, Head, TargetForm } from "../../assembly/abi.js";
import { type Authority, parseAuthority } from "./authority.js";
import { MessageHead } from "./message-head.js";

/** The four forms of a request-target (RFC 9112 §3.2). */
export type RequestTargetForm = "origin-form" | "absolute-form" | "authority-form" | "asterisk-form";

/** How the body after a request head is delimited (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: "none" }
  /** `length` octets, 0..2^53-1. */
  | { readonly kind: "content-length"; readonly length: number }
  | { readonly kind: "chunked" }
  /** Over HTTP/2, if no length was sent: by END_STREAM (RFC 9113 §8.1). */
  | { readonly kind: "frames" };

/** The part of a request that names its authority. HTTP/2 has `:authority` instead of HTTP/1.1's Host (RFC 9113 §8.3.1). */
export type AuthorityField = ":authority" | "absolute-form" | "authority-form" | "Host" | "nothing";

const targetForms: Record<number, RequestTargetForm> = {
  [TargetForm.ORIGIN]: "origin-form",
  [TargetForm.ABSOLUTE]: "absolute-form",
  [TargetForm.AUTHORITY]: "authority-form",
  [TargetForm.ASTERISK]: "asterisk-form",
};

const NO_BODY: Framing = Object.freeze({ kind: "none" });
const CHUNKED: Framing = Object.freeze({ kind: "chunked" });

/**
 * One request head as it was sent. It owns its octets as text, one character per octet; everything else is made from
 * them on demand.
 */
export class RequestHead extends MessageHead {
  #host: Authority | null | undefined;
  #authority: Authority | null | undefined;

  /** The method token, case as sent (RFC 9110 §9.1). */
  get method(): string {
    return this.has(Flag.METHOD_GET) ? "GET" : this.span(Head.METHOD_START, Head.METHOD_END);
  }

  /** The request-target, octets as sent (RFC 9112 §3.2). */
  get requestTarget(): string {
    return this.span(Head.TARGET_START, Head.TARGET_END);
  }

  get targetForm(): RequestTargetForm {
    return targetForms[this.word(Head.TARGET_FORM)]!;
  }

  get httpVersion(): "1.0" | "1.1" | "2.0" {
    return this.has(Flag.VERSION_1_1) ? "1.1" : "1.0";
  }

  /** The scheme of an absolute-form, or `:scheme` of HTTP/2, in lower case; null if none was sent. */
  get scheme(): string | null {
    if (this.targetForm !== "absolute-form") return null;
    return this.requestTarget.slice(0, this.requestTarget.indexOf(":")).toLowerCase();
  }

  /** The `:protocol` of an extended CONNECT, as sent (RFC 8441 §4); null in any other request. */
  get protocol(): string | null {
    return null;
  }

  /**
   * The Host field, or `:authority` of HTTP/2; null if the request has none. With `host: "unchecked"` also null if Host is
   * repeated or not a uri-host and a port.
   */
  get host(): Authority | null {
    return (this.#host ??= this.#readHost());
  }

  /** The host and port that the request is for: the authority of the request-target, else Host (RFC 9112 §3.2.2, §3.3). */
  get authority(): Authority | null {
    this.#authority ??= this.authorityAt(Head.TARGET_AUTHORITY);
    return this.#authority ?? this.host;
  }

  /** What `authority` was read from. */
  get authorityField(): AuthorityField {
    const form = this.targetForm;
    if (form === "absolute-form" || form === "authority-form") return form;
    return this.host === null ? "nothing" : "Host";
  }

  /**
   * The target up to its "?", octets as sent: "/" if an absolute-form has none, "*" for asterisk-form, "" for
   * authority-form.
   */
  get path(): string {
    const form = this.targetForm;
    if (form === "asterisk-form") return "*";
    const path = this.span(Head.PATH_START, Head.QUERY_START);
    return path === "" && form === "absolute-form" ? "/" : path;
  }

  /** The part of the target after its "?"; null if it has none. */
  get query(): string | null {
    const query = this.span(Head.QUERY_START, Head.TARGET_END);
    return query === "" ? null : query.slice(1);
  }

  get framing(): Framing {
    if (this.has(Flag.TRANSFER_ENCODING)) return CHUNKED;
    if (!this.has(Flag.CONTENT_LENGTH)) return NO_BODY;
    return { kind: "content-length", length: this.contentLength };
  }

  /** True if `Expect: 100-continue` was sent (RFC 9110 §10.1.1). */
  get expectsContinue(): boolean {
    return this.has(Flag.EXPECT_CONTINUE);
  }

  /** True if `upgrade` lists `websocket`, ignoring case. */
  get asksForWebSocket(): boolean {
    const wanted = Flag.UPGRADE_WEBSOCKET | Flag.CONNECTION_UPGRADE | Flag.VERSION_1_1;
    return this.hasAll(wanted);
  }

  #readHost(): Authority | null {
    if (!this.has(Flag.HOST_UNCHECKED)) return this.authorityAt(Head.HOST);
    const [value, ...others] = this.fieldValues("host");
    const result = value === undefined || others.length > 0 ? null : parseAuthority(value);
    return result?.kind === "complete" ? result.authority : null;
  }
}
