// Run as a process: `node build-sandbox.ts <target>` joins the modules of `sandbox/` in the order of their imports into one
// file of plain JavaScript. Their names at top level are all different; were two equal, the sandbox would not start.
import { readFile, writeFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";

const ENTRY = new URL("./sandbox/main.ts", import.meta.url);
const IMPORT = /^import [^;]* from "([^"]+)";$/gm;

const parts = new Map<string, string>();
const builtins = new Set<string>();

async function add(name: string): Promise<void> {
  if (parts.has(name)) return;
  parts.set(name, "");
  const code = stripTypeScriptTypes(await readFile(new URL(name, ENTRY), "utf8"));
  for (const [statement, from = ""] of code.matchAll(IMPORT)) {
    if (from.startsWith("./")) await add(from.slice(2));
    else builtins.add(statement);
  }
  // Put in again, so that it comes after what it imports.
  parts.delete(name);
  parts.set(name, code.replaceAll(IMPORT, "").replaceAll(/^export /gm, ""));
}

const target = process.argv[2] ?? "";
await add("main.ts");
await writeFile(target, [...builtins, ...parts.values()].join("\n"), { mode: 0o400 });
