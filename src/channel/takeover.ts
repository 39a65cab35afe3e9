import { countedWeight, weightOf } from "../domain/channel/membership.ts";
import { isQuorum } from "../domain/channel/quorum.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { Certificate } from "../wire/channel/batch.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";
import { broadcast, cutTo, enterTerm, isLeader, type Core } from "./core.ts";
import type { Leader } from "./leader.ts";
import type { Sync } from "./sync.ts";

const ASK_EVERY_MS = 250;
/** How often the chain's term is looked at when nobody says that it is another one. */
const IDLE_MS = 1_000;
/** For a certificate that somebody says there is. */
const SYNC_MS = 10_000;

/** The part of a node that goes from one term to the next. */
export interface Takeover {
  onStatus(from: string, status: ChannelMessageOf<"status">): void;
  /** The chain may have a new term. */
  wake(): void;
  run(signal: AbortSignal): Promise<void>;
}

/**
 * A new leader asks the members for the highest certificate that they hold. A member answers for a term once it has promised to ack
 * nothing of earlier ones, so that what a quorum's answers do not show can never become certified behind the new leader's back.
 */
export function createTakeover(core: Core, leader: Leader, sync: Sync): Takeover {
  let statuses = new Map<string, ChannelMessageOf<"status">>();
  let alarm = new AbortController();

  const isAnswered = (): boolean => {
    const members = core.chain.membershipAt(core.chain.inboxLength);
    if (members === undefined) return false;
    const answered = [...statuses].filter(([, { term }]) => term >= core.term).map(([signer]) => signer);
    // Nobody waits for the word of the one that this term is about, who may be a member still.
    const before = core.chain.termOf(core.term - 1)?.leader;
    const weight = weightOf(members, new Set([...answered, core.network.self]), before);
    return isQuorum(weight, countedWeight(members, before));
  };

  function ask(): void {
    const { header, hash } = core.player.head;
    broadcast(core, { kind: "status", term: core.term, height: header.height, recordHash: hash, asks: true });
  }

  /** Who holds a higher certificate than this node. */
  function better(): { readonly from: string; readonly certificate: Certificate } | undefined {
    let best: { readonly from: string; readonly certificate: Certificate } | undefined;
    for (const [from, { certificate, term }] of statuses) {
      if (certificate === undefined || term < core.term) continue;
      if (isHigher(certificate, best?.certificate ?? core.certificate)) best = { from, certificate };
    }
    return best;
  }

  async function becomeLeader(signal: AbortSignal): Promise<void> {
    const { term } = core;
    // Whoever has signed records of this term has been through this, and the first leader has nobody before it.
    if (term !== 1 && core.player.head.header.term !== term) {
      statuses = new Map();
      while (!isAnswered()) {
        ask();
        await core.clock
          .sleep(ASK_EVERY_MS, { signal: AbortSignal.any([signal, alarm.signal]) })
          .catch(() => undefined);
        if (signal.aborted || core.chain.term?.term !== term) return;
        alarm = new AbortController();
      }
      for (let held = better(); held !== undefined; held = better()) {
        const untilMs = core.clock.now() + SYNC_MS;
        while (isHigher(held.certificate, core.certificate) && core.clock.now() < untilMs && !signal.aborted) {
          sync.catchUp(held.from);
          await sync.idle;
        }
        // It could not be shown: whoever said so is not asked again.
        if (isHigher(held.certificate, core.certificate)) statuses.delete(held.from);
        if (signal.aborted) return;
      }
      await core.inTurn(goOn);
    }
    await core.inTurn(async () => leader.begin());
    core.logger.info("this node leads", { term });
  }

  /** Goes on from what is certified; what users have signed of the rest is played again. */
  async function goOn(): Promise<void> {
    const floor = Math.max(core.certificate?.height ?? 0, core.chain.settled.height);
    for (const { body } of await cutTo(core, floor)) {
      if (body.kind !== RECORD_KINDS.call && body.kind !== RECORD_KINDS.session) continue;
      leader.submit(body.kind, body.input).catch((error: unknown) => {
        core.logger.debug("a call of an earlier term was not taken again", { reason: messageOf(error) });
      });
    }
  }

  return {
    onStatus(from, status) {
      statuses.set(from, status);
      if (isAnswered()) alarm.abort();
    },
    wake: () => alarm.abort(),
    async run(signal) {
      while (!signal.aborted) {
        alarm = new AbortController();
        try {
          const { term } = core.chain;
          if (term !== undefined && term.term > core.term) {
            leader.end();
            await core.inTurn(async () => await enterTerm(core, term.term));
            if (!isLeader(core)) leader.refuseAll(new SprfError("CHANNEL_NO_LEADER", "another member leads now"));
          }
          if (isLeader(core) && !leader.isReady) await becomeLeader(signal);
        } catch (error) {
          if (!signal.aborted) core.logger.error("the term was not taken over", { reason: messageOf(error) });
        }
        const isBehind = isLeader(core) !== leader.isReady || (core.chain.term?.term ?? 0) > core.term;
        if (isBehind && !isLeader(core)) leader.end();
        await core.clock
          .sleep(isBehind ? ASK_EVERY_MS : IDLE_MS, { signal: AbortSignal.any([signal, alarm.signal]) })
          .catch(() => undefined);
      }
    },
  };
}

function isHigher(given: Certificate, held: Certificate | undefined): boolean {
  if (held === undefined) return true;
  return given.term > held.term || (given.term === held.term && given.height > held.height);
}
