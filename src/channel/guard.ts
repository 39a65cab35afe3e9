import { messageOf } from "../errors.ts";
import type { DataRange, ProofDesk, SettlementProof } from "../ports/channel-challenges.ts";
import { ZERO_HASH } from "../wire/channel/record.ts";
import type { InFlight, OpenDemand } from "./challenge-book.ts";
import { peersOf, type Core } from "./core.ts";
import { judgeSettlement, type JudgedStep } from "./judge-settlement.ts";
import type { Purse } from "./purse.ts";
import { guardTurnMs, isMemberNow } from "./turns.ts";

const LOOK_EVERY_MS = 500;
/** After something that was sent, or failed. */
const RETRY_MS = 5_000;
const MS = 1_000;
/** Looks, for a block to be made. */
const BLOCK_ROUNDS = 120;
/** Demands that a member may make of one settlement. */
const MAX_DEMANDS = 4;
/** What a bond may be at most: it comes back, less what answers cost. */
const MOST_BOND_WEI = 10n ** 18n;
/** How long records that this node has not may come from other members, before they are asked for on the chain. */
const DEFAULT_RECORDS_PATIENCE_MS = 20_000;

/** The part of a node that lets no false settlement become final. */
export interface Guard {
  run(signal: AbortSignal): Promise<void>;
  /** What a human should look at; undefined for nothing. */
  readonly trouble: string | undefined;
}

export interface GuardInit {
  readonly core: Core;
  readonly desk: ProofDesk;
  readonly purse: Purse;
  /** Asks a member for what this node has not. */
  readonly catchUp: (from: string) => void;
  /** @default 20,000 */
  readonly recordsPatienceMs?: number | undefined;
}

/**
 * Looks at each settlement that has passed, or is the highest one of a frozen channel, before it is final: shows what is false in it,
 * asks for its data where that is not here, and has it undone when nobody shows them. One honest member is enough for that; when there
 * are more they let each other act first, in the order of their join numbers.
 */
