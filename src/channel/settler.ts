import { memberOfSigner } from "../domain/channel/membership.ts";
import { isSkipped } from "../domain/channel/settlement-faults.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { HubVote } from "../ports/channel-hub.ts";
import { equalBytes } from "../utils/bytes.ts";
import { INBOX_KINDS } from "../wire/channel/inbox-entry.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import {
  hashSettlement,
  recoverVote,
  signVote,
  VOTE_OPTIONS,
  type Change,
  type Settlement,
} from "../wire/channel/settlement.ts";
import { broadcast, certifiedHeight, isLeader, officeOf, saveSnapshot, send, tell, type Core } from "./core.ts";
import { gatherVotes } from "./gather-votes.ts";
import { requestsIn, type ProgramRequests } from "./program-requests.ts";

/** A block that is replaced takes its settlement with it, and nobody says so. */
const SETTLED_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 20;
const EXECUTE_EVERY_MS = 1_000;
const RETRY_MS = 2_000;
/** In the place of a proposer: what has passed on the chain. */
const PASSED = "passed";

/** The part of a node that settles on the chain. */
export interface Settler {
  /** Proposes to settle all up to the head, and sees it through. Resolves with the height once it is final. @throws SprfError `CHANNEL_SETTLEMENT_FAILED` */
  settle(): Promise<number>;
  /** Sees a settlement through that has passed, whoever proposed it. @throws SprfError `CHANNEL_SETTLEMENT_FAILED`, `CHANNEL_BUSY` */
  finish(): Promise<void>;
  /** It is at a settlement. */
  readonly isBusy: boolean;
  onProposal(from: string, settlement: Settlement): Promise<void>;
  onVote(from: string, message: ChannelMessageOf<"vote">): void;
  /** Something was certified or committed, or the chain has news. */
  onProgress(): void;
  /** What the program asks for in the settled state; undefined when this node was not at that state when it was proposed. */
  readonly requests: ProgramRequests | undefined;
  readonly idle: Promise<void>;
}

interface OpenProposal {
  readonly settlement: Settlement;
  readonly proposalHash: Uint8Array;
  readonly from: string;
}

