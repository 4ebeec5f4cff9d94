// In:    inputs, or the fragment of an address.
// Out:   the one as the other, so that a link leads to the same inputs.
// Never: sends them to a server; browsers keep the fragment to themselves (RFC 3986 §3.5).

import { examples } from "./examples.js";
import type { Inputs } from "./ruling.js";

/** Before everything but an example. */
const PREFIX = "#s=";

/** `#rebinding` for an example as it is, otherwise `#s=` and base64url (RFC 4648 §5) of JSON. */
export function fragmentOf(inputs: Inputs): string {
  const example = examples.find((each) => isSame(each.inputs, inputs));
  if (example !== undefined) return `#${example.id}`;
  const { head, policy, client, scheme } = inputs;
  const octets = new TextEncoder().encode(JSON.stringify([head, policy, client, scheme]));
  let text = "";
  for (const octet of octets) text += String.fromCharCode(octet);
  return PREFIX + btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The inputs of a fragment; null if it is not one of ours. */
export function inputsOf(fragment: string): Inputs | null {
  const example = examples.find(({ id }) => fragment === `#${id}`);
  if (example !== undefined) return example.inputs;
  if (!fragment.startsWith(PREFIX)) return null;
  try {
    const text = atob(fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
    const octets = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const values: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(octets));
    if (!Array.isArray(values) || values.length !== 4 || !values.every((value) => typeof value === "string"))
      return null;
    const [head, policy, client, scheme] = values as [string, string, string, string];
    return ["", "http", "https"].includes(scheme) ? { head, policy, client, scheme } : null;
  } catch {
    return null;
  }
}

export function isSame(one: Inputs, other: Inputs): boolean {
  return (["head", "policy", "client", "scheme"] as const).every((name) => one[name] === other[name]);
}
