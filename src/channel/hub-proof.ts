import type { HubSlotProof } from "../ports/channel-hub.ts";
import { ZERO_WORD } from "./sandbox/slot-key.ts";
import type { StateProof } from "./sandbox/state-tree.ts";

/** A proof as the hub takes it. */
export function hubProofOf({ siblings, terminal }: StateProof): HubSlotProof {
  const { path, value } = terminal ?? { path: ZERO_WORD, value: ZERO_WORD };
  return { siblings, leafPath: path, leafValue: value };
}
