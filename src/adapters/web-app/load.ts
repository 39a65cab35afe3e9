import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { SprfError } from "../../errors.ts";
import type { WebApp, WebFile } from "../../ports/web-app.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};
const PAGE = "/index.html";
/** Vite puts there what has the hash of its content in its name. */
const HASHED = "/assets/";

const compress = promisify(gzip);

/** Reads a built app into memory, so that nothing of it can change or go while it is served. @throws SprfError `DASHBOARD_UNAVAILABLE` */
export async function loadWebApp(folder: string): Promise<WebApp> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const loading = entries
    .filter((entry) => entry.isFile() && Object.hasOwn(TYPES, extname(entry.name)))
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const url = `/${path.slice(folder.length + 1).replaceAll("\\", "/")}`;
      return [url, await loadFile(path, url)] as const;
    });
  const files = new Map(await Promise.all(loading));
  const page = files.get(PAGE);
  if (page === undefined) throw new SprfError("DASHBOARD_UNAVAILABLE", "the built app has no index.html");
  return { page, file: (path) => files.get(path) };
}

async function loadFile(path: string, url: string): Promise<WebFile> {
  const bytes = new Uint8Array(await readFile(path));
  const hash = createHash("sha256").update(bytes).digest("base64url");
  return {
    bytes,
    gzip: new Uint8Array(await compress(bytes, { level: 9 })),
    type: TYPES[extname(path)] ?? "application/octet-stream",
    etag: `"${hash}"`,
    isImmutable: url.startsWith(HASHED),
  };
}
