// npm runs this after every change of the installed packages (`dependencies` in package.json). npm leaves optional packages for
// other platforms out of the lock when the registry at hand does not carry them, and `npm ci` then refuses the lock. Their
// versions are exact in the package that wants them, so they can be entered without asking anybody; npm fetches one only on
// the platform it is for.
import { readFileSync, writeFileSync } from "node:fs";

const LOCK = new URL("../package-lock.json", import.meta.url);
const NESTED = "/node_modules/";
const SYSTEMS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

const lock = JSON.parse(readFileSync(LOCK, "utf8"));
let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (isLocked(name, path)) continue;
    const platform = platformOf(name);
    if (platform === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
      throw new Error(
        `${path} wants ${name}@${version}, which the lock lacks and whose platform its name does not say`,
      );
    }
    // In npm's own order of fields, so that its next run changes nothing.
    const { os, cpu, libc } = platform;
    const dev = entry.dev ? { dev: true } : {};
    lock.packages[`node_modules/${name}`] = { version, cpu, ...dev, ...(libc && { libc }), optional: true, os };
    added++;
  }
}
if (added > 0) {
  if (process.argv.includes("--check")) {
    console.error(`package-lock.json lacks ${added} packages for other platforms; run npm install`);
    process.exit(1);
  }
  const [root, ...packages] = Object.entries(lock.packages);
  packages.sort(([a], [b]) => a.localeCompare(b, "en"));
  lock.packages = Object.fromEntries([root, ...packages]);
  writeFileSync(LOCK, `${JSON.stringify(lock, undefined, 2)}\n`);
  console.log(`package-lock.json: ${added} packages for other platforms added`);
}

/** Whether a package at `path` finds `name` by walking up, as Node does. */
function isLocked(name, path) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(folder.lastIndexOf(NESTED), 0))) {
    if (`${folder === "" ? "" : `${folder}/`}node_modules/${name}` in lock.packages) return true;
    if (folder === "") return false;
  }
}

function platformOf(name) {
  const parts = name.split(/[/-]/);
  const os = parts.find((part) => SYSTEMS.includes(part));
  const cpu = parts.find((part) => PROCESSORS.includes(part));
  if (os === undefined || cpu === undefined) return undefined;
  const libc = os === "linux" ? parts.at(-1) : undefined;
  if (libc?.startsWith("gnu")) return { os: [os], cpu: [cpu], libc: ["glibc"] };
  if (libc?.startsWith("musl")) return { os: [os], cpu: [cpu], libc: ["musl"] };
  return { os: [os], cpu: [cpu] };
}
