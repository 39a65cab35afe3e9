import type { HubSlotProof } from "../ports/channel-hub.ts";
import { ZERO_HASH } from "../wire/channel/record.ts";
import type { StateProof } from "./sandbox/state-tree.ts";

/** Where the state before a record is not asked for. */
export const NO_PROOF: HubSlotProof = { siblings: [], leafPath: ZERO_HASH, leafValue: ZERO_HASH };

/** A proof as contracts take it. */
export function slotProofOf({ siblings, terminal }: StateProof): HubSlotProof {
  return { siblings, leafPath: terminal?.path ?? ZERO_HASH, leafValue: terminal?.value ?? ZERO_HASH };
}
