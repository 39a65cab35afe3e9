import { rpc } from "@stellar/stellar-sdk";

import { createStellarRpcLedger } from "../../../src/adapters/ledger/stellar-rpc.ts";
import { DEVNET_PASSPHRASE } from "../../../src/devnet/stellar/create-stellar-devnet.ts";
import { createFriendbot } from "../../../src/devnet/stellar/friendbot.ts";
import type { ClosedLedger } from "../../../src/devnet/stellar/ledger/close-ledger.ts";
import {
  createDevelopmentLedger,
  type DevelopmentLedger,
} from "../../../src/devnet/stellar/ledger/development-ledger.ts";
import { createLedgerRunner } from "../../../src/devnet/stellar/ledger-runner.ts";
import { answer } from "../../../src/devnet/stellar/rpc/json-rpc.ts";
import { openLedgerStore } from "../../../src/devnet/stellar/rpc/ledger-store.ts";
import { rpcMethods } from "../../../src/devnet/stellar/rpc/methods.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import type { Logger } from "../../../src/ports/logger.ts";

const CLOSE_EVERY_MS = 1_000;
const RPC_URL = "http://ledger.simulation";

/** The development ledger with its RPC service, without sockets. */
export interface SimulatedLedger {
  /** What the service's methods say, through the adapter of every other ledger. */
  readonly port: Ledger;
  readonly inner: DevelopmentLedger;
  fund(address: string): Promise<void>;
  onClose(listener: (closed: ClosedLedger) => void): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Builds the ledger; it closes every second of `clock`. */
export function createSimulatedLedger({
  clock,
  logger,
}: {
  readonly clock: Clock;
  readonly logger: Logger;
}): SimulatedLedger {
  const store = openLedgerStore(undefined, DEVNET_PASSPHRASE);
  const inner = createDevelopmentLedger({
    parameters: {
      networkPassphrase: DEVNET_PASSPHRASE,
      protocolVersion: 19,
      baseFeeStroops: 100n,
      baseReserveStroops: 5_000_000n,
      maxOperationsPerLedger: 1_000,
    },
    expectedCloseSeconds: 1,
  });
  store.save({
    header: inner.header(),
    transactions: [],
    changes: [...inner.state.accounts()].map((after) => ({ before: undefined, after })),
    baseFeeStroops: 100n,
  });
  const runner = createLedgerRunner({ ledger: inner, store, clock, logger }, { closeEveryMs: CLOSE_EVERY_MS });
  const friendbot = createFriendbot(inner, runner);
  const methods = rpcMethods({ ledger: inner, store, runner, friendbotUrl: () => RPC_URL });
  const server = new rpc.Server(RPC_URL, { allowHttp: true });
  Object.assign(server, {
    httpClient: {
      post: async (_url: string, body: unknown) => ({ data: answer(JSON.stringify(body), methods, () => {}) }),
    },
  });
  return {
    port: createStellarRpcLedger({ rpcUrl: RPC_URL, networkPassphrase: DEVNET_PASSPHRASE, server }),
    inner,
    async fund(address) {
      const { status } = await friendbot.fund(address);
      if (status !== 200) throw new Error(`${address} was not funded: ${status}`);
    },
    onClose: (after) => runner.listen({ before() {}, after, halted() {} }),
    async start() {
      runner.closeLedger();
      await runner.start();
    },
    async stop() {
      await runner.stop();
      store.close();
    },
  };
}
