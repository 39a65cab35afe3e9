import { expect } from "chai";

import type { ChannelNews } from "../../../src/channel/core.ts";
import { encodeCallInput, decodeCallInput } from "../../../src/wire/channel/call.ts";
import { RECORD_KINDS } from "../../../src/wire/channel/record.ts";
import type { RecordBody } from "../../../src/wire/channel/record-body.ts";
import { PUNISHMENT_REASONS } from "../../../src/wire/channel/settlement.ts";
import { createChannelScene, testKey, type ChannelScene } from "../../helpers/channel-scene.ts";
import { createLyingLeader, type LyingLeader } from "../../helpers/lying-leader.ts";
import { until } from "../../helpers/until.ts";
import { addressOfKey } from "../../../src/utils/recoverable-signature.ts";
import { publicKeyOf } from "../../../src/utils/secp256k1.ts";

const { wrongResult, wrongOrder, forgedInput } = PUNISHMENT_REASONS;
const filled = new Uint8Array(32).fill(9);
const TICK_MS = 100;

interface Lie {
  readonly name: string;
  readonly change: (body: RecordBody) => RecordBody;
  readonly reason: number;
}

const LIES: readonly Lie[] = [
  { name: "a wrong result", change: (body) => ({ ...body, stateRoot: filled }), reason: wrongResult },
  { name: "a status that is none", change: (body) => ({ ...body, status: 0 }), reason: wrongResult },
  { name: "less gas", change: (body) => ({ ...body, gasUsed: body.gasUsed - 1 }), reason: wrongResult },
  { name: "an altered write set", change: (body) => ({ ...body, writesHash: filled }), reason: wrongResult },
  { name: "an altered touched set", change: (body) => ({ ...body, touchedHash: filled }), reason: wrongResult },
  { name: "other return data", change: (body) => ({ ...body, returnHash: filled }), reason: wrongResult },
  {
    name: "a forged call",
    change: (body) => {
      const { call, signature } = decodeCallInput(body.input);
      return { ...body, input: encodeCallInput({ call: { ...call, data: new Uint8Array([1, 2, 3, 4]) }, signature }) };
    },
    reason: forgedInput,
  },
  { name: "an input that is none", change: (body) => ({ ...body, input: filled }), reason: forgedInput },
  { name: "a falling time", change: (body) => ({ ...body, timeMs: body.timeMs - 500_000 }), reason: wrongOrder },
  { name: "a time far ahead", change: (body) => ({ ...body, timeMs: body.timeMs + 500_000 }), reason: wrongOrder },
  {
    name: "an entry that nobody added",
    change: (body) => ({ ...body, inboxCursor: body.inboxCursor + 1 }),
    reason: wrongOrder,
  },
  { name: "a tick where none is due", change: (body) => ({ ...body, kind: RECORD_KINDS.tick }), reason: wrongOrder },
];

describe("channel: a leader that lies", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let liar: LyingLeader;
  const faults = new Map<number, Extract<ChannelNews, { kind: "fault" }>>();

  afterEach(async () => {
    await liar.stop();
    await scene.close();
    faults.clear();
  });

  /** The liar is the first of `count`, and has led truly over all joins and one call. */
  async function open(count: number, config: Parameters<typeof createChannelScene>[0]["config"] = {}): Promise<void> {
    scene = await createChannelScene({ members: 0, config });
    const signerKey = testKey(1);
    const self = addressOfKey(publicKeyOf(signerKey));
    const account = addressOfKey(publicKeyOf(testKey(101)));
    scene.hub.join(account, self);
    for (let number = 2; number <= count; number += 1) {
      const member = scene.member(number);
      scene.hub.join(member.account, member.signer);
    }
    for (const [index, member] of scene.members.entries()) {
      await member.start();
      member.node.watch((news) => {
        if (news.kind === "fault") faults.set(index, news);
      });
    }
    const peers = new Set(scene.members.map(({ signer }) => signer));
    liar = await createLyingLeader({ hub: scene.hub, network: scene.mesh.join(self), account, signerKey, peers });
    await liar.takeInbox();
  }

  const call = (): Uint8Array => encodeCallInput(scene.call(0, "inc"));
  const settled = async (height: number): Promise<void> =>
    await until(() => scene.members.every(({ node }) => node.head.height === height), { what: `height ${height}` });

  async function expectFault(height: number, reason: number): Promise<void> {
    await until(() => faults.size === scene.members.length, { what: "every honest follower notices" });
    for (const fault of faults.values()) expect(fault).to.include({ height, reason });
    await until(() => scene.hub.punishments.length > 0, { what: "the punishment" });
    expect(scene.hub.punishments[0]).to.include({ height, reason, term: 1 });
    await until(() => scene.members.some(({ node }) => node.leads), {
      what: "somebody honest leads",
      timeoutMs: 15_000,
    });
    // The lie is nobody's, and what was true before it is everybody's or taken back with it.
    for (const { node } of scene.members) expect(node.record(height)?.header.term ?? 2).to.equal(2);
  }

  for (const { name, change, reason } of LIES) {
    it(`should notice ${name} at its height, in each of two followers`, async () => {
      await open(3);
      await settled(await liar.lead(RECORD_KINDS.call, call()));
      const height = await liar.lead(RECORD_KINDS.call, call(), change);
      await expectFault(height, reason);
    });
  }

  it("should notice a tick that was skipped", async () => {
    await open(3, { tickMs: TICK_MS, maxCatchUpTicks: 3 });
    // Ticks have been due since the channel was made, and its first record is none.
    await expectFault(1, wrongOrder);
  });

  it("should be removed by the word of the other one, of two", async () => {
    await open(2);
    const height = await liar.lead(RECORD_KINDS.call, call(), (body) => ({ ...body, gasUsed: 1 }));
    await expectFault(height, wrongResult);
    expect(scene.hub.entries.map(({ kind }) => kind).slice(-2)).to.deep.equal([4, 8]);
    const [honest] = scene.members;
    await until(() => honest!.node.leads);
    const user = scene.call(1, "inc");
    await honest!.node.committed(await honest!.node.submit(user));
  });

  it("should be suspended by two, of five, and the reporter leads", async () => {
    await open(5);
    const height = await liar.lead(RECORD_KINDS.call, call(), (body) => ({ ...body, stateRoot: filled }));
    await expectFault(height, wrongResult);
    const leading = scene.members.find(({ node }) => node.leads)!;
    await leading.node.committed(await scene.members[3]!.node.submit(scene.call(1, "inc")));
    await scene.same();
  });
});
