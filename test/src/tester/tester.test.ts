import { expect } from "chai";
import { Keypair } from "@stellar/stellar-sdk";

import { systemClock } from "../../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../../src/adapters/content-store/memory.ts";
import { createMemoryLogger, type LogLine } from "../../../src/adapters/logger/memory.ts";
import { systemRandom } from "../../../src/adapters/random/system.ts";
import { createMemoryStore } from "../../../src/adapters/store/memory.ts";
import type { EthersChain } from "../../../src/adapters/chain/ethers.ts";
import { decodeEvidence } from "../../../src/domain/verdict/evidence.ts";
import { SprfError } from "../../../src/errors.ts";
import type { ContentStore } from "../../../src/ports/content-store.ts";
import type { Startable } from "../../../src/ports/startable.ts";
import type { Store } from "../../../src/ports/store.ts";
import { createDutyStore } from "../../../src/tester/duty-store.ts";
import type { ChosenRecord, LandedCheck } from "../../../src/tester/rerun-landed.ts";
import { stateKey, type ProbeParts, type ProbeResult, type WorkerSaid } from "../../../src/tester/probe.ts";
import { createTesterService, type TesterComponents, type TesterInit } from "../../../src/tester/tester.ts";
import { concatBytes, equalBytes } from "../../../src/utils/bytes.ts";
import { hashRequest, signRequest } from "../../../src/wire/execution-request.ts";
import { signAnswer, type ExecutionAnswer } from "../../../src/wire/execution-answer.ts";
import { until } from "../../helpers/until.ts";
import {
  registerTester,
  registerTwin,
  registerWorker,
  startMarketChain,
  type MarketChain,
} from "../../helpers/market-chain.ts";

type Identity = Awaited<ReturnType<MarketChain["identity"]>>;

const STATES = [
  "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
  "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
] as const;
const LENGTH = 40;

/** Between the blocks of a chain on which nothing else happens. */
const IDLE_BLOCK_MS = 2_000;

