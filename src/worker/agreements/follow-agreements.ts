import { StrKey } from "@stellar/stellar-sdk";

import { DEFAULT_WITHDRAW_FACTOR } from "../../domain/worthwhile.ts";
import { messageOf, SprfError } from "../../errors.ts";
import type { Agreement, Chain } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import type { Startable } from "../../ports/startable.ts";
import type { Store } from "../../ports/store.ts";
import type { AddressRequest } from "../../wire/address.ts";
import { createAuthoriser } from "./authorise-address-request.ts";
import { closeAgreement } from "./close-agreement.ts";
import { openClosedAgreements } from "./closed-agreements.ts";
import { collectPay } from "./collect-pay.ts";
import { walkAgreements } from "./walk-agreements.ts";

/** An agreement this many blocks after its start is there to stay. */
const CONFIRMATIONS = 12;
const MIN_MS_BETWEEN_MISSES = 250;

export interface FollowComponents {
  readonly chain: Chain;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Remembers which agreements are over, so that a restart does not look at them again. */
  readonly store?: Store;
}

export interface FollowInit {
  readonly workerId: number;
  /** Called once for each program (`G...`) that an agreement binds this worker to. */
  readonly onProgram?: (program: string) => void;
  /** Called with each look at the chain, and waited for. */
  readonly onLook?: (look: Look, signal: AbortSignal) => Promise<void>;
  /** How many times its gas a withdrawal has to bring. @default 2 */
  readonly withdrawFactor?: number;
}

/** What was seen at one block: agreements of this worker that are not closed. */
export interface Look {
  readonly block: number;
  readonly agreements: readonly Agreement[];
}

/** What a worker knows of the agreements that name it. */
export interface AgreementFollower extends Startable {
  /** Whether a running agreement binds this worker to the program (`G...`). */
  serves(program: string): Promise<boolean>;
  authorise(request: AddressRequest, options?: { signal?: AbortSignal | undefined }): Promise<boolean>;
  /** Agreements that are bought and not over. */
  running(): ReadonlyArray<{ readonly agreement: Agreement; readonly program?: string }>;
  /** Agreements that the market still waits for, whether or not their work is over. */
  open(): readonly Agreement[];
  /** The latest block that was seen. */
  latestBlock(): number;
}

interface Followed {
  readonly agreement: Agreement;
  readonly program: string | undefined;
  readonly finalized: boolean;
}

/**
 * Follows the agreements that name a worker: by polling with every block, because an event can be missed. When one is over, it
 * settles, finalizes and withdraws.
 */
