import { expect } from "chai";

import { systemClock as clock } from "../../../src/adapters/clock/system.ts";
import { createMemoryLogger } from "../../../src/adapters/logger/memory.ts";
import { createMemoryMessenger, createMemoryMessengerHub } from "../../../src/adapters/messenger/memory.ts";
import { systemRandom as random } from "../../../src/adapters/random/system.ts";
import { createAddresses, findWorkers, type FoundWorker } from "../../../src/client/find-workers.ts";
import { SprfError } from "../../../src/errors.ts";
import type { Chain } from "../../../src/ports/chain.ts";
import type { Startable } from "../../../src/ports/startable.ts";
import { decodeAddressMessage } from "../../../src/wire/address.ts";
import { answerAddressRequests } from "../../../src/worker/answer-addresses.ts";
import { AGREEMENT, LEDGER_KEY } from "../../helpers/address-scene.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { messageKeysOf } from "../../helpers/message-keys.ts";

const WORKERS = ["worker 1", "worker 2"];
const logger = createMemoryLogger();

describe("client/find-workers", () => {
  let asked: string[];
  /** Port of each worker's peer. */
  let ports: Map<string, number>;
  let unreachable: Set<string>;
  let answerers: Map<string, Startable>;
  let find: (timeoutMs?: number) => Promise<readonly FoundWorker[]>;

  const multiaddrOf = (name: string): string => `/ip4/127.0.0.1/tcp/${ports.get(name)}`;
  const nameOf = (key: Uint8Array): string | undefined =>
    WORKERS.find((name) => Buffer.from(messageKeysOf(name).publicKey).equals(key));

  beforeEach(async () => {
    asked = [];
    ports = new Map(WORKERS.map((name, n) => [name, 4_001 + n]));
    unreachable = new Set();
    answerers = new Map();
    const hub = createMemoryMessengerHub();
    hub.copies = ({ payload, recipient }) => {
      const name = nameOf(recipient);
      if (decodeAddressMessage(payload).kind === "address-request" && name !== undefined) asked.push(name);
      return 1;
    };
    for (const name of WORKERS) {
      const messenger = createMemoryMessenger({ hub, messageKey: messageKeysOf(name).privateKey, logger });
      await messenger.start();
      const answerer = answerAddressRequests({
        messenger,
        identity: messageKeysOf(name),
        authorise: async () => true,
        describe: () => ({
          apiUrl: `http://127.0.0.1:${ports.get(name)}`,
          ledgerKey: LEDGER_KEY,
          multiaddrs: [multiaddrOf(name)],
        }),
        clock,
        random,
        logger,
      });
      answerers.set(name, answerer);
      await answerer.start();
    }
    const messenger = createMemoryMessenger({ hub, messageKey: messageKeysOf("client").privateKey, logger });
    await messenger.start();
    const chain: Pick<Chain, "agreement" | "twin"> = {
      agreement: async () => ({
        address: AGREEMENT,
        number: 1,
        client: "0x",
        workerIds: [7, 8],
        workerTwinIds: [0, 1],
        workerOperators: [],
        pricesPerBlockWei: [],
        previousAgreements: [],
        startBlock: 0,
        epochLengthBlocks: 10,
        testerCount: 1,
        testerFeePerEpochWei: 0n,
        endBlock: 10,
        epochCount: 1,
      }),
      twin: async (id) => ({
        id,
        account: "0x",
        messageKey: messageKeysOf(WORKERS[id]!).publicKey,
        ledgerKey: LEDGER_KEY,
      }),
    };
    const components = {
      chain: chain as Chain,
      dialer: {
        async dialVerified(multiaddr: string, key: Uint8Array) {
          const name = nameOf(key)!;
          if (unreachable.has(name) || multiaddr !== multiaddrOf(name)) {
            throw new SprfError("PEER_UNREACHABLE", `nobody at ${multiaddr}`);
          }
        },
      },
      messenger,
      messageKeys: messageKeysOf("client"),
      clock,
      random,
      logger,
      addresses: createAddresses(),
    };
    find = async (timeoutMs = 500) => await findWorkers(components, AGREEMENT, { timeoutMs });
  });
  afterEach(async () => {
    for (const answerer of answerers.values()) await answerer.stop();
  });

  it("should find all workers of an agreement, and ask none of them again soon", async () => {
    const found = await find();
    expect(found.map(({ workerId, multiaddr }) => ({ workerId, multiaddr }))).to.deep.equal([
      { workerId: 7, multiaddr: multiaddrOf("worker 1") },
      { workerId: 8, multiaddr: multiaddrOf("worker 2") },
    ]);
    expect(await find()).to.deep.equal(found);
    expect(asked.toSorted()).to.deep.equal(WORKERS);
  });

  it("should ask only for those that are missing when it is called again", async () => {
    await answerers.get("worker 2")!.stop();
    expect(await codeOf(find())).to.equal("ADDRESS_NOT_FOUND");
    await answerers.get("worker 2")!.start();
    asked = [];
    expect(await find()).to.have.length(2);
    expect(asked).to.deep.equal(["worker 2"]);
  });

  it("should ask a worker again that is no longer where it said", async () => {
    await find();
    ports.set("worker 1", 5_001);
    asked = [];
    expect((await find())[0]?.multiaddr).to.equal("/ip4/127.0.0.1/tcp/5001");
    expect(asked).to.deep.equal(["worker 1"]);
  });

  it("should say that a worker cannot be reached where it says it is", async () => {
    unreachable.add("worker 1");
    expect(await codeOf(find())).to.equal("PEER_UNREACHABLE");
  });
});