describe("tester/tester", () => {
  let market: MarketChain;
  let client: Identity;
  let workers: Identity[];
  let testers: Identity[];
  let outsider: Identity;
  let restore: () => Promise<void>;
  const running: Startable[] = [];
  const program = Keypair.random();
  /** What all testers of a test logged. */
  let lines: LogLine[];

  before(async () => {
    market = await startMarketChain();
    client = await market.identity(0);
    workers = [await market.identity(1), await market.identity(2), await market.identity(3)];
    testers = [await market.identity(4), await market.identity(5), await market.identity(6)];
    outsider = await market.identity(7);
    await registerTwin(client);
    for (const worker of workers) await registerWorker(worker);
    for (const tester of testers) await registerTester(tester);
  });
  after(() => market.close());
  beforeEach(async () => {
    lines = [];
    restore = await market.snapshot();
    // A chain that is set back holds other agreements at the addresses that a connection remembers.
    client = await reconnect(client);
    workers = await Promise.all(workers.map(reconnect));
    testers = await Promise.all(testers.map(reconnect));
    outsider = await reconnect(outsider);
  });
  afterEach(async () => {
    for (const service of running.splice(0)) await service.stop();
    await restore();
  });
  const reconnect = async ({ keys }: Identity): Promise<Identity> => ({ keys, chain: await market.connect(keys) });

  interface Scene {
    readonly dead?: readonly number[];
    readonly lying?: readonly number[];
    readonly bound?: boolean;
  }

  const buy = async ({ bound = true }: Scene = {}): Promise<string> => {
    const request = { redundancy: 3, lengthBlocks: LENGTH };
    const { agreement } = await client.chain.buy(request, await client.chain.quote(request));
    if (bound) await client.chain.bindProgram(agreement, new Uint8Array(program.rawPublicKey()));
    return agreement;
  };

  /** Stands in for the networks that workers are reached by; what they say is really signed. */
  const componentsFor = (
    tester: Identity,
    scene: Scene,
    overrides: Partial<TesterComponents> = {},
  ): TesterComponents => ({
    chain: tester.chain,
    content: createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() }),
    store: createMemoryStore(),
    clock: systemClock,
    random: systemRandom,
    logger: createMemoryLogger(lines),
    purse: { fund: async () => undefined, reclaim: async () => undefined },
    findAddress: async ({ workerKey }) => {
      const index = workers.findIndex(({ keys }) => equalBytes(keys.messageKey, workerKey));
      if (scene.dead?.includes(index)) throw new SprfError("ADDRESS_NOT_FOUND", "nobody answers");
      const ledgerKey = new Uint8Array(workers[index]!.keys.ledgerKeypair.rawPublicKey());
      return { apiUrl: `http://worker-${index}`, ledgerKey };
    },
    workerApi: {
      execute: () => Promise.reject(new Error("not used here")),
      consent: () => Promise.reject(new Error("not used here")),
      tip: () => Promise.reject(new Error("not used here")),
      endorse: () => Promise.reject(new Error("not used here")),
      describe: () => Promise.reject(new Error("not used here")),
      health: async () => undefined,
    },
    prober: async (parts) => probeOf(parts, scene),
    ...overrides,
  });

  function probeOf({ program: probed, nonce, workers: asked }: ProbeParts, scene: Scene): ProbeResult {
    if (probed === undefined) return { kind: "none", reason: "NOT_BOUND" };
    const user = Keypair.random();
    const signed = signRequest(
      {
        version: 1,
        network: "test",
        program: probed,
        input: { bytes: new Uint8Array(0) },
        user: user.publicKey(),
        nonce: new Uint8Array(nonce),
        maxGas: 1n,
        validUntil: 1n,
      },
      new Uint8Array(32),
      user,
    );
    const answer: ExecutionAnswer = {
      requestHash: new Uint8Array(hashRequest(signed.request)),
      sequence: 7n,
      previousState: STATES[0],
      status: "accepted",
      outputCid: STATES[0],
      newState: STATES[0],
      gas: 1n,
    };
    const account = { sequence: 7n, state: STATES[0] } as Extract<WorkerSaid, { kind: "answer" }>["account"];
    const said = asked.map(({ messageKey }): WorkerSaid => {
      const index = workers.findIndex(({ keys }) => equalBytes(keys.messageKey, messageKey));
      const { keys } = workers[index]!;
      if (scene.dead?.includes(index)) return { kind: "silent", code: "WORKER_UNREACHABLE" };
      const claim = scene.lying?.includes(index) ? { ...answer, newState: STATES[1] } : answer;
      const signer = { ledgerKey: keys.ledgerKeypair, messagePrivateKey: keys.messagePrivateKey };
      return { kind: "answer", signed: signAnswer(claim, signer, undefined), account };
    });
    const own = new Map([[stateKey({ sequence: 7n, state: STATES[0] }), { kind: "agreed" as const, answer }]]);
    return { kind: "asked", engine: "wasi", digest: undefined, signed, said, own };
  }

  const start = async (components: TesterComponents, init: TesterInit = {}): Promise<Startable> => {
    const service = createTesterService(components, { withdrawFactor: 0, ...init });
    running.push(service, components.content);
    await components.content.start();
    await service.start();
    return service;
  };

  const phasesOf = async (agreement: string, stores: readonly Store[]): Promise<string[]> =>
    (await Promise.all(stores.map(async (store) => await createDutyStore(store).of(agreement))))
      .flat()
      .map(({ phase }) => phase);
  /** A tester looks at the chain when there is a block, and a chain goes on: one that was busy at the last block sees the next. */
  const seatsAre = async (agreement: string, status: string, { count = 3, epoch = 0 } = {}): Promise<void> => {
    let nextBlockAt = performance.now() + IDLE_BLOCK_MS;
    await until(
      async () => {
        const seats = await client.chain.seatsOf(agreement, epoch);
        if (seats.length > 0 && seats.filter((seat) => seat.status === status).length === count) return true;
        if (performance.now() < nextBlockAt) return false;
        nextBlockAt += IDLE_BLOCK_MS;
        await market.mineTo((await client.chain.blockNumber()) + 1);
        return false;
      },
      { what: `${count} seats ${status} in epoch ${epoch}` },
    );
  };

  /** Mines through an epoch as the three testers do their duty in it. */
  const passEpoch = async (agreement: string, epoch: number): Promise<void> => {
    const windows = await client.chain.windowsOf(agreement, epoch);
    await market.mineTo(windows.commitFrom);
    await seatsAre(agreement, "committed", { epoch });
    await market.mineTo(windows.revealFrom);
    await seatsAre(agreement, "revealed", { epoch });
  };
  /** Runs three testers through epoch 0. */
  const runEpoch = async (
    agreement: string,
    scene: Scene,
    contents: readonly ContentStore[] = [],
  ): Promise<TesterComponents[]> => {
    const all = testers.map((tester, i) => componentsFor(tester, scene, contents[i] && { content: contents[i] }));
    for (const components of all) await start(components);
    await passEpoch(agreement, 0);
    return all;
  };

  it("should open, commit and reveal what it saw, and keep the evidence", async () => {
    const agreement = await buy();
    const all = await runEpoch(agreement, { lying: [1], dead: [2] });
    const { workerOperators } = (await client.chain.agreement(agreement))!;
    const expected = workerOperators.map((operator) => {
      if (operator === workers[1]!.keys.account) return "wrong";
      return operator === workers[2]!.keys.account ? "unreachable" : "ok";
    });
    expect(await client.chain.tallyOf(agreement, 0)).to.deep.equal(expected);

    const [duty] = await createDutyStore(all[0]!.store).of(agreement);
    const evidence = decodeEvidence(await readAll(all[0]!.content, duty!.report!.evidenceCid));
    expect(evidence.program).to.equal(program.publicKey());
    expect(evidence.workers.map(({ verdict }) => verdict)).to.deep.equal(expected);
    expect(evidence.workers.filter(({ answer }) => answer !== undefined)).to.have.length(2);
    expect(evidence.workers.find(({ verdict }) => verdict === "wrong")?.answer?.answer.newState).to.equal(STATES[1]);
    expect(evidence.ownRuns).to.have.length(1);
  });

  it("should call those wrong who signed a batch that the program does not give, and show which input of it", async () => {
    const agreement = await buy();
    const liar = workers[1]!.keys.ledgerKeypair.publicKey();
    const result = { status: "accepted" as const, outputCid: STATES[0], newState: STATES[0], gas: 1n };
    const repeatLanded = async (): Promise<LandedCheck> => ({
      kind: "repeated",
      chosen: {
        tipCid: STATES[0],
        count: 2,
        index: 1,
        recordCid: STATES[1],
        envelope: new Uint8Array(1),
      } as ChosenRecord,
      input: 3,
      own: [result, result],
      same: false,
      engine: "wasi",
      digest: undefined,
      signers: [liar],
    });
    const all = testers.map((tester) => componentsFor(tester, {}, { repeatLanded }));
    for (const components of all) await start(components);
    await passEpoch(agreement, 0);
    const { workerOperators } = (await client.chain.agreement(agreement))!;
    const expected = workerOperators.map((operator) => (operator === workers[1]!.keys.account ? "wrong" : "ok"));
    expect(await client.chain.tallyOf(agreement, 0)).to.deep.equal(expected);
    const [duty] = await createDutyStore(all[0]!.store).of(agreement);
    const { landed, workers: found } = decodeEvidence(await readAll(all[0]!.content, duty!.report!.evidenceCid));
    expect(landed).to.include({ input: 3, recordCid: STATES[1] });
    expect(found.find(({ verdict }) => verdict === "wrong")?.reason).to.equal("signed-wrong-transition");
  });

  it("should wait for a program to be bound, half of the window at most, and then check liveness alone", async () => {
    const [late, never] = [await buy({ bound: false }), await buy({ bound: false })];
    for (const tester of testers) await start(componentsFor(tester, { dead: [0], lying: [1] }));
    const windows = await client.chain.windowsOf(never, 0);
    await market.mineTo(windows.commitFrom);
    await seatsAre(never, "drawn");
    await seatsAre(late, "drawn");
    await client.chain.bindProgram(late, new Uint8Array(program.rawPublicKey()));
    await seatsAre(late, "committed");
    expect((await client.chain.seatsOf(never, 0)).every(({ status }) => status === "drawn")).to.equal(true);

    await market.mineTo(Math.ceil((windows.commitFrom + windows.commitTo) / 2));
    await seatsAre(never, "committed");
    await market.mineTo(windows.revealFrom);
    await seatsAre(late, "revealed");
    await seatsAre(never, "revealed");
    expect(await client.chain.tallyOf(late, 0)).to.have.members(["ok", "unreachable", "wrong"]);
    expect(await client.chain.tallyOf(never, 0)).to.have.members(["ok", "ok", "unreachable"]);
  });

  it("should settle, finalize and withdraw at the end, and forget the agreement", async () => {
    const agreement = await buy();
    const contents = testers.map(() => createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() }));
    const all = await runEpoch(agreement, {}, contents);
    const kept = await Promise.all(contents.map(async (content) => (await content.collect()).kept));
    // A jump over the second epoch would find it open or not, and its testers missing or not, as fast as they are.
    await passEpoch(agreement, 1);
    await market.mineTo((await client.chain.windowsOf(agreement, 1)).finalFrom + 20);
    await until(async () => (await client.chain.agreementState(agreement)).status === "finalized", {
      what: "the end",
    });
    for (const { chain, store } of all) {
      await until(async () => (await store.get("tester-agreements", agreement)) === undefined, {
        what: "closing",
      });
      const testerId = (await chain.testerOf(chain.account))!;
      await until(async () => (await chain.tester(testerId))!.creditWei === 0n, { what: "the fees" });
      const entry = await chain.tester(testerId);
      expect(entry!.missed).to.equal(0);
      expect(entry!.revealed > 0).to.equal(true);
      expect(await createDutyStore(store).of(agreement)).to.deep.equal([]);
    }
    expect(kept.every((records) => records > 0)).to.equal(true);
    for (const content of contents) expect((await content.collect()).kept).to.equal(0);
  });

  it("should do nothing when it is not drawn", async () => {
    await registerTester(outsider);
    const agreement = await buy();
    await market.mineTo((await client.chain.windowsOf(agreement, 0)).commitFrom);
    const drawn = await client.chain.previewTesters(agreement, 0);
    const idle = [...testers, outsider].find(({ keys }) => !drawn.includes(keys.account))!;
    const nonce = await market.rpc("eth_getTransactionCount", idle.keys.account, "latest");
    let asked = 0;
    const chain: EthersChain = {
      ...idle.chain,
      previewTesters: async (...parameters) => {
        asked++;
        return await idle.chain.previewTesters(...parameters);
      },
    };
    await start(componentsFor({ ...idle, chain }, {}));
    for (const looks of [1, 2, 3]) {
      await until(() => asked >= looks, { what: "a look at the draw" });
      await market.mine(1);
    }
    expect(await client.chain.isOpen(agreement, 0)).to.equal(false);
    // Somebody else opens it.
    const opener = testers.find(({ keys }) => drawn.includes(keys.account))!;
    await opener.chain.openEpoch(agreement, 0);
    await market.mineTo((await client.chain.windowsOf(agreement, 0)).revealFrom);
    expect(await market.rpc("eth_getTransactionCount", idle.keys.account, "latest")).to.equal(nonce);
  });

  it("should refuse to start for an account that is no tester", async () => {
    const service = createTesterService(componentsFor(client, {}));
    const error = await service.start().catch((thrown: unknown) => thrown);
    expect(error).to.have.property("code", "NOT_REGISTERED");
    await service.stop();
  });

  describe("after a crash", () => {
    let tester: Identity;
    let agreement: string;
    let store: Store;
    let content: ContentStore;

    beforeEach(async () => {
      agreement = await buy();
      store = createMemoryStore();
      content = createMemoryContentStore({ clock: systemClock, logger: createMemoryLogger() });
      const windows = await client.chain.windowsOf(agreement, 0);
      await market.mineTo(windows.commitFrom);
      const [drawn] = await client.chain.previewTesters(agreement, 0);
      tester = testers.find(({ keys }) => keys.account === drawn) ?? outsider;
    });

    /** A chain that dies at a call, as the process would. */
    const dyingAt = (call: "commit" | "reveal", when: "before" | "after"): EthersChain => {
      const die = async (landed: () => Promise<void>): Promise<void> => {
        if (when === "after") await landed();
        throw new SprfError("CHAIN_UNREACHABLE", "killed");
      };
      const { chain } = tester;
      return call === "commit"
        ? { ...chain, commit: async (...parameters) => await die(async () => await chain.commit(...parameters)) }
        : { ...chain, reveal: async (...parameters) => await die(async () => await chain.reveal(...parameters)) };
    };
    const kill = async (service: Startable): Promise<void> => {
      await service.stop();
    };

    for (const when of ["before", "after"] as const) {
      it(`should use the same commitment when it died ${when} the transaction landed, and reveal it`, async () => {
        const scene: Scene = { lying: [1] };
        let salts = 0;
        const random = {
          bytes: (length: number) => {
            salts++;
            return systemRandom.bytes(length);
          },
        };
        const chain = dyingAt("commit", when);
        const first = await start(componentsFor({ ...tester, chain }, scene, { store, content, random }));
        await until(async () => (await phasesOf(agreement, [store])).includes("reported"), { what: "the report" });
        await kill(first);
        const [written] = await createDutyStore(store).of(agreement);

        // Were it to look again, it would now see something else.
        await start(componentsFor(tester, { lying: [0, 2] }, { store, content, random }));
        await market.mine(1);
        await seatsAre(agreement, "committed", { count: 1 });
        await market.mineTo((await client.chain.windowsOf(agreement, 0)).revealFrom);
        await seatsAre(agreement, "revealed", { count: 1 });
        const seat = (await client.chain.seatsOf(agreement, 0)).find((each) => each.status === "revealed");
        expect(seat?.tester).to.equal(tester.keys.account);
        expect(seat?.verdicts).to.deep.equal(written!.report!.verdicts);
        expect(salts).to.equal(1);
      });
    }

    it("should know that it revealed when it died right after", async () => {
      const first = await start(
        componentsFor({ ...tester, chain: dyingAt("reveal", "after") }, {}, { store, content }),
      );
      await seatsAre(agreement, "committed", { count: 1 });
      const { revealFrom } = await client.chain.windowsOf(agreement, 0);
      await market.mineTo(revealFrom);
      await seatsAre(agreement, "revealed", { count: 1 });
      await kill(first);
      expect(await phasesOf(agreement, [store])).to.deep.equal(["committed"]);
      await start(componentsFor(tester, {}, { store, content }));
      await until(async () => (await phasesOf(agreement, [store])).includes("revealed"), { what: "the note" });
    });

    it("should go on with a probe that was paid, and give back what is left", async () => {
      const traces: Array<ProbeParts["trace"]> = [];
      const reclaimed: string[] = [];
      let interrupt: () => void = () => undefined;
      const interrupted = new Promise<void>((resolve) => (interrupt = resolve));
      const seed = new Uint8Array(32).fill(6);
      const overrides = {
        store,
        content,
        purse: {
          fund: async () => undefined,
          reclaim: async (keypair: Keypair) => {
            reclaimed.push(keypair.publicKey());
          },
        },
      };
      const first = await start(
        componentsFor(
          tester,
          {},
          {
            ...overrides,
            prober: async (parts) => {
              await parts.keep({ seed });
              interrupt();
              return await new Promise<ProbeResult>((_, reject) => {
                parts.signal.addEventListener("abort", () => reject(new SprfError("ABORTED", "killed")));
              });
            },
          },
        ),
      );
      await interrupted;
      await kill(first);
      await start(
        componentsFor(
          tester,
          {},
          {
            ...overrides,
            prober: async (parts) => {
              traces.push(parts.trace);
              return probeOf(parts, {});
            },
          },
        ),
      );
      await seatsAre(agreement, "committed", { count: 1 });
      await until(() => reclaimed.length > 0, { what: "what is left" });
      expect(traces).to.deep.equal([{ seed }]);
      expect(reclaimed).to.deep.equal([Keypair.fromRawEd25519Seed(Buffer.from(seed)).publicKey()]);
    });
  });

  it("should report nothing rather than blame workers for its own failure", async () => {
    const agreement = await buy();
    const [tester] = testers as [Identity];
    const store = createMemoryStore();
    const prober = async (): Promise<ProbeResult> => ({ kind: "failed", code: "LEDGER_UNREACHABLE" });
    await start(componentsFor(tester, {}, { prober, store }));
    const windows = await client.chain.windowsOf(agreement, 0);
    await market.mineTo(windows.commitFrom);
    await until(() => lines.some(({ message }) => message.startsWith("nothing to vouch for")), { what: "a try" });
    while ((await client.chain.blockNumber()) < windows.commitTo) await market.mine(1);
    const ends = ["missed", "abstained"];
    await until(async () => (await phasesOf(agreement, [store])).every((phase) => ends.includes(phase)), {
      what: "the end",
    });
    expect((await client.chain.seatsOf(agreement, 0)).every((seat) => seat.status === "drawn")).to.equal(true);
  });
});

async function readAll(content: ContentStore, cid: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of content.get(cid, { maxBytes: 1024 * 1024 })) parts.push(part);
  return concatBytes(...parts);
}
