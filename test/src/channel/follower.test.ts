import { setImmediate } from "node:timers/promises";

import { expect } from "chai";

import { createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import { encodeCallInput } from "../../../src/wire/channel/call.ts";
import { signAck } from "../../../src/wire/channel/batch.ts";
import { encodeInboxEntry } from "../../../src/wire/channel/inbox-entry.ts";
import {
  encodeChannelMessage,
  type ChannelMessage,
  type ChannelMessageBody,
  type ChannelMessageOf,
} from "../../../src/wire/channel/messages.ts";
import { hashRecord, RECORD_KINDS, ZERO_HASH } from "../../../src/wire/channel/record.ts";
import { headerOf } from "../../../src/wire/channel/record-body.ts";
import {
  hashPunishment,
  hashSettlement,
  PUNISHMENT_REASONS,
  signVote,
  VOTE_OPTIONS,
  type Settlement,
} from "../../../src/wire/channel/settlement.ts";
import { toHex } from "../../../src/utils/bytes.ts";
import { addressOfKey } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { createChannelScene, testKey, type ChannelScene } from "../../helpers/channel-scene.ts";
import { createLyingLeader, type LyingLeader } from "../../helpers/lying-leader.ts";
import { until } from "../../helpers/until.ts";

describe("channel: a follower", function () {
  this.timeout(30_000);
  let scene: ChannelScene;
  let leader: LyingLeader;
  /** While there is one, nothing is written down before it resolves. */
  let gate: PromiseWithResolvers<void> | undefined;
  let waiting: number;
  let heard: ChannelMessage[];

  beforeEach(async () => {
    gate = undefined;
    waiting = 0;
    heard = [];
    scene = await createChannelScene({
      members: 0,
      logOf: (disk) => {
        const log = createMemoryRecordLog(disk);
        return {
          ...log,
          async append(entries) {
            waiting += 1;
            await gate?.promise;
            waiting -= 1;
            await log.append(entries);
          },
        };
      },
    });
    const signerKey = testKey(1);
    const self = addressOfKey(publicKeyOf(signerKey));
    const account = addressOfKey(publicKeyOf(testKey(101)));
    scene.hub.join(account, self);
    const follower = scene.member(2);
    scene.hub.join(follower.account, follower.signer);
    await follower.start();
    const peers = new Set([follower.signer]);
    const network = scene.mesh.join(self);
    const onMessage = (message: ChannelMessage): void => void heard.push(message);
    leader = await createLyingLeader({ hub: scene.hub, network, account, signerKey, peers, onMessage });
    await leader.takeInbox();
  });

  afterEach(async () => {
    gate?.resolve();
    await leader.stop();
    await scene.close();
  });

  const ackedHeights = (): number[] =>
    heard
      .filter((message): message is ChannelMessageOf<"acks"> => message.kind === "acks")
      .flatMap(({ acks }) => acks.map(({ height }) => height));

  it("should ack nothing before it is written down, whatever else happens meanwhile", async () => {
    const [follower] = scene.members;
    await until(() => ackedHeights().includes(2));
    gate = Promise.withResolvers();
    const height = await leader.lead(RECORD_KINDS.call, encodeCallInput(scene.call(0, "inc")));
    await until(() => waiting > 0 && follower!.node.head.height === height);
    // News of the chain, after which a follower looks whether there is anything to ack.
    const third = scene.mesh.join(addressOfKey(publicKeyOf(testKey(3))));
    const linked = Promise.withResolvers<void>();
    third.listen({ onMessage: async () => undefined, onLink: () => linked.resolve() });
    third.keepLinks(new Set([follower!.signer]));
    await third.start();
    scene.hub.join(addressOfKey(publicKeyOf(testKey(103))), third.self);
    await linked.promise;
    await setImmediate();
    await third.stop();
    expect(ackedHeights()).not.to.include(height);
    gate.resolve();
    await until(() => ackedHeights().includes(height));
  });

  it("should vote on a member's settlement whatever another member proposes meanwhile", async () => {
    const [follower] = scene.members;
    const key = testKey(3);
    const other = scene.mesh.join(addressOfKey(publicKeyOf(key)));
    const linked = Promise.withResolvers<void>();
    other.listen({ onMessage: async () => undefined, onLink: () => linked.resolve() });
    other.keepLinks(new Set([follower!.signer]));
    await other.start();
    scene.hub.join(addressOfKey(publicKeyOf(testKey(103))), other.self);
    await linked.promise;
    await leader.lead(RECORD_KINDS.inbox, encodeInboxEntry(scene.hub.entries[2]!));
    const height = await leader.lead(RECORD_KINDS.call, encodeCallInput(scene.call(0, "inc")));
    await until(() => ackedHeights().includes(height));

    const { head } = follower!.node;
    const settlement = (toHeight: number): Settlement => ({
      channel: 1n,
      fromHeight: 0,
      toHeight,
      timeMs: head.timeMs,
      head: head.hash,
      recordsRoot: ZERO_HASH,
      stateRoot: head.stateRoot,
      changesRoot: ZERO_HASH,
      inboxCursor: 3,
      mode: 0,
    });
    const own = settlement(height);
    const bytesOf = (body: ChannelMessageBody): Uint8Array => encodeChannelMessage(1n, body);
    leader.network.send(follower!.signer, bytesOf({ kind: "proposal", settlement: own }));
    for (let each = 1; each <= 3; each += 1) {
      other.send(follower!.signer, bytesOf({ kind: "proposal", settlement: settlement(height + each) }));
    }
    await setImmediate();
    const { term, recordHash } = { term: 1, recordHash: head.hash };
    const keys = [testKey(1), follower!.signerKey, key];
    const acks = keys.map((signerKey) => ({
      certified: 0,
      signature: signAck(scene.hub.domain, { channel: 1n, term, height, recordHash, certified: 0 }, signerKey),
    }));
    leader.network.send(follower!.signer, bytesOf({ kind: "batch", certificate: { term, height, recordHash, acks } }));
    const hash = toHex(hashSettlement(own));
    await until(() => heard.some((message) => message.kind === "vote" && toHex(message.proposalHash) === hash));
    await other.stop();
  });

  it("should bring a vote that came before it saw the lie, however many others a member sent", async () => {
    const [follower] = scene.members;
    const keys = [testKey(3), testKey(4)] as const;
    const [flooding, honest] = await Promise.all(
      keys.map(async (key, index) => {
        const peer = scene.mesh.join(addressOfKey(publicKeyOf(key)));
        const linked = Promise.withResolvers<void>();
        peer.listen({ onMessage: async () => undefined, onLink: () => linked.resolve() });
        peer.keepLinks(new Set([follower!.signer]));
        await peer.start();
        scene.hub.join(addressOfKey(publicKeyOf(testKey(103 + index))), peer.self);
        await linked.promise;
        return peer;
      }),
    );
    for (const entry of scene.hub.entries.slice(2)) await leader.lead(RECORD_KINDS.inbox, encodeInboxEntry(entry));
    await until(() => ackedHeights().includes(4));
    const voteOf = (proposalHash: Uint8Array, key: Uint8Array): Uint8Array => {
      const vote = { channel: 1n, proposalHash, option: VOTE_OPTIONS.for };
      return encodeChannelMessage(1n, { kind: "vote", ...vote, signature: signVote(scene.hub.domain, vote, key) });
    };
    for (let each = 0; each < 100; each += 1) {
      flooding!.send(follower!.signer, voteOf(new Uint8Array(32).fill(each + 1), keys[0]));
    }
    await setImmediate();
    const place = { channel: 1n, term: 1, height: 5, previous: follower!.node.head.hash };
    await leader.lead(RECORD_KINDS.call, encodeCallInput(scene.call(0, "inc")), (body) => {
      const lie = { ...body, gasUsed: body.gasUsed + 1 };
      const recordHash = hashRecord(headerOf(lie, place));
      const target = addressOfKey(publicKeyOf(testKey(101)));
      const reason = PUNISHMENT_REASONS.wrongResult;
      const punishment = { channel: 1n, term: 1, target, height: 5, recordHash, reason };
      honest!.send(follower!.signer, voteOf(hashPunishment(punishment), keys[1]));
      return lie;
    });
    await until(() => scene.hub.punishments.length > 0, { what: "the punishment" });
    await flooding!.stop();
    await honest!.stop();
  });
});
