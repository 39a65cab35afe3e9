import { setImmediate } from "node:timers/promises";

import { expect } from "chai";

import { createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import { encodeCallInput } from "../../../src/wire/channel/call.ts";
import type { ChannelMessage, ChannelMessageOf } from "../../../src/wire/channel/messages.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
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
});
