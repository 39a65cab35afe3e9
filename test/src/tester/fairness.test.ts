import { expect } from "chai";

import type { Chain } from "../../../src/ports/chain.ts";
import { createTesterScene, type TesterScene } from "../../helpers/tester-scene.ts";
import { until } from "../../helpers/until.ts";

describe("tester: several agreements at once", () => {
  let scene: TesterScene;

  before(async () => {
    scene = await createTesterScene();
  });
  after(() => scene.stop());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());

  it("should not let agreements that never answer keep others from being examined in time", async () => {
    const slow = [await scene.buy(20), await scene.buy(20)];
    const quick = await scene.buy(20);
    const { commitFrom, revealFrom } = await scene.client.chain.windowsOf(quick, 0);
    await scene.market.mineTo(commitFrom);
    const [tester] = await scene.drawn(quick);
    let stuck = 0;
    const chain: Chain = {
      ...tester!.chain,
      // A node that hangs whenever it is asked about these.
      agreement: async (address, options) => {
        if (!slow.includes(address)) return await tester!.chain.agreement(address, options);
        stuck++;
        return await new Promise<never>((_, reject) => {
          options?.signal?.addEventListener("abort", () => reject(new Error("stopped")), { once: true });
        });
      },
    };
    // Fewer places than agreements that hang.
    await scene.start(scene.components(tester!, {}, { chain }), { concurrency: 1, sliceMs: 200 });
    await scene.seatsAre(quick, "committed", 1);
    expect(stuck).to.equal(2);
    await scene.market.mineTo(revealFrom);
    await scene.seatsAre(quick, "revealed", 1);
    // Each is looked at once, however many blocks go by meanwhile.
    expect(stuck).to.equal(2);
  });

  it("should examine several agreements at once, a slow examination beside quick ones", async () => {
    const agreements = [await scene.buy(20), await scene.buy(20), await scene.buy(20)];
    const windows = await scene.client.chain.windowsOf(agreements[2]!, 0);
    await scene.market.mineTo(windows.commitFrom);
    const [tester] = await scene.drawn(agreements[0]!);
    const components = scene.components(tester!);
    let [running, most] = [0, 0];
    const gates: (() => void)[] = [];
    const { prober } = components;
    await scene.start({
      ...components,
      prober: async (parts) => {
        most = Math.max(most, ++running);
        if (gates.length === 0) await new Promise<void>((resolve) => gates.push(resolve));
        running--;
        return await prober(parts);
      },
    });
    const committed = async (): Promise<number> => {
      const seats = await Promise.all(agreements.map(async (each) => await scene.client.chain.seatsOf(each, 0)));
      return seats.flat().filter(({ status }) => status === "committed").length;
    };
    await until(async () => (await committed()) === 2, { what: "the two quick ones" });
    expect(most > 1).to.equal(true);
    gates[0]!();
    await until(async () => (await committed()) === 3, { what: "the slow one" });
  });
});
