import { expect } from "chai";
import { Keypair } from "@stellar/stellar-sdk";

import { systemClock } from "../../../../src/adapters/clock/system.ts";
import { createMemoryLogger, type LogLine } from "../../../../src/adapters/logger/memory.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { collectPay } from "../../../../src/worker/agreements/collect-pay.ts";
import { followAgreements, type AgreementFollower } from "../../../../src/worker/agreements/follow-agreements.ts";
import type { Chain } from "../../../../src/ports/chain.ts";
import { fromHex } from "../../../../src/utils/bytes.ts";
import { until } from "../../../helpers/until.ts";
import {
  registerTester,
  registerTwin,
  registerWorker,
  startMarketChain,
  type MarketChain,
} from "../../../helpers/market-chain.ts";

type Identity = Awaited<ReturnType<MarketChain["identity"]>>;

describe("worker/agreements/follow-agreements", () => {
  let market: MarketChain;
  let client: Identity;
  let stranger: Identity;
  let worker: Identity;
  let testers: Identity[];
  let workerId: number;
  let lines: LogLine[];
  const running: AgreementFollower[] = [];

  before(async () => {
    market = await startMarketChain();
    client = await market.identity(0);
    stranger = await market.identity(1);
    worker = await market.identity(2);
    testers = [await market.identity(3), await market.identity(4), await market.identity(5), await market.identity(6)];
    await registerTwin(client);
    await registerTwin(stranger);
    workerId = await registerWorker(worker, { slots: 16 });
    for (const tester of testers) await registerTester(tester);
  });
  after(() => market.close());
  beforeEach(() => {
    lines = [];
  });
  afterEach(async () => {
    for (const follower of running.splice(0)) await follower.stop();
  });

  const buy = async (lengthBlocks: number): Promise<string> => {
    const request = { redundancy: 1, lengthBlocks };
    return (await client.chain.buy(request, await client.chain.quote(request))).agreement;
  };
  const follow = async (
    store = createMemoryStore(),
    onProgram?: (program: string) => void,
    chain: Chain = worker.chain,
  ): Promise<AgreementFollower> => {
    const components = { chain, clock: systemClock, logger: createMemoryLogger(lines), store };
    const follower = followAgreements(components, {
      workerId,
      withdrawFactor: 0,
      ...(onProgram === undefined ? {} : { onProgram }),
    });
    running.push(follower);
    await follower.start();
    return follower;
  };
  const addressesOf = (follower: AgreementFollower): string[] =>
    follower.running().map((each) => each.agreement.address);
  const asking = (address: string, { keys }: Identity): Parameters<AgreementFollower["authorise"]>[0] =>
    ({ agreement: fromHex(address), from: keys.messageKey }) as Parameters<AgreementFollower["authorise"]>[0];

  it("should find agreements made before and after its start, and the programs bound to them", async () => {
    const before = await buy(60);
    const programs: string[] = [];
    const follower = await follow(undefined, (program) => programs.push(program));
    expect(addressesOf(follower)).to.deep.equal([before]);
    const program = Keypair.random();
    expect(await follower.serves(program.publicKey())).to.equal(false);

    const after = await buy(60);
    await client.chain.bindProgram(after, new Uint8Array(program.rawPublicKey()));
    await until(() => programs.length > 0, { what: "the program" });
    expect(programs).to.deep.equal([program.publicKey()]);
    expect(addressesOf(follower)).to.deep.equal([before, after]);
    expect(await follower.serves(program.publicKey())).to.equal(true);
    await market.mine(120);
    await until(() => follower.running().length === 0, { what: "the end" });
    expect(await follower.serves(program.publicKey())).to.equal(false);
  });

  it("should serve a program at once, before the next look at the chain", async () => {
    const address = await buy(60);
    const program = Keypair.random();
    const chain = { ...worker.chain, blocks: () => silent() };
    const follower = followAgreements({ chain, clock: systemClock, logger: createMemoryLogger(lines) }, { workerId });
    running.push(follower);
    await follower.start();
    await client.chain.bindProgram(address, new Uint8Array(program.rawPublicKey()));
    await until(() => follower.serves(program.publicKey()), { what: "the program" });
  });

  it("should tell where it is to the client and the drawn testers of running agreements alone", async () => {
    const address = await buy(60);
    const follower = await follow();
    expect(await follower.authorise(asking(address, client))).to.equal(true);
    expect(await follower.authorise(asking(address, stranger))).to.equal(false);
    expect(await follower.authorise(asking(worker.chain.account, client)), "no agreement").to.equal(false);
    for (const tester of testers) expect(await follower.authorise(asking(address, tester))).to.equal(false);

    await market.mineTo((await client.chain.windowsOf(address, 0)).commitFrom);
    await client.chain.openEpoch(address, 0);
    const drawn = (await client.chain.seatsOf(address, 0)).map((seat) => seat.tester);
    expect(drawn).to.have.length(3);
    for (const tester of testers) {
      expect(await follower.authorise(asking(address, tester))).to.equal(drawn.includes(tester.chain.account));
    }

    const { endBlock } = (await client.chain.agreement(address))!;
    await market.mineTo(endBlock);
    await until(() => follower.latestBlock() >= endBlock, { what: "the end seen" });
    expect(await follower.authorise(asking(address, client)), "over").to.equal(false);
  });

  it("should look at the chain once for many questions of one who may know", async () => {
    const address = await buy(60);
    let looks = 0;
    const chain: Chain = {
      ...worker.chain,
      twinOfKey: async (...parts) => {
        looks++;
        return await worker.chain.twinOfKey(...parts);
      },
    };
    const follower = await follow(undefined, undefined, chain);
    for (let asked = 0; asked < 5; asked++) expect(await follower.authorise(asking(address, client))).to.equal(true);
    expect(looks).to.equal(1);
    for (let asked = 0; asked < 2; asked++) expect(await follower.authorise(asking(address, stranger))).to.equal(false);
    expect(looks, "the refused are looked up again").to.equal(3);
  });

  it("should not tell the holder of a key that was rotated away", async () => {
    const address = await buy(60);
    const follower = await follow();
    const restore = await market.snapshot();
    const ledgerKey = new Uint8Array(client.keys.ledgerKeypair.rawPublicKey());
    await client.chain.ensureTwin({ messagePrivateKey: new Uint8Array(32).fill(5), ledgerKey });
    expect(await follower.authorise(asking(address, client))).to.equal(false);
    await restore();
  });

  it("should settle, finalize and withdraw when an agreement is over, and forget it for good", async () => {
    const address = await buy(30);
    const store = createMemoryStore();
    const follower = await follow(store);
    const before = await worker.chain.balanceWei(worker.chain.account);
    await market.mineTo((await client.chain.windowsOf(address, 1)).finalFrom + 2);
    const isClosing = (line: LogLine): boolean =>
      line.message === "agreement closed" && line.context["agreement"] === address;
    await until(() => lines.some(isClosing), { what: "the closing" });
    expect((await client.chain.agreementState(address)).status).to.equal("finalized");
    expect(await client.chain.creditWei(address, worker.chain.account)).to.equal(0n);
    expect((await worker.chain.balanceWei(worker.chain.account)) !== before).to.equal(true);
    expect(lines.find(isClosing)?.context["withdrawnWei"]).to.equal((30n * 10n ** 9n).toString());
    await follower.stop();

    lines = [];
    await follow(store);
    expect(lines.some((line) => line.context["agreement"] === address)).to.equal(false);
  });

  it("should see that an agreement was extended, and that another ends early", async () => {
    const [longer, shorter] = [await buy(40), await buy(100)];
    const follower = await follow();
    const endOf = (address: string): number | undefined =>
      follower.running().find(({ agreement }) => agreement.address === address)?.agreement.endBlock;
    const [before, after] = [endOf(longer)!, endOf(shorter)!];
    await client.chain.extend(longer, 20, 10n ** 16n);
    await client.chain.terminate(shorter);
    await until(() => endOf(longer) === before + 20 && (endOf(shorter) ?? after) < after, { what: "the new ends" });
    await market.mine(60);
    await until(() => endOf(shorter) === undefined, { what: "the early end" });
  });

  it("should collect pay while the work goes on, and only when that is worth its gas", async () => {
    const address = await buy(1_000);
    await follow();
    const collected = (line: LogLine): boolean =>
      line.message === "pay collected" && line.context["agreement"] === address;
    await market.mineTo((await client.chain.windowsOf(address, 1)).finalFrom);
    await until(
      async () => {
        await market.mine(1);
        return lines.some(collected);
      },
      { what: "the pay" },
    );
    expect((await client.chain.agreementState(address)).status).to.equal("running");
    const epochPayWei = 20n * 10n ** 9n;
    const withdrawnWei = BigInt(String(lines.find(collected)?.context["withdrawnWei"]));
    expect([withdrawnWei % epochPayWei, withdrawnWei >= epochPayWei]).to.deep.equal([0n, true]);

    const agreement = (await client.chain.agreement(await buy(60)))!;
    await market.mineTo((await client.chain.windowsOf(agreement.address, 0)).finalFrom);
    const block = await client.chain.blockNumber();
    expect(await collectPay(worker.chain, agreement, { block, withdrawFactor: 2 })).to.equal(0n);
    expect((await client.chain.agreementState(agreement.address)).settledEpochs).to.equal(0);
  });
});

async function* silent(): AsyncGenerator<number, void, undefined> {}
