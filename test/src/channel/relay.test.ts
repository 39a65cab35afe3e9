import { expect } from "chai";

import type { ChannelNetwork } from "../../../src/ports/channel-network.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { signBatch } from "../../../src/wire/channel/batch.ts";
import { merkleRoot } from "../../../src/wire/channel/merkle.ts";
import {
  decodeChannelMessage,
  encodeChannelMessage,
  type ChannelMessage,
  type ChannelMessageOf,
} from "../../../src/wire/channel/messages.ts";
import { hashRecord } from "../../../src/wire/channel/record.ts";
import { decodeRecordBody, encodeRecordBody, headerOf } from "../../../src/wire/channel/record-body.ts";
import { createChannelScene, type ChannelScene, type SceneMember } from "../../helpers/channel-scene.ts";
import { until } from "../../helpers/until.ts";

const HEARTBEAT_MS = 200;
const PATIENT_MS = 20_000;

/** What is sent in the place of a message: another one, nothing, or the same. */
type Change = (sent: {
  readonly from: string;
  readonly to: string;
  readonly message: ChannelMessage;
}) => Uint8Array | "lost" | "refused" | number | undefined;

describe("channel: relays", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let change: Change = () => undefined;
  /** Batches and certificates, by who sent them to whom. */
  let sent = new Map<string, Set<string>>();

  beforeEach(() => {
    change = () => undefined;
    sent = new Map();
  });
  afterEach(async () => await scene.close());

  /** A network whose messages a test changes, loses or delays (by so many ms). */
  function watched(network: ChannelNetwork): ChannelNetwork {
    return {
      ...network,
      send(to, bytes, options) {
        const message = decodeChannelMessage(bytes);
        if (message.kind === "batch") sent.set(network.self, (sent.get(network.self) ?? new Set()).add(to));
        const instead = change({ from: network.self, to, message });
        if (instead === "lost") return true;
        if (instead === "refused") return false;
        if (typeof instead !== "number") return network.send(to, instead ?? bytes, options);
        void systemClock.sleep(instead).then(() => network.send(to, bytes, options));
        return true;
      },
    };
  }

  async function begin(count: number, heartbeatMs = HEARTBEAT_MS): Promise<readonly SceneMember[]> {
    scene = await createChannelScene({
      members: count,
      node: { heartbeatMs },
      networkOf: watched,
    });
    await scene.same();
    return scene.members;
  }

  async function commit({ node }: SceneMember, user = 0): Promise<void> {
    await node.committed(await node.submit(scene.call(user, "inc")));
  }

  const firstOf = ({ node }: SceneMember): SceneMember | undefined =>
    scene.members.find(({ account }) => account === node.links.first);
  const followersOf = (relay: SceneMember): SceneMember[] =>
    scene.members.filter((member) => firstOf(member) === relay);
  /** Until all that are no candidates have two paths, and the relays know of it. */
  const settled = async (outer: readonly SceneMember[]): Promise<void> =>
    await until(
      () =>
        outer.every((member) => {
          const { first, second } = member.node.links;
          return (
            second !== undefined && first !== second && firstOf(member)!.node.links.serves.includes(member.account)
          );
        }),
      { what: "paths", timeoutMs: PATIENT_MS },
    );

  for (const count of [7, 12]) {
    it(`should have the leader of ${count} send to four, and them to the others`, async () => {
      const members = await begin(count, 5 * HEARTBEAT_MS);
      const [leader] = members;
      const outer = members.slice(5);
      await settled(outer);
      sent.clear();
      for (const member of members) await commit(member);
      await scene.same();
      const mesh = members.slice(1, 5).map(({ signer }) => signer);
      expect([...(sent.get(leader!.signer) ?? [])].toSorted()).to.deep.equal(mesh.toSorted());
      for (const { signer } of outer) expect(sent.get(signer)).to.equal(undefined);
      for (const member of outer) {
        expect(mesh).to.include(firstOf(member)!.signer);
        expect(mesh.some((signer) => sent.get(signer)?.has(member.signer))).to.equal(true);
      }
      expect(await scene.view(outer[0]!, "count")).to.equal(BigInt(count));
      await until(() => outer.every(({ node }) => node.links.delayMs !== undefined), { what: "delays" });
    });
  }

  it("should bring all to those whose relay is killed, and go on by another", async () => {
    const members = await begin(7);
    const outer = members.slice(5);
    await settled(outer);
    const [one, other] = outer;
    const relay = firstOf(one!)!;
    await commit(one!);
    await relay.kill();
    for (let call = 0; call < 5; call += 1) await commit(call % 2 === 0 ? one! : other!);
    const alive = members.filter((member) => member !== relay);
    await scene.same(alive);
    expect(firstOf(one!)).not.to.equal(relay);
    expect(await scene.view(one!, "count")).to.equal(6n);
    await relay.start();
    await commit(relay);
    await scene.same();
  });

  it("should leave a relay that withholds records, and not come back to it", async () => {
    const members = await begin(12);
    const outer = members.slice(5);
    await settled(outer);
    const relay = firstOf(outer[0]!)!;
    const theirs = new Set(outer.map(({ signer }) => signer));
    change = ({ from, to, message }) =>
      from === relay.signer && theirs.has(to) && message.kind === "batch" ? "lost" : undefined;
    const isLeft = (): boolean => followersOf(relay).length === 0;
    // It is found out by what it does not bring in some time, however many calls that is.
    for (let call = 0; call < 2_000 && !isLeft(); call += 1) await commit(outer[0]!);
    expect(isLeft()).to.equal(true);
    await scene.same();
    for (const member of members.slice(0, 3)) await commit(member);
    await scene.same();
    expect(followersOf(relay)).to.have.length(0);
    // Nobody who is honest is doubted for it.
    const doubted = members.flatMap(({ lines }) => lines.filter(({ message }) => message === "a path is doubted"));
    const honest = doubted.filter(({ context }) => context["peer"] !== relay.signer);
    expect(honest.map(({ context }) => context["why"])).to.deep.equal([]);
  });

  it("should leave a relay that withholds certificates", async () => {
    const members = await begin(7);
    const outer = members.slice(5);
    await settled(outer);
    const relay = firstOf(outer[0]!)!;
    change = ({ from, to, message }) => {
      if (from !== relay.signer || to !== outer[0]!.signer || message.channel !== 1n) return undefined;
      if (message.kind === "status") {
        const { certificate: _withheld, ...rest } = message;
        return encodeChannelMessage(1n, rest);
      }
      if (message.kind !== "batch") return undefined;
      return message.batch === undefined ? "lost" : encodeChannelMessage(1n, { kind: "batch", batch: message.batch });
    };
    await commit(outer[0]!);
    await until(() => firstOf(outer[0]!) !== relay, { timeoutMs: PATIENT_MS });
    await scene.same();
  });

  it("should leave a relay that says it is nearest and brings records late", async () => {
    const members = await begin(7);
    const outer = members.slice(5);
    const liar = members[3]!;
    const theirs = new Set(outer.map(({ signer }) => signer));
    let isLate = false;
    change = ({ from, to, message }) => {
      if (message.kind === "heartbeat" && message.delayMs !== undefined && theirs.has(to)) {
        return encodeChannelMessage(1n, { ...message, delayMs: from === liar.signer ? 0 : 60 });
      }
      return isLate && from === liar.signer && theirs.has(to) && message.kind === "batch" ? 600 : undefined;
    };
    await until(() => outer.some((member) => firstOf(member) === liar), { what: "the lie", timeoutMs: PATIENT_MS });
    const victims = followersOf(liar);
    isLate = true;
    const isLeft = (): boolean => victims.every((member) => firstOf(member) !== liar);
    for (let call = 0; call < 40 && !isLeft(); call += 1) await commit(victims[0]!);
    expect(isLeft()).to.equal(true);
    await scene.same();
  });

  it("should find a fork by the second path, and show it", async () => {
    const members = await begin(7);
    const [leader, ...others] = members;
    const outer = members.slice(5);
    await settled(outer);
    const victim = outer[0]!;
    const relay = firstOf(victim)!;
    let forks = 0;
    change = ({ from, to, message }) => {
      if (from !== leader!.signer || to !== relay.signer || message.kind !== "batch") return undefined;
      if (message.batch === undefined) return "lost";
      if (forks > 0) return "lost";
      forks += 1;
      return encodeChannelMessage(1n, { kind: "batch", batch: fork(leader!, message.batch) });
    };
    await leader!.node.submit(scene.call(0, "inc"));
    const hasSeenIt = (member: SceneMember): boolean =>
      member.lines.some(
        ({ message, context }) =>
          message === "the leader has lied" && String(context["reason"]).startsWith("two records"),
      );
    await until(() => hasSeenIt(victim), { what: "the fork", timeoutMs: PATIENT_MS });
    // The ban is in the inbox; another one leads.
    await until(() => others.some(({ node }) => node.leads), { what: "another leader", timeoutMs: PATIENT_MS });
    change = () => undefined;
    await commit(victim);
    await scene.same(others);
  });

  it("should bring records to all when the leader changes, without a new start", async () => {
    const members = await begin(7);
    const [leader, ...others] = members;
    await settled(members.slice(5));
    await commit(members[6]!);
    await leader!.kill();
    await until(() => others.some(({ node }) => node.leads), { what: "another leader", timeoutMs: PATIENT_MS });
    for (const member of others) await commit(member);
    await scene.same(others);
    const byFollowers = (): boolean => members.slice(5).every((member) => firstOf(member)?.node.leads === false);
    await until(byFollowers, { what: "paths by followers", timeoutMs: PATIENT_MS });
    await leader!.start();
    await scene.same();
    await commit(leader!);
    await scene.same();
  });

  it("should serve no more than its share, and nobody where it is no relay", async () => {
    const members = await begin(7);
    const [, relay, third, fourth, , sixth, seventh] = members as [SceneMember, ...SceneMember[]];
    await settled(members.slice(5));
    const refused: string[] = [];
    change = ({ from, to, message }) => {
      if (message.kind === "path-refused") refused.push(`${from} ${to}`);
      return undefined;
    };
    const ask = (from: SceneMember, to: SceneMember, wants: "records" | "heads" | "nothing"): void =>
      void scene.mesh.join(from.signer).send(to.signer, encodeChannelMessage(1n, { kind: "path", wants }));
    const serves = (member: SceneMember | undefined): readonly string[] =>
      relay!.node.links.serves.filter((account) => account === member!.account);
    ask(seventh!, sixth!, "records");
    await until(() => refused.includes(`${sixth!.signer} ${seventh!.signer}`), { what: "a refusal of no relay" });
    // Two that need a relay, four relays: each has room for twice its even share.
    for (const member of [sixth, seventh, third, fourth]) ask(member!, relay!, "records");
    await until(() => refused.some((each) => each.startsWith(relay!.signer)), { what: "a refusal of a full relay" });
    expect(relay!.node.links.serves.length).to.be.at.most(2);
    // Heads are short.
    ask(fourth!, relay!, "heads");
    ask(sixth!, relay!, "nothing");
    await until(() => serves(sixth).length === 0);
    await commit(seventh!);
    await scene.same();
  });

  it("should tell a member whose queue was full where it stands, so that nothing stays lost", async () => {
    const members = await begin(7);
    const outer = members.slice(5);
    await settled(outer);
    const relay = firstOf(outer[0]!)!;
    let isFull = true;
    change = ({ from, to }) => (isFull && from === relay.signer && to === outer[0]!.signer ? "refused" : undefined);
    await commit(members[1]!);
    isFull = false;
    await until(() => outer[0]!.node.head.height === members[1]!.node.head.height, { what: "the record" });
    await scene.same();
  });

  /** Another record in the place of a batch's last one, as good as the first, signed as its leader does. */
  function fork(
    leader: SceneMember,
    batch: NonNullable<ChannelMessageOf<"batch">["batch"]>,
  ): NonNullable<ChannelMessageOf<"batch">["batch"]> {
    const { term, first } = batch;
    const bodies = batch.records.map((record) => decodeRecordBody(record));
    const last = bodies.pop()!;
    bodies.push({ ...last, timeMs: last.timeMs + 1 });
    let previous = leader.node.record(first - 1)!.hash;
    const hashes = bodies.map((body, index) => {
      previous = hashRecord(headerOf(body, { channel: 1n, term, height: first + index, previous }));
      return previous;
    });
    const signed = { channel: 1n, term, first, last: first + bodies.length - 1, recordsRoot: merkleRoot(hashes) };
    const signature = signBatch(scene.hub.domain, signed, leader.signerKey);
    return { term, first, records: bodies.map((body) => encodeRecordBody(body)), signature };
  }
});
