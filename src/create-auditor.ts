import { rm } from "node:fs/promises";
import { join } from "node:path";

import { systemClock } from "./adapters/clock/system.ts";
import { createGatewayBook } from "./adapters/content-store/gateway-book.ts";
import { createHeliaContentStore } from "./adapters/content-store/helia.ts";
import { createScratch } from "./adapters/engine/scratch.ts";
import { createStellarRpcLedger } from "./adapters/ledger/stellar-rpc.ts";
import { createLibp2pNode } from "./adapters/libp2p/node.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { lockDirectory, type DirectoryLock } from "./adapters/store/directory-lock.ts";
import { createSqliteStore } from "./adapters/store/sqlite.ts";
import { createHttpWorkerApi } from "./adapters/worker-api/http.ts";
import { auditProgram, type AuditInit, type AuditOptions } from "./audit/audit-program.ts";
import type { AuditReport } from "./audit/report.ts";
import { joinContent } from "./client/join-content.ts";
import { closeEngines, createEngines, type EngineSettings } from "./create-engines.ts";
import { messageOf } from "./errors.ts";
import type { Logger } from "./ports/logger.ts";
import type { Startable } from "./ports/startable.ts";
import { createTipMemory } from "./worker/changes/tip-memory.ts";

/** Peers that have a block serve it at once; whoever waits longer waits for one that is gone. */
const FETCH_TIMEOUT_MS = 10_000;
/** Workers that were away, or broke off, are dialled again. */
const JOIN_EVERY_MS = 15_000;
const KEY_BYTES = 32;
/** An auditor is no worker: it asks all of them. */
const NO_WORKER = "";
const SCRATCH_PREFIX = "sprf-audit";
const STORE_FILE = "audit.sqlite";
/** What SQLite keeps beside a file that was not closed. */
const SUFFIXES = ["", "-wal", "-shm"];

export interface AuditorInit {
  /** The smart account, `G...`. */
  readonly program: string;
  readonly ledger: { readonly rpcUrl: string; readonly networkPassphrase: string };
  readonly engines: EngineSettings;
  /** Multiaddrs, each ending in `/p2p/<peer id>`, to ask for content besides the program's workers. @default none */
  readonly peers?: readonly string[];
  /** Where content rests, and what was found right: of audits of this program alone, one at a time (`DIRECTORY_IN_USE`). */
  readonly dataDirectory: string;
  /** Forget what earlier audits found right. @default false */
  readonly again?: boolean;
  readonly logger: Logger;
}

/** Audits one program; content comes from its workers and the peers named, under a key that is made for the occasion. */
export interface Auditor extends Startable {
  /** Throws what `auditProgram` throws. */
  audit(init: AuditInit, options?: AuditOptions): Promise<AuditReport>;
}

/**
 * Puts the adapters together; nothing is dialled before `start`. The data directory is this auditor's alone until it has stopped.
 *
 * @throws SprfError `DIRECTORY_IN_USE`, `STORE_UNAVAILABLE`, `CONFIG_INVALID`
 */
export async function createAuditor(init: AuditorInit): Promise<Auditor> {
  const lock = await lockDirectory(init.dataDirectory);
  try {
    return await createLocked(init, lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function createLocked(init: AuditorInit, lock: DirectoryLock): Promise<Auditor> {
  const { program, dataDirectory, logger, peers = [] } = init;
  const path = join(dataDirectory, STORE_FILE);
  if (init.again === true) for (const suffix of SUFFIXES) await rm(`${path}${suffix}`, { force: true });
  const clock = systemClock;
  const ledger = createStellarRpcLedger(init.ledger);
  const node = await createLibp2pNode({ messageKey: systemRandom.bytes(KEY_BYTES), peers, clock, logger });
  const store = createSqliteStore(path);
  const gateways = createGatewayBook({ clock });
  const content = createHeliaContentStore({
    libp2p: node,
    directory: join(dataDirectory, "blocks"),
    store,
    gateways,
    fetchTimeoutMs: FETCH_TIMEOUT_MS,
    clock,
    logger,
  });
  const scratchDirectory = await createScratch(dataDirectory, SCRATCH_PREFIX, logger);
  const engines = createEngines({ content, logger }, { ...init.engines, scratchDirectory });
  const workerApi = createHttpWorkerApi();
  const joining = { ledger, workerApi, node, gateways, logger, clock };
  const { networkPassphrase } = init.ledger;
  const tips = createTipMemory({ store, workerApi, networkPassphrase, ownKey: NO_WORKER });
  const stopping = new AbortController();
  let started: Promise<void> | undefined;
  let joined: Promise<void> | undefined;
  let stopped: Promise<void> | undefined;

  async function start(signal: AbortSignal | undefined): Promise<void> {
    await node.start({ signal });
    await content.start({ signal });
    await joinWorkers();
    joined = keepJoined();
  }

  async function joinWorkers(): Promise<void> {
    try {
      await joinContent(joining, program, { signal: stopping.signal });
    } catch (error) {
      // What is wrong with the account, the audit says; peers may be named apart.
      logger.debug("the program's workers cannot be looked up", { program, reason: messageOf(error) });
    }
  }

  async function keepJoined(): Promise<void> {
    try {
      for (;;) {
        await clock.sleep(JOIN_EVERY_MS, { signal: stopping.signal });
        await joinWorkers();
      }
    } catch {
      // It was stopped.
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await started?.catch(() => undefined);
    await joined;
    try {
      await closeEngines(engines);
      await content.stop();
      await node.stop();
      await store.close();
      await rm(scratchDirectory, { recursive: true, force: true });
    } finally {
      lock.release();
    }
  }

  return {
    async start({ signal } = {}) {
      started ??= start(signal);
      await started;
    },
    audit: async (parts, options) =>
      await auditProgram({ ledger, content, engines, scratchDirectory, store, clock, tips }, program, parts, options),
    async stop() {
      stopped ??= stop();
      await stopped;
    },
  };
}
