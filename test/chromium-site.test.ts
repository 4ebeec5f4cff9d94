// In:    pages at several origins in Chromium, an application at localhost with a gate before it, test/cases/chromium-site.json.
// Out:   whether Chromium sends what it sent when the rule was made, and whether the table in docs/policy.md shows what becomes of it.
// Never: asks the gate what has reached the application; the application's own log shows that.

import { readFileSync, writeFileSync } from "node:fs";
import type { Browser } from "playwright-core";
import * as assert from "uvu/assert";
import { launchChromium } from "./support/chromium.js";
import { drive, outcome, sent } from "./support/site-driver.js";
import { type Initiator, initiators } from "./support/site-initiators.js";
import { openSiteWorld, type Place, type SiteWorld } from "./support/site-world.js";
import { skip, suite } from "./support/suite.js";

const CASES = "test/cases/chromium-site.json";
/** What this run has seen, in the form of the cases: what to commit when a browser sends something else, after a look at it. */
const SEEN = "dist/test/chromium-site.json";

/** By initiator and place. */
type Cells = Record<string, Record<string, string>>;
const canary = JSON.parse(readFileSync(CASES, "utf8")) as Cells;

/** The rows of the table in docs/policy.md, by initiator and place. */
function documented(): Cells {
  const text = readFileSync("docs/policy.md", "utf8");
  const [, columns, body] = /^\| a page makes Chromium send (.*)\n\|[ :|-]*\n((?:\|.*\n)*)/m.exec(text) ?? [];
  assert.ok(body, "docs/policy.md has no table that begins with: a page makes Chromium send");
  const cellsOf = (line: string): string[] => line.split("|").map((cell) => cell.trim().replaceAll("`", ""));
  const names = cellsOf(columns!).slice(1, -1);
  return Object.fromEntries(
    body
      .split("\n")
      .slice(0, -1)
      .map((line) => {
        const [, initiator, ...cells] = cellsOf(line);
        return [initiator!, Object.fromEntries(names.map((name, i) => [name, cells[i]!]))];
      }),
  );
}

const { browser, noBrowser } = await launchChromium(
  "--host-resolver-rules=MAP *.example 127.0.0.1",
  // A service worker is not registered by a context that ignores them.
  "--ignore-certificate-errors",
);
if (browser === null) skip("pages in Chromium before a gate", noBrowser!);
else testPages(browser);

function testPages(browser: Browser): void {
  const test = suite("pages in Chromium before a gate");
  const table = documented();
  let world: SiteWorld;

  test.before(async () => {
    world = await openSiteWorld();
    const isExpected = (place: Place, { name }: Initiator): boolean =>
      (canary[name]?.[place.name] ?? "nothing") !== "nothing";
    for (const target of world.targets) {
      const context = await browser.newContext();
      await drive(context, world, target, isExpected);
      await context.close();
    }
    writeFileSync(SEEN, `${JSON.stringify(seen(), null, 2)}\n`);
  });
  test.after(async () => {
    await browser.close();
    await world.close();
  });

  /** A value for each place, by its name. */
  const row = (of: (place: Place) => string, road = 0): Record<string, string> =>
    Object.fromEntries(world.places(world.targets[road]!).map((place) => [place.name, of(place)]));

  const seen = (): Cells =>
    Object.fromEntries(
      initiators.map((initiator) => [initiator.name, row((place) => sent(world.targets[0]!, place, initiator))]),
    );

  for (const initiator of initiators) {
    test(`${initiator.name}: Chromium sends what it sent before`, () => {
      const now = row((place) => sent(world.targets[0]!, place, initiator));
      assert.equal(now, canary[initiator.name], `${CASES} has another row; this run's are in ${SEEN}`);
    });
    test(`${initiator.name}: what becomes of it is in docs/policy.md`, () => {
      for (const [i, target] of world.targets.entries()) {
        const became = row((place) => outcome(target, place, initiator), i);
        const wanted = row((place) => table[initiator.name]?.[place.name] ?? "no cell", i);
        assert.equal(became, wanted, target.road);
      }
    });
  }

  test("the table and the cases have no other rows", () => {
    const names = initiators.map(({ name }) => name);
    assert.equal(Object.keys(table), names);
    assert.equal(Object.keys(canary), names);
  });
}
