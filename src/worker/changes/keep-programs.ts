import type { Keypair } from "@stellar/stellar-sdk";

import { bumpProgram, payOut } from "../../client/change-program.ts";
import type { LandComponents } from "../../client/land-proposal.ts";
import { walletOf } from "../../client/wallet.ts";
import { checkWaiting } from "../../domain/program/payout.ts";
import { BUMP_AFTER_SECONDS } from "../../domain/program/recovery.ts";
import type { SmartAccount } from "../../domain/program/smart-account.ts";
import { SprfError, messageOf } from "../../errors.ts";
import { findPayoutShare } from "../../execution/find-payout-share.ts";
import { loadSmartAccount } from "../../execution/load-smart-account.ts";
import { findTip } from "../../execution/tip.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Startable } from "../../ports/startable.ts";
import { withDeadline } from "../../utils/abort.ts";
import type { ConsentedRecords } from "./consented-records.ts";

const LOOK_EVERY_MS = 60_000;
const LOOK_TIMEOUT_MS = 30_000;
const MS_PER_SECOND = 1_000;

export interface KeepComponents extends LandComponents {
  readonly logger: Logger;
  readonly ledgerKey: Keypair;
  readonly consented: ConsentedRecords;
  /** The programs (`G...`) that this worker serves now. */
  programs(): readonly string[];
  /** What was prepaid for the requests to a program that wait at this worker. */
  waitingStroops(program: string): bigint;
}

/**
 * Looks after the programs that this worker serves: remembers how their histories end before the ledger's service forgets it, pays
 * out what they have earned, and moves those that were silent for long, so that their recoveries stay closed while workers live.
 * The workers take turns, by the account's sequence and the time; whoever's turn it is pays the fee.
 */
export function keepPrograms(
  components: KeepComponents,
  { everyMs = LOOK_EVERY_MS }: { readonly everyMs?: number } = {},
): Startable {
  const { ledger, clock, logger, ledgerKey, tips } = components;
  let life: AbortController | undefined;
  let loop: Promise<void> = Promise.resolve();

  async function look(program: string, signal: AbortSignal): Promise<void> {
    const account = await loadSmartAccount(ledger, program, { signal });
    await findTip(ledger, account, { signal, memory: tips });
    if (!isTurnOf(ledgerKey.publicKey(), account, Math.floor(clock.now() / everyMs))) return;
    const parts = { program, wallet: walletOf(ledgerKey) };
    const { sequenceTime = 0 } = account.snapshot.account;
    if ((await findPayoutShare(components, account, { signal })) !== undefined) {
      checkWaiting(components.waitingStroops(program));
      const { shareStroops, ledger: landedIn } = await payOut(components, parts, { signal });
      logger.info("paid out", { program, shareStroops: shareStroops.toString(), ledger: landedIn });
    } else if (Math.floor(clock.now() / MS_PER_SECOND) - sequenceTime >= BUMP_AFTER_SECONDS) {
      await bumpProgram(components, parts, { signal });
      logger.info("moved a silent program", { program });
    }
  }

  async function attempt(
    work: (signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
    what: object,
  ): Promise<void> {
    try {
      await work(withDeadline(signal, LOOK_TIMEOUT_MS));
    } catch (error) {
      if (signal.aborted) throw error;
      const code = error instanceof SprfError ? error.code : "INTERNAL";
      logger.debug("a program cannot be looked after now", { ...what, code, reason: messageOf(error) });
    }
  }

  async function keep(signal: AbortSignal): Promise<void> {
    for (;;) {
      await attempt(
        async (deadline) => {
          const nowSeconds = Math.floor(clock.now() / MS_PER_SECOND);
          await components.consented.prune(nowSeconds, { signal: deadline });
        },
        signal,
        {},
      );
      for (const program of components.programs()) {
        await attempt(async (deadline) => await look(program, deadline), signal, { program });
      }
      await clock.sleep(everyMs, { signal });
    }
  }

  return {
    async start() {
      if (life !== undefined) return;
      life = new AbortController();
      const { signal } = life;
      loop = keep(signal).catch((error: unknown) => {
        if (!signal.aborted) logger.error("looking after programs ended", { reason: messageOf(error) });
      });
    },
    async stop() {
      life?.abort();
      await loop;
    },
  };
}

/** The turn goes round with each look, so that a worker that is gone holds nobody up for long. */
function isTurnOf(ledgerKey: string, { workers, sequence }: SmartAccount, look: number): boolean {
  const turn = Number((sequence + BigInt(look)) % BigInt(workers.length));
  return workers[turn]?.ledgerKey === ledgerKey;
}
