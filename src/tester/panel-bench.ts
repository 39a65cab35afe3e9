import { checkPayment } from "../domain/program/payment.ts";
import { isSprfError } from "../errors.ts";
import { loadSmartAccount } from "../execution/load-smart-account.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { within } from "../utils/within.ts";
import { hashRequest } from "../wire/execution-request.ts";
import type { PanelBench } from "./examine-panel.ts";
import type { Rerun } from "./rerun.ts";

const LIVENESS_TIMEOUT_MS = 15_000;

export interface PanelBenchComponents {
  readonly ledger: Ledger;
  readonly workerApi: WorkerApi;
  readonly rerun: Rerun;
  readonly clock: Clock;
  /** Connects to the peers that hold the program's content. */
  readonly joinContent?: (program: string, options: { signal: AbortSignal }) => Promise<unknown>;
}

/** The bench on which a panel's tester looks at a program: its account on the ledger, its workers' APIs, its own engines. */
export function createPanelBench(components: PanelBenchComponents): PanelBench {
  const { ledger, workerApi, rerun, clock } = components;
  return {
    async open(program, { signal }) {
      const account = await loadSmartAccount(ledger, program, { signal });
      await components.joinContent?.(program, { signal });
      return {
        engine: account.program.kind,
        digest: account.image.digest,
        answer: async (signed, { answer }, inner) => await rerun.answer({ account, signed, answer }, { signal: inner }),
        record: async ({ recordCid, envelope }, workers, inner) =>
          await rerun.record({ account, recordCid, envelope, workers }, { signal: inner }),
        async isPaid(signed, inner) {
          const payment = await ledger.transaction(toHex(signed.paymentHash), { signal: inner });
          if (payment === undefined) return false;
          try {
            checkPayment(payment, {
              network: ledger.networkPassphrase,
              program,
              user: signed.request.user,
              requestHash: hashRequest(signed.request),
              baseFeeStroops: account.baseFeeStroops,
              // How old it is by now does not matter.
              now: payment.closeTime,
            });
            return true;
          } catch {
            return false;
          }
        },
        async isLive({ messageKey, ledgerKey }, inner) {
          const named = account.workers.find((worker) => worker.ledgerKey === ledgerKey);
          if (named === undefined) return undefined;
          try {
            const found = await within(async (until) => await workerApi.describe(named.address, { signal: until }), {
              clock,
              timeoutMs: LIVENESS_TIMEOUT_MS,
              signal: inner,
            });
            const isItself = equalBytes(found.messageKey, messageKey) && found.ledgerKey === ledgerKey;
            return isItself ? { live: true } : { live: false, code: "PEER_MISMATCH" };
          } catch (error) {
            if (inner.aborted) throw error;
            return { live: false, code: isSprfError(error) ? error.code : "INTERNAL" };
          }
        },
      };
    },
  };
}
