import { SprfError } from "../errors.ts";
import type { HubSlotProof } from "../ports/channel-hub.ts";
import { hubProofOf } from "./hub-proof.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { verifyChannel, type ChannelHistory, type VerifyComponents } from "./verify.ts";

/** A slot of the settled state. */
export interface ProvenSlot {
  readonly slot: Uint8Array;
  readonly value: Uint8Array;
  readonly proof: HubSlotProof;
}

/**
 * Proves slots under the root that is settled now, out of what a node has kept or a file of it, all of which is verified first.
 *
 * @throws SprfError `CHANNEL_HEIGHT_UNKNOWN` when the history does not have the settled record, `CHANNEL_UNVERIFIED`
 */
export async function proveSettled(
  components: VerifyComponents,
  {
    channel,
    history,
    slots,
  }: { readonly channel: bigint; readonly history: ChannelHistory; readonly slots: readonly Uint8Array[] },
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly ProvenSlot[]> {
  let proven: readonly ProvenSlot[] | undefined;
  const onFinal = (sandbox: Sandbox): void => {
    proven = slots.map((slot) => ({ slot, value: sandbox.slot(slot), proof: hubProofOf(sandbox.prove(slot)) }));
  };
  const { height, finalHeight } = await verifyChannel(components, { channel, history, onFinal }, options);
  if (proven !== undefined) return proven;
  throw new SprfError("CHANNEL_HEIGHT_UNKNOWN", `height ${finalHeight} is final, and the history is at ${height}`);
}
