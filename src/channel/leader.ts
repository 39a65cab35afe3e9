import { isCutOff } from "../domain/channel/inbox-patience.ts";
import { changesMembers, memberOfSigner } from "../domain/channel/membership.ts";
import { isSprfError, messageOf, SprfError } from "../errors.ts";
import { recoverAck, signBatch } from "../wire/channel/batch.ts";
import { createAlarm } from "../utils/alarm.ts";
import { encodeInboxEntry } from "../wire/channel/inbox-entry.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_INPUT_BYTES, MAX_STATE_SLOTS } from "../wire/channel/limits.ts";
import { merkleRoot } from "../wire/channel/merkle.ts";
import type { ChannelMessageBody, ChannelMessageOf } from "../wire/channel/messages.ts";
import { RECORD_KINDS } from "../wire/channel/record.ts";
import { encodeRecordBody } from "../wire/channel/record-body.ts";
import { accountIn } from "./account-in.ts";
import { createFairQueue } from "./fair-queue.ts";
import {
  ackOfHead,
  certifiedHeight,
  commit,
  holdCertificate,
  isLeader,
  keep,
  membersNow,
  statusOf,
  tell,
  type Core,
} from "./core.ts";
import type { PlayedRecord } from "./player.ts";
import { checkCallSize } from "./read-input.ts";
import type { ProgramCall } from "./sandbox/record-input.ts";

/** Calls that wait to be played, unless it is said otherwise, of which each peer and account has its share. */
const DEFAULT_MAX_WAITING = 4_096;
/** Half of what a snapshot may hold: strangers cannot take the rest. */
const DEFAULT_MAX_STATE_SLOTS = MAX_STATE_SLOTS / 2;
/** Where a word in hex has its address. */
const ADDRESS_AT = 24;
/** Records without a certificate; when there are more, nothing is played until members have caught up. */
const MAX_UNCERTIFIED = 8_192;
/** How long a batch is played before it is sent. */
const BATCH_MS = 20;
/** After so long without a batch, the certificate goes alone. */
const QUIET_MS = 5;
const RECORD_OVERHEAD_BYTES = 256;
/** How often a leader looks for members that are behind, and for ticks, while nothing happens. */
const IDLE_MS = 1_000;

/** A user's word that waits for its record. */
interface Waiting {
  readonly kind: number;
  readonly input: Uint8Array;
  readonly done: PromiseWithResolvers<number>;
}

/** Who brings an input. */
export interface InputOrigin {
  /** The signer of the member that forwards it. @default this node */
  readonly peer?: string;
  /** It was in a record that was taken back, and goes before all others. */
  readonly isOwed?: boolean;
}

/** The part of a node that leads. */
export interface Leader {
  /** Resolves with the height when the record is signed and sent. @throws SprfError why it is none, `CHANNEL_BUSY` */
  submit(kind: number, input: Uint8Array, from?: InputOrigin): Promise<number>;
  onAcks(from: string, message: ChannelMessageOf<"acks">): Promise<void>;
  /** There may be something to do. */
  wake(): void;
  /** Leads whenever it is this node's turn, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** True once the chain's term is this node's and what came before is known. */
  readonly isReady: boolean;
  /** Leads from the head on; `election` is the input of the term's first record, where that is not there yet. */
  begin(election?: Uint8Array): void;
  /** Another term has come. */
  end(): void;
  /** Refuses all that waits. */
  refuseAll(error: SprfError): void;
}

