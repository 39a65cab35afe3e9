import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

import { z } from "zod";

import { SprfError, isSprfError, messageOf } from "../../errors.ts";

const RECORD = "current.json";
/** How long a build that is not the newest is left where it is. */
const KEPT_MS = 3_600_000;

const recordSchema = z.object({ folder: z.string().regex(/^build-\w+$/), inputs: z.record(z.string(), z.string()) });

/** Which folder holds the newest build, and the hash of each file that it was made of. */
type BuildRecord = z.output<typeof recordSchema>;

export interface BuildInit {
  /** The repository. */
  readonly root: string;
  /** The app's folder, with its `index.html`, relative to the repository. */
  readonly app: string;
  /** Where builds are kept. */
  readonly cache: string;
}

/**
 * The folder of the built app. It is built when one of the files that it was made of has changed, which takes a second or two;
 * else what is there is taken at once.
 *
 * @throws SprfError `DASHBOARD_UNAVAILABLE` when it has to be built and cannot
 */
export async function buildWebApp(init: BuildInit): Promise<string> {
  const { root, cache } = init;
  const found = await readRecord(cache);
  if (found !== undefined && (await isFresh(root, found))) return join(cache, found.folder);
  try {
    await mkdir(cache, { recursive: true });
    const folder = await mkdtemp(join(cache, "build-"));
    const inputs = await build(init, folder);
    const draft = join(folder, RECORD);
    const record: BuildRecord = { folder: relative(cache, folder), inputs: await hashAll(root, inputs) };
    await writeFile(draft, JSON.stringify(record));
    // Of two that build at once, one wins; each has a whole folder of its own.
    await rename(draft, join(cache, RECORD));
    await removeOld(cache, record.folder);
    return folder;
  } catch (error) {
    if (isSprfError(error)) throw error;
    throw new SprfError("DASHBOARD_UNAVAILABLE", `the app cannot be built: ${messageOf(error)}`, { cause: error });
  }
}

/** Builds into a folder; resolves with the files that went into it, relative to the repository. */
async function build({ root, app }: BuildInit, outDir: string): Promise<readonly string[]> {
  // Loaded only here: it is large, and a development package.
  const vite = await import("vite");
  const inputs = new Set<string>(["package-lock.json", join(app, "tsconfig.json")]);
  await vite.build({
    root: join(root, app),
    configFile: false,
    envDir: false,
    publicDir: false,
    // The error says it.
    logLevel: "silent",
    // JSX itself is told by the app's tsconfig.json.
    build: { outDir, emptyOutDir: false, target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
    plugins: [
      {
        name: "sprf-inputs",
        buildEnd() {
          for (const id of this.getModuleIds()) {
            const path = relative(root, id.replace(/\?.*$/, ""));
            if (!id.startsWith("\0") && !path.startsWith("..") && !path.startsWith("node_modules")) inputs.add(path);
          }
        },
      },
    ],
  });
  return [...inputs].sort();
}

async function readRecord(cache: string): Promise<BuildRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(join(cache, RECORD), "utf8")));
  } catch {
    return undefined;
  }
}

async function isFresh(root: string, { inputs }: BuildRecord): Promise<boolean> {
  try {
    const now = await hashAll(root, Object.keys(inputs));
    return Object.entries(inputs).every(([path, hash]) => now[path] === hash);
  } catch {
    return false;
  }
}

async function hashAll(root: string, paths: readonly string[]): Promise<Record<string, string>> {
  const hashes = paths.map(async (path) => {
    const bytes = await readFile(join(root, path));
    return [path, createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(hashes));
}

/** What is new stays: another process may build there, or be about to read it. */
async function removeOld(cache: string, kept: string): Promise<void> {
  const before = Date.now() - KEPT_MS;
  const folders = (await readdir(cache)).filter((name) => name.startsWith("build-") && name !== kept);
  for (const name of folders) {
    const path = join(cache, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < before) await rm(path, { recursive: true, force: true });
  }
}
