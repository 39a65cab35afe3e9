import { getAddress } from "ethers";

import { commitmentOf } from "../domain/verdict/commitment.ts";
import { packVerdicts, unpackVerdicts } from "../domain/verdict/packed-verdicts.ts";
import { createSeenIds } from "../domain/seen-ids.ts";
import { SprfError, messageOf } from "../errors.ts";
import type { Chain, SeatReveal, SignedCommit } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Messenger, ReceivedMessage } from "../ports/messenger.ts";
import type { Random } from "../ports/random.ts";
import { equalBytes, fromHex, toHex } from "../utils/bytes.ts";
import { raceAbort } from "../utils/abort.ts";
import { recordCidOf } from "../wire/canonical.ts";
import { signerOfCommit } from "../wire/signed-commit.ts";
import {
  MAX_SENT_EVIDENCE_BYTES,
  MAX_TESTER_LIFETIME_MS,
  TESTER_MESSAGE_ID_BYTES,
  TESTER_MESSAGE_VERSION,
  encodeTesterMessage,
  testersTopicOf,
  verifyTesterMessage,
  type EvidenceReply,
  type EvidenceRequest,
  type TesterCommit,
  type TesterReport,
} from "../wire/tester-messages.ts";

/** Requests for evidence that are remembered, so that one sent again is answered once. */
const MAX_REMEMBERED = 1_000;
/** Evidence that one tester is sent, at most so often. */
const MIN_MS_BETWEEN_REPLIES = 250;
/** Pauses between sendings of a request for evidence; the last one repeats. */
const ASK_PAUSES_MS = [250, 500, 1_000, 2_000];

export interface ExchangeComponents {
  readonly messenger: Messenger;
  /** This tester's message key: 64 and 32 bytes. */
  readonly messageKeys: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };
  readonly chain: Chain;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** An epoch whose testers talk to each other. */
export interface ExchangedEpoch {
  readonly agreement: string;
  readonly epoch: number;
  /** Accounts by seat. */
  readonly testers: readonly string[];
  readonly workerCount: number;
}

/** What one tester has of the others of its epoch. All of it was checked before it got here. */
export interface Attendance {
  /** Commitments by seat, each signed by the seat's account. */
  commits(): ReadonlyMap<number, SignedCommit>;
  /** Reports by seat that match what {@link expectReports} named. */
  reports(): ReadonlyMap<number, SeatReveal>;
  /** Takes reports from now on, for these commitments by seat. */
  expectReports(commitments: ReadonlyMap<number, Uint8Array>): void;
  /** Best effort: what is lost is sent again by the caller. */
  sendCommit(seat: number, signed: SignedCommit, options: { readonly signal: AbortSignal }): Promise<void>;
  sendReport(seat: number, report: SeatReveal, options: { readonly signal: AbortSignal }): Promise<void>;
  leave(): Promise<void>;
}

/** How testers of one epoch bring their reports together, and show each other their evidence. */
export interface TesterExchange {
  /** Listens to the testers of an agreement, for whoever wants to see this tester's evidence. Resolves with what ends it. */
  listen(agreement: string): Promise<() => Promise<void>>;
  attend(epoch: ExchangedEpoch, onNews: () => void): Promise<Attendance>;
  /** Asks a tester for the block of its evidence, again and again. @throws SprfError what `signal` aborts with */
  evidence(
    wanted: {
      readonly agreement: string;
      readonly epoch: number;
      readonly tester: string;
      readonly evidenceCid: string;
    },
    options: { readonly signal: AbortSignal },
  ): Promise<Uint8Array>;
}

export interface ExchangeInit {
  /** This tester's own evidence by its CID, once it was revealed. */
  readonly evidenceOf: (wanted: {
    agreement: string;
    epoch: number;
    evidenceCid: string;
  }) => Promise<Uint8Array | undefined>;
}

interface Table extends ExchangedEpoch {
  readonly commits: Map<number, SignedCommit>;
  readonly reports: Map<number, SeatReveal>;
  expected: ReadonlyMap<number, Uint8Array> | undefined;
  /** The latest report by seat that came before it was known what to expect. */
  readonly early: Map<number, TesterReport>;
  readonly onNews: () => void;
}

interface Room {
  readonly agreement: string;
  readonly bytes: Uint8Array;
  members: number;
  readonly tables: Map<number, Table>;
  readonly leave: Promise<() => Promise<void>>;
}

