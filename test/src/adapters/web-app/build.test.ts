import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { expect } from "chai";

import { buildWebApp } from "../../../../src/adapters/web-app/build.ts";
import { loadWebApp } from "../../../../src/adapters/web-app/load.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const ROOT = resolve(import.meta.dirname, "../../../..");
/** What a first visit may load, as it is sent. */
const BUDGET_BYTES = 100_000;

describe("the built app", function () {
  this.timeout(60_000);
  let root: string;

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "sprf-app-"));
    await mkdir(join(root, "app"));
    await symlink(join(ROOT, "node_modules"), join(root, "node_modules"));
    await cp(join(ROOT, "package-lock.json"), join(root, "package-lock.json"));
    await writeFile(join(root, "app/tsconfig.json"), "{}");
    await writeFile(join(root, "app/index.html"), '<!doctype html><script type="module" src="./main.ts"></script>');
    await writeFile(join(root, "app/main.ts"), 'import { words } from "./words.ts";\ndocument.title = words;\n');
    await writeFile(join(root, "app/words.ts"), 'export const words: string = "first";\n');
  });
  afterEach(async () => await rm(root, { recursive: true, force: true }));

  const init = (): { root: string; app: string; cache: string } => ({ root, app: "app", cache: join(root, "cache") });
  async function scriptOf(folder: string): Promise<string> {
    const app = await loadWebApp(folder);
    const [, path = ""] = /src="([^"]+\.js)"/.exec(new TextDecoder().decode(app.page.bytes)) ?? [];
    return new TextDecoder().decode(app.file(path)?.bytes);
  }

  it("should be built once, and again when a file that went into it has changed", async () => {
    const first = await buildWebApp(init());
    expect(await scriptOf(first)).to.contain("first");
    expect(await buildWebApp(init())).to.equal(first);
    await writeFile(join(root, "app/words.ts"), 'export const words: string = "second";\n');
    const second = await buildWebApp(init());
    expect(second).to.not.equal(first);
    expect(await scriptOf(second)).to.contain("second");
  });

  it("should be whole when two build it at the same time", async () => {
    const folders = await Promise.all([buildWebApp(init()), buildWebApp(init()), buildWebApp(init())]);
    for (const folder of folders) expect(await scriptOf(folder)).to.contain("first");
    const record = JSON.parse(await readFile(join(root, "cache/current.json"), "utf8")) as { folder: string };
    expect(folders.map((folder) => folder.split("/").at(-1))).to.include(record.folder);
    expect(await scriptOf(await buildWebApp(init()))).to.contain("first");
  });

  it("should leave builds that others may be reading, and remove those of long ago", async () => {
    const [old, recent] = [join(root, "cache/build-old"), join(root, "cache/build-recent")];
    await mkdir(old, { recursive: true });
    await mkdir(recent);
    await utimes(old, 0, 0);
    await buildWebApp(init());
    expect(existsSync(old)).to.equal(false);
    expect(existsSync(recent)).to.equal(true);
  });

  it("should be built anew when the record of the last build is damaged", async () => {
    await buildWebApp(init());
    for (const text of ["", '{"folder":"../../etc","inputs":{}}']) {
      await writeFile(join(root, "cache/current.json"), text);
      expect(await scriptOf(await buildWebApp(init()))).to.contain("first");
    }
  });

  it("should say what is wrong when it cannot be built", async () => {
    await writeFile(join(root, "app/words.ts"), "export const nothing = 1;\n");
    expect(await codeOf(buildWebApp(init()))).to.equal("DASHBOARD_UNAVAILABLE");
    expect(await codeOf(loadWebApp(join(root, "app")))).to.equal(undefined);
    await rm(join(root, "app/index.html"));
    expect(await codeOf(loadWebApp(join(root, "app")))).to.equal("DASHBOARD_UNAVAILABLE");
  });

  it("should load less than its budget at first, with wallets' code left for when it is needed", async () => {
    const app = await loadWebApp(await buildWebApp({ root: ROOT, app: "dashboard", cache: join(root, "cache") }));
    const html = new TextDecoder().decode(app.page.bytes);
    const paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = ""]) => path);
    expect(paths.filter((path) => path.endsWith(".js"))).to.have.length(1);
    const files = [app.page, ...paths.map((path) => app.file(path))];
    const sent = files.reduce((sum, file) => sum + (file?.gzip.length ?? Infinity), 0);
    expect(sent).to.be.below(BUDGET_BYTES);
    // Nothing comes from elsewhere.
    expect(html).to.not.match(/https?:/);
  });
});
