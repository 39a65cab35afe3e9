import { equalBytes } from "../utils/bytes.ts";
import { hashSettlement, type Settlement } from "../wire/channel/settlement.ts";
import type { OwnSettlement } from "../domain/channel/settlement-faults.ts";
import type { HubSlotProof } from "../ports/channel-hub.ts";
import type { Core } from "./core.ts";
import { hubProofOf, NO_PROOF } from "./hub-proof.ts";
import { openState, type OpenLog } from "./open-state.ts";
import type { PlayedRecord } from "./player.ts";

/** What a node needs to look at its past beside what it does: its log plays again from its newest snapshot on. */
export type ScratchSource = Pick<Core, "info" | "domain" | "hub" | "chain" | "log">;

/** The state at a height that the log has, or at its end when that is lower; for as long as it takes, nothing else is touched. */
export async function scratchAt(
  source: ScratchSource,
  height: number,
  signal: AbortSignal,
  onRecord?: (record: PlayedRecord) => void,
): Promise<OpenLog> {
  return await openState(source, signal, { upTo: height, ...(onRecord === undefined ? {} : { onRecord }) });
}

/** What this node would settle up to a height; undefined when its log does not reach it, or begins above what is final. */
export async function ownSettlementTo(
  source: ScratchSource,
  { fromHeight, toHeight, mode }: Pick<Settlement, "fromHeight" | "toHeight" | "mode">,
  signal: AbortSignal,
  onRecord?: (record: PlayedRecord) => void,
): Promise<OwnSettlement | undefined> {
  const recordHashes: Uint8Array[] = [];
  const { player, unsettled } = await scratchAt(source, toHeight, signal, (record) => {
    if (record.header.height > fromHeight) recordHashes.push(record.hash);
    onRecord?.(record);
  });
  const { header } = player.head;
  if (header.height !== toHeight || recordHashes.length !== toHeight - fromHeight) return undefined;
  // The newest snapshot may be of an older settlement.
  if (unsettled.fromHeight < fromHeight) unsettled.settled(fromHeight);
  const made = unsettled.settlementTo(toHeight, mode);
  return made === undefined ? undefined : { ...made, header, recordHashes };
}

/** Whether a settlement is the one that this node would make, by what it has at hand; undefined when that takes a look at the log. */
export function isOwn(core: Pick<Core, "unsettled" | "info">, theirs: Settlement): boolean | undefined {
  if (core.unsettled.fromHeight !== theirs.fromHeight) return undefined;
  const mine = core.unsettled.settlementTo(theirs.toHeight, core.info.config.mode);
  return mine === undefined ? undefined : equalBytes(hashSettlement(mine.settlement), hashSettlement(theirs));
}

/** Proofs of a slot under the last final root and under the one at a height. */
export async function proveBetween(
  source: ScratchSource,
  { fromHeight, toHeight }: Pick<Settlement, "fromHeight" | "toHeight">,
  slot: Uint8Array,
  signal: AbortSignal,
): Promise<{ readonly before: HubSlotProof; readonly after: HubSlotProof }> {
  // Before anything is settled the hub has the empty state.
  const before = source.chain.settled.height === 0 ? NO_PROOF : await proveAt(source, fromHeight, slot, signal);
  return { before, after: await proveAt(source, toHeight, slot, signal) };
}

async function proveAt(
  source: ScratchSource,
  height: number,
  slot: Uint8Array,
  signal: AbortSignal,
): Promise<HubSlotProof> {
  const { player } = await scratchAt(source, height, signal);
  return hubProofOf(player.sandbox.prove(slot));
}
