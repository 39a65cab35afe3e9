import { followChain } from "../../src/channel/chain-view.ts";
import { openGenesis } from "../../src/channel/open-state.ts";
import type { PlayedRecord } from "../../src/channel/player.ts";
import { createMemoryRecordLog } from "../../src/adapters/record-log/memory.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import type { ChannelNetwork } from "../../src/ports/channel-network.ts";
import { signBatch } from "../../src/wire/channel/batch.ts";
import { encodeInboxEntry } from "../../src/wire/channel/inbox-entry.ts";
import { merkleRoot } from "../../src/wire/channel/merkle.ts";
import { decodeChannelMessage, encodeChannelMessage, type ChannelMessage } from "../../src/wire/channel/messages.ts";
import { hashRecord, RECORD_KINDS } from "../../src/wire/channel/record.ts";
import { encodeRecordBody, headerOf, type RecordBody } from "../../src/wire/channel/record-body.ts";
import type { MemoryHub } from "./memory-channel-hub.ts";

/** A leader that plays as it should, and signs whatever it is told to. */
export interface LyingLeader {
  readonly network: ChannelNetwork;
  /** Plays and signs all of the inbox, an entry a batch. */
  takeInbox(): Promise<void>;
  /** Plays an input and signs what `change` makes of its record. Resolves with that record's height. */
  lead(kind: number, input: Uint8Array, change?: (body: RecordBody) => RecordBody): Promise<number>;
  stop(): Promise<void>;
}

export async function createLyingLeader(init: {
  readonly hub: MemoryHub;
  readonly network: ChannelNetwork;
  readonly account: string;
  readonly signerKey: Uint8Array;
  readonly peers: ReadonlySet<string>;
  /** Hears what it is sent. */
  readonly onMessage?: (message: ChannelMessage) => void;
}): Promise<LyingLeader> {
  const { hub, network, account, signerKey, peers } = init;
  const { domain } = hub;
  const stop = new AbortController();
  const view = hub.as(account);
  const info = (await view.channel(1n))!;
  const logger = createMemoryLogger();
  const follow = { hub: view, channel: 1n, fromBlock: 0, confirmations: 0, logger };
  const { view: chain } = await followChain({ ...follow, onNews: () => undefined }, stop.signal);
  const parts = { info, domain, hub: view, chain, log: createMemoryRecordLog() };
  const { player } = await openGenesis(parts, stop.signal);
  let linked = 0;
  const all = Promise.withResolvers<void>();
  network.listen({
    onMessage: async (_from, bytes) => init.onMessage?.(decodeChannelMessage(bytes)),
    onLink: (_peer, isUp) => {
      linked += isUp ? 1 : -1;
      if (linked === peers.size) all.resolve();
    },
  });
  network.keepLinks(peers);
  await network.start();
  await all.promise;

  function send({ header }: PlayedRecord, body: RecordBody): void {
    const place = { channel: 1n, term: 1, height: header.height, previous: header.previous };
    const hash = hashRecord(headerOf(body, place));
    const said = { channel: 1n, term: 1, first: header.height, last: header.height, recordsRoot: merkleRoot([hash]) };
    const signature = signBatch(domain, said, signerKey);
    const batch = { term: 1, first: header.height, records: [encodeRecordBody(body)], signature };
    for (const peer of peers) network.send(peer, encodeChannelMessage(1n, { kind: "batch", batch }));
  }

  const lead: LyingLeader["lead"] = async (kind, input, change = (body) => body) => {
    const timeMs = Math.max(player.head.header.timeMs, Date.now());
    const played = await player.play(kind, input, { term: 1, timeMs });
    send(played, change(played.body));
    return played.header.height;
  };

  return {
    network,
    lead,
    async takeInbox() {
      for (const entry of hub.entries) await lead(RECORD_KINDS.inbox, encodeInboxEntry(entry));
    },
    async stop() {
      stop.abort();
      await network.stop();
    },
  };
}
