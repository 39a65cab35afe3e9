import { isSprfError, messageOf } from "../errors.ts";
import type { BroughtSettlement, ProofDesk } from "../ports/channel-challenges.ts";
import type { HubSlotProof } from "../ports/channel-hub.ts";
import { equalBytes } from "../utils/bytes.ts";
import { assetKeyOf } from "../wire/channel/asset-key.ts";
import { recoverAck } from "../wire/channel/batch.ts";
import { contentOf, INBOX_KINDS, type InboxEntry } from "../wire/channel/inbox-entry.ts";
import { SETTLEMENT_MODES } from "../wire/channel/settlement.ts";
import type { Core } from "./core.ts";
import { hubProofOf, NO_PROOF } from "./hub-proof.ts";
import type { Purse } from "./purse.ts";
import { exitsSlotOf, ownedSlotOf } from "./sandbox/protocol-slots.ts";
import { ownSettlementTo, scratchAt } from "./scratch.ts";
import { guardTurnMs } from "./turns.ts";

const LOOK_EVERY_MS = 1_000;
/** After something that was sent, or failed. */
const RETRY_MS = 5_000;
const MS = 1_000;
/** See contracts/libraries/ChannelTiming.sol: two windows and ten minutes, three times that while a settlement contains the exit. */
const WINDOWS = 2;
const LEAST_SECONDS = 600;
const MOST_EXITS = 3;
/** For a leader that has just come back, and settles what waits. */
const OWN_MS = 10_000;
/** For members whose own exit it is not. */
const OTHERS_MS = 30_000;
const ETHER = { token: `0x${"0".repeat(40)}`, id: 0n };

/** The part of a node that sees a member out of a channel that does not settle. */
export interface ExitWatch {
  run(signal: AbortSignal): Promise<void>;
  /** What a human should look at; undefined for nothing. */
  readonly trouble: string | undefined;
}

export interface ExitWatchInit {
  readonly core: Core;
  readonly desk: ProofDesk;
  readonly purse: Purse;
  /** It sees all members out, not only its own. */
  readonly isForAll: boolean;
}

/**
 * When a leave or ban of its member, or the channel's end, is not settled in time, it freezes the channel, brings the highest certified
 * settlement that it has, concludes, and sends the member what it owns. All of it follows from the chain and the log, so that a node goes
 * on after a new start where it was.
 */
