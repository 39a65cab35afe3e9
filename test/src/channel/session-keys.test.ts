import { expect } from "chai";
import { Wallet, hexlify } from "ethers";

import { createChannelApiServer, type ChannelApiServer } from "../../../src/adapters/channel-api/ws-server.ts";
import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { createChannelService } from "../../../src/channel/channel-service.ts";
import { connectChannel, type ChannelClient } from "../../../src/create-channel-client.ts";
import { createChannelScene, testKey, type ChannelScene } from "../../helpers/channel-scene.ts";
import { codeOf } from "../../helpers/code-of.ts";

const ABI = [
  { type: "function", name: "inc", stateMutability: "nonpayable", inputs: [], outputs: [] },
  {
    type: "function",
    name: "count",
    stateMutability: "view",
    inputs: [],
    outputs: [{ name: "", type: "uint256" }],
  },
] as const;

describe("channel: session keys", function () {
  this.timeout(60_000);
  let scene: ChannelScene;
  let server: ChannelApiServer;
  let client: ChannelClient<typeof ABI>;
  let asked = 0;

  beforeEach(async () => {
    scene = await createChannelScene({ members: 2 });
    await scene.same();
    const member = scene.members[0];
    if (member === undefined) throw new Error("no member");
    server = createChannelApiServer({
      service: createChannelService({ nodes: new Map([[1n, member.node]]), hub: scene.hub.as(member.account) }),
      host: "127.0.0.1",
      port: 0,
      readers: "anyone",
      clock: systemClock,
      random: systemRandom,
      logger: createMemoryLogger(),
    });
    await server.start();
    const wallet = new Wallet(hexlify(testKey(99)));
    asked = 0;
    client = await connectChannel({
      ...scene.hub.domain,
      url: server.url,
      channel: 1n,
      signer: {
        getAddress: async () => await wallet.getAddress(),
        signTypedData: async (...typed) => {
          asked++;
          return await wallet.signTypedData(...typed);
        },
      },
      abi: ABI,
    });
  });
  afterEach(async () => {
    await client.disconnect();
    await server.stop();
    await scene.close();
  });

  it("should ask the wallet once for many calls", async () => {
    await client.useSessionKey({ functions: ["inc"], expiryMs: Date.now() + 60_000 });
    const before = asked;
    const results = await Promise.all(Array.from({ length: 10 }, async () => await client.call("inc", [])));
    await results.at(-1)?.committed();
    expect(asked).to.equal(before);
    expect((await client.read("count", [])).value).to.equal(10n);
  });

  it("should count no key after its end, whatever it signs", async () => {
    await client.useSessionKey({ expiryMs: Date.now() + 60_000 });
    await client.call("inc", []);
    const before = asked;
    await client.endSessionKey();
    expect(asked).to.equal(before + 1);
    // The wallet itself signs from here on.
    await client.call("inc", []);
    expect(asked).to.equal(before + 2);
  });

  it("should take no grant that has ended", async () => {
    expect(await codeOf(client.useSessionKey({ expiryMs: 1 }))).to.equal("INVALID_INPUT");
    const before = asked;
    await client.call("inc", []);
    expect(asked).to.equal(before + 1);
  });
});
