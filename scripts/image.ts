// Builds the images of the daemons: `node scripts/image.ts [--tag sprf]`. They come from nothing but this repository, its installed
// packages and this machine's C library, so no registry is asked for a base image (docs/adr/0064-images-from-nothing.md).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { buildDashboard } from "../src/create-dashboard.ts";
import { copyPackage, copyProgram, copyTree } from "./image/copy-tree.ts";
import { packageClosure } from "./image/package-closure.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** What the code needs beside its packages. */
const APPLICATION = ["src", "templates", "typechain-types", "package.json", "LICENSE"];
/** The dashboard as it was built, and what that was made of: as long as both are there, nothing has to build it again. */
const DASHBOARD = ["dashboard", "package-lock.json", "node_modules/.cache/sprf-dashboard"];
/** What devnet needs beside the daemons: it is an Ethereum node. */
const DEVNET_PACKAGES = ["hardhat"];
const TARGETS = { daemon: "", devnet: "-devnet" } as const;

const { tag } = parseArgs({ options: { tag: { type: "string", default: "sprf" } } }).values;
const context = await mkdtemp(join(tmpdir(), "sprf-image-"));
try {
  await assemble();
  for (const [target, suffix] of Object.entries(TARGETS)) {
    await docker([
      "build",
      "--quiet",
      "--target",
      target,
      "--tag",
      `${tag}${suffix}`,
      "--label",
      "sprf.image=true",
      context,
    ]);
    await docker(["image", "inspect", "--format", `${tag}${suffix}: {{.Size}} bytes`, `${tag}${suffix}`]);
  }
} finally {
  await rm(context, { recursive: true, force: true });
}

/** Puts the two roots together as the Dockerfile takes them. */
async function assemble(): Promise<void> {
  const [daemon, devnet] = [join(context, "daemon"), join(context, "devnet")];
  await copyFile(join(ROOT, "Dockerfile"), join(context, "Dockerfile"));
  await copyProgram(process.execPath, join(daemon, "bin/node"), daemon);
  // The shell lowers the limits of the sandbox that runs programs.
  await copyProgram("/bin/sh", join(daemon, "bin/sh"), daemon);
  await buildDashboard();
  for (const path of [...APPLICATION, ...DASHBOARD]) await copyTree(join(ROOT, path), join(daemon, "app", path));
  await copyTree(join(ROOT, "examples/programs"), join(daemon, "app/examples/programs"));
  const { dependencies } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    dependencies: Readonly<Record<string, string>>;
  };
  const common = packageClosure(ROOT, Object.keys(dependencies));
  for (const path of common) await copyPackage(join(ROOT, path), join(daemon, "app", path));
  for (const path of packageClosure(ROOT, DEVNET_PACKAGES)) {
    if (!common.has(path)) await copyPackage(join(ROOT, path), join(devnet, "app", path));
  }
  // Folders that belong to the user of the image, so that volumes in their place do too.
  for (const folder of ["data", "devnet"]) {
    await mkdir(join(context, "owned", folder), { recursive: true });
    await writeFile(join(context, "owned", folder, ".keep"), "");
  }
}

async function docker(words: readonly string[]): Promise<void> {
  const child = spawn("docker", words, { stdio: "inherit" });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`docker ${words[0]} ended with ${code}`);
}
