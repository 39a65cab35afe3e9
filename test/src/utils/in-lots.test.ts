import { expect } from "chai";

import { inLots } from "../../../src/utils/in-lots.ts";

const away = new Error("the server is away");

describe("utils/in-lots", () => {
  /** Lots that end when the test says so. */
  function gated(failing: (lot: readonly number[]) => Error | undefined = () => undefined): {
    readonly lots: (readonly number[])[];
    readonly ask: (item: number) => Promise<string>;
    readonly open: () => void;
  } {
    const lots: (readonly number[])[] = [];
    const gate = Promise.withResolvers<void>();
    const work = async (lot: readonly number[]): Promise<readonly string[]> => {
      lots.push(lot);
      await gate.promise;
      const error = failing(lot);
      if (error !== undefined) throw error;
      return lot.map((item) => `${item} done`);
    };
    const ask = inLots(work, { isOfAll: (error) => error === away });
    return { lots, ask, open: gate.resolve };
  }

  it("should do what comes while one is on its way together, and give each its own result", async () => {
    const { lots, ask, open } = gated();
    const results = Promise.all([1, 2, 3].map(ask));
    open();
    expect(await results).to.deep.equal(["1 done", "2 done", "3 done"]);
    expect(await ask(4)).to.equal("4 done");
    expect(lots).to.deep.equal([[1], [2, 3], [4]]);
  });

  it("should let no lot grow without an end, and leave nothing out", async () => {
    const { lots, ask, open } = gated();
    const results = Promise.all(Array.from({ length: 251 }, async (_, n) => await ask(n)));
    open();
    expect(await results).to.have.lengthOf(251);
    expect(lots.map(({ length }) => length)).to.deep.equal([1, 50, 50, 50, 50, 50]);
  });

  it("should let nobody have what another is at fault for", async () => {
    const { ask, open } = gated((lot) => (lot.includes(3) ? new Error("three") : undefined));
    const results = Promise.allSettled([1, 2, 3, 4].map(ask));
    open();
    expect((await results).map(({ status }) => status)).to.deep.equal([
      "fulfilled",
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(await ask(5)).to.equal("5 done");
  });

  it("should tell all of a server that is away, and ask it once", async () => {
    const { lots, ask, open } = gated(() => away);
    const results = Promise.allSettled([1, 2, 3].map(ask));
    open();
    for (const result of await results) expect(result).to.deep.equal({ status: "rejected", reason: away });
    expect(lots).to.deep.equal([[1], [2, 3]]);
  });
});
