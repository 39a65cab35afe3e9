import { isMisplaced, openRecord, writesOf } from "../domain/channel/evidence.ts";
import { isPastEntry } from "../domain/channel/inbox-patience.ts";
import { faultOfResult } from "../domain/channel/record-rules.ts";
import { isSprfError } from "../errors.ts";
import type { Evidence, RecordOpening, SlotValue } from "../ports/channel-court.ts";
import type { HubSlotProof } from "../ports/channel-hub.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { recoverSigner, SIGNATURE_BYTES } from "../utils/recoverable-signature.ts";
import { callDigest, decodeCallInput } from "../wire/channel/call.ts";
import { hashInboxEntry } from "../wire/channel/inbox-entry.ts";
import { RECORD_KINDS, type RecordHeader } from "../wire/channel/record.ts";
import { decodeRecordBody, type RecordBody } from "../wire/channel/record-body.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import { decodeSessionInput } from "../wire/channel/session.ts";
import type { Core } from "./core.ts";
import { fromLogEntry, lastOf } from "./log-entries.ts";
import { playOrNothing } from "./play-or-nothing.ts";
import type { PlayedRecord } from "./player.ts";
import { readBatch } from "./read-batch.ts";
import { CLOCK_SLOT, nonceSlotOf, sessionSlotOf } from "./sandbox/protocol-slots.ts";
import { slotOf } from "./sandbox/slot-key.ts";
import { NO_PROOF, hubProofOf } from "./hub-proof.ts";

/**
 * What convicts whoever signed the next record of a batch, which this node has found false; undefined where the record hides what it has
 * touched: of that only a hash is known. In turn, with the record before it at the head; the head stays.
 */
export async function gatherEvidence(
  core: Core,
  batch: SignedBatch,
  /** Hash of the record before the batch. */
  batchBefore: Uint8Array,
): Promise<Evidence | undefined> {
  const height = core.player.head.header.height + 1;
  const packed = batch.records[height - batch.first];
  if (packed === undefined) return undefined;
  const record = openRecord(batch, { channel: core.info.channel, before: batchBefore, height });
  return await evidenceAgainst(core, record, decodeRecordBody(packed));
}

/** What shows that the next record after the head is false, whoever has signed it; undefined as above. In turn. */
export async function evidenceAgainst(
  core: Core,
  record: RecordOpening,
  body: RecordBody,
): Promise<Evidence | undefined> {
  const { player, chain } = core;
  const { sandbox } = player;
  const before = player.head.header;
  const { header } = record;
  const entry = chain.entry(header.inboxCursor);
  if (isMisplaced(before, header, entry && hashInboxEntry(entry))) return { fault: "misplaced", record, before };
  const waiting = chain.entry(before.inboxCursor + 1);
  if (waiting !== undefined && isPastEntry(header, waiting)) return { fault: "pastEntry", record, entry: waiting };
  const dueMs = sandbox.tickDueMs();
  const isDue = dueMs !== undefined && header.timeMs >= dueMs;
  const isTick = header.kind === RECORD_KINDS.tick;
  if (isTick ? !isDue : isDue && header.kind !== RECORD_KINDS.term) {
    return { fault: "mistimed", record, before, clock: hubProofOf(sandbox.prove(slotOf(CLOCK_SLOT))) };
  }
  return await playFalse(core, { record, before, body });
}

/** That the leader of a batch has signed another record than one which it signed before, and which this node has; undefined for none. */
export async function findEquivocation(
  { player, info, domain, log }: Core,
  batch: SignedBatch,
  signer: string | undefined,
): Promise<Evidence | undefined> {
  const { channel } = info;
  const parent = player.at(batch.first - 1);
  if (parent === undefined || signer === undefined) return undefined;
  const read = readBatch(batch, { domain, channel, before: parent.hash });
  if (read.signer !== signer) return undefined;
  const other = read.records.find(({ header, hash }) => {
    const own = player.at(header.height);
    return own?.header.term === batch.term && !equalBytes(own.hash, hash);
  });
  if (other === undefined) return undefined;
  const { height } = other.header;
  const record = openRecord(batch, { channel, before: parent.hash, height });
  for await (const logged of log.entries({ fromHeight: height })) {
    const kept = fromLogEntry(logged);
    if (kept.kind !== "batch" || kept.batch.term !== batch.term) continue;
    const first = player.at(kept.batch.first - 1);
    if (first === undefined || kept.batch.first > height || lastOf(kept.batch) < height) continue;
    return {
      fault: "equivocation",
      record,
      other: openRecord(kept.batch, { channel, before: first.hash, height }),
    };
  }
  return undefined;
}

