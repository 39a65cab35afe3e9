import { ERRORS, SprfError, type ErrorCode } from "../errors.ts";
import { within } from "../utils/within.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { accountIn } from "./account-in.ts";
import { officeOf, send, type Core } from "./core.ts";

const RECEIPT_TIMEOUT_MS = 10_000;
/** Inputs on their way to the leader; of those an account may have as many as there is room left for. */
const MAX_PENDING = 4_096;

export interface ForwardOptions {
  readonly signal?: AbortSignal | undefined;
  readonly peer?: string | undefined;
}

/** Brings users' inputs from a follower to the leader. */
export interface Forwarder {
  /**
   * @param peer - The member that it is for: one without a link to the leader, that this node is a relay of.
   * @throws SprfError the leader's refusal, `CHANNEL_NO_LEADER`, `CHANNEL_BUSY`
   */
  forward(kind: number, input: Uint8Array, options?: ForwardOptions): Promise<number>;
  onReceipt(from: string, receipt: ChannelMessageOf<"receipt">): void;
  /** The link to a peer is down: receipts that it owes may be lost. */
  onLinkDown(peer: string): void;
  refuseAll(error: SprfError): void;
}

export function createForwarder(core: Core): Forwarder {
  /** By who has taken it: the leader, or a relay. */
  const pending = new Map<number, { readonly by: string; readonly done: PromiseWithResolvers<number> }>();
  const ofAccounts = new Map<string, number>();
  const ofPeers = new Map<string, number>();
  let lastId = 0;
  return {
    async forward(kind, input, { signal, peer = core.network.self } = {}) {
      const account = accountIn(kind, input);
      const own = ofAccounts.get(account) ?? 0;
      const free = MAX_PENDING - pending.size;
      if (free <= own || free <= (peer === core.network.self ? 0 : (ofPeers.get(peer) ?? 0))) {
        throw new SprfError("CHANNEL_BUSY", `${pending.size} calls are under way already, ${own} of this account`);
      }
      const id = (lastId += 1);
      const done = Promise.withResolvers<number>();
      // Before it is sent: in one process the answer may be there at once.
      const entry = { by: "", done };
      pending.set(id, entry);
      add(ofAccounts, account, 1);
      add(ofPeers, peer, 1);
      try {
        const message = { kind: "input", id, recordKind: kind === 1 ? 1 : 4, input } as const;
        for (const way of [officeOf(core)?.signer, core.upstream]) {
          if (way === undefined || entry.by !== "") continue;
          entry.by = way;
          if (!send(core, way, message)) entry.by = "";
        }
        if (entry.by === "") {
          throw new SprfError("CHANNEL_NO_LEADER", "there is no way to the leader now");
        }
        return await within(async () => await done.promise, {
          clock: core.clock,
          timeoutMs: RECEIPT_TIMEOUT_MS,
          signal,
        });
      } finally {
        pending.delete(id);
        add(ofAccounts, account, -1);
        add(ofPeers, peer, -1);
      }
    },
    onReceipt(from, { id, height, refusal, detail }) {
      const waiting = pending.get(id);
      if (waiting?.by !== from) return;
      if (height !== undefined) waiting.done.resolve(height);
      else waiting.done.reject(new SprfError(codeIn(refusal), detail ?? "the leader refuses it"));
    },
    onLinkDown(peer) {
      const error = new SprfError("CHANNEL_NO_LEADER", "the way to the leader was lost");
      for (const { by, done } of pending.values()) if (by === peer) done.reject(error);
    },
    refuseAll(error) {
      for (const { done } of pending.values()) done.reject(error);
      pending.clear();
    },
  };
}

function add(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function codeIn(refusal: string | undefined): ErrorCode {
  return refusal !== undefined && Object.hasOwn(ERRORS, refusal) ? (refusal as ErrorCode) : "INTERNAL";
}
