import { SprfError, isSprfError } from "../errors.ts";
import type { ChannelApps } from "../ports/channel-apps.ts";
import type { ChannelHub } from "../ports/channel-hub.ts";
import type { ChannelDescription, ChannelReceipt, ChannelService, Commitment } from "../ports/channel-service.ts";
import { raceAbort, throwIfAborted } from "../utils/abort.ts";
import { equalBytes, toHex } from "../utils/bytes.ts";
import { encodeCallInput } from "../wire/channel/call.ts";
import { encodeSessionInput } from "../wire/channel/session.ts";
import type { ChannelNode } from "./channel-node.ts";
import { createSlotBudget } from "./slot-budget.ts";
import { subscribe } from "./subscribe.ts";

const EMPTY = new Uint8Array();
/** Of states that subscribers are being told: some 64 MiB as they are sent. */
const MAX_COPIED_SLOTS = 2 ** 18;

export interface ChannelServiceInit {
  /** The nodes of this member by channel; they may come and go. */
  readonly nodes: ReadonlyMap<bigint, ChannelNode>;
  readonly hub: ChannelHub;
  /** Who asks the app for the end of a channel; none: nobody can through this node. */
  readonly apps?: Pick<ChannelApps, "close"> | undefined;
}

/** What clients ask of a member's nodes. */
export function createChannelService({ nodes, hub, apps }: ChannelServiceInit): ChannelService {
  const budget = createSlotBudget(MAX_COPIED_SLOTS);
  const nodeOf = (channel: bigint): ChannelNode => {
    const node = nodes.get(channel);
    if (node === undefined) throw new SprfError("CHANNEL_UNKNOWN", `this node is no member of channel ${channel}`);
    return node;
  };
  const receiptAt = async (
    node: ChannelNode,
    height: number,
    bytes: Uint8Array,
    signal: AbortSignal | undefined,
  ): Promise<ChannelReceipt> => {
    // The leader answers before its record has arrived here, and may be killed in between: another call has its height then.
    await arrival(node, height, signal);
    const receipt = receiptOf(node, height);
    if (receipt !== undefined && equalBytes(node.outcome(height)?.input ?? EMPTY, bytes)) return receipt;
    throw new SprfError("CHANNEL_NO_LEADER", `the record of height ${height} was lost with its leader`);
  };
  /** The same call again is the same record. */
  const submit = async (
    node: ChannelNode,
    input: Parameters<ChannelNode["submit"]>[0],
    bytes: Uint8Array,
    who: { readonly account: string; readonly nonce: bigint } | undefined,
    signal: AbortSignal | undefined,
  ): Promise<ChannelReceipt> => {
    const repeated = (): ChannelReceipt | undefined => {
      const height = who === undefined ? undefined : node.heightOf(who.account, who.nonce);
      const outcome = height === undefined ? undefined : node.outcome(height);
      return outcome !== undefined && equalBytes(outcome.input, bytes) ? receiptOf(node, outcome.height) : undefined;
    };
    const known = repeated();
    if (known !== undefined) return known;
    try {
      return await receiptAt(node, await raceAbort(node.submit(input, { signal }), signal), bytes, signal);
    } catch (error) {
      const taken = isSprfError(error, "CHANNEL_NONCE_WRONG") ? repeated() : undefined;
      if (taken === undefined) throw error;
      return taken;
    }
  };
  const demandOwn = (channel: bigint, account: string): void => {
    nodeOf(channel);
    if (account === hub.account) return;
    throw new SprfError("CHANNEL_NOT_MEMBER", `this node is ${hub.account}'s; ${account} leaves by its own`);
  };

  return {
    async describe(channel, { signal } = {}) {
      throwIfAborted(signal);
      return describe(nodeOf(channel), hub);
    },
    async call(signed, { signal } = {}) {
      const { channel, sender: account, nonce } = signed.call;
      return await submit(nodeOf(channel), signed, encodeCallInput(signed), { account, nonce }, signal);
    },
    async session(input, { signal } = {}) {
      const { channel, wallet: account } = input.what === "grant" ? input.grant : input.revoke;
      const who = input.what === "revoke" ? { account, nonce: input.revoke.nonce } : undefined;
      return await submit(nodeOf(channel), input, encodeSessionInput(input), who, signal);
    },
    async read(channel, { sender, data, height }, { signal } = {}) {
      const node = nodeOf(channel);
      const view = await raceAbort(node.read({ sender, data, ...(height !== undefined && { height }) }), signal);
      return {
        height: view.height,
        commitment: commitmentOf(node, view.height),
        status: view.succeeded ? "success" : "failed",
        returnData: view.returnData,
      };
    },
    async nonce(channel, account) {
      return nodeOf(channel).nonceOf(account);
    },
    async transaction(channel, by) {
      const node = nodeOf(channel);
      const height = "height" in by ? by.height : node.heightOf(by.sender, by.nonce);
      return height === undefined ? undefined : receiptOf(node, height);
    },
    async committed(channel, record, commitment, { signal } = {}) {
      await awaitCommitment(nodeOf(channel), record, commitment, signal);
    },
    subscribe(channel, options) {
      const node = nodeOf(channel);
      return subscribe(node, (height) => receiptOf(node, height), options, budget);
    },
    async settle(channel, account, { signal } = {}) {
      demandOwn(channel, account);
      return await raceAbort(nodeOf(channel).settle(), signal);
    },
    async leave(channel, account, { signal } = {}) {
      demandOwn(channel, account);
      await hub.requestExit(channel, { signal });
    },
    async close(channel, account, { signal } = {}) {
      demandOwn(channel, account);
      throwIfAborted(signal);
      if (apps !== undefined) return await apps.close(nodeOf(channel).info, { signal });
      throw new SprfError("CHANNEL_NOT_MEMBER", `channel ${channel} is closed by its app, ${nodeOf(channel).info.app}`);
    },
  };
}

