import { openHeader } from "../../src/domain/channel/evidence.ts";
import type { Evidence } from "../../src/ports/channel-court.ts";
import { signBatch } from "../../src/wire/channel/batch.ts";
import type { ChannelDomain } from "../../src/wire/channel/domain.ts";
import { merkleRoot } from "../../src/wire/channel/merkle.ts";
import { hashRecord, RECORD_KINDS, ZERO_HASH, type RecordHeader } from "../../src/wire/channel/record.ts";

/** Has a member's key sign two records for one height, and shows both: whoever holds the key is convicted by them. */
export function equivocate(
  domain: ChannelDomain,
  { channel, term, signerKey }: { readonly channel: bigint; readonly term: number; readonly signerKey: Uint8Array },
): Evidence {
  const open = (gasUsed: number) => {
    const header: RecordHeader = {
      channel,
      term,
      height: 1,
      kind: RECORD_KINDS.call,
      timeMs: 1,
      previous: ZERO_HASH,
      inputHash: ZERO_HASH,
      touchedHash: ZERO_HASH,
      writesHash: ZERO_HASH,
      status: 1,
      gasUsed,
      returnHash: ZERO_HASH,
      stateRoot: ZERO_HASH,
      inboxCursor: 0,
    };
    const recordsRoot = merkleRoot([hashRecord(header)]);
    const signature = signBatch(domain, { channel, term, first: 1, last: 1, recordsRoot }, signerKey);
    return openHeader([header], { height: 1, signature });
  };
  return { fault: "equivocation", record: open(1), other: open(2) };
}
