import { globSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";

import { format, resolveConfig } from "prettier";

import { benchmarksPage } from "./benchmarks-page.ts";
import { commandsPage } from "./commands-page.ts";

/** Documents that are made of what they are about. */
const PAGES: Readonly<Record<string, () => Promise<string> | string>> = {
  "docs/benchmarks.md": () => benchmarksPage(resultsIn("bench/results")),
  "docs/commands.md": commandsPage,
};

/** Those that are not what they should be. */
export async function stalePages(): Promise<readonly string[]> {
  const pages = await Promise.all(Object.keys(PAGES).map(async (path) => ({ path, text: await pageOf(path) })));
  return pages.filter(({ path, text }) => textOf(path) !== text).map(({ path }) => path);
}

export async function writePage(path: string): Promise<void> {
  writeFileSync(path, await pageOf(path));
}

export async function writePages(): Promise<void> {
  for (const path of Object.keys(PAGES)) await writePage(path);
}

async function pageOf(path: string): Promise<string> {
  // A default that the help shows is read from it.
  delete process.env["SPRF_DEVNET_FILE"];
  const text = (await PAGES[path]?.()) ?? "";
  return await format(text, { ...(await resolveConfig(path)), parser: "markdown" });
}

function resultsIn(folder: string): ReadonlyMap<string, unknown> {
  return new Map(
    globSync(`${folder}/*.json`)
      .toSorted()
      .map((path) => [basename(path, ".json"), JSON.parse(readFileSync(path, "utf8")) as unknown]),
  );
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