function describe(node: ChannelNode, hub: ChannelHub): ChannelDescription {
  const { info, head, members, links } = node;
  return {
    channel: node.channel,
    chainId: hub.chainId,
    hub: hub.address,
    app: info.app,
    program: info.program,
    members: members.map(({ account, joinNumber }) => ({ account, joinNumber })),
    head: {
      term: node.term,
      leader: node.leader,
      height: head.height,
      committedHeight: node.committedHeight,
      finalHeight: node.finalHeight,
      timeMs: head.timeMs,
    },
    links,
    account: hub.account,
  };
}

function commitmentOf(node: ChannelNode, height: number): Commitment {
  if (height <= node.finalHeight) return "final";
  return height <= node.committedHeight ? "committed" : "leader-signed";
}

function receiptOf(node: ChannelNode, height: number): ChannelReceipt | undefined {
  const outcome = node.outcome(height);
  if (outcome === undefined) return undefined;
  const { input: _input, ...told } = outcome;
  return { ...told, commitment: commitmentOf(node, height) };
}

async function arrival(node: ChannelNode, height: number, signal: AbortSignal | undefined): Promise<void> {
  await untilNews(node, () => node.head.height >= height, signal);
}

async function awaitCommitment(
  node: ChannelNode,
  { height, recordHash }: { readonly height: number; readonly recordHash: Uint8Array },
  commitment: Commitment,
  signal: AbortSignal | undefined,
): Promise<void> {
  const reached = (): boolean => {
    if (height <= node.finalHeight) return true;
    return commitment !== "final" && (commitment === "leader-signed" || height <= node.committedHeight);
  };
  const isGone = (): boolean => {
    if (height > node.head.height || node.isUnsure(height)) return true;
    const outcome = node.outcome(height);
    return outcome !== undefined && !equalBytes(outcome.recordHash, recordHash);
  };
  await untilNews(node, () => reached() || isGone(), signal);
  if (isGone())
    throw new SprfError("CHANNEL_ROLLED_BACK", `another record than ${toHex(recordHash)} has height ${height}`);
}

async function untilNews(node: ChannelNode, isTrue: () => boolean, signal: AbortSignal | undefined): Promise<void> {
  if (isTrue()) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const unwatch = node.watch(() => {
    if (isTrue()) resolve();
  });
  try {
    await raceAbort(promise, signal);
  } finally {
    unwatch();
  }
}
