// In:    text that may hold what a client sent, and lists of a configuration.
// Out:   what a log line shows of them: visible ASCII, and no more than a line has room for.
// Never: works on more of a text or a list than it shows.

/** Characters of a line, or of a value in one. */
const LONGEST = 1000;
/** Items of a list. */
const ITEMS = 10;

/** As much of a text as is shown. */
export function cut(text: string): string {
  return text.slice(0, LONGEST);
}

/** In quotes, those within it escaped. */
export function quoted(text: string): string {
  return JSON.stringify(cut(text));
}

/** Visible ASCII, at most 1000 characters of it. What a client sent may hold any octet; a log line may not. */
export function printable(text: string): string {
  // Cut before it is escaped, which makes it four times as long.
  const start = text.slice(0, LONGEST);
  const visible = /[^\x20-\x7e]/.test(start) ? start.replace(/[^\x20-\x7e]/g, escaped) : start;
  return Math.max(text.length, visible.length) > LONGEST ? `${visible.slice(0, LONGEST - 3)}...` : visible;
}

function escaped(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** The first items of a list, and how many there are besides. */
export function listed<Item>(items: readonly Item[], write: (item: Item) => unknown = String): string {
  const shown = items.slice(0, ITEMS).map(write);
  if (items.length > ITEMS) shown.push(`and ${items.length - ITEMS} more`);
  return shown.join(", ");
}

/** True where `listed` shows all of a list of so many items. */
export function isShort(count: number): boolean {
  return count <= ITEMS;
}

/** No name in the DNS is longer, nor worth a place in a configuration; nor is a longer path. */
export const LONGEST_NAME = 253;

/** A list as it is written in a configuration. */
export function literal(items: readonly unknown[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
}
