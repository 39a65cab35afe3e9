import { expect } from "chai";

import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import type { Core } from "../../../src/channel/core.ts";
import { createRequests } from "../../../src/channel/requests.ts";
import { createSync, type Sync } from "../../../src/channel/sync.ts";
import { decodeChannelMessage } from "../../../src/wire/channel/messages.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { createManualClock, type ManualClock } from "../../helpers/manual-clock.ts";
import { until } from "../../helpers/until.ts";

const SILENT = `0x${"11".repeat(20)}`;
const OTHER = `0x${"22".repeat(20)}`;
const THIRD = `0x${"33".repeat(20)}`;

describe("channel: a leader that comes back with records of its own", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let isCutOff = false;

  afterEach(async () => await scene.close());

  it("should give them up for what the others have committed and settled meanwhile, and call them committed to nobody", async () => {
    const isHeard = (kind: string): boolean => !isCutOff || (kind !== "batch" && kind !== "status");
    scene = await createChannelScene({ members: 4, hears: (_, { kind }) => isHeard(kind), node: { heartbeatMs: 200 } });
    const [first, second, third, fourth] = scene.members as [SceneMember, SceneMember, SceneMember, SceneMember];
    await first.node.committed(await first.node.submit(scene.call(0, "inc")));
    await scene.same();
    const { committedHeight } = first.node;
    isCutOff = true;
    for (let count = 0; count < 3; count += 1) await first.node.submit(scene.call(1, "inc"));
    expect(first.node.head.height).to.equal(committedHeight + 3);
    await first.kill();
    isCutOff = false;
    const others = [second, third, fourth];
    await until(() => others.some(({ node }) => node.leads), { what: "another one leads", timeoutMs: 20_000 });
    const leader = others.find(({ node }) => node.leads) ?? second;
    for (let count = 0; count < 5; count += 1) {
      await leader.node.committed(await leader.node.submit(scene.call(2, "inc")));
    }
    await scene.same(others);
    // Final above the head of the one that is away.
    await leader.node.settle();
    await until(() => others.every(({ node }) => node.finalHeight > committedHeight + 3), { what: "it is final" });

    await first.start();
    expect(first.node.committedHeight).to.be.at.most(committedHeight);
    await scene.same();
  });
});

describe("channel: a member that is behind", () => {
  let clock: ManualClock;
  let stop: AbortController;
  /** Whom it has asked, in order. */
  let asked: string[];
  let sync: Sync;

  beforeEach(() => {
    clock = createManualClock();
    stop = new AbortController();
    asked = [];
    const core = {
      clock,
      logger: createMemoryLogger(),
      info: { channel: 1n },
      network: {
        send(to: string, bytes: Uint8Array) {
          if (decodeChannelMessage(bytes).kind === "sync") asked.push(to);
          return true;
        },
      },
      player: { head: { header: { height: 0 }, hash: new Uint8Array(32) } },
    } as unknown as Core;
    const requests = createRequests(clock);
    const rest = { onFault: () => undefined, onProgress: () => undefined };
    sync = createSync({ core, requests, signal: stop.signal, ...rest });
  });
  afterEach(() => stop.abort());

  it("should wait for the only one that is ahead", async () => {
    sync.catchUp(SILENT);
    await clock.advance(9_000);
    sync.catchUp(SILENT);
    expect(asked).to.deep.equal([SILENT]);
  });

  it("should leave whoever does not answer for others that are ahead, in their turn, and know who was asked", async () => {
    sync.catchUp(SILENT);
    sync.catchUp(OTHER);
    sync.catchUp(THIRD);
    await clock.advance(1_900);
    expect(asked).to.deep.equal([SILENT]);
    expect(sync.askedAtMs(OTHER)).to.equal(undefined);
    await clock.advance(700);
    expect(asked).to.deep.equal([SILENT, OTHER]);
    expect(sync.askedAtMs(OTHER)).to.be.greaterThan(sync.askedAtMs(SILENT)!);
    // Nobody has answered yet: perhaps answers take that long here.
    await clock.advance(3_000);
    expect(asked).to.deep.equal([SILENT, OTHER]);
    await clock.advance(2_000);
    expect(asked).to.deep.equal([SILENT, OTHER, THIRD]);
  });
});
