import { Keypair } from "@stellar/stellar-sdk";
import { expect } from "chai";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createWasiEngine } from "../../../../src/adapters/engine/wasi/create-wasi-engine.ts";
import { createLocalRuns } from "../../../../src/execution/local-runs.ts";
import { createMemoryLogger, type LogLine } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { decodeDefence } from "../../../../src/domain/appeal/defence.ts";
import { commitmentOf, probeNonceOf } from "../../../../src/domain/verdict/commitment.ts";
import { encodeEvidence } from "../../../../src/domain/verdict/evidence.ts";
import { readContent } from "../../../../src/execution/read-content.ts";
import type { Agreement, Verdict } from "../../../../src/ports/chain.ts";
import { fromHex } from "../../../../src/utils/bytes.ts";
import { followAgreements, type AgreementFollower } from "../../../../src/worker/agreements/follow-agreements.ts";
import { watchOutcomes, type AppealWatcher } from "../../../../src/worker/appeals/appeal-outcomes.ts";
import { createAttempts } from "../../../../src/worker/executions/attempts.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { createLyingEngine } from "../../../helpers/lying-engine.ts";
import {
  registerTester,
  registerTwin,
  registerWorker,
  startMarketChain,
  type MarketChain,
} from "../../../helpers/market-chain.ts";
import { until } from "../../../helpers/until.ts";

type Identity = Awaited<ReturnType<MarketChain["identity"]>>;

const TESTERS = 10;
const ENTRY = "2026-01-01,rent,cash,100,first\n";
const FORGED = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy";
const GWEI = 10n ** 9n;