export function createGuard(init: GuardInit): Guard {
  const { core, desk, purse, catchUp, recordsPatienceMs = DEFAULT_RECORDS_PATIENCE_MS } = init;
  const { hub, clock, logger, chain } = core;
  const { channel } = core.info;
  /** What is looked at. */
  let at: { readonly proposal: bigint; readonly sinceMs: number } | undefined;
  /** What was judged last, and by what; it stays so while nothing of that changes. */
  let judged: { readonly by: string; readonly step: JudgedStep; readonly sinceMs: number } | undefined;
  let retryAtMs = 0;
  let trouble: string | undefined;
  let asked = 0;

  function say(why: string): void {
    if (trouble !== why) logger.error("a settlement is not as it should be", { proposal: at?.proposal, why });
    trouble = why;
  }

  async function judge(flight: InFlight, signal: AbortSignal): Promise<{ step: JudgedStep; sinceMs: number }> {
    const { records, chunks, chunkHashes } = chain.challenges.shown(flight.proposal);
    const head = Math.min(core.player.head.header.height, flight.settlement.toHeight);
    const by = [flight.proposal, head, chain.inboxLength, records.size, chunks.size, chunkHashes?.length].join();
    if (judged?.by === by) return judged;
    const step = await judgeSettlement(core, flight, { records, chunks, chunkHashes }, signal);
    judged = { by, step, sinceMs: clock.now() };
    if (step.step === "none") trouble = undefined;
    else logger.warn("a settlement is doubted", { proposal: flight.proposal, step: step.step, why: step.why });
    return judged;
  }

  /** Whether it can still be undone. */
  async function isOpen({ proposal }: InFlight, signal: AbortSignal): Promise<boolean> {
    if (chain.challenges.frozenBy !== undefined) return (await hub.freezeOf(channel, { signal })).best === proposal;
    const state = (await hub.proposal(channel, proposal, { signal }))?.state;
    return state === "passed" || state === "pending";
  }

  async function look(signal: AbortSignal): Promise<void> {
    const flight = chain.challenges.inFlight;
    if (flight === undefined) {
      at = judged = trouble = undefined;
      return;
    }
    const nowMs = clock.now();
    if (at?.proposal !== flight.proposal) {
      at = { proposal: flight.proposal, sinceMs: nowMs };
      judged = undefined;
    }
    if (nowMs < retryAtMs) return;
    const isBehind = core.player.head.header.height < flight.settlement.toHeight;
    if (isBehind && nowMs - at.sinceMs < recordsPatienceMs) return askMembers();
    const { step, sinceMs } = await judge(flight, signal);
    if (step.step === "none") return;
    if (step.step === "stuck") return say(step.why);
    if (isBehind) askMembers();
    const demand = step.step === "demand" ? await demandFor(flight, step.range, signal) : undefined;
    if (demand === "wait") return;
    if (clock.now() - sinceMs < guardTurnMs(core)) return;
    retryAtMs = clock.now() + RETRY_MS;
    if (!(await isOpen(flight, signal))) return;
    if (step.step === "prove") {
      await purse.spend(step.why, async () => {
        await desk.prove(channel, flight.proposal, await readyOf(step.proof, signal), { signal });
      });
      logger.warn("a settlement was undone", { proposal: flight.proposal, why: step.why });
    } else if (demand !== undefined) await demand();
  }

  /** What the chain has to run again is loaded first, and run in a later block. */
  async function readyOf(proof: SettlementProof, signal: AbortSignal): Promise<SettlementProof> {
    const { court } = core;
    if (proof.kind !== "record" || court === undefined) return proof;
    const { evidence } = proof;
    if (evidence.fault !== "falseResult" && evidence.fault !== "falseGenesisResult") return proof;
    const rootBefore = evidence.fault === "falseResult" ? evidence.before.stateRoot : ZERO_HASH;
    const openedIn = await court.openReplay(rootBefore, evidence, { signal });
    for (let round = 0; round < BLOCK_ROUNDS && (await hub.blockNumber({ signal })) <= openedIn; round += 1) {
      await clock.sleep(LOOK_EVERY_MS, { signal });
    }
    return { kind: "record", evidence: { ...evidence, openedIn } };
  }

  /** One after the other. */
  function askMembers(): void {
    const peers = peersOf(core);
    const peer = peers[(asked += 1) % Math.max(1, peers.length)];
    if (peer !== undefined) catchUp(peer);
  }

  /** What brings data, or ends a settlement of which nobody shows them. */
  async function demandFor(
    { proposal }: InFlight,
    range: DataRange,
    signal: AbortSignal,
  ): Promise<"wait" | (() => Promise<void>)> {
    const open = chain.challenges.demands.filter((demand) => demand.proposal === proposal);
    const isLate = ({ deadlineSeconds }: OpenDemand): boolean => chain.seenMs > deadlineSeconds * MS;
    const late = open.find(isLate);
    if (late !== undefined) {
      return async () => {
        const what = "nobody has shown the data of a settlement";
        await purse.spend(what, async () => await hub.resolveDemand(channel, proposal, late.member, { signal }));
        logger.warn("a settlement was undone", { proposal, why: what });
      };
    }
    const isAsked = open.some(({ member, range: { kind, first, last }, next }) => {
      const isSame = kind === range.kind && next <= range.first && range.first <= last && first <= range.first;
      return isSame || member === core.account;
    });
    if (isAsked) return "wait";
    if (!isMemberNow(core)) {
      say("its data is not here, and only a member can ask for it");
      return "wait";
    }
    const { made } = await hub.demandOf(channel, proposal, core.account, { signal });
    if (made >= MAX_DEMANDS) {
      say("this member has asked for as much of its data as it may, and it cannot be looked at whole");
      return "wait";
    }
    return async () => {
      const options = { signal, mostWei: MOST_BOND_WEI };
      await purse.spend("data of a settlement", async () => {
        await hub.demandData(channel, proposal, range, options);
      });
      logger.warn("data of a settlement was asked for", { proposal, ...range });
    };
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await look(signal).catch((error: unknown) => {
          retryAtMs = clock.now() + RETRY_MS;
          // Somebody else may have been faster.
          if (!signal.aborted) logger.warn("a settlement was not guarded against", { reason: messageOf(error) });
        });
        await clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      }
    },
    get trouble() {
      return trouble ?? purse.trouble;
    },
  };
}
