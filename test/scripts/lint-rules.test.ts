import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

import { expect } from "chai";

interface Fault {
  readonly rule: string;
  readonly path: string;
  readonly source: string;
}

/** One file a fault; the sources import nothing that exists, since the rules judge what is written. */
const FAULTS: readonly Fault[] = [
  ...[
    ["src/domain/billing/a.ts", "../../adapters/store/sqlite.ts"],
    ["src/domain/b.ts", "../worker/worker.ts"],
    ["src/domain/c.ts", "node:fs/promises"],
    ["src/domain/d.ts", "dockerode"],
    ["src/wire/a.ts", "../adapters/store/sqlite.ts"],
    ["src/wire/b.ts", "../domain/agreement.ts"],
    ["src/ports/a.ts", "../adapters/store/sqlite.ts"],
    ["src/adapters/store/a.ts", "../../worker/worker.ts"],
    ["src/adapters/store/b.ts", "../../create-worker.ts"],
    ["src/worker/a.ts", "../adapters/store/sqlite.ts"],
    ["src/tester/a.ts", "../cli/main.ts"],
    ["src/client/a.ts", "../create-client.ts"],
    ["src/indexer/a.ts", "../adapters/store/sqlite.ts"],
    ["src/domain/e.ts", "../indexer/indexer.ts"],
    ["src/audit/a.ts", "../adapters/store/sqlite.ts"],
    ["src/dashboard/a.ts", "../adapters/store/sqlite.ts"],
    ["src/domain/g.ts", "../dashboard/feed.ts"],
    ["src/audit/b.ts", "../create-auditor.ts"],
    ["src/domain/f.ts", "../audit/audit-program.ts"],
    ["src/config/a.ts", "../adapters/store/sqlite.ts"],
    ["src/cli/a.ts", "../adapters/store/sqlite.ts"],
    ["src/cli/b.ts", "../worker/worker.ts"],
  ].map(([path = "", target = ""]) => ({
    rule: "eslint(no-restricted-imports)",
    path,
    source: `import { x } from "${target}";\nx();\n`,
  })),
  ...[
    "src/worker",
    "src/tester",
    "src/client",
    "src/node",
    "src/channel",
    "src/execution",
    "src/indexer",
    "src/audit",
    "src/domain",
    "src/wire",
  ].flatMap((folder) => [
    {
      rule: "eslint(no-restricted-properties)",
      path: `${folder}/now.ts`,
      source: "export const now = Date.now();\n",
    },
    {
      rule: "eslint(no-restricted-properties)",
      path: `${folder}/luck.ts`,
      source: "export const x = Math.random();\n",
    },
    {
      rule: "eslint(no-restricted-globals)",
      path: `${folder}/timer.ts`,
      source: "setTimeout(() => undefined, 1);\n",
    },
    { rule: "sprf(no-wall-clock)", path: `${folder}/date.ts`, source: "export const now = new Date();\n" },
  ]),
  { rule: "sprf(throw-sprf-error)", path: "src/utils/error.ts", source: 'throw new Error("lost");\n' },
  { rule: "node(no-process-env)", path: "src/adapters/env.ts", source: "export const x = process.env;\n" },
  { rule: "eslint(no-console)", path: "src/worker/console.ts", source: 'console.log("hello");\n' },
  {
    rule: "typescript(no-floating-promises)",
    path: "src/utils/floating.ts",
    source: "async function work(): Promise<void> {}\nwork();\n",
  },
  {
    rule: "typescript(no-misused-promises)",
    path: "src/utils/misused.ts",
    source: "setInterval(async () => await Promise.resolve(), 1);\n",
  },
  {
    rule: "typescript(return-await)",
    path: "src/utils/return.ts",
    source: "export async function f(): Promise<void> {\n  return Promise.resolve();\n}\n",
  },
  {
    rule: "typescript(no-explicit-any)",
    path: "src/utils/any.ts",
    source: "export function f(x: any): boolean {\n  return Boolean(x);\n}\n",
  },
  {
    rule: "typescript(switch-exhaustiveness-check)",
    path: "src/utils/switch.ts",
    source:
      'export function f(x: "a" | "b"): void {\n  switch (x) {\n    case "a":\n      f("b");\n      break;\n  }\n}\n',
  },
  { rule: "import(no-cycle)", path: "src/utils/cycle-a.ts", source: 'export { b } from "./cycle-b.ts";\n' },
  { rule: "import(no-cycle)", path: "src/utils/cycle-b.ts", source: 'export { b } from "./cycle-a.ts";\n' },
  { rule: "import(no-default-export)", path: "src/utils/default.ts", source: "export default 1;\n" },
];

const ALLOWED: readonly Omit<Fault, "rule">[] = [
  { path: "src/domain/ok.ts", source: 'import type { Store } from "../ports/store.ts";\nexport type S = Store;\n' },
  { path: "src/create-worker.ts", source: 'import { x } from "./adapters/store/sqlite.ts";\nx();\n' },
  { path: "src/cli/ok.ts", source: 'import { x } from "../create-worker.ts";\nconsole.log(x);\n' },
  { path: "src/config/ok.ts", source: "export const home = process.env;\n" },
  { path: "src/adapters/clock/ok.ts", source: "export const now = Date.now();\n" },
];

describe("lint rules of the house", function () {
  let folder: string;
  let found: ReadonlySet<string>;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-lint-"));
    await cp(".oxlintrc.json", join(folder, ".oxlintrc.json"));
    await cp("tsconfig.json", join(folder, "tsconfig.json"));
    await cp("scripts/lint", join(folder, "scripts/lint"), { recursive: true });
    await symlink(resolve("node_modules"), join(folder, "node_modules"));
    for (const { path, source } of [...FAULTS, ...ALLOWED]) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), source);
    }
    found = await lint(folder);
  });

  after(async () => await rm(folder, { recursive: true, force: true }));

  for (const { rule, path } of FAULTS) {
    it(`${rule} catches the fault in ${path}`, () => {
      expect([...found]).to.include(`${path} ${rule}`);
    });
  }

  it("lets pass what each layer may do", () => {
    const wrong = [...found].filter((line) => ALLOWED.some(({ path }) => line.startsWith(`${path} `)));
    expect(wrong.filter((line) => !line.includes("no-unsafe"))).to.deep.equal([]);
  });
});

/** "path rule" of everything that oxlint reports of a folder. */
async function lint(folder: string): Promise<ReadonlySet<string>> {
  const output = await new Promise<string>((done) => {
    execFile(resolve("node_modules/.bin/oxlint"), ["--type-aware", "-f", "json"], { cwd: folder }, (_, stdout) =>
      done(stdout),
    );
  });
  const { diagnostics } = JSON.parse(output) as { diagnostics: { filename: string; code: string }[] };
  return new Set(diagnostics.map(({ filename, code }) => `${filename} ${code}`));
}
