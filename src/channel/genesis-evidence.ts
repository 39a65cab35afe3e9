import { writesOf } from "../domain/channel/evidence.ts";
import type { Evidence, RecordOpening, SlotValue } from "../ports/channel-court.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import type { RecordHeader } from "../wire/channel/record.ts";
import { hubProofOf, NO_PROOF } from "./hub-proof.ts";
import type { PlayedRecord } from "./player.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";

/** A record 0 that is not the channel's. */
export interface OtherGenesis {
  /** Record 1, which names it. */
  readonly record: RecordOpening;
  readonly shown: {
    readonly header: RecordHeader;
    /** What its hash is of. */
    readonly touched: readonly SlotValue[];
  };
  /** The channel's, as this node plays it. */
  readonly genesis: PlayedRecord;
}

/** What shows that a record 0 is false. `empty` is the state before it. */
export function genesisAgainst(
  { record, shown, genesis }: OtherGenesis,
  empty: Pick<Sandbox, "proveWrites">,
): Evidence {
  const { header: before, touched } = shown;
  const own = genesis.header;
  // What the chain knows by itself.
  if (!isOfPlace(own, before)) {
    return { fault: "falseGenesis", record, before, writes: [], proofs: [] };
  }
  if (equalBytes(own.writesHash, before.writesHash) && !equalBytes(own.stateRoot, before.stateRoot)) {
    const writes = writesOf(genesis.touched);
    const proofs = empty.proveWrites(writes).map(({ proof }) => ({ proof: hubProofOf(proof) }));
    return { fault: "falseGenesis", record, before, writes, proofs };
  }
  const isShown = new Set(touched.map(({ slot }) => toHex(slot)));
  // Whatever its program touched besides held nothing.
  const besides = genesis.touched
    .filter(({ slot }) => !isShown.has(toHex(slot)))
    .map(({ slot, before: value }) => ({ slot, value, proof: NO_PROOF }));
  return { fault: "falseGenesisResult", record, before, input: genesis.body.input, touched, besides };
}

function isOfPlace(own: RecordHeader, other: RecordHeader): boolean {
  return (
    own.channel === other.channel &&
    own.term === other.term &&
    own.kind === other.kind &&
    own.timeMs === other.timeMs &&
    own.inboxCursor === other.inboxCursor &&
    equalBytes(own.previous, other.previous) &&
    equalBytes(own.inputHash, other.inputHash)
  );
}
