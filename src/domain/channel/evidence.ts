import { SprfError } from "../../errors.ts";
import type { Evidence, SettledOpening, SignedOpening, SlotValue } from "../../ports/channel-court.ts";
import { equalBytes } from "../../utils/bytes.ts";
import { keccak256 } from "../../utils/keccak.ts";
import { encodeAbi } from "../../wire/channel/abi.ts";
import { merkleProof } from "../../wire/channel/merkle.ts";
import { decodeRecordBody, headerOf } from "../../wire/channel/record-body.ts";
import {
  EMPTY_HASH,
  hashRecord,
  RECORD_KINDS,
  type RecordHeader,
  type TouchedSlot,
} from "../../wire/channel/record.ts";
import type { SignedBatch } from "../../wire/channel/schemas.ts";

/** It begins with the first record. */
const FIRST_TERM = 1;

/** Opens a record of a batch that follows the record with hash `before`. @throws SprfError `INVALID_INPUT` for a height that is not in it */
export function openRecord(
  batch: SignedBatch,
  { channel, before, height }: { readonly channel: bigint; readonly before: Uint8Array; readonly height: number },
): SignedOpening {
  let previous = before;
  const headers = batch.records.map((packed, index) => {
    const place = { channel, term: batch.term, height: batch.first + index, previous };
    const header = headerOf(decodeRecordBody(packed), place);
    previous = hashRecord(header);
    return header;
  });
  return openHeader(headers, { height, signature: batch.signature });
}

/** Opens one of the headers of a batch. @throws SprfError `INVALID_INPUT` for a height that is not among them */
export function openHeader(
  headers: readonly RecordHeader[],
  { height, signature }: { readonly height: number; readonly signature: Uint8Array },
): SignedOpening {
  const first = headers[0]?.height ?? 0;
  const header = headers[height - first];
  if (header === undefined) throw new SprfError("INVALID_INPUT", `height ${height} is not in the batch`);
  const proof = merkleProof(headers.map(hashRecord), height - first);
  return { header, proof, first, last: first + headers.length - 1, signature };
}

/** Opens a record of a proposed settlement, whose records have these hashes from `first` on. */
export function openSettled(
  header: RecordHeader,
  {
    hashes,
    first,
    proposal,
  }: { readonly hashes: readonly Uint8Array[]; readonly first: number; readonly proposal: bigint },
): SettledOpening {
  return { header, proof: merkleProof(hashes, header.height - first), proposal };
}

/** Two records that a leader signed for one height of a term, the lowest where its two batches part; undefined for none. */
export function equivocationOf(
  one: SignedBatch,
  other: SignedBatch,
  { channel, beforeOne, beforeOther }: { channel: bigint; beforeOne: Uint8Array; beforeOther: Uint8Array },
): Evidence | undefined {
  if (one.term !== other.term) return undefined;
  const last = Math.min(one.first + one.records.length, other.first + other.records.length);
  for (let height = Math.max(one.first, other.first); height < last; height += 1) {
    const record = openRecord(one, { channel, before: beforeOne, height });
    const second = openRecord(other, { channel, before: beforeOther, height });
    if (!equalBytes(hashRecord(record.header), hashRecord(second.header))) {
      return { fault: "equivocation", record, other: second };
    }
  }
  return undefined;
}

/**
 * Whether the court finds that a header cannot follow the one before. `entryHash` is that of the inbox entry which it says to have taken,
 * where the chain shows it.
 */
export function isMisplaced(before: RecordHeader, header: RecordHeader, entryHash: Uint8Array | undefined): boolean {
  const { kind, term } = header;
  const isInbox = kind === RECORD_KINDS.inbox;
  if (kind === RECORD_KINDS.initialize) return true;
  if (header.height !== before.height + 1 || header.channel !== before.channel) return true;
  if (term < before.term || header.timeMs < before.timeMs) return true;
  if ((kind === RECORD_KINDS.term) !== term > Math.max(before.term, FIRST_TERM)) return true;
  if (header.inboxCursor !== before.inboxCursor + (isInbox ? 1 : 0)) return true;
  if (kind === RECORD_KINDS.tick) return !equalBytes(header.inputHash, EMPTY_HASH);
  return isInbox && entryHash !== undefined && !equalBytes(header.inputHash, entryHash);
}

/** The writes that a record's hash is of. */
export function writesOf(touched: readonly TouchedSlot[]): SlotValue[] {
  return touched
    .filter(({ before, after }) => !equalBytes(before, after))
    .map(({ slot, after }) => ({ slot, value: after }));
}

/** What a reporter commits to two blocks before it accuses: the record that convicts, as its hash. */
export function commitmentOf(reporter: string, { record }: Evidence, salt: Uint8Array): Uint8Array {
  const { header } = record;
  return keccak256(
    encodeAbi(["address", "uint256", "bytes32", "bytes32"], [reporter, header.channel, hashRecord(header), salt]),
  );
}
