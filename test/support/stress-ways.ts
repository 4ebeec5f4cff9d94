// In:    nothing.
// Out:   the ways by which a client of the stress test comes in, and at which door.
// Never: opens anything.

/** Servers of the stress test: what accepts, and whether the gate adopts or guards. */
export const doors = [
  "adopted",
  "adopted and recognized",
  "adopted from TLS",
  "adopted behind PROXY",
  "http",
  "https",
  "http, strict",
  "https, strict",
  "http2",
  "http2, secure",
] as const;

export type Door = (typeof doors)[number];

export interface Way {
  readonly door: Door;
  readonly secure: boolean;
  readonly speaks: "h1" | "h2";
}

const way = (door: Door, secure: boolean, speaks: Way["speaks"]): Way => ({ door, secure, speaks });

export const ways: readonly Way[] = [
  way("adopted", false, "h1"),
  way("adopted and recognized", false, "h1"),
  way("adopted and recognized", false, "h2"),
  way("adopted and recognized", true, "h1"),
  way("adopted and recognized", true, "h2"),
  way("adopted from TLS", true, "h1"),
  way("adopted from TLS", true, "h2"),
  way("adopted behind PROXY", false, "h1"),
  way("adopted behind PROXY", false, "h2"),
  way("adopted behind PROXY", true, "h2"),
  way("http", false, "h1"),
  way("https", true, "h1"),
  way("http, strict", false, "h1"),
  way("https, strict", true, "h1"),
  way("http2", false, "h2"),
  way("http2, secure", true, "h1"),
  way("http2, secure", true, "h2"),
];

/** What an application does with a request, by its path. */
export const answers = ["ok", "big", "parts", "never", "throws", "rejects", "destroys"] as const;
/** What `authorize` does, and then the framer, by the path of an upgrade. */
export const verdicts = ["yes", "yes-late", "no", "no-late", "throws", "rejects", "never", "nonsense"] as const;
export const framers = ["echoes", "ws", "throws", "throws-late", "rejects", "never", "destroys"] as const;
