// docs/commands.md is what the commands themselves say; `--write` makes it anew.
import { writeFileSync } from "node:fs";

import { format, resolveConfig } from "prettier";

import { commandsPage } from "../docs/commands-page.ts";
import { textOf } from "./repository-files.ts";

const PAGES = [{ path: "docs/commands.md", make: commandsPage }];
const isWritten = process.argv.includes("--write");

// A default that the help shows is read from it.
delete process.env["SPRF_DEVNET_FILE"];
for (const { path, make } of PAGES) {
  const page = await format(await make(), { ...(await resolveConfig(path)), parser: "markdown" });
  if (isWritten) writeFileSync(path, page);
  else if (textOf(path) !== page) {
    console.error(`${path} is stale; run: node scripts/checks/docs-reference.ts --write`);
    process.exitCode = 1;
  }
}
