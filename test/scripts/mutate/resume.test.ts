import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ResumeFile } from "../../../scripts/mutate/resume.ts";

const KILLED = { id: "Vault:9:20:gt-gte", status: "killed", by: "a test", file: "a.test.ts", seconds: 1.5 } as const;
const SURVIVED = { id: "Vault:9:22:const-increment", status: "survived", seconds: 60 } as const;
const SAME = { id: "Vault:5:38:const-zero", status: "same-code", seconds: 0.1 } as const;

const grounds = (contracts: string, tests: Readonly<Record<string, string>>) => ({
  contracts,
  tests: new Map(Object.entries(tests)),
});
const GROUNDS = grounds("contracts", { "a.test.ts": "1", "b.test.ts": "2" });

describe("scripts/mutate/resume", () => {
  let folder: string;
  let path: string;

  const knownTo = async (by: typeof GROUNDS) => [...(await ResumeFile.open(path, by)).known.values()];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-resume-"));
    path = join(folder, "verdicts.jsonl");
  });

  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("knows what it was told, after a run that was killed in the middle of a line", async () => {
    await (await ResumeFile.open(path, GROUNDS)).add(KILLED);
    await appendFile(path, '{"id":"Vault:1:1:ad');
    const again = await ResumeFile.open(path, GROUNDS);
    expect([...again.known.values()]).to.deep.equal([KILLED]);
    await again.add(SURVIVED);
    expect(await knownTo(GROUNDS)).to.deep.equal([KILLED, SURVIVED]);
  });

  it("refuses verdicts about other contracts", async () => {
    await (await ResumeFile.open(path, GROUNDS)).add(KILLED);
    let refusal: unknown;
    await ResumeFile.open(path, grounds("other", { "a.test.ts": "1" })).catch((error: unknown) => (refusal = error));
    expect(String(refusal)).to.match(/is about other contracts/);
  });

  it("judges again what lived, or was killed by a test that is another now, when tests have changed", async () => {
    const before = await ResumeFile.open(path, GROUNDS);
    for (const verdict of [KILLED, SURVIVED, SAME]) await before.add(verdict);
    const more = grounds("contracts", { "a.test.ts": "1", "b.test.ts": "2", "c.test.ts": "3" });
    expect(await knownTo(more)).to.deep.equal([KILLED, SAME]);
    // What was dropped stays so when the tests are as they were.
    expect(await knownTo(GROUNDS)).to.deep.equal([KILLED, SAME]);
    expect(await knownTo(grounds("contracts", { "a.test.ts": "4", "b.test.ts": "2" }))).to.deep.equal([SAME]);
  });
});
