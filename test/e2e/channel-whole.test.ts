import { expect } from "chai";
import { hexlify, type Interface } from "ethers";

import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { createMemoryRecordLog } from "../../src/adapters/record-log/memory.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { exitsSlotOf, ownedSlotOf } from "../../src/channel/sandbox/protocol-slots.ts";
import { proveSettled, type ProvenSlot } from "../../src/channel/settled-proofs.ts";
import { claimAll, type ProveLedger } from "../../src/client/channel/claim.ts";
import type { HubMember } from "../../src/ports/channel-hub.ts";
import { fromHex } from "../../src/utils/bytes.ts";
import { keccak256 } from "../../src/utils/keccak.ts";
import { signDigest } from "../../src/utils/recoverable-signature.ts";
import { callDigest, type SignedCall } from "../../src/wire/channel/call.ts";
import { SETTLEMENT_MODES } from "../../src/wire/channel/settlement.ts";
import { FeatureProgram__factory } from "../../typechain-types/factories/mocks/channels/FeatureProgram__factory.ts";
import { startChannelChain, type ChannelChain, type ChannelPeer } from "../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam, type TeamInit, type TeamMember } from "../helpers/channel-team.ts";
import { until } from "../helpers/until.ts";

const PEERS = 3;
const TIMEOUT_MS = 30_000;
const BROUGHT_WEI = 100n;
const STAKE_WEI = 1_000n;
const MOVED_WEI = 30n;
const FEATURES: Interface = FeatureProgram__factory.createInterface();
const ETHER = `0x${"0".repeat(40)}`;
const ETHER_KEY = keccak256(new Uint8Array(64));
const ASSETS = [{ kind: 0, token: ETHER, id: 0n, amount: BROUGHT_WEI }];
const FIRST_SLOT = new Uint8Array(32);

describe("e2e: the life of a channel on the real hub, by members and mode", function () {
  this.timeout(120_000);
  let chain: ChannelChain;
  let program: NonNullable<TeamInit["program"]>;
  let peers: ChannelPeer[];
  let team: ChannelTeam | undefined;
  before(async () => {
    chain = await startChannelChain();
    program = { address: await chain.deployFeatures(), abi: FEATURES };
    peers = [];
    for (let index = 1; index <= PEERS; index += 1) peers.push(await chain.peer(index));
  });
  afterEach(async () => {
    await team?.stop();
    team = undefined;
  });
  after(async () => await chain.close());

  /** Out of what a member's node has kept. */
  async function prove({ peer, disk }: TeamMember, slots: readonly Uint8Array[]): Promise<readonly ProvenSlot[]> {
    const components = { hub: peer.hub, clock: systemClock, logger: createMemoryLogger() };
    const history = createMemoryRecordLog(disk);
    return await proveSettled(components, { channel: team!.info.channel, history, slots });
  }

  /** A member's own call. */
  function signed({ peer, node }: TeamMember, name: string, args: readonly unknown[]): SignedCall {
    const call = {
      channel: team!.info.channel,
      sender: peer.account,
      nonce: node.nonceOf(peer.account),
      gasLimit: 500_000n,
      validUntilMs: 2n ** 63n,
      data: fromHex(FEATURES.encodeFunctionData(name, args)),
    };
    return { call, signature: signDigest(callDigest(node.domain, call), peer.keys.accountPrivateKey) };
  }

  async function claimOf(member: TeamMember): Promise<bigint> {
    const { info } = team!;
    const ledger: ProveLedger = async (account, key) => {
      const [exits, owned] = await prove(member, [exitsSlotOf(account, key), ownedSlotOf(account, key)]);
      return { exits: exits!.proof, owned: owned!.proof };
    };
    const isRoot = info.config.mode === SETTLEMENT_MODES.root;
    const { assets, stakeWei } = await claimAll(member.peer.hub, info, {
      assets: [],
      prove: isRoot ? ledger : undefined,
    });
    expect(stakeWei).to.equal(STAKE_WEI);
    return assets[0]!.amount;
  }

  for (const [name, mode] of Object.entries(SETTLEMENT_MODES)) {
    for (let count = 1; count <= PEERS; count += 1) {
      it(`should play, settle, be read, let go, end and pay everybody: ${count} of them, ${name}`, async () => {
        const config = { mode, stakeWei: STAKE_WEI };
        team = await startChannelTeam(chain, peers.slice(0, count), config, {
          program,
          assets: ASSETS,
          node: { requestPatienceMs: 1_000 },
        });
        const { members, info } = team;
        const { channel } = info;
        const [first] = members as [TeamMember];
        const last = members.at(-1)!;
        const { hub } = first.peer;
        await until(() => first.node.leads, { what: "the leader is ready" });
        await team.same();

        // Each member brings the calls of users to the leader.
        for (const { node } of members) {
          await node.submit(team.callOf(0, "setPacked", [7n, true, info.app]));
        }
        // Members own what they brought, and may move it.
        if (count > 1) {
          const key = hexlify(ETHER_KEY);
          await last.node.submit(signed(first, "move", [last.peer.account, key, MOVED_WEI]));
        }
        await team.same();
        const height = await last.node.settle();
        expect((await hub.head(channel)).height).to.equal(height);
        await until(() => members.every(({ node }) => node.finalHeight === height), { what: "all know what is final" });

        // What is settled is what the program's views say on the chain, in the mode of roots once somebody has proved the slot.
        if (mode === SETTLEMENT_MODES.root) {
          const slots = await prove(last, [FIRST_SLOT]);
          await first.peer.hub.materialise(channel, slots);
        }
        const view = async (name: string): Promise<unknown> => {
          const data = await hub.readStore(info, fromHex(FEATURES.encodeFunctionData(name)));
          return FEATURES.decodeFunctionResult(name, data)[0] as unknown;
        };
        expect([await view("first"), await view("second")]).to.deep.equal([7n, true]);
        expect((await team.view(first, "first"))[0]).to.equal(7n);

        const paid: bigint[] = [];
        if (count > 1) {
          // The program asks for it; a node brings that to the hub, and the leader settles it.
          await first.node.submit(team.callOf(0, "requestLeave", [last.peer.account]));
          await until(async () => (await hub.member(channel, last.peer.account))?.isGone === true, {
            what: "the last is gone",
            timeoutMs: TIMEOUT_MS,
          });
          await until(() => first.node.finalHeight >= first.node.committedHeight, { what: "it is known" });
          paid.push(await claimOf(mode === SETTLEMENT_MODES.root ? { ...first, peer: last.peer } : last));
        }
        const rest = count > 1 ? members.slice(0, -1) : members;
        await rest.at(-1)!.node.submit(team.callOf(0, "requestClose"));
        await until(async () => (await hub.channel(channel))?.isClosed === true, {
          what: "the channel is closed",
          timeoutMs: TIMEOUT_MS,
        });
        for (const member of rest) {
          await until(() => member.node.head.height >= member.node.finalHeight, { what: "the last record" });
          paid.push(await claimOf(member));
        }
        const moved = count > 1 ? MOVED_WEI : 0n;
        const owned = rest.map((_, index) => BROUGHT_WEI - (index === 0 ? moved : 0n));
        expect(paid).to.deep.equal([...(count > 1 ? [BROUGHT_WEI + moved] : []), ...owned]);
        expect((await hub.asset(channel, ETHER_KEY)).amount).to.equal(0n);
        const left: readonly HubMember[] = await hub.members(channel);
        expect(left).to.deep.equal([]);
      });
    }
  }
});
