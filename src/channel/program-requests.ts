import { messageOf } from "../errors.ts";
import type { HubSlotProof } from "../ports/channel-hub.ts";
import { equalBytes } from "../utils/bytes.ts";
import { keccak256 } from "../utils/keccak.ts";
import { SETTLEMENT_MODES } from "../wire/channel/settlement.ts";
import type { Core } from "./core.ts";
import type { PlayerStart } from "./player.ts";
import { CLOSE_REQUEST, requestSlotOf } from "./sandbox/protocol-slots.ts";
import type { Sandbox } from "./sandbox/sandbox.ts";
import { isZero } from "./sandbox/slot-key.ts";
import { hubProofOf } from "./hub-proof.ts";
import type { Settler } from "./settler.ts";
import { DEFAULT_PATIENCE_MS, patienceMs } from "./turns.ts";

const LOOK_EVERY_MS = 250;
const RETRY_MS = 2_000;
const MS = 1_000;

/** What the program asks for in a state: leaves by account, and with {@link CLOSE_REQUEST} the channel's end; each with its proof. */
export type ProgramRequests = ReadonlyMap<string, HubSlotProof>;

/** What is asked for in the state of a sandbox, of those who are members there: for others it means nothing. */
export function requestsIn(sandbox: Sandbox, { membership }: PlayerStart): ProgramRequests {
  const found = new Map<string, HubSlotProof>();
  for (const account of [CLOSE_REQUEST, ...membership.members.keys()]) {
    const slot = requestSlotOf(account);
    if (isZero(sandbox.slot(slot))) continue;
    const proof = hubProofOf(sandbox.prove(slot));
    // A view of an older state may be under way in the sandbox; the tree is always that of the head.
    if (!equalBytes(proof.leafPath, keccak256(slot))) continue;
    found.set(account, proof);
  }
  return found;
}

/** The part of a node that acts on what the program asks for. */
export interface Requester {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Settles a state in which the program asks for somebody's leave or for the channel's end, and then brings that to the hub, which puts
 * it into the inbox. The leader does so; when it does not in time, the others, one after the other.
 */
export function createRequester(
  core: Core,
  settler: Settler,
  { requestPatienceMs = DEFAULT_PATIENCE_MS }: { readonly requestPatienceMs?: number | undefined },
): Requester {
  /** Since when there is something that nobody has brought. */
  let sinceMs: number | undefined;
  let retryAtMs = 0;

  /** Whether the inbox does not have it yet. An older stay of a member that came back is over. */
  function isOpen(account: string): boolean {
    const now = core.chain.membershipAt(core.chain.inboxLength);
    if (now === undefined || now.isClosing) return false;
    if (account === CLOSE_REQUEST) return true;
    const here = core.player.head.membership.members.get(account);
    return here !== undefined && now.members.get(account)?.joinNumber === here.joinNumber;
  }

  /** What the settled state asks for; undefined when this node does not have that state. */
  function settledRequests(): ProgramRequests | undefined {
    const { player, unsettled } = core;
    const { head } = player;
    if (head.header.height === unsettled.fromHeight && unsettled.fromHeight > 0)
      return requestsIn(player.sandbox, head);
    return settler.requests;
  }

  async function bring(account: string, proof: HubSlotProof, signal: AbortSignal): Promise<void> {
    const { hub, info, logger } = core;
    const shown = info.config.mode === SETTLEMENT_MODES.root ? proof : undefined;
    if (account === CLOSE_REQUEST) {
      await hub.closeByRequest(info.channel, shown, { signal });
      logger.info("the program has asked for the channel's end");
      return;
    }
    await hub.leaveByRequest(info.channel, account, shown, { signal });
    logger.info("the program has asked for a member's leave", { account });
  }

  async function act(signal: AbortSignal): Promise<void> {
    const { player, clock } = core;
    const open = [...requestsIn(player.sandbox, player.head).keys()].filter(isOpen);
    if (open.length === 0) {
      sinceMs = undefined;
      return;
    }
    const nowMs = clock.now();
    sinceMs ??= nowMs;
    const windowMs = core.info.config.windowSeconds * MS;
    if (nowMs < retryAtMs || nowMs - sinceMs < patienceMs(core, requestPatienceMs + windowMs)) return;
    const settled = settledRequests();
    const ready = open.filter((account) => settled?.has(account) === true);
    if (ready.length === 0 && settler.isBusy) return;
    // Until the chain's view shows what was brought.
    retryAtMs = nowMs + RETRY_MS;
    if (ready.length === 0) await settler.settle();
    for (const account of ready) {
      const proof = settled?.get(account);
      if (proof !== undefined) await bring(account, proof, signal);
    }
    if (ready.length === 0) retryAtMs = 0;
  }

  return {
    async run(signal) {
      while (!signal.aborted) {
        await act(signal).catch((error: unknown) => {
          if (!signal.aborted) core.logger.warn("what the program asks for waits", { reason: messageOf(error) });
        });
        await core.clock.sleep(LOOK_EVERY_MS, { signal }).catch(() => undefined);
      }
    },
  };
}
