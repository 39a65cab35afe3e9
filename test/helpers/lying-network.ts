import type { ChannelNode } from "../../src/channel/channel-node.ts";
import type { ChannelNetwork } from "../../src/ports/channel-network.ts";
import { signBatch } from "../../src/wire/channel/batch.ts";
import { decodeCallInput, encodeCallInput, type SignedCall } from "../../src/wire/channel/call.ts";
import type { ChannelDomain } from "../../src/wire/channel/domain.ts";
import { merkleRoot } from "../../src/wire/channel/merkle.ts";
import { decodeChannelMessage, encodeChannelMessage } from "../../src/wire/channel/messages.ts";
import { hashRecord, RECORD_KINDS, ZERO_HASH } from "../../src/wire/channel/record.ts";
import { decodeRecordBody, encodeRecordBody, headerOf, type RecordBody } from "../../src/wire/channel/record-body.ts";
import type { SignedBatch } from "../../src/wire/channel/schemas.ts";
import { PUNISHMENT_REASONS } from "../../src/wire/channel/settlement.ts";

/** What a leader may lie about, with the reason that a punishment has to name. */
export const LIES = {
  "a wrong result": PUNISHMENT_REASONS.wrongResult,
  "an altered write set": PUNISHMENT_REASONS.wrongResult,
  "a forged user's call": PUNISHMENT_REASONS.forgedInput,
  "a skipped tick": PUNISHMENT_REASONS.wrongOrder,
  "falling time": PUNISHMENT_REASONS.wrongOrder,
} as const;

export type Lie = keyof typeof LIES;

/** A leader's network that changes one batch on its way, and signs it as the leader does; who asks for it later gets the same. */
export interface LyingNetwork extends ChannelNetwork {
  /** From now on the next batch that can hold the lie has it. */
  lieAbout(lie: Lie, init: { readonly node: ChannelNode; readonly instead: SignedCall }): void;
  /** The record that was lied about. */
  readonly toldAt: number | undefined;
}

export function createLyingNetwork(
  network: ChannelNetwork,
  { domain, signerKey }: { readonly domain: ChannelDomain; readonly signerKey: Uint8Array },
): LyingNetwork {
  let armed: { readonly lie: Lie; readonly node: ChannelNode; readonly instead: SignedCall } | undefined;
  let toldAt: number | undefined;
  let told: SignedBatch | undefined;
  /** What all members are sent instead, so that they hear the same. */
  const altered = new Map<Uint8Array, Uint8Array>();

  function alter(message: Uint8Array): Uint8Array {
    if (armed === undefined) return message;
    const decoded = decodeChannelMessage(message);
    if (decoded.kind !== "batch" || decoded.batch === undefined) return message;
    const { batch, certificate, channel } = decoded;
    const { lie, node, instead } = armed;
    const bodies = batch.records.map((record) => decodeRecordBody(record));
    const index = bodies.findIndex(
      ({ kind }) => kind === (lie === "a skipped tick" ? RECORD_KINDS.tick : RECORD_KINDS.call),
    );
    const body = bodies[index];
    const before = node.record(batch.first - 1);
    if (body === undefined || before === undefined) return message;
    const timeBefore = bodies[index - 1]?.timeMs ?? before.header.timeMs;
    bodies[index] = lieIn(body, lie, { timeBefore, instead });
    armed = undefined;
    toldAt = batch.first + index;
    told = { ...batch, ...signed(bodies, before.hash, { ...batch, channel }) };
    return encodeChannelMessage(channel, { kind: "batch", batch: told, ...(certificate && { certificate }) });
  }

  function alterHistory(message: Uint8Array): Uint8Array {
    const lied = told;
    if (lied === undefined) return message;
    const { channel, version: _version, ...body } = decodeChannelMessage(message);
    if (body.kind !== "history") return message;
    const batches = body.batches.map((batch) => (batch.first === lied.first ? lied : batch));
    return encodeChannelMessage(channel, { ...body, batches });
  }

  function signed(
    bodies: readonly RecordBody[],
    hashBefore: Uint8Array,
    { channel, term, first }: { readonly channel: bigint; readonly term: number; readonly first: number },
  ): { readonly records: Uint8Array[]; readonly signature: Uint8Array } {
    let previous = hashBefore;
    const hashes = bodies.map((body, index) => {
      previous = hashRecord(headerOf(body, { channel, term, height: first + index, previous }));
      return previous;
    });
    const batch = { channel, term, first, last: first + bodies.length - 1, recordsRoot: merkleRoot(hashes) };
    return { records: bodies.map((body) => encodeRecordBody(body)), signature: signBatch(domain, batch, signerKey) };
  }

  return {
    self: network.self,
    get toldAt() {
      return toldAt;
    },
    lieAbout(lie, init) {
      armed = { lie, ...init };
    },
    listen: (listener) => network.listen(listener),
    keepLinks: (peers) => network.keepLinks(peers),
    send(to, message) {
      const known = altered.get(message) ?? alterHistory(alter(message));
      if (known !== message) altered.set(message, known);
      return network.send(to, known);
    },
    start: async (options) => await network.start(options),
    stop: async () => await network.stop(),
  };
}

function lieIn(
  body: RecordBody,
  lie: Lie,
  { timeBefore, instead }: { readonly timeBefore: number; readonly instead: SignedCall },
): RecordBody {
  switch (lie) {
    case "a wrong result":
      return { ...body, returnHash: ZERO_HASH };
    case "an altered write set":
      return { ...body, writesHash: ZERO_HASH };
    case "a forged user's call": {
      // The user has signed other data.
      const { call, signature } = decodeCallInput(body.input);
      const data = new Uint8Array([...call.data, 0]);
      return { ...body, input: encodeCallInput({ call: { ...call, data }, signature }) };
    }
    case "a skipped tick":
      return { ...body, kind: RECORD_KINDS.call, input: encodeCallInput(instead) };
    case "falling time":
      return { ...body, timeMs: timeBefore - 1 };
  }
}