export function createLeader(
  core: Core,
  {
    maxWaiting = DEFAULT_MAX_WAITING,
    maxStateSlots = DEFAULT_MAX_STATE_SLOTS,
    publish,
  }: {
    readonly maxWaiting?: number | undefined;
    readonly maxStateSlots?: number | undefined;
    /** Sends what followers need on its way to them. */
    readonly publish: (body: ChannelMessageBody) => void;
  },
): Leader {
  const waiting = createFairQueue<Waiting>(maxWaiting);
  /** In the order in which they were played before. */
  let owed: Waiting[] = [];
  const alarm = createAlarm(core.clock);
  /** What followers were told last. */
  let announced = { height: 0, committed: 0 };

  /** What this node's own last ack said. */
  let counted = { term: 0, certified: 0 };
  let isReady = false;
  let opening: Uint8Array | undefined;
  /** The term that it was made ready for: another one may have come since, in which its election counts for nothing. */
  let readyTerm = 0;
  const leads = (): boolean => isReady && readyTerm === core.term && isLeader(core);

  function nextInput(
    timeMs: number,
    bytes: number,
  ): { kind: number; input: Uint8Array; done?: Waiting["done"] } | undefined {
    if (opening !== undefined && core.player.head.header.term < core.term) {
      return { kind: RECORD_KINDS.term, input: opening };
    }
    const due = core.player.sandbox.tickDueMs();
    if (due !== undefined && timeMs >= due) return { kind: RECORD_KINDS.tick, input: new Uint8Array() };
    const entry = core.chain.entry(core.player.head.membership.cursor + 1);
    if (entry !== undefined) return { kind: RECORD_KINDS.inbox, input: encodeInboxEntry(entry) };
    // An entry may be there that this node cannot see, and no call goes before an old one.
    if (isCutOff(timeMs, core.chain.seenMs)) return undefined;
    const next = owed[0] ?? waiting.peek();
    if (next === undefined || bytes + next.input.length + RECORD_OVERHEAD_BYTES > MAX_BATCH_BYTES) return undefined;
    return owed.shift() ?? waiting.shift();
  }

  /** Plays what there is, up to a batch; true when there was something. */
  async function playBatch(): Promise<boolean> {
    if (!leads() || core.player.head.header.height - (core.certificate?.height ?? 0) > MAX_UNCERTIFIED) return false;
    const records: PlayedRecord[] = [];
    const receipts: { readonly done: Waiting["done"]; readonly height: number }[] = [];
    const startMs = core.clock.now();
    let bytes = 0;
    const { term } = core;
    const before = core.player.head.header.height;
    while (records.length < MAX_BATCH_RECORDS && core.clock.now() - startMs <= BATCH_MS) {
      const timeMs = Math.max(core.player.head.header.timeMs, core.clock.now());
      const next = nextInput(timeMs, bytes);
      if (next === undefined) break;
      try {
        if (next.done !== undefined) checkRoom(next);
        const played = await core.player.play(next.kind, next.input, { term, timeMs, check: checkCall });
        records.push(played);
        core.unsettled.add(played);
        bytes += next.input.length + RECORD_OVERHEAD_BYTES;
        if (next.done !== undefined) receipts.push({ done: next.done, height: played.header.height });
      } catch (error) {
        if (next.done === undefined) {
          // What was played before it is to be sent all the same.
          if (records.length === 0) throw error;
          break;
        }
        next.done.reject(refusalOf(error));
        continue;
      }
      const entry = next.kind === RECORD_KINDS.inbox ? core.chain.entry(core.player.head.membership.cursor) : undefined;
      if (entry !== undefined && changesMembers(entry)) break;
    }
    try {
      await sendBatch(records);
    } catch (error) {
      for (const { done } of receipts) done.reject(refusalOf(error));
      await core.player.revertTo(before);
      core.unsettled.revertTo(before);
      throw error;
    }
    for (const { done, height } of receipts) done.resolve(height);
    return records.length > 0;
  }

  /** No rule of records: members could not load a state that is too large, and so whoever leads sees to it. */
  function checkRoom({ kind, input }: { readonly kind: number; readonly input: Uint8Array }): void {
    const { sandbox, head } = core.player;
    if (sandbox.slotCount < maxStateSlots) return;
    const isMember = head.membership.members.has(`0x${accountIn(kind, input).slice(ADDRESS_AT)}`);
    if (isMember && sandbox.slotCount < 2 * maxStateSlots) return;
    throw new SprfError(
      "CHANNEL_STATE_FULL",
      `the state has ${sandbox.slotCount} slots, and takes no more of strangers`,
    );
  }

  function checkCall(call: ProgramCall): void {
    checkCallSize(call);
    const nonce = core.player.sandbox.nonceOf(call.sender);
    if (call.nonce !== nonce) {
      throw new SprfError("CHANNEL_NONCE_WRONG", `the next nonce of ${call.sender} is ${nonce}, not ${call.nonce}`);
    }
  }

  async function sendBatch(records: readonly PlayedRecord[]): Promise<void> {
    const [firstRecord] = records;
    const lastRecord = records.at(-1);
    if (firstRecord === undefined || lastRecord === undefined) return;
    const first = firstRecord.header.height;
    const last = lastRecord.header.height;
    const recordsRoot = merkleRoot(records.map(({ hash }) => hash));
    const { info, domain, term } = core;
    // It leaves this function only once it is written down.
    const signature = signBatch(domain, { channel: info.channel, term, first, last, recordsRoot }, core.signerKey);
    const batch = {
      term,
      first,
      records: records.map(({ body }) => encodeRecordBody(body)),
      signature,
    };
    await keep(core, [{ kind: "batch", batch }]);
    const { certificate } = core;
    announced = { height: certificate?.height ?? 0, committed: core.committed };
    publish({ kind: "batch", batch, ...(certificate === undefined ? {} : { certificate }) });
    tell(core, { kind: "records", records });
    expectAcks();
  }

  /** Of the head, which is the end of a batch; this node's own is the first. */
  function expectAcks(): void {
    const { header, hash } = core.player.head;
    const voters = core.player.votersAt(header.height);
    if (voters !== undefined) core.acks.expect({ height: header.height, recordHash: hash, voters });
    countOwn();
  }

  function countOwn(): void {
    counted = { term: core.term, certified: certifiedHeight(core) };
    count(core.network.self, ackOfHead(core));
  }

  /** Counts an ack whose signature was checked. */
  function count(signer: string, ack: Parameters<Core["acks"]["add"]>[1]): boolean {
    if (!core.acks.add(signer, ack)) return false;
    const { certificate } = core.acks;
    if (certificate !== undefined) holdCertificate(core, certificate);
    const voters = core.player.votersAt(core.acks.certificate?.height ?? core.player.head.header.height);
    if (voters !== undefined) commit(core, core.acks.committed(voters));
    return true;
  }

  /** Tells members of a certificate that no batch has carried; true when there was one. */
  async function announce(): Promise<boolean> {
    const { certificate } = core;
    if (!leads() || certificate === undefined) return false;
    if (core.unwritten !== undefined) await keep(core, []);
    // Whoever has written it down: another part of the node may have, with what a member sent.
    if (certifiedHeight(core) > counted.certified || counted.term !== core.term) countOwn();
    if (announced.height === certificate.height && announced.committed === core.committed) return false;
    announced = { height: certificate.height, committed: core.committed };
    publish({ kind: "batch", certificate: core.certificate ?? certificate });
    return true;
  }

  /** Tells those who may have missed something where the leader stands, when nothing else would. */
  function remind(): void {
    if (alarm.isRung || !leads() || core.committed === core.player.head.header.height) return;
    publish(statusOf(core, false));
  }

  const leader: Leader = {
    get isReady() {
      return isReady;
    },
    begin(election) {
      opening = election;
      isReady = true;
      readyTerm = core.term;
      // After a new start: the acks of what it had signed before are asked for again.
      if (core.player.head.header.term === core.term) expectAcks();
      alarm.ring();
    },
    end() {
      isReady = false;
    },
    submit(kind, input, { peer = core.network.self, isOwed = false } = {}) {
      const done = Promise.withResolvers<number>();
      if (input.length > MAX_INPUT_BYTES) {
        done.reject(
          new SprfError("CHANNEL_CALL_TOO_LARGE", `an input of ${input.length} bytes, at most ${MAX_INPUT_BYTES}`),
        );
        return done.promise;
      }
      if (!isOwed && isCutOff(core.clock.now(), core.chain.seenMs)) {
        done.reject(
          new SprfError("CHANNEL_NO_LEADER", "this leader has seen no new block for long, and takes no calls"),
        );
        return done.promise;
      }
      if (core.chain.challenges.frozenBy !== undefined) {
        done.reject(new SprfError("CHANNEL_CLOSED", "the channel is frozen, and ends with what is certified"));
        return done.promise;
      }
      const next = { kind, input, done };
      if (isOwed) owed.push(next);
      else if (waiting.push({ peer, account: accountIn(kind, input) }, next)) alarm.ring();
      else done.reject(new SprfError("CHANNEL_BUSY", `${waiting.size} calls wait already, enough of them this one's`));
      return done.promise;
    },
    async onAcks(from, { term, acks }) {
      if (!leads() || term !== core.term) return;
      const { channel } = core.info;
      for (const ack of acks) {
        const signer = recoverAck(core.domain, { channel, term, ...ack }, ack.signature);
        // A member without a link to this node has a relay bring its acks.
        if (signer === undefined || (signer !== from && memberOfSigner(membersNow(core), signer) === undefined)) {
          throw new SprfError("MESSAGE_INVALID", `an ack from ${from} that no member has signed`);
        }
        count(signer, ack);
      }
      alarm.ring();
    },
    wake: () => alarm.ring(),
    async run(signal) {
      while (!signal.aborted) {
        alarm.rearm();
        try {
          const didSomething = await core.inTurn(playBatch);
          if (didSomething) continue;
          await pauseUntilQuiet();
          if (!alarm.isRung && (await core.inTurn(announce))) continue;
          if (alarm.isRung) continue;
          await alarm.pause(idleMs(), signal);
          remind();
        } catch (error) {
          core.logger.error("a batch was not made", { reason: messageOf(error) });
          await core.clock.sleep(IDLE_MS, { signal }).catch(() => undefined);
        }
      }

      async function pauseUntilQuiet(): Promise<void> {
        const { certificate } = core;
        const isTold = certificate?.height === announced.height && core.committed === announced.committed;
        if (leads() && !isTold) await alarm.pause(QUIET_MS, signal);
      }
    },
    refuseAll(error) {
      const refused = [...owed, ...waiting.drain()];
      owed = [];
      for (const { done } of refused) done.reject(error);
    },
  };

  /** Until the next tick, or for a while. */
  function idleMs(): number {
    const due = leads() ? core.player.sandbox.tickDueMs() : undefined;
    if (due === undefined) return IDLE_MS;
    return Math.max(0, Math.min(IDLE_MS, due - core.clock.now()));
  }

  return leader;
}

function refusalOf(error: unknown): SprfError {
  if (!isSprfError(error)) return new SprfError("INTERNAL", messageOf(error), { cause: error });
  return error;
}
