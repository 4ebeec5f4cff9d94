// In:    a dry run of `npm run release`.
// Out:   whether it makes the tarball, a bill of materials of what the package installs, and true checksums, and lists what is in the way.
// Never: tags, publishes, or reaches a registry.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { read } from "./support/document.js";
import { type Manifest, obstacles } from "./support/release.js";
import { suite } from "./support/suite.js";

const test = suite("release");
const manifest = JSON.parse(read("package.json")) as Manifest & { dependencies: object };
const { name, version } = manifest;

let folder: string;
test.before(() => {
  folder = mkdtempSync(join(tmpdir(), "headgate-release-"));
});
test.after(() => rmSync(folder, { recursive: true }));

test("a dry run makes everything, and runs nothing that leaves the machine", () => {
  const tagsBefore = execFileSync("git", ["tag", "--list"], { encoding: "utf8" });
  const out = join(folder, "out");
  const args = ["dist/test/support/release.js", "--dry-run", "--out", out];
  const printed = execFileSync(process.execPath, args, { encoding: "utf8" });
  const [tarball, bill] = [`${name}-${version}.tgz`, `${name}-${version}.cdx.json`];
  assert.equal(readdirSync(out).sort(), ["SHA256SUMS", bill, tarball].sort());
  const sums = readFileSync(join(out, "SHA256SUMS"), "utf8");
  for (const file of [tarball, bill]) {
    const sum = createHash("sha256")
      .update(readFileSync(join(out, file)))
      .digest("hex");
    assert.ok(sums.includes(`${sum}  ${file}\n`), file);
  }
  const list = execFileSync("tar", ["-tzf", join(out, tarball)], { encoding: "utf8" }).split("\n");
  for (const path of ["dist/lib/index.js", "LICENSE", "SECURITY.md", "examples/guard.ts", "README.md"]) {
    assert.ok(list.includes(`package/${path}`), path);
  }
  const sbom = JSON.parse(readFileSync(join(out, bill), "utf8")) as {
    bomFormat: string;
    metadata: { component: { name: string; version: string } };
    components: { name: string }[];
  };
  assert.is(sbom.bomFormat, "CycloneDX");
  assert.equal([sbom.metadata.component.name, sbom.metadata.component.version], [name, version]);
  assert.equal(
    sbom.components.map((component) => component.name),
    Object.keys(manifest.dependencies),
  );
  assert.match(printed, `not run: git tag --annotate v${version}`);
  assert.match(printed, /^not run: npm publish .*\.tgz --ignore-scripts --access public$/m);
  assert.is(execFileSync("git", ["tag", "--list"], { encoding: "utf8" }), tagsBefore);
});

test("a release waits for a home, a date, a clean tree and a new version", () => {
  const git = { status: "", tags: "v0.0.9\n" };
  const home = "https://headgate.test/";
  const ready: Manifest = {
    name,
    version: "1.2.3",
    homepage: home,
    repository: { url: `git+${home}` },
    bugs: { url: home },
  };
  const dated = "# Changelog\n\n## [1.2.3] - 2026-12-01\n";
  assert.equal(obstacles(ready, dated, git), []);
  const placeholder = "https://headgate.example/";
  assert.equal(obstacles({ ...ready, homepage: placeholder, bugs: { url: placeholder } }, dated, git), [
    `package.json: homepage is a placeholder, ${placeholder}`,
    `package.json: bugs is a placeholder, ${placeholder}`,
  ]);
  assert.equal(obstacles(ready, "## [1.2.3] - unreleased\n", git), [
    'CHANGELOG.md: "## [1.2.3] - unreleased" has no date',
  ]);
  assert.equal(obstacles(ready, "## [1.2.2] - 2026-12-01\n", git), ["CHANGELOG.md has no chapter ## [1.2.3]"]);
  assert.equal(obstacles(ready, dated, { status: " M a\n?? b\n", tags: "v1.2.3\n" }), [
    "not committed: 2 files",
    "the tag v1.2.3 exists",
  ]);
});

test("CONTRIBUTING.md names the placeholders as long as there are any", () => {
  const found = obstacles(manifest, read("CHANGELOG.md"), { status: "", tags: "" });
  const hasPlaceholders = found.some((line) => line.includes("placeholder"));
  const sentence = "`homepage`, `repository` and `bugs` of `package.json` are placeholders";
  assert.is(read("CONTRIBUTING.md").includes(sentence), hasPlaceholders);
});
