import { expect } from "chai";

import { chatProgramAbi } from "../../src/client/channel/program-abis.ts";
import { createProgramCodec } from "../../src/client/channel/program-abi.ts";
import { toHex } from "../../src/utils/bytes.ts";
import { createChannelTown, type ChannelTown } from "../helpers/channel-daemons.ts";
import { until } from "../helpers/until.ts";

describe("create-channel-node", function () {
  this.timeout(120_000);
  let town: ChannelTown;
  before(async () => {
    town = await createChannelTown();
  });
  after(async () => await town?.close());

  it("should carry a chat from its first line to its end", async () => {
    const t0 = Date.now();
    const lap = (what: string) => console.log(what, Date.now() - t0);
    const [alice, bob] = await Promise.all([town.person(2), town.person(3)]);
    const channel = await alice.channels.apps.openChat({ group: 1n, title: "Gardeners" });
    lap("open");
    await alice.channels.join(channel);
    await bob.channels.join(channel);
    lap("joined");
    const [one, two] = await Promise.all([alice.serve(channel), bob.serve(channel)]);
    lap("serving");
    const at = { channel, abi: chatProgramAbi };
    const a = await alice.channels.connect({ ...at, url: one.apiUrl });
    const b = await bob.channels.connect({ ...at, url: two.apiUrl });
    const said = await a.call("say", ["hello"]);
    await said.committed();
    lap("first");
    await (await b.call("say", ["good morning"])).committed();
    lap("second");
    await until(async () => (await a.read("lineCount", [])).value === 2n);
    const height = await a.settle();
    lap("settled");
    const codec = createProgramCodec(chatProgramAbi);
    const { info } = await alice.channels.standing(channel);
    const count = codec.decode("lineCount", await alice.channels.hub.readStore(info, codec.encode("lineCount", [])));
    expect(count).to.equal(2n);
    expect(height).to.be.greaterThan(3);
    await bob.channels.leave(channel);
    await until(async () => (await alice.channels.standing(channel)).members.length === 1, { timeoutMs: 30_000 });
    lap("left");
    await alice.channels.closeChannel(channel);
    await until(async () => (await alice.channels.standing(channel)).info.isClosed, { timeoutMs: 30_000 });
    lap("closed");
    const verified = await alice.channels.verify(channel, alice.dataDirectory);
    lap("verified");
    console.log({ ...verified, recordHash: toHex(verified.recordHash), stateRoot: toHex(verified.stateRoot) });
    await a.disconnect();
    await b.disconnect();
  });
});
