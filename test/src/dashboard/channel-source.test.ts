import { expect } from "chai";
import { Wallet, hexlify } from "ethers";

import { createChannelApiServer, type ChannelApiServer } from "../../../src/adapters/channel-api/ws-server.ts";
import { connectChannelOverWebSocket } from "../../../src/adapters/channel-api/ws-client.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { createChannelService } from "../../../src/channel/channel-service.ts";
import { sign } from "../../../src/client/channel/channel-signer.ts";
import { createChannelSource } from "../../../src/dashboard/channel-source.ts";
import type { ChannelView } from "../../../src/dashboard/channel-types.ts";
import type { TopicSource } from "../../../src/dashboard/topic-source.ts";
import { typedDataOf } from "../../../src/wire/channel/typed-data.ts";
import { startChannelChain, type ChannelChain } from "../../helpers/channel-chain.ts";
import { startChannelTeam, type ChannelTeam } from "../../helpers/channel-team.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { viewWhen } from "../../helpers/view-when.ts";

describe("dashboard/channel-source", function () {
  this.timeout(60_000);
  let chain: ChannelChain;
  let team: ChannelTeam;
  let servers: ChannelApiServer[];
  let source: TopicSource<ChannelView>;
  let ending: AbortController;
  let views: AsyncIterator<ChannelView, unknown>;

  before(async () => {
    chain = await startChannelChain();
  });
  after(async () => await chain?.close());
  beforeEach(async () => {
    const peers = [await chain.peer(1), await chain.peer(2), await chain.peer(3)];
    team = await startChannelTeam(chain, peers, {}, { node: { heartbeatMs: 100 } });
    const { channel } = team.info;
    servers = team.members.map(({ node, peer }) =>
      createChannelApiServer({
        service: createChannelService({ nodes: new Map([[channel, node]]), hub: peer.hub }),
        host: "127.0.0.1",
        port: 0,
        readers: "anyone",
        clock: systemClock,
        random: systemRandom,
        logger: createMemoryLogger(),
      }),
    );
    for (const server of servers) await server.start();
    const { hub, keys, account } = peers[0]!;
    const wallet = new Wallet(hexlify(keys.accountPrivateKey));
    const at = { chainId: hub.chainId, hub: hub.address };
    source = createChannelSource({
      hub,
      nodesOf: async () => await Promise.resolve(servers.map(({ url }) => url)),
      connect: async (url, of, options) =>
        await connectChannelOverWebSocket(
          {
            url,
            channel: of,
            wallet: account,
            signLogin: async (login) => await sign(wallet, typedDataOf(at, "Login", login)),
          },
          options,
        ),
      appName: (app) => (app === chain.app ? "counter" : undefined),
      clock: systemClock,
      chainMs: 200,
    });
    ending = new AbortController();
    views = source.views(channel.toString(), { signal: ending.signal })[Symbol.asyncIterator]();
  });
  afterEach(async () => {
    ending.abort();
    await views.return?.();
    for (const server of servers) await server.stop();
    await team.stop();
  });

  const when = async (isTrue: (view: ChannelView) => boolean): Promise<ChannelView> => await viewWhen(views, isTrue);

  it("shows members, who leads, and how far they are from each other", async () => {
    const view = await when(({ delays, members }) => delays.length === 6 && members.every((each) => each.seenAtMs));
    const accounts = team.members.map(({ peer }) => peer.account);
    expect(view).to.deep.include({ state: "open", appName: "counter", leader: accounts[0], term: 1 });
    expect(view.members.map(({ account }) => account)).to.deep.equal(accounts);
    expect(view.members.map(({ leads }) => leads)).to.deep.equal([true, false, false]);
    expect(view.nodes.map(({ account }) => account)).to.deep.equal(accounts);
    const pairs = view.delays.map(({ from, to }) => `${accounts.indexOf(from)}${accounts.indexOf(to)}`);
    expect(pairs.toSorted()).to.deep.equal(["01", "02", "10", "12", "20", "21"]);
  });

  it("follows records as they are made, until they are settled", async () => {
    const { height: before } = (await when(({ records }) => records.length > 0)).records[0]!;
    const [leader] = team.members;
    const height = await leader!.node.submit(team.call(8));
    expect(height).to.be.greaterThan(before);
    const made = await when(({ heights }) => heights.acknowledged >= height);
    const record = made.records.find((each) => each.height === height);
    expect(record).to.deep.include({ kind: "call", status: "success", commitment: "committed" });
    expect(made.records.map((each) => each.height)).to.deep.equal(
      made.records.map((each) => each.height).toSorted((a, b) => b - a),
    );
    const settled = await leader!.node.settle();
    const done = await when(({ heights, settledHeights }) => heights.settled >= height && settledHeights.length > 0);
    expect(done.settledHeights[0]).to.equal(settled);
    expect(done.records.find((each) => each.height === height)?.commitment).to.equal("final");
  });

  it("says which node is away, shows what the others say, and finds it again", async () => {
    await when(({ nodes }) => nodes.every(({ heights }) => heights !== undefined));
    const { url } = servers[2]!;
    await servers[2]!.stop();
    const without = await when(({ nodes }) => nodes[2]?.problem !== undefined);
    expect(without.nodes[2]).to.deep.include({ url });
    expect(without.nodes[2]?.problem?.code).to.equal("PEER_UNREACHABLE");
    expect(without.nodes[0]?.problem).to.equal(undefined);
  });

  it("refuses what is no channel", async () => {
    const look = async (id: string): Promise<string | undefined> =>
      await codeOf(source.views(id, ending)[Symbol.asyncIterator]().next());
    expect(await look("chat")).to.equal("INVALID_INPUT");
    expect(await look("77")).to.equal("CHANNEL_UNKNOWN");
  });
});
