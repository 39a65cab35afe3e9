import { expect } from "chai";
import fc from "fast-check";

import { createPins } from "../../../../src/adapters/content-store/pins.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import type { Store } from "../../../../src/ports/store.ts";
import { codeOf } from "../../../helpers/code-of.ts";

interface Step {
  readonly isAdd: boolean;
  readonly cid: string;
  readonly holder: string | undefined;
}

const steps = fc.array(
  fc.record<Step>({
    isAdd: fc.boolean(),
    cid: fc.constantFrom("a", "b"),
    holder: fc.constantFrom(undefined, "one", "two"),
  }),
  { maxLength: 30 },
);

/** What each root is kept by: counts without a holder, and holders. */
function countsOf(done: readonly Step[]): Record<string, number> {
  const counted = new Map<string, number>();
  const holders = new Set<string>();
  for (const { isAdd, cid, holder } of done) {
    if (holder === undefined) counted.set(cid, Math.max(0, (counted.get(cid) ?? 0) + (isAdd ? 1 : -1)));
    else if (isAdd) holders.add(`${holder} ${cid}`);
    else holders.delete(`${holder} ${cid}`);
  }
  const of = (cid: string): number =>
    (counted.get(cid) ?? 0) + [...holders].filter((key) => key.endsWith(` ${cid}`)).length;
  return { a: of("a"), b: of("b") };
}

describe("adapters/content-store/pins", () => {
  it("should count what comes at the same time as what comes one by one", async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat({ max: 30 }), async (all, first) => {
        const pins = createPins(createMemoryStore());
        const take = async ({ isAdd, cid, holder }: Step): Promise<void> =>
          await (isAdd ? pins.add(cid, holder) : pins.release(cid, holder));
        await Promise.all(all.slice(0, first).map(take));
        for (const step of all.slice(first)) await take(step);
        expect({ a: await pins.count("a"), b: await pins.count("b") }).to.deep.equal(countsOf(all));
      }),
    );
  });

  it("should wait for the disk once for all that comes meanwhile", async () => {
    const memory = createMemoryStore();
    let written = 0;
    const store: Store = {
      ...memory,
      apply: async (changes) => {
        written += 1;
        await memory.apply(changes);
      },
    };
    const pins = createPins(store);
    await Promise.all(Array.from({ length: 50 }, async (_, n) => await pins.add(`cid${n}`)));
    expect(written).to.equal(2);
    await Promise.all([pins.release("unknown"), pins.add("cid0", "holder"), pins.release("cid0", "holder")]);
    expect(await pins.count("cid0")).to.equal(1);
  });

  it("should tell all of a lot when the disk refuses it, and keep none of them", async () => {
    const memory = createMemoryStore();
    let isFull = true;
    const store: Store = {
      ...memory,
      apply: async (changes) => {
        if (isFull) throw new Error("no space left");
        await memory.apply(changes);
      },
    };
    const pins = createPins(store);
    const results = await Promise.allSettled([pins.add("a"), pins.add("b"), pins.add("a", "holder")]);
    expect(results.map(({ status }) => status)).to.deep.equal(["rejected", "rejected", "rejected"]);
    isFull = false;
    await pins.add("a");
    expect(await pins.count("a")).to.equal(1);
    expect(await codeOf(pins.add("a", "two words"))).to.equal("INVALID_INPUT");
  });
});
