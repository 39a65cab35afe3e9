import { createMemoryRecordLog, type MemoryDisk } from "../../../src/adapters/record-log/memory.ts";
import { openState, type OpenStateInit } from "../../../src/channel/open-state.ts";
import { verifyStateProof } from "../../../src/channel/sandbox/verify-state-proof.ts";
import { countedWeight, weightOf } from "../../../src/domain/channel/membership.ts";
import { isQuorum } from "../../../src/domain/channel/quorum.ts";
import { messageOf } from "../../../src/errors.ts";
import { equalBytes, toHex } from "../../../src/utils/bytes.ts";
import { keccak256 } from "../../../src/utils/keccak.ts";
import { recoverCertificate } from "../../../src/wire/channel/batch.ts";
import { purseOf, purseSlots } from "./purse.ts";

/** A member's disk as it was at some moment. */
export interface Alone {
  readonly name: string;
  readonly account: string;
  readonly disk: MemoryDisk;
}

/** What a member can show by itself: its purse in the highest record that is certified or final. */
export interface Shown {
  readonly height: number;
  readonly hash: string;
  readonly purse: bigint;
}

/**
 * Leaves with nothing but one's own disk and the chain: what a frozen channel pays by, a record that a quorum has acked or that is final,
 * and the proofs of what one owns under its root. Says why that cannot be done.
 */
export async function leaveAlone(
  { account, disk }: Alone,
  init: Omit<OpenStateInit, "log">,
  signal: AbortSignal,
): Promise<Shown | string> {
  try {
    const { player, certificate } = await openState({ ...init, log: createMemoryRecordLog(disk) }, signal);
    const { domain, info } = init;
    const isOfLog = certificate !== undefined && certificate.height > player.lowest;
    const height = isOfLog ? certificate.height : player.lowest;
    if (isOfLog) {
      const own = player.at(height);
      const voters = player.votersAt(height);
      const signers = new Set(recoverCertificate(domain, info.channel, certificate)?.keys());
      if (own === undefined || !equalBytes(own.hash, certificate.recordHash)) return "its certificate is of no record";
      if (voters === undefined || !isQuorum(weightOf(voters, signers), countedWeight(voters))) {
        return "its certificate is of no quorum";
      }
    }
    await player.revertTo(height);
    const { sandbox, head } = player;
    for (const slot of purseSlots(account)) {
      const value = sandbox.slot(slot);
      const isThere = value.some((byte) => byte !== 0);
      if (
        height > 0 &&
        !verifyStateProof(head.header.stateRoot, keccak256(slot), isThere ? value : undefined, sandbox.prove(slot))
      ) {
        return "what it owns is not proven";
      }
    }
    return { height, hash: toHex(head.hash), purse: purseOf(account, (slot) => sandbox.slot(slot)) };
  } catch (error) {
    return messageOf(error);
  }
}
