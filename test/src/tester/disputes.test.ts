import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { commitmentOf } from "../../../src/domain/verdict/commitment.ts";
import type { EthersChain } from "../../../src/adapters/chain/ethers.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import type { RevealedReport, Verdict } from "../../../src/ports/chain.ts";
import type { OpenedProgram, PanelBench } from "../../../src/tester/examine-panel.ts";
import { SprfError } from "../../../src/errors.ts";
import { equalBytes, fromHex } from "../../../src/utils/bytes.ts";
import { createAuthoriser } from "../../../src/worker/agreements/authorise-address-request.ts";
import { createDutyStore } from "../../../src/tester/duty-store.ts";
import type { TesterComponents, TesterInit } from "../../../src/tester/tester.ts";
import { until } from "../../helpers/until.ts";
import { STATES, probeWorkers } from "../../helpers/tester-probe.ts";
import { createTesterScene, type Identity, type TesterScene } from "../../helpers/tester-scene.ts";

const NO_EVIDENCE = "bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const SALT = new Uint8Array(32).fill(9);
/** Three for the epoch, and a panel of seven others. */
const TESTERS = 10;

describe("tester: disputes", () => {
  let scene: TesterScene;

  before(async () => {
    // A block for each transaction: windows must be long enough for those of all testers.
    scene = await createTesterScene({ testers: TESTERS, epochLength: 32, revealLength: 24, appealLength: 16 });
  });
  after(() => scene.stop());
  beforeEach(() => scene.begin());
  afterEach(() => scene.end());

  const openEpoch = async (): Promise<{ agreement: string; seats: readonly Identity[] }> => {
    const agreement = await scene.buy(32);
    await scene.market.mineTo((await scene.client.chain.windowsOf(agreement, 0)).commitFrom);
    await scene.client.chain.openEpoch(agreement, 0);
    return { agreement, seats: await scene.drawn(agreement) };
  };

  /** A tester of the product, that hears the others. */
  const startHonest = async (
    tester: Identity,
    overrides: Partial<TesterComponents> = {},
    init: TesterInit = {},
  ): Promise<TesterComponents> => {
    const messageKeys = { publicKey: tester.keys.messageKey, privateKey: tester.keys.messagePrivateKey };
    const messaging = { messenger: await scene.messenger(tester), messageKeys };
    const components = scene.components(tester, {}, { messaging, ...overrides });
    await scene.start(components, { evidenceTimeoutMs: 1_500, ...init });
    return components;
  };

  /** A tester that says what it likes. */
  const commitAsLiar = async (
    agreement: string,
    { chain }: Identity,
    verdicts: readonly Verdict[],
  ): Promise<RevealedReport> => {
    const report = { tester: chain.account, verdicts, evidenceCid: NO_EVIDENCE, salt: SALT };
    await chain.commit(agreement, 0, commitmentOf({ agreement, epoch: 0, ...report }));
    return report;
  };
  const revealAsLiar = async (agreement: string, { chain }: Identity, report: RevealedReport): Promise<void> => {
    const seats = await chain.seatsOf(agreement, 0);
    const seat = seats.findIndex(({ tester }) => tester === chain.account);
    await chain.reveal(agreement, 0, { seat, ...report });
  };
  const seatOf = async (agreement: string, { keys }: Identity): Promise<number> =>
    (await scene.client.chain.seatsOf(agreement, 0)).findIndex(({ tester }) => tester === keys.account);

  it("should answer challenges with the workers' signed answers, and get each bond, also after a restart", async () => {
    const { agreement, seats } = await openEpoch();
    const [tester] = seats as [Identity];
    const chain = scene.client.chain;
    const windows = await chain.windowsOf(agreement, 0);
    const components = scene.components(tester);
    const first = await scene.start(components);
    await scene.seatsAre(agreement, "committed", 1);
    await scene.market.mineTo(windows.revealFrom);
    await scene.seatsAre(agreement, "revealed", 1);
    await first.stop();

    await scene.market.mineTo(windows.appealFrom - 1);
    const seat = await seatOf(agreement, tester);
    const bondWei = await chain.missPenaltyWei();
    for (const worker of [2, 0]) await chain.challenge(agreement, 0, seat, worker, bondWei);
    expect(await chain.openChallenges(agreement, 0, seat)).to.deep.equal([0, 2]);
    // Its content store is gone: what it needs is in its own store.
    await scene.start(scene.components(tester, {}, { store: components.store }));
    await until(async () => (await chain.openChallenges(agreement, 0, seat)).length === 0, { what: "the answers" });
    for (const worker of [2, 0]) {
      expect((await chain.challengeOf(agreement, 0, seat, worker))?.answered).to.equal(true);
    }
    await scene.market.mine(20);
    await until(async () => (await chain.bondCreditWei(tester.keys.account)) === 0n, { what: "pulling the bond" });
  });

  it("should challenge an ok whose evidence nobody has, and leave those alone that show theirs", async () => {
    const { agreement, seats } = await openEpoch();
    const [lazy, ...honest] = seats as [Identity, ...Identity[]];
    const chain = scene.client.chain;
    const windows = await chain.windowsOf(agreement, 0);
    const report = await commitAsLiar(agreement, lazy, ["ok", "ok", "ok"]);
    for (const tester of honest) await startHonest(tester);
    await scene.seatsAre(agreement, "committed", 3);
    await scene.market.mineTo(windows.revealFrom);
    await revealAsLiar(agreement, lazy, report);
    await scene.seatsAre(agreement, "revealed", 3);

    await scene.market.mineTo(windows.appealFrom - 1);
    const seat = await seatOf(agreement, lazy);
    await until(async () => (await chain.openChallenges(agreement, 0, seat)).length > 0, { what: "a challenge" });
    for (const worker of await chain.openChallenges(agreement, 0, seat)) {
      const challenge = await chain.challengeOf(agreement, 0, seat, worker);
      expect(honest.map(({ keys }) => keys.account)).to.include(challenge?.challenger);
    }
    for (const tester of honest) {
      expect(await chain.openChallenges(agreement, 0, await seatOf(agreement, tester))).to.deep.equal([]);
    }
  });

  it("should challenge an ok that rests on an answer of another program", async () => {
    const { agreement, seats } = await openEpoch();
    const [lazy, ...honest] = seats as [Identity, ...Identity[]];
    const chain = scene.client.chain;
    const windows = await chain.windowsOf(agreement, 0);
    const program = Keypair.random().publicKey();
    const keys = scene.workers.map((worker) => worker.keys);
    await startHonest(lazy, {
      prober: async (parts) => await Promise.resolve(probeWorkers({ ...parts, program }, keys, {})),
    });
    for (const tester of honest) await startHonest(tester, {}, { evidenceTimeoutMs: 6_000 });
    await scene.seatsAre(agreement, "committed", 3);
    await scene.market.mineTo(windows.revealFrom);
    await scene.seatsAre(agreement, "revealed", 3);
    await scene.market.mineTo(windows.appealFrom - 1);
    const seat = await seatOf(agreement, lazy);
    await until(async () => (await chain.openChallenges(agreement, 0, seat)).length > 0, { what: "a challenge" });
    for (const line of scene.lines.filter(({ message }) => message.startsWith("a report has nothing"))) {
      expect(line.context).to.deep.include({ seat, grounds: "no-answer" });
    }
    for (const tester of honest) {
      expect(await chain.openChallenges(agreement, 0, await seatOf(agreement, tester))).to.deep.equal([]);
    }
  });

  it("should challenge an ok that nobody asked about, although an accomplice asked about others first", async () => {
    const { agreement, seats } = await openEpoch();
    const [lazy, honest] = seats as [Identity, Identity];
    const chain = scene.client.chain;
    const windows = await chain.windowsOf(agreement, 0);
    const report = await commitAsLiar(agreement, lazy, ["ok", "ok", "ok"]);
    const components = scene.components(honest);
    const first = await scene.start(components, { evidenceTimeoutMs: 500 });
    await scene.seatsAre(agreement, "committed", 2);
    await scene.market.mineTo(windows.revealFrom);
    await revealAsLiar(agreement, lazy, report);
    await scene.seatsAre(agreement, "revealed", 2);
    await first.stop();

    await scene.market.mineTo(windows.appealFrom - 1);
    const seat = await seatOf(agreement, lazy);
    const bondWei = await chain.missPenaltyWei();
    for (const worker of [0, 2]) await chain.challenge(agreement, 0, seat, worker, bondWei);
    await scene.start(scene.components(honest, {}, { store: components.store }), { evidenceTimeoutMs: 500 });
    const open = async (): Promise<readonly number[]> => await chain.openChallenges(agreement, 0, seat);
    await until(async () => (await open()).length === 3, { what: "a challenge for the worker that is left" });
    expect(await chain.challengeOf(agreement, 0, seat, 1)).to.deep.equal({
      challenger: honest.keys.account,
      answered: false,
    });
  });

  it("should overturn, as a panel, what the evidence of one tester disproves", async () => {
    const { agreement, seats } = await openEpoch();
    const [honest, ...liars] = seats as [Identity, ...Identity[]];
    const chain = scene.client.chain;
    const windows = await chain.windowsOf(agreement, 0);
    const terms = (await chain.agreement(agreement))!;
    const victim = scene.workers.find(({ keys }) => keys.account === terms.workerOperators[1])!;
    const lies: RevealedReport[] = [];
    for (const liar of liars) lies.push(await commitAsLiar(agreement, liar, ["ok", "unreachable", "ok"]));
    await startHonest(honest, {}, { challengesADay: 0 });
    await scene.seatsAre(agreement, "committed", 3);
    await scene.market.mineTo(windows.revealFrom);
    for (const [i, liar] of liars.entries()) await revealAsLiar(agreement, liar, lies[i]!);
    await scene.seatsAre(agreement, "revealed", 3);
    expect(await chain.tallyOf(agreement, 0)).to.deep.equal(["ok", "unreachable", "ok"]);

    await scene.market.mineTo(windows.appealFrom - 1);
    const operator = await scene.market.connect(victim.keys);
    await operator.appeal(agreement, 0, 1, await chain.bondWei(agreement));
    const panel = await chain.panelWindowsOf(agreement, 0);
    await scene.market.mineTo(panel.commitFrom);
    const others = scene.testers.filter(({ keys }) => !seats.some((each) => each.keys.account === keys.account));
    const judges: TesterComponents[] = [];
    // The worker is down now; only the honest tester's evidence speaks for it.
    for (const judge of others) {
      // Time enough to become part of the mesh.
      const init = { evidenceTimeoutMs: 6_000 };
      judges.push(await startHonest(judge, { bench: benchOf({ live: false }) }, init));
    }
    const panelIs = async (status: string): Promise<void> =>
      await until(
        async () => {
          const panelSeats = await chain.panelOf(agreement, 0);
          return panelSeats.length > 0 && panelSeats.every((each) => each.status === status);
        },
        { what: `the panel ${status}`, timeoutMs: 20_000 },
      );
    await panelIs("committed");
    // The agreement is over, but its workers still tell the panel where they are, and nobody else.
    expect(await chain.blockNumber()).to.be.greaterThan(terms.endBlock);
    const latest = await chain.blockNumber();
    const authorise = createAuthoriser({
      chain,
      workerId: terms.workerIds[1]!,
      clock: systemClock,
      latestBlock: () => latest,
    });
    const asks = async ({ keys }: Identity): Promise<boolean> =>
      await authorise({ agreement: fromHex(agreement), from: keys.messageKey });
    expect(await Promise.all(others.map(asks))).to.deep.equal(others.map(() => true));
    expect(await Promise.all([...seats, scene.client].map(asks))).to.deep.equal([false, false, false, false]);
    await scene.market.mineTo(panel.revealFrom);
    await panelIs("revealed");
    await scene.market.mineTo(panel.finalFrom);
    await chain.settle(agreement, 1);
    expect(await chain.outcomesOf(agreement, 0)).to.deep.equal(["ok", "ok", "ok"]);
    for (const { store } of judges) {
      const [duty] = await createDutyStore(store).of(agreement);
      expect([duty?.round, duty?.phase]).to.deep.equal(["panel", "revealed"]);
    }
  });

  it("should do its other duties while too few testers are left for a panel", async () => {
    const { agreement, seats } = await openEpoch();
    const { revealFrom } = await scene.client.chain.windowsOf(agreement, 0);
    let previews = 0;
    for (const { keys, chain } of seats) {
      const contested: EthersChain = {
        ...chain,
        appealedWorkers: async () => [1],
        panelOf: async () => [],
        panelWindowsOf: async () => ({
          seedBlock: 0,
          commitFrom: 0,
          commitTo: 1e9,
          revealFrom: 1e9,
          revealTo: 1e9,
          finalFrom: 1e9,
        }),
        async previewPanel() {
          previews++;
          throw new SprfError("CHAIN_REVERTED", "too few", { context: { error: "Disputes_NotEnoughTesters" } });
        },
      };
      await startHonest({ keys, chain }, { chain: contested });
    }
    await scene.seatsAre(agreement, "committed");
    await scene.market.mineTo(revealFrom + 1);
    await scene.seatsAre(agreement, "revealed");
    expect(previews).to.be.greaterThan(0);
    expect(scene.lines.filter(({ message }) => message === "cannot look at an agreement")).to.deep.equal([]);
  });

  it("should appeal when its proof was outvoted, if that costs less than the epoch earned", async () => {
    const { agreement, seats } = await openEpoch();
    const [honest, ...liars] = seats as [Identity, ...Identity[]];
    const chain = scene.client.chain;
    const windows = await chain.windowsOf(agreement, 0);
    const { workerOperators } = (await chain.agreement(agreement))!;
    const liarIndex = workerOperators.indexOf(scene.workers[1]!.keys.account);
    const lies: RevealedReport[] = [];
    for (const liar of liars) lies.push(await commitAsLiar(agreement, liar, ["ok", "ok", "ok"]));
    const cheap = { ...honest.chain, gasPriceWei: async () => await Promise.resolve(1n) };
    await scene.start(scene.components(honest, { lying: [1] }, { chain: cheap }), { challengesADay: 0 });
    await scene.seatsAre(agreement, "committed", 3);
    await scene.market.mineTo(windows.revealFrom);
    for (const [i, liar] of liars.entries()) await revealAsLiar(agreement, liar, lies[i]!);
    await scene.seatsAre(agreement, "revealed", 3);
    await scene.market.mineTo(windows.appealFrom - 1);
    await until(async () => (await chain.appealedWorkers(agreement, 0)).length > 0, { what: "an appeal" });
    expect(await chain.appealedWorkers(agreement, 0)).to.deep.equal([liarIndex]);
  });

  /** Stands in for ledger and engines: the program leaves the first state. */
  function benchOf({ live }: { readonly live: boolean }): PanelBench {
    const opened: OpenedProgram = {
      engine: "wasi",
      digest: undefined,
      answer: async (_, { answer }) =>
        await Promise.resolve({
          onKnownState: true,
          own: { kind: "agreed", answer: { ...answer, newState: STATES[0] } },
        }),
      record: async () => await Promise.resolve({ kind: "none", reason: "NOTHING_LANDED" }),
      isPaid: async () => await Promise.resolve(true),
      isLive: async ({ messageKey }) => {
        const known = scene.workers.some(({ keys }) => equalBytes(keys.messageKey, messageKey));
        return await Promise.resolve(live && known ? { live: true } : { live: false, code: "WORKER_UNREACHABLE" });
      },
    };
    return { open: async () => await Promise.resolve(opened) };
  }
});
