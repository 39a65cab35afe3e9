import { ERRORS, SprfError, type ErrorCode } from "../errors.ts";
import { within } from "../utils/within.ts";
import type { ChannelMessageOf } from "../wire/channel/messages.ts";
import { accountIn } from "./account-in.ts";
import { officeOf, send, type Core } from "./core.ts";

const RECEIPT_TIMEOUT_MS = 10_000;
/** Inputs on their way to the leader; of those an account may have as many as there is room left for. */
const MAX_PENDING = 4_096;

/** Brings users' inputs from a follower to the leader. */
export interface Forwarder {
  /** @throws SprfError the leader's refusal, `CHANNEL_NO_LEADER`, `CHANNEL_BUSY` */
  forward(kind: number, input: Uint8Array, signal: AbortSignal | undefined): Promise<number>;
  onReceipt(from: string, receipt: ChannelMessageOf<"receipt">): void;
  /** The link to a peer is down: receipts that it owes may be lost. */
  onLinkDown(peer: string): void;
  refuseAll(error: SprfError): void;
}

export function createForwarder(core: Core): Forwarder {
  const pending = new Map<number, { readonly leader: string; readonly done: PromiseWithResolvers<number> }>();
  const ofAccounts = new Map<string, number>();
  let lastId = 0;
  return {
    async forward(kind, input, signal) {
      const leader = officeOf(core)?.signer ?? "";
      const account = accountIn(kind, input);
      const own = ofAccounts.get(account) ?? 0;
      if (MAX_PENDING - pending.size <= own) {
        throw new SprfError("CHANNEL_BUSY", `${pending.size} calls are under way already, ${own} of this account`);
      }
      const id = (lastId += 1);
      const done = Promise.withResolvers<number>();
      pending.set(id, { leader, done });
      ofAccounts.set(account, own + 1);
      try {
        if (!send(core, leader, { kind: "input", id, recordKind: kind === 1 ? 1 : 4, input })) {
          throw new SprfError("CHANNEL_NO_LEADER", "there is no way to the leader now");
        }
        return await within(async () => await done.promise, {
          clock: core.clock,
          timeoutMs: RECEIPT_TIMEOUT_MS,
          signal,
        });
      } finally {
        pending.delete(id);
        const left = (ofAccounts.get(account) ?? 1) - 1;
        if (left === 0) ofAccounts.delete(account);
        else ofAccounts.set(account, left);
      }
    },
    onReceipt(from, { id, height, refusal, detail }) {
      const waiting = pending.get(id);
      if (waiting?.leader !== from) return;
      if (height !== undefined) waiting.done.resolve(height);
      else waiting.done.reject(new SprfError(codeIn(refusal), detail ?? "the leader refuses it"));
    },
    onLinkDown(peer) {
      const error = new SprfError("CHANNEL_NO_LEADER", "the way to the leader was lost");
      for (const { leader, done } of pending.values()) if (leader === peer) done.reject(error);
    },
    refuseAll(error) {
      for (const { done } of pending.values()) done.reject(error);
      pending.clear();
    },
  };
}

function codeIn(refusal: string | undefined): ErrorCode {
  return refusal !== undefined && Object.hasOwn(ERRORS, refusal) ? (refusal as ErrorCode) : "INTERNAL";
}
