import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../../../src/adapters/content-store/memory.ts";
import type { CollectingContentStore } from "../../../../src/adapters/content-store/unixfs-content-store.ts";
import { createMemoryLogger } from "../../../../src/adapters/logger/memory.ts";
import { SprfError } from "../../../../src/errors.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import { createCheckClaim, type CheckClaim, type DoneClaim } from "../../../../src/worker/runs/check-claim.ts";
import { createKnownPrograms, type KnownPrograms } from "../../../../src/worker/runs/known-programs.ts";
import { planOf } from "../../../compliance/runs.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createPlainEngine } from "../../../helpers/plain-engine.ts";

const { signal } = new AbortController();

describe("worker/runs/check-claim", () => {
  const logger = createMemoryLogger();
  let content: CollectingContentStore;

  before(async () => {
    content = createMemoryContentStore({ peers: () => [], clock: systemClock, logger });
    await content.start();
  });
  after(async () => await content.stop());

  const knowing = (...engines: readonly Engine[]): KnownPrograms =>
    createKnownPrograms({ engines: new Map(engines.map((engine) => [engine.kind, engine])), logger });
  const checking = (programs: KnownPrograms): CheckClaim => createCheckClaim({ content, programs, hasHolder: true });

  /** What an honest runner says of `planOf(content, "more")`, with gas that suits whatever seconds it names. */
  const claimOf = async (seconds = 1): Promise<DoneClaim> => ({
    kind: "done",
    status: "accepted",
    outputCid: await content.putFile(utf8("more")),
    newState: await content.putFile(utf8("more")),
    state: "file",
    gas: 1_018n + 1_000n * BigInt(seconds),
    seconds,
    detail: "",
  });
  /** That it left a directory with nothing in it, where it was to leave a file. */
  const asDirectory = async (): Promise<DoneClaim> => ({
    ...(await claimOf()),
    newState: await content.putFile(new Uint8Array(0)),
    state: "directory",
    gas: 2_008n,
  });

  it("should take CPU seconds and the state's kind from the program, not from the runner", async () => {
    const plan = await planOf(content, "more");
    const check = checking(knowing(createPlainEngine()));
    expect(await check(plan, await claimOf(), { signal })).to.include({ seconds: 1, gas: 2_018n });
    expect(await codeOf(check(plan, await claimOf(2), { signal }))).to.equal("RESULT_REFUSED");
    expect(await codeOf(check(plan, await asDirectory(), { signal }))).to.equal("RESULT_REFUSED");
  });

  it("should refuse the result of what is no program", async () => {
    const broken: Engine = {
      ...createPlainEngine(),
      prepare: () => Promise.reject(new SprfError("PROGRAM_INVALID", "it has no start")),
    };
    const plan = await planOf(content, "more");
    expect(await codeOf(checking(knowing(broken))(plan, await claimOf(), { signal }))).to.equal("RESULT_REFUSED");
  });

  it("should hold runners to what two of them have agreed on, where it has no engine or that one is away", async () => {
    const away: Engine = {
      ...createPlainEngine(),
      prepare: () => Promise.reject(new SprfError("ENGINE_UNAVAILABLE", "it is away")),
    };
    const plan = await planOf(content, "more");
    for (const programs of [knowing(), knowing(away)]) {
      const check = checking(programs);
      expect(await check(plan, await asDirectory(), { signal })).to.include({ gas: 2_008n });
      expect(await check(plan, await claimOf(2), { signal }), "nobody knows yet").to.include({ seconds: 2 });
      programs.agreed(plan.reference, { seconds: 1, state: "file" });
      expect(await codeOf(check(plan, await claimOf(2), { signal }))).to.equal("RESULT_REFUSED");
      expect(await check(plan, await claimOf(), { signal })).to.include({ seconds: 1 });
    }
  });
});
