import { findAddress } from "./client/find-address.ts";
import { joinContent } from "./client/join-content.ts";
import {
  checkEngines,
  closeEngines,
  createEngines,
  createStates,
  prepareRuns,
  runsOf,
  scratchOf,
  type EngineSettings,
} from "./create-engines.ts";
import { engineCheck } from "./admin/peer-checks.ts";
import type { Checked } from "./create-admin.ts";
import { createPeer, type PeerInit } from "./create-peer.ts";
import { detectionTable, type DetectionRow } from "./domain/verdict/detection.ts";
import { SprfError } from "./errors.ts";
import { loadSmartAccount } from "./execution/load-smart-account.ts";
import { boundEngines } from "./tester/bound-engines.ts";
import type { EpochReport } from "./tester/duty-runner.ts";
import { createOwnRun } from "./tester/own-run.ts";
import { createPanelBench } from "./tester/panel-bench.ts";
import { createProber } from "./tester/probe.ts";
import { createPurse } from "./tester/purse.ts";
import { createRerun } from "./tester/rerun.ts";
import { createTesterService } from "./tester/tester.ts";
import { inRequest } from "./utils/request-scope.ts";
import { newRequestId } from "./wire/traceparent.ts";

/** Programs that run at a time. */
const RUNS_AT_A_TIME = 2;
/** What an agreement has unless its client asks for another number. */
const USUAL_TESTERS = 3;

export interface TesterInit extends PeerInit {
  readonly engines: EngineSettings;
  /** What is registered when this account is no tester yet. */
  readonly registration?: {
    readonly feePerEpochWei: bigint;
    readonly capacity: number;
    /** @default the least */
    readonly stakeWei?: bigint;
  };
  /** Called after each epoch whose verdicts were revealed. */
  readonly onReport?: (report: EpochReport) => void;
}

export interface Tester extends Checked {
  readonly account: string;
  /** Known after start. */
  readonly testerId: number;
  /** How likely a worker that lies now and then is seen, see domain/verdict/detection.ts. */
  readonly detection: readonly DetectionRow[];
}

/** Makes a tester daemon: registered, answering each draw with commit and reveal. */
export async function createTester(init: TesterInit): Promise<Tester> {
  const logger = init.logger.child({ tester: init.keys.account });
  const peer = await createPeer({ ...init, logger });
  const { chain, keys, metrics } = peer;
  const scratchDirectory = scratchOf(init, init.keys.account);
  const engines = createEngines(peer, { ...init.engines, scratchDirectory });
  const purse = createPurse(peer, keys.ledgerKeypair);
  const running = {
    ...peer,
    engines: boundEngines(engines, RUNS_AT_A_TIME),
    scratchDirectory: runsOf(scratchDirectory),
    states: createStates({ clock: peer.clock, logger }, { ...init.engines, scratchDirectory }),
  };
  const ownRun = createOwnRun(running);
  const rerun = createRerun(running);
  const detection = detectionTable(USUAL_TESTERS);
  // Program, state and records come from the program's workers.
  const join = async (program: string, options: { signal: AbortSignal }): Promise<void> =>
    await joinContent({ ...peer, logger }, program, options);
  const prober = createProber({ ...peer, logger, ownRun, purse, joinContent: join });
  const messageKeys = { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey };
  const service = createTesterService(
    {
      ...peer,
      logger,
      purse,
      findAddress: async (parts) => await findAddress({ ...peer, logger, messageKeys }, parts),
      // As of an ordinary user: one id for all workers.
      prober: async (parts) => await inRequest(newRequestId(peer.random), async () => await prober(parts)),
      repeatLanded: async ({ program, ...parts }, { signal }) => {
        const account = await loadSmartAccount(peer.ledger, program, { signal });
        await join(program, { signal });
        return await rerun.landed({ account, ...parts }, { signal });
      },
      bench: createPanelBench({ ...peer, rerun, joinContent: join }),
      messaging: { messenger: peer.messenger, messageKeys },
    },
    {
      onReport: (report) => {
        const { round, verdicts } = report;
        metrics.count("sprf_tester_reports_total", { round });
        for (const verdict of verdicts) metrics.count("sprf_tester_verdicts_total", { round, verdict });
        init.onReport?.(report);
      },
    },
  );
  const closers: (() => Promise<void>)[] = [];
  let testerId: number | undefined;
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;

  async function start(signal: AbortSignal | undefined): Promise<void> {
    closers.push(async () => await peer.stop());
    await peer.start({ signal });
    closers.push(async () => await closeEngines(engines));
    await prepareRuns(scratchDirectory);
    await checkEngines(engines, { signal });
    await peer.ensureTwin({ signal });
    testerId = await ensureRegistered(signal);
    closers.push(async () => await service.stop());
    await service.start({ signal });
    logger.info("tester started", { testerId });
    for (const row of detection) logger.debug("chance that a lying worker is seen", { ...row });
  }

  async function ensureRegistered(signal: AbortSignal | undefined): Promise<number> {
    const found = await chain.testerOf(chain.account, { signal });
    if (found !== undefined) return found;
    const { registration } = init;
    if (registration === undefined) {
      throw new SprfError(
        "CONFIG_INVALID",
        `${chain.account} is no registered tester, and no terms to register are set`,
      );
    }
    const stakeWei = registration.stakeWei ?? (await chain.requiredTesterStakeWei(registration.capacity, { signal }));
    return await chain.registerTester(registration, stakeWei, { signal });
  }

  async function stop(): Promise<void> {
    await starting?.catch(() => undefined);
    for (const close of closers.splice(0).reverse()) await close();
  }

  return {
    account: keys.account,
    detection,
    checks: [...peer.checks, engineCheck(engines)],
    get testerId() {
      if (testerId === undefined) throw new SprfError("INTERNAL", "the tester was not started");
      return testerId;
    },
    async start({ signal } = {}) {
      starting ??= start(signal);
      await starting;
    },
    async stop() {
      stopping ??= stop();
      await stopping;
    },
  };
}
