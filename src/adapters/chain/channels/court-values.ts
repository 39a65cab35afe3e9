import { hexlify, ZeroHash } from "ethers";

import type { RecordOpening, ReplayedRecord, SlotValue, WriteProof } from "../../../ports/channel-court.ts";
import type { InboxEntry } from "../../../wire/channel/inbox-entry.ts";
import type { RecordHeader } from "../../../wire/channel/record.ts";
import type {
  InboxEntryStruct,
  OpeningStruct,
  RecordHeaderStruct,
  ReplayStruct,
  SlotOpeningStruct,
  SlotValueStruct,
} from "../contract-types.ts";

export function headerStruct(header: RecordHeader): RecordHeaderStruct {
  return {
    ...header,
    previous: hexlify(header.previous),
    inputHash: hexlify(header.inputHash),
    touchedHash: hexlify(header.touchedHash),
    writesHash: hexlify(header.writesHash),
    returnHash: hexlify(header.returnHash),
    stateRoot: hexlify(header.stateRoot),
  };
}

export function openingStruct(opening: RecordOpening): OpeningStruct {
  const { header, proof } = opening;
  const shown = { header: headerStruct(header), proof: proof.map((hash) => hexlify(hash)) };
  if ("proposal" in opening) return { ...shown, first: 0n, last: 0n, signature: "0x", proposal: opening.proposal };
  const { first, last, signature } = opening;
  return { ...shown, first, last, signature: hexlify(signature), proposal: 0n };
}

export function entryStruct(entry: InboxEntry): InboxEntryStruct {
  return { ...entry, data: hexlify(entry.data) };
}

export function slotValueStruct({ slot, value }: SlotValue): SlotValueStruct {
  return { slot: hexlify(slot), value: hexlify(value) };
}

export function besideStruct({ beside }: WriteProof): SlotOpeningStruct {
  if (beside === undefined) return { isLeaf: false, first: ZeroHash, second: ZeroHash };
  return { isLeaf: beside.isLeaf, first: hexlify(beside.first), second: hexlify(beside.second) };
}

export function replayStruct({ input, touched, besides, openedIn = 0 }: ReplayedRecord): ReplayStruct {
  return {
    touched: touched.map(slotValueStruct),
    besides: besides.map(slotValueStruct),
    openedIn,
    input: hexlify(input),
  };
}
