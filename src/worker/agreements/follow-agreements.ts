import { StrKey } from "@stellar/stellar-sdk";

import { isSprfError, messageOf } from "../../errors.ts";
import type { Agreement, Chain } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Startable } from "../../ports/startable.ts";
import type { AddressRequest } from "../../wire/address.ts";
import { authoriseAddress } from "./authorise.ts";
import { collectEarnings } from "./collect-earnings.ts";

const PAGE = 64;
const RETRY_MS = 1_000;
/** A question about an unknown program looks at the chain again, but not more often than this. */
const MIN_MS_BETWEEN_LOOKS = 250;

export interface FollowAgreementsComponents {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface FollowAgreementsInit {
  readonly workerId: number;
  /** Told of each smart account (`G...`) that a running agreement binds this worker to; once in the life of the process. */
  onProgram(program: string): void;
}

/** What a worker knows of the agreements that name it, kept up by looking at the chain with every block. */
export interface FollowedAgreements extends Startable {
  /** Whether an agreement that runs binds this worker to the smart account. */
  serves(program: string): Promise<boolean>;
  /** Whether the sender of an address request may know where this worker is. */
  authorise(request: AddressRequest, options?: { signal?: AbortSignal | undefined }): Promise<boolean>;
}

interface Followed {
  readonly agreement: Agreement;
  program: string | undefined;
}

/** Follows the chain by state, not by events, so nothing that happened while it was away is missed. */
export function followAgreements(
  { chain, clock, logger }: FollowAgreementsComponents,
  { workerId, onProgram }: FollowAgreementsInit,
): FollowedAgreements {
  const followed = new Map<string, Followed>();
  const announced = new Set<string>();
  const life = new AbortController();
  let known = 0;
  let looking: Promise<void> | undefined;
  let lookedAtMs = 0;
  let loop: Promise<void> | undefined;

  async function look(signal: AbortSignal | undefined): Promise<void> {
    const count = await chain.agreementCountOf(workerId, { signal });
    while (known < count) {
      const page = await chain.agreementsOf(workerId, known, PAGE, { signal });
      if (page.length === 0) break;
      for (const address of page) {
        const agreement = await chain.agreement(address, { signal });
        if (agreement !== undefined) followed.set(address, { agreement, program: undefined });
      }
      known += page.length;
    }
    const block = await chain.blockNumber({ signal });
    for (const [address, entry] of followed) await bring(address, entry, block, signal);
  }

  async function bring(
    address: string,
    entry: Followed,
    block: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (block < entry.agreement.endBlock) {
      if (entry.program !== undefined) return;
      const { program } = await chain.agreementState(address, { signal });
      if (program === undefined) return;
      entry.program = StrKey.encodeEd25519PublicKey(program);
      if (announced.has(entry.program)) return;
      announced.add(entry.program);
      onProgram(entry.program);
      return;
    }
    try {
      if ((await collectEarnings(chain, address, entry.agreement, { signal })) === "closed") {
        followed.delete(address);
        logger.info("agreement closed", { agreement: address });
      }
    } catch (error) {
      // Somebody else may have been faster; the next block shows what is left to do.
      if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
      logger.debug("closing an agreement goes on later", { agreement: address, reason: error.message });
    }
  }

  /** Looks at the chain, together with whoever else is looking now. */
  async function refresh(signal?: AbortSignal): Promise<void> {
    looking ??= look(signal).finally(() => {
      looking = undefined;
      lookedAtMs = clock.now();
    });
    await looking;
  }

  async function follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const block of chain.blocks({ signal })) {
          logger.debug("block", { block });
          await refresh(signal);
        }
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("the chain cannot be followed, trying again", { reason: messageOf(error) });
        await clock.sleep(RETRY_MS, { signal }).catch(() => undefined);
      }
    }
  }

  const isBoundTo = (program: string, block: number): boolean =>
    [...followed.values()].some(
      (entry) => entry.program === program && block >= entry.agreement.startBlock && block < entry.agreement.endBlock,
    );

  return {
    async serves(program) {
      const block = await chain.blockNumber();
      if (isBoundTo(program, block)) return true;
      if (clock.now() - lookedAtMs < MIN_MS_BETWEEN_LOOKS) return false;
      await refresh();
      return isBoundTo(program, block);
    },
    authorise: async (request, options) => await authoriseAddress(chain, workerId, request, options),
    async start({ signal } = {}) {
      if (loop !== undefined) return;
      await refresh(signal);
      loop = follow(life.signal);
    },
    async stop() {
      life.abort();
      await loop;
      await looking?.catch(() => undefined);
    },
  };
}
