import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { ResumeFile } from "../../../scripts/mutate/resume.ts";

const VERDICT = { id: "Vault:9:20:gt-gte", status: "killed", by: "a test", seconds: 1.5 } as const;

describe("scripts/mutate/resume", () => {
  let folder: string;
  let path: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprf-resume-"));
    path = join(folder, "verdicts.jsonl");
  });

  afterEach(async () => await rm(folder, { recursive: true, force: true }));

  it("knows what it was told, after a run that was killed in the middle of a line", async () => {
    await (await ResumeFile.open(path, "contracts")).add(VERDICT);
    await appendFile(path, '{"id":"Vault:1:1:ad');
    const again = await ResumeFile.open(path, "contracts");
    expect([...again.known.values()]).to.deep.equal([VERDICT]);
    await again.add({ ...VERDICT, id: "Vault:9:22:const-increment" });
    expect((await ResumeFile.open(path, "contracts")).known.size).to.equal(2);
  });

  it("refuses verdicts about other contracts or tests", async () => {
    await (await ResumeFile.open(path, "contracts")).add(VERDICT);
    let refusal: unknown;
    await ResumeFile.open(path, "other contracts").catch((error: unknown) => (refusal = error));
    expect(String(refusal)).to.match(/is about other contracts or tests/);
  });
});
