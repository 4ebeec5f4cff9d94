// In:    Chromium, a target of the site world.
// Out:   every initiator used on every page; what each made Chromium send, and what became of it.
// Never: has an opinion on what is right.

import type { BrowserContext, Frame, Page } from "playwright-core";
import { type Initiator, initiators } from "./site-initiators.js";
import type { Place, SiteWorld, Target } from "./site-world.js";
import { settled, until } from "./until.js";

/** The path that an initiator on a page asks for. */
const pathOf = (place: Place, { name, through }: Initiator): string =>
  `/${through === undefined ? "cell" : "through"}/${slug(place.name)}/${slug(name)}`;
const slug = (name: string): string => name.toLowerCase().replace(/[^a-z0-9.]+/g, "-");

/** Milliseconds for a page to open on a machine that has other things to do. */
const PATIENCE = 120_000;

/**
 * Uses every initiator on every page. Returns when what `isExpected` has been sent, or has not come in a long time, and nothing
 * more comes. The pages stay open until the context is closed.
 */
export async function drive(
  context: BrowserContext,
  world: SiteWorld,
  target: Target,
  isExpected: (place: Place, initiator: Initiator) => boolean,
): Promise<void> {
  const places = world.places(target);
  context.setDefaultTimeout(PATIENCE);
  await installWorker(context, places[0]!);
  for (const place of places) await openVisible(place);
  await Promise.all(places.flatMap((place) => [openPage(place, false), openPage(place, true)]));
  await arrived(places, initiators);

  /** One page after another: a page that another one covers does not speculate. */
  async function openVisible(place: Place): Promise<void> {
    const { page, frame } = await open(place, false);
    const speculating = initiators.filter(({ visible }) => visible);
    await frame.evaluate(calls(place, speculating));
    await arrived([place], speculating);
    await page.close();
  }

  async function openPage(place: Place, noReferrer: boolean): Promise<void> {
    const { page, frame } = await open(place, noReferrer);
    const here = initiators.filter((each) => (each.noReferrer ?? false) === noReferrer && !each.visible);
    const able = here.filter(({ typed, needs }) => !typed && (needs === undefined || place.mayHaveWorker));
    await frame.evaluate(calls(place, able));
    // What is typed takes the page away.
    await arrived([place], able);
    for (const initiator of here.filter(({ typed }) => typed)) {
      const url = urlOf(place, initiator);
      await page
        .goto(initiator.redirect === undefined ? url : world.redirecting(place, initiator.redirect, url))
        .catch(() => null);
    }
  }

  async function open(place: Place, noReferrer: boolean): Promise<{ page: Page; frame: Frame }> {
    const page = await context.newPage();
    await page.goto(noReferrer ? place.noReferrerUrl : place.url);
    return { page, frame: place.sandboxed ? page.frames()[1]! : page.mainFrame() };
  }

  function urlOf(place: Place, initiator: Initiator): string {
    return `${target.origin}${pathOf(place, initiator)}`;
  }

  /** The scripts of these initiators, called. */
  function calls(place: Place, these: readonly Initiator[]): string {
    const each = these.map((initiator) => {
      const url = urlOf(place, initiator);
      const redirecting = world.redirecting(place, initiator.redirect ?? 302, url);
      return `void (${initiator.script})(${JSON.stringify(url)}, ${JSON.stringify(redirecting)});`;
    });
    return `{ ${each.join("\n")} }`;
  }

  async function arrived(at: readonly Place[], these: readonly Initiator[]): Promise<void> {
    const expected = at.flatMap((place) =>
      these.filter((each) => isExpected(place, each)).map((each) => pathOf(place, each)),
    );
    const left = (): string[] => {
      const there = new Set(target.rulings.map(({ path }) => path));
      return expected.filter((path) => !there.has(path));
    };
    // What does not come is found cell by cell, by its name.
    await until(
      () => left().length === 0,
      () => left().join(),
    ).catch(() => {});
    await settled(() => target.rulings.length);
  }
}

/** The application's own service worker is there before forms are sent to it. */
async function installWorker(context: BrowserContext, own: Place): Promise<void> {
  const page = await context.newPage();
  await page.goto(own.url);
  await page.evaluate(`(async () => {
    const { installing, waiting, active } = await navigator.serviceWorker.register("/worker.js", { scope: "/through/" });
    const worker = installing ?? waiting ?? active;
    while (worker.state !== "activated") await new Promise((resolve) => { worker.onstatechange = resolve; });
  })()`);
  await page.close();
}

/** What Chromium sent, in words that do not depend on ports: method, Fetch metadata, kinds of Origin and Referer. */
export function sent(target: Target, place: Place, initiator: Initiator): string {
  const path = pathOf(place, initiator);
  const requests = target.rulings
    .filter((ruling) => ruling.path === path)
    .map(({ head }) => {
      const field = (name: string): string => head.field(name) ?? "-";
      const words = [
        head.method,
        ...["site", "mode", "dest"].map((name) => field(`sec-fetch-${name}`)),
        `origin ${kind(head.field("origin"))}`,
        `referer ${kind(head.field("referer"))}`,
      ];
      const purpose = head.field("sec-purpose");
      return [...words, ...(purpose === undefined ? [] : [`purpose ${purpose}`])].join(" ");
    });
  return [...new Set(requests)].join(", then ") || "nothing";

  function kind(value: string | undefined): string {
    if (value === undefined) return "-";
    if (value === "null") return "null";
    const origin = /^[a-z-]+:\/\/[^/]*/.exec(value)?.[0];
    return origin === target.origin ? "own" : origin === place.origin ? "page" : `other (${value})`;
  }
}

/** What became of it: `reached` the application by its own log, or the code of the refusal; `-` where nothing was sent. */
export function outcome(target: Target, place: Place, initiator: Initiator): string {
  const path = pathOf(place, initiator);
  const log = target.log.filter((line) => line.split(/[ ?]/)[1] === path);
  const rulings = target.rulings.filter((ruling) => ruling.path === path);
  const accepted = rulings.filter(({ code }) => code === null).map(({ head }) => head.method);
  const reached = log.map((line) => line.split(" ")[0]!);
  if (accepted.sort().join() !== reached.sort().join()) return `accepted ${accepted}, but reached ${reached}`;
  const codes = rulings.map(({ code }) => code ?? "reached");
  return [...new Set(codes)].join(", ") || "-";
}