export function followAgreements(components: FollowComponents, init: FollowInit): AgreementFollower {
  const { chain, clock } = components;
  const closedOnes = openClosedAgreements(components.store);
  const { workerId, onProgram, onLook, withdrawFactor = DEFAULT_WITHDRAW_FACTOR } = init;
  const logger = components.logger.child({ component: "follow-agreements" });
  const followed = new Map<string, Followed>();
  const announced = new Set<string>();
  /** Number of the newest agreement that is there to stay; those before it are known. */
  let cursor: number | undefined;
  let latest = 0;
  /** First block in which pay of an agreement is looked for again. */
  const collectFrom = new Map<string, number>();
  let life: AbortController | undefined;
  let loop: Promise<void> = Promise.resolve();
  let refreshing: Promise<void> | undefined;
  let nextRefresh: Promise<void> | undefined;
  let refreshedAtMs = 0;

  /** One at a time; those who ask meanwhile share one more, since the running one may have read too early for them. */
  async function refresh(signal: AbortSignal | undefined): Promise<void> {
    if (refreshing === undefined) {
      refreshedAtMs = clock.now();
      refreshing = look(signal).finally(() => {
        refreshing = undefined;
      });
      return await refreshing;
    }
    nextRefresh ??= refreshing
      .catch(() => undefined)
      .then(async () => {
        nextRefresh = undefined;
        await refresh(signal);
      });
    await nextRefresh;
  }

  async function look(signal: AbortSignal | undefined): Promise<void> {
    latest = await chain.blockNumber({ signal });
    const newest = (await chain.worker(workerId, { signal }))?.lastAgreement ?? 0;
    cursor ??= await closedOnes.upTo();
    if (newest < cursor) {
      // Only a development chain that started anew has fewer.
      cursor = 0;
      await closedOnes.clear();
    }
    await refreshKnown(cursor, signal);
    cursor = await findNew(cursor, signal);
    await eachFollowed(async ({ agreement, program: bound }) => {
      if (bound !== undefined || latest >= agreement.endBlock) return;
      const program = await readProgram(agreement, signal);
      if (program !== undefined) update(agreement.address, { program });
    });
  }

  /** Side by side, so that their reads share requests to the node. */
  async function eachFollowed(work: (entry: Followed) => Promise<void>): Promise<void> {
    await Promise.all([...followed.values()].map(work));
  }

  /** Unless it was closed meanwhile. */
  function update(address: string, change: Partial<Followed>): void {
    const entry = followed.get(address);
    if (entry !== undefined) followed.set(address, { ...entry, ...change });
  }

  /** Clients extend agreements and end them early. */
  async function refreshKnown(known: number, signal: AbortSignal | undefined): Promise<void> {
    await eachFollowed(async ({ agreement: { address, number } }) => {
      if (number > known) return;
      const agreement = await chain.agreement(address, { signal });
      if (agreement !== undefined) update(address, { agreement });
    });
  }

  /** Looks again at those that a re-organised chain could replace; what it no longer has is followed no more. */
  async function findNew(after: number, signal: AbortSignal | undefined): Promise<number> {
    const seen = new Set<string>();
    let settled = after;
    for await (const agreement of walkAgreements(chain, workerId, after, { signal })) {
      const { address, number, endBlock } = agreement;
      seen.add(address);
      if (latest >= agreement.startBlock + CONFIRMATIONS) settled = Math.max(settled, number);
      if (await closedOnes.has(address)) continue;
      const known = followed.get(address);
      followed.set(address, { agreement, program: known?.program, finalized: known?.finalized ?? false });
      if (known === undefined) logger.info("agreement found", { agreement: address, endBlock });
    }
    for (const [address, { agreement }] of followed) {
      if (agreement.number > after && !seen.has(address)) followed.delete(address);
    }
    return settled;
  }

  async function readProgram(agreement: Agreement, signal: AbortSignal | undefined): Promise<string | undefined> {
    const { program: key } = await chain.agreementState(agreement.address, { signal });
    if (key === undefined) return undefined;
    const program = StrKey.encodeEd25519PublicKey(Buffer.from(key));
    if (!announced.has(program)) {
      announced.add(program);
      logger.info("program bound", { agreement: agreement.address, program });
      onProgram?.(program);
    }
    return program;
  }

  async function attendToAll(signal: AbortSignal): Promise<void> {
    for (const entry of followed.values()) {
      try {
        await attend(entry.agreement, signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("an agreement cannot be attended to now", {
          agreement: entry.agreement.address,
          ...describe(error),
        });
      }
    }
  }

  async function attend(agreement: Agreement, signal: AbortSignal): Promise<void> {
    const { address, epochLengthBlocks } = agreement;
    const options = { block: latest, signal, withdrawFactor };
    if (latest >= agreement.endBlock) {
      const turn = agreement.workerIds.indexOf(workerId);
      const { closed, finalized, withdrawnWei } = await closeAgreement(chain, agreement, { ...options, turn });
      update(address, { finalized });
      if (closed) {
        const others = [...followed.values()].filter((entry) => entry.agreement.address !== address);
        const oldestOpen = Math.min(...others.map((entry) => entry.agreement.number));
        await closedOnes.add(agreement, Math.min(cursor ?? 0, oldestOpen - 1));
        followed.delete(address);
        collectFrom.delete(address);
        logger.info("agreement closed", { agreement: address, withdrawnWei: withdrawnWei.toString() });
        return;
      }
    }
    // Once an epoch is often enough, and cheap for the node.
    if (latest < (collectFrom.get(address) ?? 0)) return;
    collectFrom.set(address, latest + epochLengthBlocks);
    const withdrawnWei = await collectPay(chain, agreement, options);
    if (withdrawnWei > 0n) logger.info("pay collected", { agreement: address, withdrawnWei: withdrawnWei.toString() });
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const block of chain.blocks({ signal })) {
      try {
        await refresh(signal);
        latest = Math.max(latest, block);
        await attendToAll(signal);
        await onLook?.({ block: latest, agreements: [...followed.values()].map(({ agreement }) => agreement) }, signal);
      } catch (error) {
        if (signal.aborted) return;
        logger.warn("cannot look at the agreements", describe(error));
      }
    }
  }

  const serving = (program: string): boolean =>
    [...followed.values()].some((entry) => entry.program === program && latest < entry.agreement.endBlock);

  return {
    async serves(program) {
      if (serving(program)) return true;
      // Bought or bound a moment ago, perhaps; but strangers shall not make this worker ask the chain as often as they like.
      if (clock.now() - refreshedAtMs < MIN_MS_BETWEEN_MISSES && refreshing === undefined) return false;
      await refresh(life?.signal);
      return serving(program);
    },
    authorise: createAuthoriser({ chain, workerId, clock, latestBlock: () => latest }),
    running() {
      return [...followed.values()]
        .filter(({ agreement }) => latest < agreement.endBlock)
        .map(({ agreement, program }) => ({ agreement, ...(program === undefined ? {} : { program }) }));
    },
    open: () => [...followed.values()].filter(({ finalized }) => !finalized).map(({ agreement }) => agreement),
    latestBlock: () => latest,
    async start({ signal } = {}) {
      if (life !== undefined) return;
      life = new AbortController();
      await refresh(signal);
      loop = follow(life.signal).catch((error: unknown) => {
        if (life?.signal.aborted !== true) logger.error("following agreements ended", describe(error));
      });
    },
    async stop() {
      life?.abort();
      await loop;
    },
  };
}

function describe(error: unknown): { code: string; reason: string } {
  return { code: error instanceof SprfError ? error.code : "INTERNAL", reason: messageOf(error) };
}
