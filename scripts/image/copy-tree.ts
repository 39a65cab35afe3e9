import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

/** Of packages: what only people, compilers and debuggers read. Node runs no TypeScript below node_modules. */
const NOT_RUN = /\.(map|md|markdown|flow|tsbuildinfo|ts|mts|cts)$/;

/** Copies a package without the packages inside it and without what is never run. */
export async function copyPackage(from: string, to: string): Promise<void> {
  await copyWhere(from, to, (name) => name !== "node_modules" && !NOT_RUN.test(name));
}

/** Copies files and folders as they are. */
export async function copyTree(from: string, to: string): Promise<void> {
  if ((await stat(from)).isDirectory()) await copyWhere(from, to, () => true);
  else await copyOne(from, to);
}

/** A program and the libraries that it loads, under the names by which they are looked for. */
export async function copyProgram(from: string, to: string, root: string): Promise<void> {
  await copyOne(from, to);
  const { stdout } = await promisify(execFile)("ldd", [from]);
  for (const [, library = ""] of stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)) {
    await copyOne(await realpath(library), join(root, library));
  }
}

async function copyWhere(from: string, to: string, wanted: (name: string) => boolean): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (!wanted(entry.name)) continue;
    if (entry.isDirectory()) await copyWhere(join(from, entry.name), join(to, entry.name), wanted);
    else if (entry.isFile()) await copyOne(join(from, entry.name), join(to, entry.name));
  }
}

async function copyOne(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}