/** Messages between testers on a topic for each agreement. */
export function createTesterExchange(components: ExchangeComponents, init: ExchangeInit): TesterExchange {
  const { messenger, messageKeys, chain, clock, random } = components;
  const logger = components.logger.child({ component: "tester-exchange" });
  const rooms = new Map<string, Room>();
  /** Replies that are waited for, by the hex of the request's id. */
  const waiting = new Map<string, (reply: EvidenceReply) => void>();
  const served = createSeenIds<true>({ capacity: MAX_REMEMBERED });
  const twins = createSeenIds<Promise<boolean>>({ capacity: MAX_REMEMBERED });

  function enter(agreement: string): Room {
    const known = rooms.get(agreement);
    if (known !== undefined) {
      known.members += 1;
      return known;
    }
    const bytes = fromHex(agreement);
    const room: Room = {
      agreement,
      bytes,
      members: 1,
      tables: new Map(),
      leave: messenger.subscribe(
        { topic: testersTopicOf(bytes), privateKey: messageKeys.privateKey },
        async (message) => await onMessage(room, message),
      ),
    };
    rooms.set(agreement, room);
    return room;
  }

  async function exit(room: Room): Promise<void> {
    room.members -= 1;
    if (room.members > 0) return;
    rooms.delete(room.agreement);
    await (
      await room.leave
    )();
  }

  async function onMessage(room: Room, { payload, signer }: ReceivedMessage): Promise<void> {
    try {
      const context = { nowMs: clock.now(), self: messageKeys.publicKey, agreement: room.bytes };
      const message = verifyTesterMessage(payload, signer, context);
      switch (message.kind) {
        case "tester-commit":
          return takeCommit(room, message);
        case "tester-report":
          return onReport(room, message);
        case "evidence-request":
          return await serve(room, message);
        case "evidence":
          return waiting.get(toHex(message.inReplyTo))?.(message);
      }
    } catch (error) {
      refused(room.agreement, error);
    }
  }

  function refused(agreement: string, error: unknown): void {
    logger.debug("a message between testers was refused", { agreement, reason: messageOf(error) });
  }

  function takeCommit({ agreement, tables }: Room, { epoch, seat, commitment, signature }: TesterCommit): void {
    const table = tables.get(epoch);
    if (table === undefined || table.commits.has(seat)) return;
    const account = signerOfCommit({ commitment, signature }, { chainId: chain.chainId, agreement, epoch });
    if (account === undefined || account !== table.testers[seat]) {
      throw new SprfError("MESSAGE_INVALID", "a commitment that its seat did not sign");
    }
    table.commits.set(seat, { seat, commitment, signature });
    table.onNews();
  }

  function onReport({ tables }: Room, message: TesterReport): void {
    const table = tables.get(message.epoch);
    if (table === undefined || message.seat >= table.testers.length) return;
    if (table.expected === undefined) table.early.set(message.seat, message);
    else takeReport(table, message);
  }

  function takeReport(table: Table, { seat, evidenceCid, salt, ...message }: TesterReport): void {
    const { agreement, epoch, reports } = table;
    const [expected, tester] = [table.expected?.get(seat), table.testers[seat]];
    if (expected === undefined || tester === undefined || reports.has(seat)) return;
    const verdicts = unpackVerdicts(message.verdicts, table.workerCount);
    if (
      packVerdicts(verdicts) !== message.verdicts ||
      !equalBytes(commitmentOf({ agreement, epoch, tester, verdicts, evidenceCid, salt }), expected)
    ) {
      throw new SprfError("MESSAGE_INVALID", "a report that is not what its seat committed to");
    }
    reports.set(seat, { seat, tester, verdicts, evidenceCid, salt });
    table.onNews();
  }

  /** Whoever knows the CID knows that it was revealed; still, only testers are answered, and not as often as they like. */
  async function serve(room: Room, request: EvidenceRequest): Promise<void> {
    const now = clock.now();
    const [id, sender] = [toHex(request.id), toHex(request.from)];
    if (served.get(id, now) !== undefined || served.get(sender, now) !== undefined) return;
    served.set(id, true, request.expiresAt, now);
    served.set(sender, true, now + MIN_MS_BETWEEN_REPLIES, now);
    if (!(await isTester(request.from))) return;
    const { epoch, evidenceCid } = request;
    const block = await init.evidenceOf({ agreement: room.agreement, epoch, evidenceCid });
    if (block === undefined || block.length > MAX_SENT_EVIDENCE_BYTES) return;
    await send(room, request.from, {
      kind: "evidence",
      epoch,
      inReplyTo: request.id,
      block: new Uint8Array(block),
    });
  }

  async function isTester(messageKey: Uint8Array): Promise<boolean> {
    const [key, now] = [toHex(messageKey), clock.now()];
    const known = twins.get(key, now);
    if (known !== undefined) return await known;
    const look = (async () => {
      const twin = await chain.twinOfKey(messageKey);
      return twin !== undefined && (await chain.testerOf(twin.account)) !== undefined;
    })();
    twins.set(key, look, now + MAX_TESTER_LIFETIME_MS, now);
    look.catch(() => twins.delete(key));
    return await look;
  }

  async function keyOf(account: string, signal: AbortSignal): Promise<Uint8Array> {
    const twin = await chain.twinOf(account, { signal });
    if (twin === undefined) throw new SprfError("NOT_REGISTERED", `${account} has no twin`);
    return twin.messageKey;
  }

  type Body =
    | Pick<TesterCommit, "kind" | "epoch" | "seat" | "commitment" | "signature">
    | Pick<TesterReport, "kind" | "epoch" | "seat" | "verdicts" | "evidenceCid" | "salt">
    | Pick<EvidenceRequest, "kind" | "epoch" | "evidenceCid">
    | Pick<EvidenceReply, "kind" | "epoch" | "inReplyTo" | "block">;

  async function send(
    { bytes }: Pick<Room, "bytes">,
    to: Uint8Array,
    body: Body,
    { signal, id = random.bytes(TESTER_MESSAGE_ID_BYTES) }: { signal?: AbortSignal; id?: Uint8Array } = {},
  ): Promise<void> {
    const issuedAt = clock.now();
    const payload = encodeTesterMessage({
      ...body,
      version: TESTER_MESSAGE_VERSION,
      id: new Uint8Array(id),
      to: new Uint8Array(to),
      from: new Uint8Array(messageKeys.publicKey),
      agreement: new Uint8Array(bytes),
      issuedAt,
      expiresAt: issuedAt + MAX_TESTER_LIFETIME_MS,
    });
    await messenger.publish({ topic: testersTopicOf(bytes), recipient: to, payload }, { signal });
  }

  return {
    async listen(agreement) {
      const room = enter(agreement);
      await room.leave;
      return async () => await exit(room);
    },

    async attend(parts, onNews) {
      const room = enter(parts.agreement);
      const table: Table = {
        ...parts,
        commits: new Map(),
        reports: new Map(),
        expected: undefined,
        early: new Map(),
        onNews,
      };
      room.tables.set(parts.epoch, table);
      await room.leave;
      const account = (seat: number): string => {
        const found = parts.testers[seat];
        if (found === undefined) throw new SprfError("INTERNAL", `the epoch has no seat ${seat}`);
        return found;
      };
      let left = false;
      return {
        commits: () => table.commits,
        reports: () => table.reports,
        expectReports(commitments) {
          table.expected = commitments;
          const early = [...table.early.values()];
          table.early.clear();
          for (const message of early) {
            try {
              takeReport(table, message);
            } catch (error) {
              refused(parts.agreement, error);
            }
          }
        },
        async sendCommit(seat, { seat: own, commitment, signature }, { signal }) {
          const body = {
            kind: "tester-commit" as const,
            epoch: parts.epoch,
            seat: own,
            commitment: new Uint8Array(commitment),
            signature: new Uint8Array(signature),
          };
          await send(room, await keyOf(account(seat), signal), body, { signal });
        },
        async sendReport(seat, report, { signal }) {
          const body = {
            kind: "tester-report" as const,
            epoch: parts.epoch,
            seat: report.seat,
            verdicts: packVerdicts(report.verdicts),
            evidenceCid: report.evidenceCid,
            salt: new Uint8Array(report.salt),
          };
          await send(room, await keyOf(account(seat), signal), body, { signal });
        },
        async leave() {
          if (left) return;
          left = true;
          room.tables.delete(parts.epoch);
          await exit(room);
        },
      };
    },

    async evidence({ agreement, epoch, tester, evidenceCid }, { signal }) {
      const room = enter(getAddress(agreement));
      const over = new AbortController();
      const until = AbortSignal.any([signal, over.signal]);
      const { promise, resolve } = Promise.withResolvers<Uint8Array>();
      const ids: string[] = [];
      const onReply = ({ block }: EvidenceReply): void => {
        // Anybody could send something else first.
        if (recordCidOf(block) === evidenceCid) resolve(block);
      };
      const ask = async (): Promise<void> => {
        await room.leave;
        const to = await keyOf(tester, until);
        for (let sent = 0; !until.aborted; sent += 1) {
          // Each has an id of its own, so that the tester answers again when its answer was lost.
          const id = random.bytes(TESTER_MESSAGE_ID_BYTES);
          ids.push(toHex(id));
          waiting.set(toHex(id), onReply);
          try {
            await send(room, to, { kind: "evidence-request", epoch, evidenceCid }, { signal: until, id });
          } catch (error) {
            if (!until.aborted) logger.debug("a request for evidence could not be sent", { reason: messageOf(error) });
          }
          await clock.sleep(ASK_PAUSES_MS[Math.min(sent, ASK_PAUSES_MS.length - 1)] ?? 0, { signal: until });
        }
      };
      try {
        ask().catch((error: unknown) => {
          if (!until.aborted) logger.debug("evidence cannot be asked for", { reason: messageOf(error) });
        });
        return await raceAbort(promise, signal);
      } finally {
        over.abort();
        for (const each of ids) waiting.delete(each);
        await exit(room);
      }
    },
  };
}
