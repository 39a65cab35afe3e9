import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect } from "chai";

import { createSqliteStore } from "../../../src/adapters/store/sqlite.ts";
import { leaderOf } from "../../../src/domain/verdict/reporting-way.ts";
import { createDutyStore, type Duty } from "../../../src/tester/duty-store.ts";
import { startTesterProcess, type TesterProcess, type TesterProcessInit } from "../../helpers/tester-process.ts";
import { createTesterScene, type Identity, type TesterScene } from "../../helpers/tester-scene.ts";

/** At which reporting together pays, or does not. */
const GAS_PRICE = { together: "100000000", alone: "1" };
const FIRST_TESTER = 4;

describe("tester: kill -9", () => {
  let scene: TesterScene;
  let directory: string;
  const running: TesterProcess[] = [];

  before(async () => {
    scene = await createTesterScene({ revealLength: 16 });
  });
  after(() => scene.stop());
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "sprf-kill-"));
    await scene.begin();
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.kill();
    await scene.end();
    await rm(directory, { recursive: true, force: true });
  });

  const openEpoch = async (): Promise<{ agreement: string; seats: readonly Identity[] }> => {
    const agreement = await scene.buy(20);
    await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).commitFrom);
    await scene.client.chain.openEpoch(agreement, 0);
    return { agreement, seats: await scene.drawn(agreement) };
  };
  const storePathOf = (tester: Identity): string => join(directory, `${tester.keys.account}.sqlite`);
  const start = async (
    tester: Identity,
    agreement: string,
    changes: Partial<TesterProcessInit> = {},
  ): Promise<TesterProcess> => {
    const process = await startTesterProcess({
      rpcUrl: scene.market.rpcUrl,
      contracts: scene.market.contracts,
      accountIndex: FIRST_TESTER + scene.testers.findIndex(({ keys }) => keys.account === tester.keys.account),
      workerIndexes: [1, 2, 3],
      storePath: storePathOf(tester),
      gasPriceWei: GAS_PRICE.alone,
      agreement,
      ...changes,
    });
    running.push(process);
    return process;
  };
  const storedDuty = async (tester: Identity, agreement: string): Promise<Duty> => {
    const store = createSqliteStore(storePathOf(tester));
    try {
      const [duty] = await createDutyStore(store).of(agreement);
      return duty!;
    } finally {
      await store.close();
    }
  };
  const verdictsOf = async (agreement: string): Promise<readonly (readonly string[])[]> =>
    (await scene.client.chain.seatsOf(agreement, 0))
      .filter(({ status }) => status === "revealed")
      .map((seat) => seat.verdicts);

  it("should reveal what it committed to alone, after a kill between commit and reveal", async () => {
    const { agreement, seats } = await openEpoch();
    const [tester] = seats as [Identity];
    const first = await start(tester, agreement);
    await scene.seatsAre(agreement, "committed", 1);
    await first.kill();
    const { report, salt } = await storedDuty(tester, agreement);
    await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).revealFrom);
    await start(tester, agreement);
    await scene.seatsAre(agreement, "revealed", 1);
    expect(await verdictsOf(agreement)).to.deep.equal([report!.verdicts]);
    const [revealed] = await scene.client.chain.reportsOf(agreement, 0);
    expect(revealed).to.deep.equal({ tester: tester.keys.account, ...report, salt });
  });

  it("should reveal what others committed for it, after a kill between commit and reveal of all of them", async () => {
    const { agreement, seats } = await openEpoch();
    const together = { hub: scene.hub, gasPriceWei: GAS_PRICE.together };
    const first = await Promise.all(seats.map(async (tester) => await start(tester, agreement, together)));
    await scene.seatsAre(agreement, "committed");
    expect((await scene.client.chain.seatsOf(agreement, 0)).every(({ grouped }) => grouped)).to.equal(true);
    for (const process of first) await process.kill();
    await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).revealFrom);
    // The one whose turn it is to reveal for all stays away.
    const leader = leaderOf(0, seats.length, "reveal");
    for (const [seat, tester] of seats.entries()) if (seat !== leader) await start(tester, agreement, together);
    const { revealFrom } = await scene.client.chain.windowsOf(agreement, 0);
    await scene.market.mineTo(revealFrom + 8);
    await scene.seatsAre(agreement, "revealed", 2);
    // It comes late, but not too late.
    await start(seats[leader]!, agreement, together);
    await scene.seatsAre(agreement, "revealed", 3);
    expect((await verdictsOf(agreement)).every((verdicts) => verdicts.includes("wrong"))).to.equal(true);
  });

  for (const phase of ["probing", "reported"] as const) {
    it(`should end revealed when it is killed as soon as it is ${phase}`, async () => {
      const { agreement, seats } = await openEpoch();
      const [tester] = seats as [Identity];
      const first = await start(tester, agreement);
      // Phases go by in a moment: what was written down by the time of the kill is at least this one.
      await Promise.race([first.reaches(phase), scene.seatsAre(agreement, "committed", 1)]);
      await first.kill();
      await start(tester, agreement);
      await scene.seatsAre(agreement, "committed", 1);
      await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).revealFrom);
      await scene.seatsAre(agreement, "revealed", 1);
      const { report } = await storedDuty(tester, agreement);
      expect(await verdictsOf(agreement)).to.deep.equal([report!.verdicts]);
    });
  }
});
