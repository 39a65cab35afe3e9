import type { PostedRecords } from "../ports/channel-absence.ts";
import { hashRecord } from "../wire/channel/record.ts";
import type { Core } from "./core.ts";
import { playLeadersBatch, type BatchOutcome } from "./follower.ts";
import type { ReadRecord } from "./read-batch.ts";

/** Records that were published on the chain, without the headers behind them that show who answers for them. */
function readPosted({ headers, inputs }: PostedRecords): readonly ReadRecord[] {
  return headers.slice(0, inputs.length).map((header, index) => {
    const { kind, status, timeMs, gasUsed, inboxCursor, touchedHash, writesHash, returnHash, stateRoot } = header;
    const result = { touchedHash, writesHash, returnHash, stateRoot, status, gasUsed, inboxCursor };
    // The contract has compared it with the hash that the header has.
    const input = inputs[index] ?? new Uint8Array();
    return { body: { kind, timeMs, input, ...result }, header, hash: hashRecord(header) };
  });
}

/** Plays published records on the head, each term's after the other, as far as they are true and of what the head stands on. In turn. */
export async function playPosted(core: Core, posted: PostedRecords): Promise<BatchOutcome> {
  let outcome: BatchOutcome = { outcome: "known" };
  let rest = readPosted(posted);
  for (let [first] = rest; first !== undefined; [first] = rest) {
    const { term } = first.header;
    const end = rest.findIndex(({ header }) => header.term !== term);
    const more = end < 0 ? rest.slice(1) : rest.slice(1, end);
    outcome = await playLeadersBatch(core, { records: [first, ...more] });
    if (outcome.outcome !== "kept" && outcome.outcome !== "known") return outcome;
    rest = rest.slice(1 + more.length);
  }
  return outcome;
}
