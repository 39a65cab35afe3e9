// What the documents tell a reader to type has been run by a test, and their links lead somewhere.
//
// A test that runs a documented command says so in a comment `docs-command: npm start`; a command of a ```sh block without such
// a test fails here, and so does a comment whose command no document shows. A guide's commands run in the guide's order.
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";

import { repositoryFiles, textOf } from "./repository-files.ts";
import { commandsOf } from "./shown-commands.ts";

const MARKER = /docs-command: (.+?)\s*(?:\*\/)?$/gm;
/** By `npm run docs`, and not in git. */
const GENERATED = "docs/api/";
const faults: string[] = [];

const documents = ["README.md", "CONTRIBUTING.md", ...globSync("docs/**/*.md")].filter(
  (path) => existsSync(path) && !path.startsWith(GENERATED),
);
const shown = new Map(documents.flatMap((path) => commandsOf(read(path)).map((command) => [command, path] as const)));
const runs = repositoryFiles()
  .filter((path) => path === ".ci/run" || path.startsWith("test/"))
  .map((path) => ({ path, commands: markersOf(path) }));
const tested = new Map(runs.flatMap(({ path, commands }) => commands.map((command) => [command, path] as const)));
for (const [command, path] of shown) {
  if (!tested.has(command)) faults.push(`${path}: no test runs \`${command}\``);
}
for (const [command, path] of tested) {
  if (!shown.has(command)) faults.push(`${path}: no document shows \`${command}\``);
}
for (const path of documents.filter((each) => each.startsWith("docs/guides/"))) checkOrder(path);
for (const path of repositoryFiles().filter((file) => file.endsWith(".md") && !file.startsWith("test/")))
  checkLinks(path);

for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;

function markersOf(path: string): string[] {
  return [...(textOf(path) ?? "").matchAll(MARKER)].map(([, command = ""]) => command);
}

/** Each command of a guide is in a test that runs what it has of the guide in the guide's order. */
function checkOrder(path: string): void {
  const guide = commandsOf(read(path));
  const places = runs.map(({ commands }) => commands.map((command) => guide.indexOf(command)).filter((at) => at >= 0));
  const inOrder = new Set(places.filter(isAscending).flat());
  for (const [at, command] of guide.entries()) {
    if (tested.has(command) && !inOrder.has(guide.indexOf(command)))
      faults.push(`${path}: no test runs command ${at + 1}, \`${command}\`, in the order of this page`);
  }
}

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? -1));
}

function checkLinks(path: string): void {
  const text = read(path)
    .replaceAll(/^```.*?^```/gms, "")
    .replaceAll(/`[^`\n]*`/g, "");
  for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = "", anchor] = target.split("#");
    const linked = file === "" ? path : join(dirname(path), file);
    if (!existsSync(linked)) faults.push(`${path}: ${target} does not exist`);
    else if (anchor !== undefined && linked.endsWith(".md") && !anchorsOf(linked).has(anchor)) {
      faults.push(`${path}: ${linked} has no heading #${anchor}`);
    }
  }
}

function anchorsOf(path: string): Set<string> {
  const headings = read(path)
    .replaceAll(/^```.*?^```/gms, "")
    .matchAll(/^#{1,6} (.+)$/gm);
  return new Set([...headings].map(([, heading = ""]) => anchorOf(heading)));
}

/** The anchor that a heading gets from GitHub. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");
}

function read(path: string): string {
  return textOf(path) ?? "";
}