describe("worker/appeals/appeal-outcomes", () => {
  let scene: ExecutionScene;
  let market: MarketChain;
  let client: Identity;
  let worker: Identity;
  let testers: Identity[];
  let workerId: number;
  let lines: LogLine[];
  let follower: AgreementFollower | undefined;
  let watcher: AppealWatcher | undefined;

  before(async () => {
    scene = await createExecutionScene({ workers: 1 });
  });
  after(() => scene.stop());
  beforeEach(async () => {
    market = await startMarketChain({ appealLength: 8 });
    client = await market.identity(0);
    worker = await market.identity(1);
    await registerTwin(client);
    workerId = await registerWorker(worker);
    testers = [];
    for (let n = 0; n < TESTERS; n++) testers.push(await market.identity(2 + n));
    for (const tester of testers) await registerTester(tester);
    lines = [];
  });
  afterEach(async () => {
    await follower?.stop();
    await watcher?.stop();
    await market.close();
  });

  const buy = async (): Promise<Agreement> => {
    const request = { redundancy: 1, lengthBlocks: 20, startAfterBlocks: 5 };
    const { agreement } = await client.chain.buy(request, await client.chain.quote(request));
    return (await client.chain.agreement(agreement))!;
  };
  const identityOf = (account: string): Identity => testers.find(({ chain }) => chain.account === account)!;
  const saltOf = (account: string): Uint8Array => fromHex(account.slice(2).padStart(64, "0"));

  /** The worker's daemon, as far as agreements and appeals go, with the execution service's own answers. */
  async function serve(): Promise<void> {
    const [sceneWorker] = scene.workers;
    const store = sceneWorker!.changes.store!;
    const logger = createMemoryLogger(lines);
    const { content } = sceneWorker!;
    const { scratchDirectory } = scene;
    const attempts = createAttempts({ store, clock: systemClock, latestBlock: () => 0 });
    watcher = watchOutcomes(
      {
        chain: worker.chain,
        store: createMemoryStore(),
        ledger: scene.client.ledger,
        content,
        runs: createLocalRuns({
          content,
          engines: new Map([["wasi" as const, createWasiEngine({ content, logger }, { scratchDirectory })]]),
          scratchDirectory,
        }),
        clock: systemClock,
        logger,
        messageKey: sceneWorker!.messageKeys.publicKey,
        answersTo: async (requestHash) => (await attempts.of(requestHash)).map(({ signed }) => signed),
      },
      { workerId, withdrawFactor: 0 },
    );
    follower = followAgreements(
      { chain: worker.chain, clock: systemClock, logger, store: createMemoryStore() },
      { workerId, withdrawFactor: 0, onLook: async (look) => await Promise.resolve(watcher?.onLook(look)) },
    );
    await follower.start();
  }

  /** What a tester puts forward: a probe that the worker answered, and runs of its own that say otherwise. */
  async function accuse(agreement: Agreement, tester: string, program: string): Promise<string> {
    const salt = saltOf(tester);
    const nonce = new Uint8Array(probeNonceOf({ agreement: agreement.address, epoch: 0, tester, salt }));
    const { signed } = await scene.paid(await scene.user(), program, ENTRY, { nonce });
    const { signed: answer } = await scene.client.workerApi.execute(scene.workers[0]!.url, signed);
    const forged = { ...answer.answer, newState: FORGED };
    const evidence = encodeEvidence({
      version: 1,
      kind: "evidence",
      agreement: new Uint8Array(fromHex(agreement.address)),
      epoch: 0,
      tester: new Uint8Array(fromHex(tester)),
      program,
      request: signed,
      ownRuns: [{ answers: [forged, forged] }],
      workers: [{ workerId, answer, verdict: "wrong", reason: "other-answer" }],
    });
    return await scene.client.content.putRecord(evidence);
  }

  /** Two of three drawn testers say `wrong`, with evidence or without; the third says `ok`. Ends in the appeal window. */
  async function condemn(agreement: Agreement, evidenceOf: (tester: string) => Promise<string>): Promise<string[]> {
    const { address } = agreement;
    const windows = await client.chain.windowsOf(address, 0);
    await market.mineTo(windows.commitFrom);
    await client.chain.openEpoch(address, 0);
    const drawn = (await client.chain.seatsOf(address, 0)).map(({ tester }) => tester);
    const reports = [];
    for (const [seat, tester] of drawn.entries()) {
      const verdicts: readonly Verdict[] = [seat < 2 ? "wrong" : "ok"];
      const evidenceCid = seat < 2 ? await evidenceOf(tester) : "";
      const report = { seat, tester, verdicts, evidenceCid, salt: saltOf(tester) };
      const commitment = commitmentOf({ agreement: address, epoch: 0, ...report });
      await identityOf(tester).chain.commit(address, 0, commitment);
      reports.push(report);
    }
    await market.mineTo(windows.revealFrom - 1);
    for (const report of reports) await client.chain.reveal(address, 0, report);
    expect(await client.chain.tallyOf(address, 0)).to.deep.equal(["wrong"]);
    await market.mineTo(windows.appealFrom);
    return drawn;
  }

  /** The panel's testers judge again, all the same. */
  async function judge(agreement: Agreement, verdict: Verdict): Promise<void> {
    const { address } = agreement;
    const windows = await client.chain.panelWindowsOf(address, 0);
    await market.mineTo(windows.commitFrom);
    await client.chain.openPanel(address, 0);
    const panel = (await client.chain.panelOf(address, 0)).map(({ tester }) => tester);
    const reportOf = (tester: string) => ({ tester, verdicts: [verdict], evidenceCid: "", salt: saltOf(tester) });
    for (const tester of panel) {
      const commitment = commitmentOf({ agreement: address, epoch: 0, ...reportOf(tester) });
      await identityOf(tester).chain.commitToPanel(address, 0, commitment);
    }
    await market.mineTo(windows.revealFrom - 1);
    for (const tester of panel) await client.chain.revealToPanel(address, 0, reportOf(tester));
    await market.mineTo(windows.finalFrom);
  }

  const logged = (message: string): LogLine | undefined => lines.find((line) => line.message === message);

  it("should appeal what two lying testers of three say, get its pay and its bond, and lose no stake", async () => {
    const program = await scene.program("bookkeeping");
    const agreement = await buy();
    const { address } = agreement;
    await client.chain.bindProgram(address, new Uint8Array(Keypair.fromPublicKey(program).rawPublicKey()));
    const { stakeWei } = (await client.chain.worker(workerId))!;
    await serve();
    const drawn = await condemn(agreement, async (tester) => await accuse(agreement, tester, program));
    await until(async () => (await client.chain.appealedWorkers(address, 0)).length === 1, { what: "the appeal" });
    const bondWei = await client.chain.bondWei(address);
    expect(await client.chain.balanceWei(market.contracts.disputes)).to.equal(bondWei);

    const { context } = logged("an outcome against this worker is appealed")!;
    expect(context).to.deep.include({ findings: ["refuted", "refuted"], reason: "worth-it" });
    const options = { maxBytes: 1_000_000 };
    const defence = decodeDefence(await readContent(scene.client.content, String(context["defenceCid"]), options));
    expect(defence).to.deep.include({ workerId, epoch: 0 });
    expect(defence.accusations.map(({ answers }) => answers.length)).to.deep.equal([1, 1]);

    await judge(agreement, "ok");
    await until(() => logged("agreement closed") !== undefined, { what: "the end" });
    expect(await client.chain.outcomesOf(address, 0)).to.deep.equal(["ok"]);
    expect(logged("agreement closed")!.context["withdrawnWei"]).to.equal((20n * GWEI).toString());
    expect((await client.chain.worker(workerId))!.stakeWei).to.equal(stakeWei);
    expect(await client.chain.reputationOf(workerId)).to.deep.include({ epochsOk: 1, epochsWrong: 0, slashedWei: 0n });
    for (const [seat, tester] of drawn.entries()) {
      const entry = await client.chain.tester((await client.chain.testerOf(tester))!);
      expect(entry!.overturned, `seat ${seat}`).to.equal(seat < 2 ? 1 : 0);
    }
    await until(
      async () => {
        await market.mine(1);
        return logged("bonds withdrawn") !== undefined;
      },
      { what: "the bond" },
    );
    expect(await client.chain.bondCreditWei(worker.chain.account)).to.equal(0n);
    expect(logged("bonds withdrawn")!.context["withdrawnWei"]).to.equal(bondWei.toString());
  });

  it("should appeal verdicts that nothing is shown for, as far as that is worth its bond", async () => {
    const agreement = await buy();
    await serve();
    await condemn(agreement, async () => await Promise.resolve(""));
    await until(async () => (await client.chain.appealedWorkers(agreement.address, 0)).length === 1, {
      what: "the appeal",
    });
    const { context } = logged("an outcome against this worker is appealed")!;
    expect(context).to.deep.include({ findings: ["unsupported", "unsupported"], chance: 7_500 });
  });

  it("should not appeal when its own run shows that the testers are right", async () => {
    const program = await scene.program("bookkeeping");
    const [sceneWorker] = scene.workers;
    await sceneWorker!.stop();
    sceneWorker!.changes.wrapEngine = createLyingEngine;
    await sceneWorker!.start();
    try {
      const agreement = await buy();
      await serve();
      await condemn(agreement, async (tester) => await accuse(agreement, tester, program));
      await until(() => logged("an outcome against this worker is not appealed") !== undefined, { what: "the look" });
      const { context } = logged("an outcome against this worker is not appealed")!;
      expect(context).to.deep.include({ findings: ["stands", "stands"], reason: "accusations-stand" });
      await market.mineTo((await client.chain.windowsOf(agreement.address, 0)).finalFrom + 2);
      await until(() => logged("agreement closed") !== undefined, { what: "the end" });
      expect(await client.chain.appealedWorkers(agreement.address, 0)).to.deep.equal([]);
      expect((await client.chain.reputationOf(workerId)).slashedWei > 0n).to.equal(true);
    } finally {
      await sceneWorker!.stop();
      delete sceneWorker!.changes.wrapEngine;
      await sceneWorker!.start();
    }
  });
});
