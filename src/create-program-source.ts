import { rm } from "node:fs/promises";
import { join } from "node:path";

import { systemClock } from "./adapters/clock/system.ts";
import { createGatewayBook } from "./adapters/content-store/gateway-book.ts";
import { createHeliaContentStore } from "./adapters/content-store/helia.ts";
import { createScratch } from "./adapters/engine/scratch.ts";
import { createStellarRpcLedger } from "./adapters/ledger/stellar-rpc.ts";
import { createLibp2pNode } from "./adapters/libp2p/node.ts";
import { systemRandom } from "./adapters/random/system.ts";
import { createSqliteStore } from "./adapters/store/sqlite.ts";
import { createHttpWorkerApi } from "./adapters/worker-api/http.ts";
import { joinContent } from "./client/join-content.ts";
import { closeEngines, createEngines, type EngineSettings } from "./create-engines.ts";
import { createProgramSource, type ProgramSource } from "./dashboard/program-source.ts";
import { createRerun } from "./dashboard/rerun.ts";
import { isSprfError } from "./errors.ts";
import type { Logger } from "./ports/logger.ts";
import { within } from "./utils/within.ts";

/** Peers that have a block serve it at once; whoever waits longer waits for one that is gone. */
const FETCH_TIMEOUT_MS = 10_000;
/** A page does not wait longer for workers that do not answer. */
const JOIN_TIMEOUT_MS = 5_000;
/** Workers of a program are not dialled more often than that. */
const JOIN_EVERY_MS = 15_000;
const KEY_BYTES = 32;
const SCRATCH_PREFIX = "sprf-dashboard";
const STORE_FILE = "content.sqlite";

export interface ProgramSourceInit {
  readonly ledger: { readonly rpcUrl: string; readonly networkPassphrase: string };
  readonly engines: EngineSettings;
  /** Multiaddrs to ask for content besides the programs' workers. @default none */
  readonly peers?: readonly string[] | undefined;
  /** This process's alone. */
  readonly dataDirectory: string;
  readonly logger: Logger;
}

/** Programs for a dashboard, and what was opened for them. */
export interface OpenProgramSource {
  readonly source: ProgramSource;
  close(): Promise<void>;
}

/**
 * Reads programs off the ledger and their content from their workers, under a key that is made for the occasion.
 *
 * @throws SprfError `STORE_UNAVAILABLE`, `CONFIG_INVALID`
 */
export async function openProgramSource(
  init: ProgramSourceInit,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<OpenProgramSource> {
  const { dataDirectory, logger, peers = [] } = init;
  const clock = systemClock;
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of closers.splice(0).reverse()) await each();
  };
  try {
    const ledger = createStellarRpcLedger(init.ledger);
    const scratchDirectory = await createScratch(dataDirectory, SCRATCH_PREFIX, logger);
    closers.push(async () => await rm(scratchDirectory, { recursive: true, force: true }));
    const node = await createLibp2pNode({ messageKey: systemRandom.bytes(KEY_BYTES), peers, clock, logger });
    const store = createSqliteStore(join(dataDirectory, STORE_FILE));
    closers.push(async () => await store.close());
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
    await node.start(options);
    closers.push(async () => await node.stop());
    await content.start(options);
    closers.push(async () => await content.stop());
    const engines = createEngines({ content, logger }, { ...init.engines, scratchDirectory });
    closers.push(async () => await closeEngines(engines));
    const joining = { ledger, workerApi: createHttpWorkerApi(), node, gateways, logger, clock };
    const joinedAtMs = new Map<string, number>();
    const source = createProgramSource({
      ledger,
      content,
      rerun: createRerun({ ledger, content, engines, scratchDirectory, clock }),
      clock,
      async join(program, { signal }) {
        if (clock.now() - (joinedAtMs.get(program) ?? 0) < JOIN_EVERY_MS) return;
        try {
          await within(async (inner) => await joinContent(joining, program, { signal: inner }), {
            clock,
            timeoutMs: JOIN_TIMEOUT_MS,
            signal,
          });
        } catch (error) {
          if (signal.aborted || !isSprfError(error, "TIMEOUT")) throw error;
        }
        joinedAtMs.set(program, clock.now());
      },
    });
    return { source, close };
  } catch (error) {
    await close();
    throw error;
  }
}
