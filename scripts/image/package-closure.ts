import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface LockedPackage {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Folders of the packages that `names` need, by the lock and as Node looks them up; those not made for this machine are left out. */
export function packageClosure(root: string, names: readonly string[]): ReadonlySet<string> {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
    packages: Readonly<Record<string, LockedPackage>>;
  };
  const found = new Set<string>();
  const queue = names.map((name) => lookUp(packages, "", name));
  for (let path = queue.pop(); queue.length > 0 || path !== undefined; path = queue.pop()) {
    if (path === undefined || found.has(path) || !existsSync(join(root, path))) continue;
    found.add(path);
    const { dependencies, optionalDependencies } = packages[path] ?? {};
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      queue.push(lookUp(packages, path, name));
    }
  }
  return found;
}

function lookUp(packages: Readonly<Record<string, unknown>>, from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    const path = join(at, "node_modules", name);
    if (packages[path] !== undefined) return path;
    if (at === "") return undefined;
  }
}
