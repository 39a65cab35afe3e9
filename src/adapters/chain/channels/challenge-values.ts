import { getBytes, hexlify, type ContractTransaction, type Result } from "ethers";

import type {
  DataKind,
  HubDemand,
  HubFreeze,
  HubProof,
  RecordData,
  ShownChanges,
} from "../../../ports/channel-challenges.ts";
import type { PostedRecords } from "../../../ports/channel-absence.ts";
import { fromHex } from "../../../utils/bytes.ts";
import type { RecordHeader } from "../../../wire/channel/record.ts";
import type { Change } from "../../../wire/channel/settlement.ts";
import type {
  ChangePartStruct,
  DemandViewStructOutput,
  FreezeViewStructOutput,
  IChannelHub,
  RecordDataStruct,
} from "../contract-types.ts";
import { member } from "../values.ts";
import { entryStruct, headerStruct } from "./court-values.ts";
import { changeStruct, proofStruct } from "./values.ts";

/** The members of contracts/types/ChannelTypes.sol in their order. */
const DATA_KINDS: readonly DataKind[] = ["records", "changes"];

export function dataKindNumber(kind: DataKind): number {
  return DATA_KINDS.indexOf(kind);
}

export function dataKindOf(value: bigint): DataKind {
  return member(DATA_KINDS, value);
}

export function demandOf(view: DemandViewStructOutput): HubDemand {
  return {
    kind: dataKindOf(view.kind),
    isOpen: view.isOpen,
    made: Number(view.made),
    first: Number(view.next),
    next: Number(view.next),
    last: Number(view.last),
    deadlineSeconds: Number(view.deadline),
    bondWei: view.bondWei,
  };
}

export function freezeOf({ frozen, endsAt, best }: FreezeViewStructOutput): HubFreeze {
  return { isFrozen: frozen, endsAtSeconds: Number(endsAt), best };
}

function partStruct({ chunkHashes, first, changes }: ShownChanges): ChangePartStruct {
  return { chunkHashes: chunkHashes.map((hash) => hexlify(hash)), first, changes: changes.map(changeStruct) };
}

export function recordStruct({ header, input, touched, writes, proof }: RecordData): RecordDataStruct {
  return {
    header: headerStruct(header),
    input: hexlify(input),
    touched: hexlify(touched),
    writes: hexlify(writes),
    proof: proof.map((hash) => hexlify(hash)),
  };
}

/** The transaction that brings a proof to the hub. */
export async function hubProofCall(
  hub: IChannelHub,
  channel: bigint,
  proposal: bigint,
  proof: HubProof,
): Promise<ContractTransaction> {
  switch (proof.kind) {
    case "head": {
      const siblings = proof.siblings.map((hash) => hexlify(hash));
      return await hub.proveHead.populateTransaction(channel, proposal, headerStruct(proof.header), siblings);
    }
    case "change": {
      const { part, index, before, after } = proof;
      const proofs = [proofStruct(before), proofStruct(after)] as const;
      return await hub.proveChange.populateTransaction(channel, proposal, partStruct(part), index, ...proofs);
    }
    case "omission": {
      const { part, slot, before, after } = proof;
      const proofs = [proofStruct(before), proofStruct(after)] as const;
      const shown = partStruct(part);
      return await hub.proveOmission.populateTransaction(channel, proposal, shown, hexlify(slot), ...proofs);
    }
    case "skipped":
      return await hub.proveSkipped.populateTransaction(channel, proposal, entryStruct(proof.entry));
  }
}

/** Of an event. */
export function recordsIn(values: Result): RecordData[] {
  return [...(values["records"] as Iterable<Result>)].map((record) => ({
    header: headerIn(record.getValue("header") as Result),
    input: getBytes(record.getValue("input") as string),
    touched: getBytes(record.getValue("touched") as string),
    writes: getBytes(record.getValue("writes") as string),
    proof: [...(record.getValue("proof") as Iterable<string>)].map((hash) => fromHex(hash)),
  }));
}

/** Of an event. */
export function postedIn(values: Result): PostedRecords {
  return {
    headers: [...(values["headers"] as Iterable<Result>)].map(headerIn),
    inputs: [...(values["inputs"] as Iterable<string>)].map((input) => getBytes(input)),
  };
}

/** Of an event. */
export function changesIn(values: Result): ShownChanges {
  return {
    first: Number(values["first"]),
    chunkHashes: [...(values["chunkHashes"] as Iterable<string>)].map((hash) => fromHex(hash)),
    changes: [...(values["changes"] as Iterable<Result>)].map((change): Change => {
      const word = (name: string): Uint8Array => fromHex(change.getValue(name) as string);
      return { slot: word("slot"), oldValue: word("oldValue"), newValue: word("newValue") };
    }),
  };
}

function headerIn(value: Result): RecordHeader {
  const word = (name: string): Uint8Array => fromHex(value.getValue(name) as string);
  const count = (name: string): number => Number(value.getValue(name));
  return {
    channel: value.getValue("channel") as bigint,
    term: count("term"),
    height: count("height"),
    kind: count("kind"),
    timeMs: count("timeMs"),
    previous: word("previous"),
    inputHash: word("inputHash"),
    touchedHash: word("touchedHash"),
    writesHash: word("writesHash"),
    status: count("status"),
    gasUsed: count("gasUsed"),
    returnHash: word("returnHash"),
    stateRoot: word("stateRoot"),
    inboxCursor: count("inboxCursor"),
  };
}