export function createSettler(core: Core, signal: AbortSignal): Settler {
  /** The last of each member, itself included, whose end is kept apart. */
  const marked = new Map<string, number>();
  /** Those that this node has not voted on, by who proposes: nobody's takes the place of another's. */
  const pending = new Map<string, OpenProposal>();
  let own: (OpenProposal & { readonly changes: readonly Change[]; readonly votes: Map<string, HubVote> }) | undefined;
  /** The state at the height that is to be settled, until it is. */
  let captured:
    | {
        readonly header: RecordHeader;
        readonly hash: Uint8Array;
        readonly state: AsyncIterable<Uint8Array>;
        readonly requests: ProgramRequests;
      }
    | undefined;
  let settledRequests: ProgramRequests | undefined;
  let work: Promise<unknown> = Promise.resolve();
  let isSettling = false;
  let retryAtMs = 0;

  function capture(height: number, from: string): void {
    const before = marked.get(from);
    marked.set(from, height);
    if (before !== undefined && ![...marked.values()].includes(before)) core.unsettled.unmark(before);
    core.unsettled.mark(height);
    // A copy of the state is made for the leader and oneself only: anybody can propose as often as it likes.
    const isTrusted = from === core.network.self || from === officeOf(core)?.signer;
    const { head, sandbox } = core.player;
    const { header, hash } = head;
    if (!isTrusted || header.height !== height) return;
    // Another record may have had this height before it was taken back.
    if (captured !== undefined && equalBytes(captured.hash, hash)) return;
    captured = { header, hash, state: sandbox.snapshot(), requests: requestsIn(sandbox, head) };
  }

  function voteFor(proposalHash: Uint8Array, option: number): Uint8Array {
    return signVote(core.domain, { channel: core.info.channel, proposalHash, option }, core.signerKey);
  }

  /**
   * Votes once it holds a certificate of this term for the height, on its disk: whoever leads next then finds it. One of an earlier term
   * may be given up by an election that this member has signed already.
   */
  function votePending(): void {
    for (const { settlement, proposalHash, from } of pending.values()) {
      if (certifiedHeight(core) < settlement.toHeight || settlement.fromHeight > core.unsettled.fromHeight) continue;
      pending.delete(from);
      const mine = core.unsettled.settlementTo(settlement.toHeight, core.info.config.mode);
      if (mine === undefined) continue;
      const isSame = equalBytes(hashSettlement(mine.settlement), proposalHash);
      if (!isSame) core.logger.warn("a settlement differs from this node's", { from, toHeight: settlement.toHeight });
      const entry = core.chain.entry(settlement.inboxCursor + 1);
      // The hub undoes it for that.
      const isLate = entry !== undefined && isSkipped(settlement, entry);
      const option = isSame && !isLate ? VOTE_OPTIONS.for : VOTE_OPTIONS.against;
      send(core, from, { kind: "vote", proposalHash, option, signature: voteFor(proposalHash, option) });
    }
  }

  async function open(): Promise<NonNullable<typeof own> | undefined> {
    return await core.inTurn(async () => {
      const { height } = core.player.head.header;
      if (height <= core.unsettled.fromHeight) return undefined;
      capture(height, core.network.self);
      const made = core.unsettled.settlementTo(height, core.info.config.mode);
      if (made === undefined) return undefined;
      const proposalHash = hashSettlement(made.settlement);
      own = { ...made, proposalHash, from: core.network.self, votes: new Map() };
      // In turn, so that it comes to the others right behind the batch with its last record.
      broadcast(core, { kind: "proposal", settlement: made.settlement });
      return own;
    });
  }

  async function settle(): Promise<number> {
    await finishPassed();
    const mine = await open();
    if (mine === undefined) return core.unsettled.fromHeight;
    const { settlement, changes } = mine;
    const option = VOTE_OPTIONS.for;
    const vote = { member: core.account, option, signature: voteFor(mine.proposalHash, option) };
    const votes = await gatherVotes(core, { settlement, votes: mine.votes, vote }, signal);
    const { proposal, isFinal } = await core.hub.settle(settlement, changes, votes, { signal });
    if (!isFinal) await execute(proposal, changes);
    await untilSettled(settlement.toHeight);
    return settlement.toHeight;
  }

  /** Nothing else can be settled before. */
  async function finishPassed(): Promise<void> {
    const { passed } = core.chain;
    if (passed === undefined) return;
    const { proposal, settlement } = passed;
    const { fromHeight, toHeight } = settlement;
    if (core.unsettled.fromHeight < fromHeight || core.player.head.header.height < toHeight) {
      throw new SprfError("CHANNEL_SETTLEMENT_FAILED", `this node is not at height ${toHeight}, which has passed`);
    }
    const mine = core.unsettled.settlementTo(toHeight, core.info.config.mode);
    if (mine === undefined || !equalBytes(hashSettlement(mine.settlement), hashSettlement(settlement))) {
      throw new SprfError("CHANNEL_SETTLEMENT_FAILED", `proposal ${proposal} has passed and is not this node's own`);
    }
    await execute(proposal, mine.changes);
    await untilSettled(toHeight);
  }

  async function untilSettled(height: number): Promise<void> {
    const untilMs = core.clock.now() + SETTLED_TIMEOUT_MS;
    while (core.chain.settled.height < height) {
      if (core.clock.now() > untilMs) {
        throw new SprfError(
          "CHANNEL_SETTLEMENT_FAILED",
          `the settlement of height ${height} is not in the chain any more`,
        );
      }
      await core.clock.sleep(LOOK_EVERY_MS, { signal });
    }
  }

  async function execute(proposal: bigint, changes: readonly Change[]): Promise<void> {
    const { channel } = core.info;
    for (;;) {
      const found = await core.hub.proposal(channel, proposal, { signal });
      if (found === undefined || found.state === "rejected") {
        throw new SprfError("CHANNEL_SETTLEMENT_FAILED", `proposal ${proposal} was rejected`);
      }
      if (found.state === "final") return;
      // Somebody joined while the votes were gathered.
      if (found.state === "proposed") {
        throw new SprfError("CHANNEL_SETTLEMENT_FAILED", `proposal ${proposal} has not votes enough`);
      }
      if (found.state === "passed") return await bringChanges(proposal, changes);
      await core.clock.sleep(EXECUTE_EVERY_MS, { signal });
    }
  }

  async function bringChanges(proposal: bigint, changes: readonly Change[]): Promise<void> {
    const { channel } = core.info;
    try {
      await core.hub.executeSettlement(channel, proposal, changes, { signal });
    } catch (error) {
      // Another member may have been faster.
      if ((await core.hub.proposal(channel, proposal, { signal }))?.state !== "final") throw error;
    }
  }

  /** One settlement at a time. */
  async function alone<T>(settling: () => Promise<T>): Promise<T> {
    if (isSettling) throw new SprfError("CHANNEL_BUSY", "a settlement is on its way");
    isSettling = true;
    const done = settling().finally(() => {
      isSettling = false;
      own = undefined;
    });
    work = done.catch(() => undefined);
    return await done;
  }

  /** Its end must be there until it is final, however long its window is, and whoever proposes what meanwhile. */
  function markPassed(): void {
    const { passed } = core.chain;
    if (passed === undefined || marked.get(PASSED) === passed.settlement.toHeight) return;
    marked.set(PASSED, passed.settlement.toHeight);
    core.unsettled.mark(passed.settlement.toHeight);
  }

  /** Leaves, bans and the close wait for a settlement that contains them. */
  function settleWhatWaits(): void {
    const { chain, player, clock } = core;
    if (isSettling || !isLeader(core) || clock.now() < retryAtMs || chain.challenges.frozenBy !== undefined) return;
    const taken = player.at(core.committed)?.membership.cursor ?? 0;
    const kinds: readonly number[] = [INBOX_KINDS.leave, INBOX_KINDS.ban, INBOX_KINDS.close];
    for (let index = chain.settled.inboxCursor + 1; index <= taken; index += 1) {
      if (!kinds.includes(chain.entry(index)?.kind ?? 0)) continue;
      alone(settle).catch((error: unknown) => {
        if (signal.aborted) return;
        retryAtMs = clock.now() + RETRY_MS;
        core.logger.warn("a leave or close is not settled yet", { reason: messageOf(error) });
      });
      return;
    }
  }

  async function takeSettled(): Promise<void> {
    const { settled } = core.chain;
    if (settled.height <= core.unsettled.fromHeight || core.player.head.header.height < settled.height) return;
    const at = core.player.at(settled.height);
    if (at !== undefined && !equalBytes(at.hash, settled.recordHash)) {
      core.logger.error("another record is final on the chain than here", { height: settled.height });
      return;
    }
    core.unsettled.settled(settled.height);
    marked.clear();
    tell(core, { kind: "final", height: settled.height });
    settledRequests = undefined;
    if (captured === undefined || !equalBytes(captured.hash, settled.recordHash)) return;
    const { header, state, requests } = captured;
    captured = undefined;
    settledRequests = requests;
    await saveSnapshot(core, header, state);
    await core.log.prune(header.height);
  }

  markPassed();
  core.news.add(({ kind }) => {
    if (kind !== "records") return;
    // Where relays bring the records, a proposal may be here before its last one.
    for (const { settlement, from } of pending.values()) {
      if (settlement.toHeight === core.player.head.header.height) capture(settlement.toHeight, from);
    }
  });

  return {
    settle: async () => await alone(settle),
    finish: async () => await alone(finishPassed),
    get isBusy() {
      return isSettling;
    },
    async onProposal(from, settlement) {
      if (settlement.channel !== core.info.channel || settlement.toHeight <= core.unsettled.fromHeight) return;
      await core.inTurn(async () => {
        capture(settlement.toHeight, from);
        pending.set(from, { settlement, proposalHash: hashSettlement(settlement), from });
        votePending();
      });
    },
    onVote(from, { proposalHash, option, signature }) {
      if (own === undefined || !equalBytes(own.proposalHash, proposalHash)) return;
      const voters = core.chain.votersOf(own.settlement.inboxCursor);
      const member = memberOfSigner(voters, from);
      if (member === undefined) return;
      if (recoverVote(core.domain, { channel: core.info.channel, proposalHash, option }, signature) !== from) return;
      own.votes.set(member.account, { member: member.account, option, signature });
    },
    onProgress() {
      votePending();
      markPassed();
      settleWhatWaits();
      if (core.chain.settled.height > core.unsettled.fromHeight) {
        work = Promise.all([work, core.inTurn(takeSettled)]).catch((error: unknown) =>
          core.logger.error("a final height was not kept", { reason: messageOf(error) }),
        );
      }
    },
    get requests() {
      return settledRequests;
    },
    get idle() {
      return work.then(() => undefined);
    },
  };
}
