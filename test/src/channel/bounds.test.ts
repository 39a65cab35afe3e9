import { setImmediate } from "node:timers/promises";

import { expect } from "chai";

import { createMemoryRecordLog } from "../../../src/adapters/record-log/memory.ts";
import { splitHeading } from "../../../src/channel/log-entries.ts";
import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import { addressOfKey } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";
import { SNAPSHOT_HEADER_BYTES, SNAPSHOT_PART_BYTES, SNAPSHOT_SLOT_BYTES } from "../../../src/wire/channel/limits.ts";
import {
  decodeChannelMessage,
  encodeChannelMessage,
  type ChannelMessage,
  type ChannelMessageBody,
} from "../../../src/wire/channel/messages.ts";
import { hashRecord, type RecordHeader } from "../../../src/wire/channel/record.ts";
import { createChannelScene, testKey, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

/** A member without a node: its messages are a test's. */
interface Hostile {
  readonly network: ChannelNetwork;
  readonly heard: ChannelMessage[];
  say(to: SceneMember, body: ChannelMessageBody): void;
  count(kind: ChannelMessage["kind"]): number;
}

describe("channel: hostile members", function () {
  this.timeout(30_000);
  let scene: ChannelScene;

  afterEach(async () => await scene.close());

  async function hostile(
    number: number,
    onMessage: (message: ChannelMessage) => void = () => undefined,
  ): Promise<Hostile> {
    const network = scene.mesh.join(addressOfKey(publicKeyOf(testKey(number))));
    const heard: ChannelMessage[] = [];
    network.listen({
      onMessage: async (_from, bytes) => {
        const message = decodeChannelMessage(bytes);
        heard.push(message);
        onMessage(message);
      },
      onLink: () => undefined,
    });
    scene.hub.join(addressOfKey(publicKeyOf(testKey(100 + number))), network.self);
    network.keepLinks(new Set([1, 2, 3, 4].map((each) => addressOfKey(publicKeyOf(testKey(each))))));
    await network.start();
    return {
      network,
      heard,
      say: (to, body) => void network.send(to.signer, encodeChannelMessage(1n, body)),
      count: (kind) => heard.filter((message) => message.kind === kind).length,
    };
  }

  it("should be answered one question at a time, however many they ask", async () => {
    let gate: PromiseWithResolvers<void> | undefined;
    let reading = 0;
    let most = 0;
    scene = await createChannelScene({
      members: 2,
      logOf: (disk) => {
        const log = createMemoryRecordLog(disk);
        return {
          ...log,
          async *entries(options) {
            reading += 1;
            most = Math.max(most, reading);
            await gate?.promise;
            yield* log.entries(options);
            reading -= 1;
          },
        };
      },
    });
    await scene.same();
    const { leader } = scene;
    await leader.node.committed(await leader.node.submit(scene.call(0, "inc")));
    const peer = await hostile(3);
    await until(() => peer.count("status") > 0, { what: "a link" });
    most = 0;
    gate = Promise.withResolvers();
    const { header, hash } = leader.node.record(1)!;
    for (let index = 0; index < 500; index += 1) {
      peer.say(leader, { kind: "sync", height: header.height, recordHash: hash });
    }
    // Behind all of them: the leader has seen what was asked before it.
    peer.say(leader, { kind: "input", id: 7, recordKind: 1, input: new Uint8Array(8) });
    await until(() => peer.heard.some((message) => message.kind === "receipt" && message.id === 7));
    gate.resolve();
    gate = undefined;
    // The one under way, and as many as may wait.
    await until(() => peer.count("history") === 3);
    await leader.node.submit(scene.call(0, "inc"));
    peer.say(leader, { kind: "sync", height: header.height, recordHash: hash });
    await until(() => peer.count("history") === 4);
    expect(most).to.equal(1);
  });

  it("should be told once where a node stands that is busy, however often they ask", async () => {
    let gate: PromiseWithResolvers<void> | undefined;
    let isWriting = false;
    scene = await createChannelScene({
      members: 2,
      logOf: (disk) => {
        const log = createMemoryRecordLog(disk);
        return {
          ...log,
          async append(entries) {
            isWriting = true;
            await gate?.promise;
            await log.append(entries);
          },
        };
      },
    });
    await scene.same();
    const { leader } = scene;
    const peer = await hostile(3);
    await until(() => peer.count("status") > 0, { what: "a link" });
    gate = Promise.withResolvers();
    isWriting = false;
    const submitted = leader.node.submit(scene.call(0, "inc"));
    await until(() => isWriting);
    const told = peer.count("status");
    const place = { term: 1, height: 0, recordHash: leader.node.head.hash };
    for (let index = 0; index < 500; index += 1) peer.say(leader, { kind: "status", ...place, asks: true });
    peer.say(leader, { kind: "input", id: 7, recordKind: 1, input: new Uint8Array(8) });
    // What follows them has come, so that they have.
    await setImmediate();
    gate.resolve();
    gate = undefined;
    await submitted;
    await until(() => peer.heard.some((message) => message.kind === "receipt" && message.id === 7));
    expect(peer.count("status") - told).to.be.below(10);
  });

  describe("that offer a snapshot", () => {
    let header: RecordHeader;
    let state: Buffer;

    /** A settled channel of one member that is away; what it has is known. */
    async function settled(): Promise<SceneMember> {
      scene = await createChannelScene({ members: 1 });
      await scene.same();
      const [member] = scene.members;
      await member!.node.committed(await member!.node.submit(scene.call(0, "inc")));
      const height = await member!.node.settle();
      await until(() => member!.disk.snapshots.size === 1);
      const split = await splitHeading(createMemoryRecordLog(member!.disk).readSnapshot(height));
      header = split.header;
      const parts: Uint8Array[] = [];
      for await (const part of split.state) parts.push(part);
      state = Buffer.concat(parts);
      await member!.kill();
      return member!;
    }

    /** The snapshot with another number of slots. */
    function withCount(count: number): Buffer {
      const bytes = Buffer.from(state);
      bytes.writeUInt32BE(count, 18);
      return bytes;
    }

    const slotsIn = (bytes: number): number => Math.floor((bytes - SNAPSHOT_HEADER_BYTES) / SNAPSHOT_SLOT_BYTES);
    const large = (): Buffer => Buffer.concat([withCount(slotsIn(2 * SNAPSHOT_PART_BYTES))]);
    const cases: Record<string, () => { parts: number; part: (index: number) => Uint8Array; asked: number }> = {
      "with more parts than its slots take": () => ({ parts: 400, part: () => new Uint8Array(state), asked: 1 }),
      "in parts that are short": () => ({
        parts: 2,
        part: () => new Uint8Array(large().subarray(0, 100)),
        asked: 1,
      }),
      "with more slots than it says": () => ({
        parts: 1,
        part: () => new Uint8Array(Buffer.concat([state, Buffer.alloc(SNAPSHOT_SLOT_BYTES, 255)])),
        asked: 1,
      }),
      "with more slots than a state has": () => ({
        parts: 1,
        part: () => new Uint8Array(withCount(2 ** 21 + 1)),
        asked: 1,
      }),
      "whose slots do not ascend": () => ({
        parts: 2,
        part: (index) =>
          index === 0
            ? new Uint8Array(
                Buffer.concat([large(), Buffer.alloc(SNAPSHOT_PART_BYTES, 1)]).subarray(0, SNAPSHOT_PART_BYTES),
              )
            : new Uint8Array(SNAPSHOT_PART_BYTES),
        asked: 1,
      }),
      "of another state": () => {
        const bytes = Buffer.from(state);
        bytes[bytes.length - 1]! ^= 1;
        return { parts: 1, part: () => new Uint8Array(bytes), asked: 1 };
      },
    };

    for (const [name, make] of Object.entries(cases)) {
      it(`should be left ${name} as soon as that shows, and the true one be taken from another`, async () => {
        const honest = await settled();
        const { parts, part, asked } = make();
        const victim = scene.member(3);
        const peer = await hostile(2, (message) => {
          if (message.kind === "sync") peer.say(victim, { kind: "snapshot", header, parts });
          if (message.kind !== "part-request") return;
          const bytes = part(message.part);
          peer.say(victim, { kind: "part", height: message.height, part: message.part, bytes });
        });
        scene.hub.join(victim.account, victim.signer);
        await victim.start();
        const lure = (): void => {
          const place = { term: 1, height: header.height, recordHash: hashRecord(header) };
          peer.say(victim, { kind: "status", ...place, asks: false });
        };
        await until(() => peer.count("status") > 0, { what: "a link" });
        lure();
        const isLeft = ({ message, context }: SceneMember["lines"][number]): boolean =>
          message === "the past was not got" && /snapshot|parts/.test(String(context?.["reason"]));
        await until(() => victim.lines.some(isLeft), { what: "the snapshot refused" });
        expect(peer.count("part-request")).to.equal(asked);
        // Not again from the same one.
        const before = peer.count("sync");
        await until(() => {
          lure();
          return peer.count("sync") > before;
        });
        expect(victim.node.head.height).to.equal(0);
        await honest.start();
        await until(() => victim.node.head.height >= header.height, { what: "the snapshot of another" });
        expect(peer.count("part-request")).to.equal(asked);
      });
    }
  });
});
