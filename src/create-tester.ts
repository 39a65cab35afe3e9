import { findAddress } from "./client/find-address.ts";
import { joinContent } from "./client/join-content.ts";
import {
  checkEngines,
  closeEngines,
  createEngines,
  prepareRuns,
  runsOf,
  scratchOf,
  type EngineSettings,
} from "./create-engines.ts";
import { createPeer, type PeerInit } from "./create-peer.ts";
import { SprfError } from "./errors.ts";
import type { Startable } from "./ports/startable.ts";
import type { EpochReport } from "./tester/duty-runner.ts";
import { createOwnRun } from "./tester/own-run.ts";
import { createProber } from "./tester/probe.ts";
import { createPurse } from "./tester/purse.ts";
import { createTesterService } from "./tester/tester.ts";

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

export interface Tester extends Startable {
  readonly account: string;
  /** Known after start. */
  readonly testerId: number;
}

/** Makes a tester daemon: registered, answering each draw with commit and reveal. */
export async function createTester(init: TesterInit): Promise<Tester> {
  const logger = init.logger.child({ tester: init.keys.account });
  const peer = await createPeer({ ...init, logger });
  const { chain, keys } = peer;
  const scratchDirectory = scratchOf(init, init.keys.account);
  const engines = createEngines(peer, { ...init.engines, scratchDirectory });
  const purse = createPurse(peer, keys.ledgerKeypair);
  const ownRun = createOwnRun({ ...peer, engines, scratchDirectory: runsOf(scratchDirectory) });
  const messageKeys = { publicKey: keys.messageKey, privateKey: keys.messagePrivateKey };
  const service = createTesterService(
    {
      ...peer,
      logger,
      purse,
      findAddress: async (parts) => await findAddress({ ...peer, logger, messageKeys }, parts),
      prober: createProber({
        ...peer,
        logger,
        ownRun,
        purse,
        // Program, state and records come from the program's workers.
        joinContent: async (program, options) => await joinContent({ ...peer, logger }, program, options),
      }),
    },
    init.onReport === undefined ? {} : { onReport: init.onReport },
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
