// In:    the recipes of examples/recipes, their pages in docs/recipes, the versions of their packages.
// Out:   whether each page has the lines of its recipe, and the list has every page.
// Never: runs a recipe; npm run test:frameworks does.

import { readdirSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { blocks, plain, read, readme, rows } from "./support/document.js";
import { versionsOf } from "./support/frameworks.js";
import { variantsOf } from "./support/recipes.js";
import { suite } from "./support/suite.js";

const test = suite("recipes");
const names = readdirSync("examples/recipes").map((file) => file.replace(/\.mjs$/, ""));
const MOST_LINES = 10;

for (const name of names) {
  const { diff, added } = variantsOf(readFileSync(`examples/recipes/${name}.mjs`, "utf8"));
  const page = read(`docs/recipes/${name}.md`);

  test(`${name}: at most ${MOST_LINES} lines are added, and its page has them and the versions`, () => {
    assert.ok(added > 0 && added <= MOST_LINES, `${added} lines`);
    assert.is(blocks(page, "diff")[0], diff, diff);
    for (const [each, version] of Object.entries(versionsOf(`recipe-${name}`))) {
      assert.ok(page.includes(`${each} ${version}`), `${each} ${version}`);
    }
    const [before, after] = blocks(page, "text");
    assert.match(before!, /\n[1-9]\d* got through, /);
    assert.match(after!, /\n0 got through, \d+ refused, 0 unclear, /);
  });
}

test("docs/recipes/README.md lists each, with the number of its lines; README.md links there", () => {
  const listed = rows(read("docs/recipes/README.md")).flatMap(([server, lines]) => {
    const page = /\((.*)\.md\)/.exec(server!)?.[1];
    return page === undefined ? [] : [[page, plain(lines)]];
  });
  const wanted = names.map((name) => {
    const { added } = variantsOf(readFileSync(`examples/recipes/${name}.mjs`, "utf8"));
    return [name, `${added}`];
  });
  assert.equal(listed.sort(), wanted.sort());
  assert.match(readme, "(docs/recipes/README.md)");
});