export function createExitWatch({ core, desk, purse, isForAll }: ExitWatchInit): ExitWatch {
  const { hub, clock, logger, chain, account } = core;
  const { channel, config } = core.info;
  const exitMs = (WINDOWS * config.windowSeconds + LEAST_SECONDS) * MS;
  let retryAtMs = 0;
  let foundMs: number | undefined;
  let brought = "";
  let isClaimed = false;
  let trouble: string | undefined;

  const isTheirs = (one: string): boolean => isForAll || one === account;

  /** The first exit that this node cares for and no final settlement contains. */
  function waiting(): InboxEntry | undefined {
    for (let index = chain.settled.inboxCursor + 1; index <= chain.inboxLength; index += 1) {
      const entry = chain.entry(index);
      if (entry === undefined) return undefined;
      const isExit = entry.kind === INBOX_KINDS.leave || entry.kind === INBOX_KINDS.ban;
      if ((isExit && isTheirs(entry.account)) || entry.kind === INBOX_KINDS.close) return entry;
    }
    return undefined;
  }

  function isOverdue({ index, timeMs }: InboxEntry): boolean {
    const flight = chain.challenges.inFlight;
    const contains = flight !== undefined && flight.settlement.inboxCursor >= index;
    return chain.seenMs >= timeMs + (contains ? MOST_EXITS : 1) * exitMs;
  }

  /** True once it is this node's turn, for something that others would do as well. */
  function isItsTurn(isOwn: boolean): boolean {
    foundMs ??= clock.now();
    return clock.now() - foundMs >= (isOwn ? OWN_MS : OTHERS_MS + guardTurnMs(core));
  }

  async function freezeWhenOverdue(signal: AbortSignal): Promise<void> {
    const entry = waiting();
    if (entry === undefined || !isOverdue(entry)) {
      foundMs = undefined;
      return;
    }
    if (!isItsTurn(entry.account === account)) return;
    retryAtMs = clock.now() + RETRY_MS;
    await purse.spend("an exit that is not settled", async () => await desk.freeze(channel, entry, { signal }));
    foundMs = undefined;
    logger.warn("an exit was not settled in time: the channel is frozen", { entry: entry.index });
  }

  /** The highest certified settlement that this node has, when it is higher than what is there. */
  async function higher(signal: AbortSignal): Promise<BroughtSettlement | undefined> {
    const { certificate } = core;
    const { settled } = chain;
    if (certificate === undefined || certificate.height <= settled.height) return undefined;
    const span = { fromHeight: settled.height, toHeight: certificate.height, mode: config.mode };
    const own = await ownSettlementTo(core, span, signal);
    if (own === undefined || !equalBytes(own.settlement.head, certificate.recordHash)) return undefined;
    const members = chain.membershipAt(own.header.inboxCursor)?.members.values() ?? [];
    const accounts = new Map([...members].map(({ signer, account: of }) => [signer, of]));
    const { term, height, recordHash } = certificate;
    const acks = certificate.acks.flatMap(({ certified, signature }) => {
      const signer = recoverAck(core.domain, { channel, term, height, recordHash, certified }, signature);
      const member = accounts.get(signer ?? "");
      // Whose leave is in the record has acked it, and is no member at it.
      return member === undefined ? [] : [{ member, certified, signature }];
    });
    const changes = config.mode === SETTLEMENT_MODES.slots ? own.changes : [];
    return { settlement: own.settlement, header: own.header, acks, changes };
  }

  /** Which one is higher the hub knows: also who had joined by then counts. */
  async function bring(found: BroughtSettlement, signal: AbortSignal): Promise<void> {
    const { height } = found.header;
    try {
      await hub.bring(found, { signal });
      logger.warn("a certified settlement was brought to the frozen channel", { height });
    } catch (error) {
      const isKnown = isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === "ChannelHub_NotHigher";
      if (!isKnown) throw error;
    }
  }

  async function endFrozen(signal: AbortSignal): Promise<void> {
    if (!isItsTurn(chain.entry(chain.challenges.frozenBy ?? 0)?.account === account)) return;
    const { certificate } = core;
    const key = `${certificate?.term} ${certificate?.height} ${chain.challenges.inFlight?.proposal}`;
    // What does not go is not tried again for as long as nothing else is there.
    if (brought !== key) {
      brought = key;
      const found = await higher(signal);
      if (found !== undefined) {
        await purse.spend("a certified settlement", async () => await bring(found, signal));
        return;
      }
    }
    retryAtMs = clock.now() + RETRY_MS;
    const { endsAtSeconds } = await hub.freezeOf(channel, { signal });
    if (chain.seenMs < endsAtSeconds * MS || chain.challenges.demands.length > 0) return;
    await purse.spend("the channel's end", async () => await desk.conclude(channel, { signal }));
    foundMs = undefined;
    logger.warn("the frozen channel is closed");
  }

  /** All kinds that members ever brought. */
  function assetKeys(): Uint8Array[] {
    const keys = new Map([[`${ETHER.token} 0`, assetKeyOf(ETHER.token, ETHER.id)]]);
    for (let index = 1; index <= chain.inboxLength; index += 1) {
      const entry = chain.entry(index);
      const content = entry?.kind === INBOX_KINDS.join ? contentOf(entry) : undefined;
      for (const { token, id } of content?.kind === "join" ? content.assets : []) {
        keys.set(`${token.toLowerCase()} ${id}`, assetKeyOf(token, id));
      }
    }
    return [...keys.values()];
  }

  /** What its member brought with a join that the channel's end has not taken. */
  async function reclaim(signal: AbortSignal): Promise<void> {
    for (let index = chain.settled.inboxCursor + 1; index <= chain.inboxLength; index += 1) {
      const entry = chain.entry(index);
      if (entry?.kind !== INBOX_KINDS.join || entry.account !== account) continue;
      await hub.reclaim(channel, entry, { signal }).catch((error: unknown) => {
        // Once: before a new start, or somebody did it for this member.
        if (!isSprfError(error, "CHAIN_REVERTED")) throw error;
      });
    }
  }

  async function claim(
    assetKey: Uint8Array,
    proofs: { readonly exits: HubSlotProof; readonly owned: HubSlotProof },
    signal: AbortSignal,
  ): Promise<bigint> {
    try {
      return await hub.claimByProof(channel, account, assetKey, proofs, { signal });
    } catch (error) {
      const isNone = isSprfError(error, "CHAIN_REVERTED") && error.context["error"] === "ChannelHub_NothingToClaim";
      if (isNone) return 0n;
      throw error;
    }
  }

  /** What is this node's member's, by proofs under the root with which the channel ended. */
  async function claimOwn(signal: AbortSignal): Promise<void> {
    retryAtMs = clock.now() + RETRY_MS;
    const { height, recordHash } = chain.settled;
    if (height > 0) {
      const { player } = await scratchAt(core, height, signal);
      if (!equalBytes(player.head.hash, recordHash)) {
        trouble = `the channel ended at height ${height}, which is not here: claim by what another member exports`;
        logger.error("what is this member's cannot be proved by this node", { height });
        isClaimed = true;
        return;
      }
      await reclaim(signal);
      for (const assetKey of assetKeys()) {
        const [exits, owned] = [exitsSlotOf(account, assetKey), ownedSlotOf(account, assetKey)];
        const proofs = {
          exits: hubProofOf(player.sandbox.prove(exits)),
          owned: hubProofOf(player.sandbox.prove(owned)),
        };
        const amount = await claim(assetKey, proofs, signal);
        if (amount > 0n) logger.info("what was this member's in the channel was claimed", { amount });
      }
    } else {
      await reclaim(signal);
      for (const assetKey of assetKeys()) await claim(assetKey, { exits: NO_PROOF, owned: NO_PROOF }, signal);
    }
    if ((await hub.creditWei(channel, account, { signal })) > 0n) await hub.withdrawStake(channel, { signal });
    isClaimed = true;
  }

  async function look(signal: AbortSignal): Promise<void> {
    if (clock.now() < retryAtMs) return;
    if (chain.challenges.frozenBy === undefined) {
      if (!chain.challenges.isClosed) await freezeWhenOverdue(signal);
      return;
    }
    if (!chain.challenges.isClosed) return await endFrozen(signal);
    if (!isClaimed) await claimOwn(signal);
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await look(signal).catch((error: unknown) => {
          retryAtMs = clock.now() + RETRY_MS;
          // Somebody else may have been faster.
          if (!signal.aborted) logger.warn("an exit goes on later", { reason: messageOf(error) });
        });
        await clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      }
    },
    get trouble() {
      return trouble;
    },
  };
}
