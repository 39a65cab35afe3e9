import { recoverBatch } from "../wire/channel/batch.ts";
import type { ChannelDomain } from "../wire/channel/domain.ts";
import { merkleRoot } from "../wire/channel/merkle.ts";
import { decodeRecordBody, headerOf, type RecordBody } from "../wire/channel/record-body.ts";
import { hashRecord, type RecordHeader } from "../wire/channel/record.ts";
import type { SignedBatch } from "../wire/channel/schemas.ts";
import { lastOf, type Run } from "./log-entries.ts";

/** A record as a batch says it. */
export interface ReadRecord {
  readonly body: RecordBody;
  readonly header: RecordHeader;
  readonly hash: Uint8Array;
}

/** The records of a run that follows the record with hash `before`. @throws SprfError `MESSAGE_INVALID` for what is no record */
export function readRun(
  { term, first, records }: Run,
  { channel, before }: { readonly channel: bigint; readonly before: Uint8Array },
): readonly ReadRecord[] {
  let previous = before;
  return records.map((packed, index) => {
    const body = decodeRecordBody(packed);
    const header = headerOf(body, { channel, term, height: first + index, previous });
    previous = hashRecord(header);
    return { body, header, hash: previous };
  });
}

/**
 * The records of a batch that follows the record with hash `before`, and who has signed them at that place; no signer when the
 * signature is none. @throws SprfError `MESSAGE_INVALID` for what is no record
 */
export function readBatch(
  batch: SignedBatch,
  place: { readonly domain: ChannelDomain; readonly channel: bigint; readonly before: Uint8Array },
): { readonly records: readonly ReadRecord[]; readonly signer: string | undefined } {
  const { term, first } = batch;
  const { domain, channel } = place;
  const records = readRun(batch, place);
  const recordsRoot = merkleRoot(records.map(({ hash }) => hash));
  const signer = recoverBatch(domain, { channel, term, first, last: lastOf(batch), recordsRoot }, batch.signature);
  return { records, signer };
}