/** A word of a user that is none, a root that does not follow from what was written, or another result than the chain comes to. */
async function playFalse(
  core: Core,
  {
    record,
    before,
    body,
  }: { readonly record: RecordOpening; readonly before: RecordHeader; readonly body: RecordBody },
): Promise<Evidence | undefined> {
  const { player } = core;
  const { header } = record;
  const { input } = body;
  const own = await playOrNothing(player, { ...header, kind: body.kind }, input);
  if (own === undefined) {
    const isUsers = header.kind === RECORD_KINDS.call || header.kind === RECORD_KINDS.session;
    return isUsers ? { fault: "forged", record, before, input, ...proofsOf(core, body) } : undefined;
  }
  await player.revertTo(before.height);
  if (faultOfResult(own.header, header) === undefined) return undefined;
  const isRoot =
    equalBytes(own.header.writesHash, header.writesHash) && !equalBytes(own.header.stateRoot, header.stateRoot);
  if (!isRoot) return replayOf({ record, before, own });
  const writes = writesOf(own.touched);
  const proofs = player.sandbox.proveWrites(writes).map(({ proof, beside }) => ({
    proof: hubProofOf(proof),
    ...(beside === undefined ? {} : { beside }),
  }));
  return { fault: "falseRoot", record, before, writes, proofs };
}

/** What the chain runs the record again on, if that is what the record says that it touched. */
function replayOf({
  record,
  before,
  own,
}: {
  readonly record: RecordOpening;
  readonly before: RecordHeader;
  readonly own: PlayedRecord;
}): Evidence | undefined {
  if (!equalBytes(own.header.touchedHash, record.header.touchedHash)) return undefined;
  return { fault: "falseResult", record, before, input: own.body.input, touched: touchedSet(own), besides: [] };
}

/**
 * The same for a record that shows what it says that it touched; `touched` holds true values. Undefined for a record whose result is right.
 * In turn, with the record before at the head; the head stays.
 */
export async function replayAgainst(
  { player }: Pick<Core, "player">,
  record: RecordOpening,
  { input, touched }: { readonly input: Uint8Array; readonly touched: readonly SlotValue[] },
): Promise<Evidence | undefined> {
  const { header } = record;
  const before = player.head.header;
  const own = await playOrNothing(player, header, input);
  if (own === undefined) return undefined;
  await player.revertTo(before.height);
  if (faultOfResult(own.header, header) === undefined) return undefined;
  const isShown = new Set(touched.map(({ slot }) => toHex(slot)));
  const besides = touchedSet(own)
    .filter(({ slot }) => !isShown.has(toHex(slot)))
    .map((each) => ({ ...each, proof: hubProofOf(player.sandbox.prove(each.slot)) }));
  return { fault: "falseResult", record, before, input, touched, besides };
}

function touchedSet({ touched }: PlayedRecord): SlotValue[] {
  return touched.map(({ slot, before }) => ({ slot, value: before }));
}

/** What the state says of whoever an input is of, as far as it can be read. */
function proofsOf(
  { player: { sandbox }, domain }: Core,
  { kind, input }: RecordBody,
): { readonly nonce: HubSlotProof; readonly session: HubSlotProof } {
  const prove = (slot: Uint8Array): HubSlotProof => hubProofOf(sandbox.prove(slot));
  try {
    if (kind === RECORD_KINDS.session) {
      const session = decodeSessionInput(input);
      const { wallet, key } = session.what === "grant" ? session.grant : session.revoke;
      return { nonce: prove(slotOf(nonceSlotOf(wallet))), session: prove(slotOf(sessionSlotOf(wallet, key))) };
    }
    const { call, signature } = decodeCallInput(input);
    const signer = recoverSigner(callDigest(domain, call), signature.subarray(0, SIGNATURE_BYTES)) ?? call.sender;
    return {
      nonce: prove(slotOf(nonceSlotOf(call.sender))),
      session: prove(slotOf(sessionSlotOf(call.sender, signer))),
    };
  } catch (error) {
    // What cannot be read is forged without a look at the state.
    if (isSprfError(error, "MESSAGE_INVALID")) return { nonce: NO_PROOF, session: NO_PROOF };
    throw error;
  }
}
