import { expect } from "chai";
import { Wallet } from "ethers";

import { createChannelApiServer, type ChannelApiServer } from "../../src/adapters/channel-api/ws-server.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../src/adapters/random/system.ts";
import { connectChannel, type ChannelClient } from "../../src/create-channel-client.ts";
import { isSprfError } from "../../src/errors.ts";
import { DESK_ABI, DESK_CHANNEL, DESK_DOMAIN, createChannelDesk, type ChannelDesk } from "../helpers/channel-desk.ts";
import { codeOf } from "../helpers/code-of.ts";
import { createTcpLink, type TcpLink } from "../helpers/tcp-link.ts";
import { until } from "../helpers/until.ts";

const WALLET = new Wallet(`0x${"11".repeat(32)}`);

describe("create-channel-client", () => {
  let desk: ChannelDesk;
  let server: ChannelApiServer;
  let link: TcpLink;
  let client: ChannelClient<typeof DESK_ABI>;

  beforeEach(async () => {
    desk = createChannelDesk([WALLET.address.toLowerCase()]);
    server = createChannelApiServer({
      service: desk,
      host: "127.0.0.1",
      port: 0,
      clock: systemClock,
      random: systemRandom,
      logger: createMemoryLogger(),
    });
    await server.start();
    link = await createTcpLink(Number(new URL(server.url).port));
    client = await connectChannel({
      ...DESK_DOMAIN,
      url: `ws://127.0.0.1:${link.port}`,
      channel: DESK_CHANNEL,
      signer: WALLET,
      abi: DESK_ABI,
    });
  });
  afterEach(async () => {
    await client.disconnect();
    await link.cut();
    await server.stop();
  });

  it("calls and reads with the program's types", async () => {
    const added = await client.call("add", [5n]);
    const total: bigint = added.value;
    expect(total).to.equal(5n);
    expect(added.events).to.deep.equal([{ name: "Added", args: { sender: WALLET.address, amount: 5n } }]);
    await added.committed();

    const { value, height } = await client.read("total", []);
    const [sum, calls]: readonly [bigint, number] = value;
    expect([sum, calls, height]).to.deep.equal([5n, 1, 1]);
  });

  it("says why the program refused", async () => {
    const error: unknown = await client.call("add", [0n]).catch((reason: unknown) => reason);
    expect(isSprfError(error, "CHANNEL_CALL_FAILED")).to.equal(true);
    expect(String(error)).to.contain("Desk_Zero()");
    expect((await client.transaction({ nonce: 0n }))?.status).to.equal("failed");
  });

  it("refuses what the program does not have before anything is sent", async () => {
    expect(await codeOf(client.call("fly" as "add", [1n]))).to.equal("INVALID_INPUT");
    expect(await codeOf(client.call("add", ["much"] as unknown as [bigint]))).to.equal("INVALID_INPUT");
    expect(desk.arrived).to.deep.equal([]);
  });

  it("goes on with a subscription from where the connection was lost", async () => {
    const ended = new AbortController();
    const heights: number[] = [];
    let began = false;
    const listening = (async () => {
      for await (const update of client.subscribe({ signal: ended.signal })) {
        began = true;
        if (update.type === "record") heights.push(update.record.height);
      }
    })();
    await until(() => began);
    await client.call("add", [1n]);
    await until(() => heights.length === 1);
    await link.cut();
    const away = client.call("add", [2n]);
    await link.mend();
    await away;
    await client.call("add", [3n]);
    await until(() => heights.length === 3);
    expect(heights).to.deep.equal([1, 2, 3]);
    ended.abort();
    await listening;
  });
});
