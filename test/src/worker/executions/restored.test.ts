import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { createRestoredGuard, markRestored } from "../../../../src/worker/executions/restored.ts";
import { codeOf } from "../../../helpers/code-of.ts";

const RESTORED_SECONDS = 1_800_000_000;
const MS = 1_000;
const BEFORE = RESTORED_SECONDS - 60;
/** Past what clocks may differ. */
const AFTER = RESTORED_SECONDS + 121;

describe("createRestoredGuard", () => {
  it("should hold nothing back in a store that comes from no backup", async () => {
    const guard = createRestoredGuard(createMemoryStore());
    expect(await codeOf(guard.check({ program: "P", sequence: 5n, paidAt: BEFORE }))).to.equal(undefined);
  });

  it("should sign nothing that may have been signed, until the program has moved on", async () => {
    const guard = createRestoredGuard(await restoredStore());
    const check = async (program: string, sequence: bigint): Promise<string | undefined> =>
      await codeOf(guard.check({ program, sequence, paidAt: BEFORE }));
    expect(await check("P", 5n)).to.equal("STORE_RESTORED");
    expect(await check("P", 5n)).to.equal("STORE_RESTORED");
    expect(await check("Q", 9n)).to.equal("STORE_RESTORED");
    expect(await check("P", 6n)).to.equal(undefined);
    expect(await check("Q", 9n)).to.equal("STORE_RESTORED");
  });

  it("should remember over a restart at which sequence it saw a program first", async () => {
    const store = await restoredStore();
    await codeOf(createRestoredGuard(store).check({ program: "P", sequence: 5n, paidAt: BEFORE }));
    const again = createRestoredGuard(store);
    expect(await codeOf(again.check({ program: "P", sequence: 5n, paidAt: BEFORE }))).to.equal("STORE_RESTORED");
    expect(await codeOf(again.check({ program: "P", sequence: 6n, paidAt: BEFORE }))).to.equal(undefined);
  });

  it("should answer what was paid after the restoration at once", async () => {
    const guard = createRestoredGuard(await restoredStore());
    expect(await codeOf(guard.check({ program: "P", sequence: 5n, paidAt: AFTER }))).to.equal(undefined);
    expect(await codeOf(guard.check({ program: "P", sequence: 5n, paidAt: AFTER - 1 }))).to.equal("STORE_RESTORED");
  });
});

async function restoredStore(): Promise<ReturnType<typeof createMemoryStore>> {
  const store = createMemoryStore();
  await markRestored(store, { takenAtMs: (RESTORED_SECONDS - 3_600) * MS, restoredAtMs: RESTORED_SECONDS * MS });
  return store;
}
