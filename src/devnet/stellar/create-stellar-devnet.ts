import { systemClock } from "../../adapters/clock/system.ts";
import { SprfError } from "../../errors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Startable } from "../../ports/startable.ts";
import type { Friendbot } from "./friendbot.ts";
import { createFriendbot } from "./friendbot.ts";
import type { HttpServer } from "./http-server.ts";
import { serveHttp } from "./http-server.ts";
import type { ClosedLedger } from "./ledger/close-ledger.ts";
import type { DevelopmentLedger } from "./ledger/development-ledger.ts";
import { createDevelopmentLedger } from "./ledger/development-ledger.ts";
import type { QueueRule } from "./ledger/transaction-queue.ts";
import type { LedgerRunner } from "./ledger-runner.ts";
import { createLedgerRunner } from "./ledger-runner.ts";
import type { LedgerStore } from "./rpc/ledger-store.ts";
import { openLedgerStore } from "./rpc/ledger-store.ts";
import { rpcMethods } from "./rpc/methods.ts";

/** Passphrase of the embedded network; signatures made for it are worth nothing on any other. */
export const DEVNET_PASSPHRASE = "SPRF Development Network ; 2026";

export interface StellarDevnetInit {
  readonly logger: Logger;
  /** @default the machine's clock */
  readonly clock?: Clock;
  /** @default "127.0.0.1" */
  readonly host?: string;
  /** @default 0: any free port */
  readonly port?: number;
  /** @default {@link DEVNET_PASSPHRASE} */
  readonly networkPassphrase?: string;
  /**
   * Milliseconds between ledgers; 0 closes a ledger for every transaction at once.
   *
   * @default 1000
   */
  readonly closeEveryMs?: number;
  /** SQLite file that carries accounts and history over restarts, made when missing; in memory when absent. */
  readonly databasePath?: string;
  /**
   * Version written into headers; the rules stay those of protocol 19.
   *
   * @default 19
   */
  readonly protocolVersion?: number;
  /** @default "onePerSource" */
  readonly queueRule?: QueueRule;
  /**
   * Operations that fit into one ledger.
   *
   * @default 1000
   */
  readonly maxOperationsPerLedger?: number;
}

/** The embedded Stellar network: a ledger that speaks Stellar RPC, with a friendbot. */
export interface StellarDevnet extends Startable {
  /** Where `rpc.Server` connects, with `{ allowHttp: true }`; known after start. */
  readonly rpcUrl: string;
  readonly friendbotUrl: string;
  readonly networkPassphrase: string;
  /** Closes a ledger now, whatever the timer says. */
  closeLedger(): ClosedLedger;
}

interface Parts {
  readonly store: LedgerStore;
  readonly runner: LedgerRunner;
  readonly friendbot: Friendbot;
  readonly server: HttpServer;
}

/**
 * Builds the embedded network and starts it.
 *
 * @throws SprfError `CONFIG_INVALID` when its file or its address cannot be used.
 */
export async function createStellarDevnet(init: StellarDevnetInit): Promise<StellarDevnet> {
  const { logger, host = "127.0.0.1", networkPassphrase = DEVNET_PASSPHRASE } = init;
  let port = init.port ?? 0;
  let parts: Promise<Parts> | undefined;
  let current: Parts | undefined;
  const rpcUrl = (): string => `http://${host.includes(":") ? `[${host}]` : host}:${String(port)}`;
  const friendbotUrl = (): string => `${rpcUrl()}/friendbot`;

  const open = async (): Promise<Parts> => {
    const store = openLedgerStore(init.databasePath, networkPassphrase);
    try {
      const ledger = openLedger(init, networkPassphrase, store);
      const runner = createLedgerRunner(
        { ledger, store, clock: init.clock ?? systemClock, logger },
        { closeEveryMs: closeEveryMs(init) },
      );
      // Ledger 1 has no close time: the first real close makes time bounds mean something.
      if (ledger.header().sequence === 1) runner.closeLedger();
      const methods = rpcMethods({ ledger, store, runner, friendbotUrl });
      const friendbot = createFriendbot(ledger, runner);
      const server = await serveHttp({ methods, friendbot, logger }, { host, port });
      // A restart keeps the address that clients already know.
      port = server.port;
      await runner.start();
      logger.warn("development ledger running: for development only, its coins are worth nothing", {
        rpcUrl: rpcUrl(),
      });
      return { store, runner, friendbot, server };
    } catch (error) {
      store.close();
      throw error;
    }
  };

  const devnet: StellarDevnet = {
    get rpcUrl() {
      return rpcUrl();
    },
    get friendbotUrl() {
      return friendbotUrl();
    },
    networkPassphrase,
    closeLedger() {
      if (current === undefined) throw new SprfError("INTERNAL", "the development ledger is not running");
      return current.runner.closeLedger();
    },
    async start() {
      parts ??= open();
      try {
        current = await parts;
      } catch (error) {
        parts = undefined;
        throw error;
      }
    },
    async stop() {
      const stopping = await parts?.catch(() => undefined);
      parts = undefined;
      current = undefined;
      if (stopping === undefined) return;
      await stopping.runner.stop();
      stopping.friendbot.stop();
      await stopping.server.stop();
      stopping.store.close();
    },
  };
  await devnet.start();
  return devnet;
}

function closeEveryMs(init: StellarDevnetInit): number {
  return init.closeEveryMs ?? 1000;
}

function openLedger(init: StellarDevnetInit, networkPassphrase: string, store: LedgerStore): DevelopmentLedger {
  const restored = store.restore();
  const ledger = createDevelopmentLedger({
    parameters: {
      networkPassphrase,
      protocolVersion: init.protocolVersion ?? 19,
      baseFeeStroops: 100n,
      baseReserveStroops: 5_000_000n,
      maxOperationsPerLedger: init.maxOperationsPerLedger ?? 1000,
    },
    queueRule: init.queueRule ?? "onePerSource",
    expectedCloseSeconds: Math.ceil(closeEveryMs(init) / 1000),
    ...(restored !== undefined && { restored }),
  });
  if (restored === undefined) {
    const changes = [...ledger.state.accounts()].map((after) => ({ before: undefined, after }));
    store.save({ header: ledger.header(), transactions: [], changes, baseFeeStroops: 100n });
  }
  return ledger;
}
