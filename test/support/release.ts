// In:    the build, the git checkout; --dry-run; --out FOLDER, dist/release without it.
// Out:   the tarball, its bill of materials, their checksums, and what keeps the version from being released; where nothing does, and
//        without --dry-run, a tag and the published package.
// Never: publishes another file than the one it has checked, or anything that has an obstacle.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly homepage: string;
  readonly repository: { readonly url: string };
  readonly bugs: { readonly url: string };
}

/** What keeps a version from being released, one line each. */
export function obstacles(
  { version, homepage, repository, bugs }: Manifest,
  changelog: string,
  git: { readonly status: string; readonly tags: string },
): string[] {
  const found: string[] = [];
  for (const [name, address] of Object.entries({ homepage, repository: repository.url, bugs: bugs.url })) {
    if (new URL(address.replace(/^git\+/, "")).hostname.endsWith(".example")) {
      found.push(`package.json: ${name} is a placeholder, ${address}`);
    }
  }
  const heading = changelog.split("\n").find((line) => line.startsWith(`## [${version}]`));
  if (heading === undefined) found.push(`CHANGELOG.md has no chapter ## [${version}]`);
  else if (!/ - \d{4}-\d\d-\d\d$/.test(heading)) found.push(`CHANGELOG.md: "${heading}" has no date`);
  if (git.status.trim() !== "") found.push(`not committed: ${git.status.trim().split("\n").length} files`);
  if (git.tags.split("\n").includes(`v${version}`)) found.push(`the tag v${version} exists`);
  return found;
}

const run = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: "utf8" });

/** Writes the tarball, the bill of materials and the checksums; their names. */
function prepare(folder: string, { name, version }: Manifest): string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const tarball = `${name}-${version}.tgz`;
  // The build has run; packing must not make another.
  run("npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", folder);
  const bill = `${name}-${version}.cdx.json`;
  const sbom: { metadata: { component: { name: string } } } = JSON.parse(
    run("npm", "sbom", "--sbom-format", "cyclonedx", "--sbom-type", "library", "--omit", "dev"),
  );
  // npm writes the name of the checkout's folder.
  sbom.metadata.component.name = name;
  writeFileSync(join(folder, bill), `${JSON.stringify(sbom, null, 2)}\n`);
  const sums = [tarball, bill].map((file) => {
    return `${createHash("sha256")
      .update(readFileSync(join(folder, file)))
      .digest("hex")}  ${file}\n`;
  });
  writeFileSync(join(folder, "SHA256SUMS"), sums.join(""));
  return [tarball, bill, "SHA256SUMS"];
}

function release(): void {
  const { values } = parseArgs({
    options: { "dry-run": { type: "boolean", default: false }, out: { type: "string", default: "dist/release" } },
  });
  const folder = resolve(values.out);
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  const [tarball, ...others] = prepare(folder, manifest);
  for (const file of [tarball!, ...others]) console.log(join(values.out, file));
  const git = { status: run("git", "status", "--porcelain"), tags: run("git", "tag", "--list") };
  const found = obstacles(manifest, readFileSync("CHANGELOG.md", "utf8"), git);
  for (const line of found) console.log(`in the way: ${line}`);
  const tag = `v${manifest.version}`;
  const steps: [string, ...string[]][] = [
    ["git", "tag", "--annotate", tag, "--message", `${manifest.name} ${manifest.version}`],
    ["npm", "publish", join(folder, tarball!), "--ignore-scripts", "--access", "public"],
  ];
  for (const step of steps) {
    if (!values["dry-run"] && found.length === 0) execFileSync(step[0], step.slice(1), { stdio: "inherit" });
    else console.log(`not run: ${step.join(" ").replaceAll(folder, values.out)}`);
  }
  if (!values["dry-run"] && found.length > 0) process.exitCode = 1;
}

if (process.argv[1]?.endsWith("release.js")) release();
