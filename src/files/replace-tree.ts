import { lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** What a directory shall hold; a directory comes before what is in it. */
export interface NewEntry {
  /** Relative, with `/`. */
  readonly path: string;
  readonly kind: "file" | "directory";
  /** A file that is there already, with this content. */
  readonly unchanged: boolean;
}

/**
 * Makes a directory of files and directories what `entries` says. Files that changed are written beside it and moved in, so that
 * each is a new file, and what did not change is not touched: who keeps their identities knows what to look at again.
 *
 * @param write writes the new content of a file to a path that does not exist
 */
export async function replaceTree<Entry extends NewEntry>(
  root: string,
  entries: readonly Entry[],
  write: (entry: Entry, path: string) => Promise<void>,
): Promise<void> {
  const wanted = new Map(entries.map((entry) => [entry.path, entry]));
  const part = `${root}.part`;
  await removeOthers(root, "", wanted);
  for (const entry of entries) {
    const target = join(root, entry.path);
    if (entry.kind === "directory") await mkdir(target, { recursive: true });
    else if (!entry.unchanged) {
      await rm(part, { force: true });
      await write(entry, part);
      await rename(part, target);
    }
  }
}

async function removeOthers(root: string, prefix: string, wanted: ReadonlyMap<string, NewEntry>): Promise<void> {
  for (const name of await readdir(join(root, prefix))) {
    const path = `${prefix}${name}`;
    const stats = await lstat(join(root, path));
    const entry = wanted.get(path);
    if (entry === undefined || (entry.kind === "directory") !== stats.isDirectory()) {
      await rm(join(root, path), { recursive: true, force: true });
    } else if (stats.isDirectory()) await removeOthers(root, `${path}/`, wanted);
  }
}
