import { expect } from "chai";

import { createHttpWorkerApi } from "../../../../src/adapters/worker-api/http.ts";
import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { execute } from "../../../../src/client/execute.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import { findTip, type Tip } from "../../../../src/execution/tip.ts";
import type { Ledger } from "../../../../src/ports/ledger.ts";
import type { WorkerApi } from "../../../../src/ports/worker-api.ts";
import { utf8 } from "../../../../src/utils/bytes.ts";
import type { ServedTip } from "../../../../src/wire/tip-json.ts";
import { createTipMemory } from "../../../../src/worker/changes/tip-memory.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { workerKeyOf } from "../../../helpers/scene-worker.ts";

describe("the tips that a worker remembers", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  before(async () => {
    scene = await createExecutionScene({ workers: 3 });
    wallet = await scene.user();
  });
  after(() => scene.stop());

  /** The service after its days of memory: accounts, but no transactions any more. */
  const forgetful = (): Ledger => ({
    ...scene.client.ledger,
    // oxlint-disable-next-line require-yield
    async *transactions() {
      return;
    },
  });
  const append = async (program: string, text: string): Promise<unknown> =>
    await execute(scene.client, {
      program,
      wallet,
      input: { bytes: new Uint8Array(utf8(`append ${text}\n`)) },
    });
  /** As a worker that was not there: with an empty store. */
  const joining = async (program: string, workerApi: WorkerApi = createHttpWorkerApi()): Promise<Tip> => {
    const memory = createTipMemory({
      store: createMemoryStore(),
      workerApi,
      networkPassphrase: scene.devnet.networkPassphrase,
      ownKey: workerKeyOf(3).publicKey(),
    });
    return await findTip(forgetful(), await scene.account(program), { memory });
  };
  /** The other workers look at the account once more, as they do every minute. */
  const look = async (program: string): Promise<void> => {
    await append(program, "look");
    for (const { changes, ledgerKey } of scene.workers) {
      const memory = createTipMemory({
        store: changes.store ?? createMemoryStore(),
        workerApi: createHttpWorkerApi(),
        networkPassphrase: scene.devnet.networkPassphrase,
        ownKey: ledgerKey.publicKey(),
      });
      await findTip(scene.client.ledger, await scene.account(program), { memory });
    }
  };

  it("should let a program run on whose transactions the ledger's service has forgotten", async () => {
    const program = await scene.program("probe");
    await look(program);
    for (const worker of scene.workers) {
      worker.changes.ledger = forgetful();
      await worker.stop();
      await worker.start();
    }
    // Ports stay, so the account still names them.
    await append(program, "after a week");
    const transition = await scene.lastTransition(program);
    expect(transition.previous.envelope.length).to.be.above(0);
    for (const worker of scene.workers) {
      delete worker.changes.ledger;
      await worker.stop();
      await worker.start();
    }
  }).timeout(20_000);

  it("should give a joining worker the bytes that a majority serves, and nothing that fewer say", async () => {
    const program = await scene.program("probe");
    await append(program, "1");
    await look(program);
    const real = await findTip(scene.client.ledger, await scene.account(program));
    expect(await joining(program)).to.deep.equal(real);

    const http = createHttpWorkerApi();
    const lying = (change: (tip: ServedTip) => ServedTip): WorkerApi => ({
      ...http,
      tip: async (url, id, options) => change(await http.tip(url, id, options)),
    });
    const other = await scene.program("probe");
    await look(other);
    const foreign = await findTip(scene.client.ledger, await scene.account(other));
    const lies: Readonly<Record<string, (tip: ServedTip) => ServedTip>> = {
      "another record": (tip) => ({ ...tip, recordCid: foreign.recordCid }),
      "another program's transaction": () => foreign,
      "a sequence to come": (tip) => ({ ...tip, sequence: tip.sequence + 1n }),
      "no transaction": (tip) => ({ ...tip, envelope: new Uint8Array([1]) }),
    };
    for (const [name, lie] of Object.entries(lies)) {
      expect(await codeOf(joining(program, lying(lie))), name).to.equal("HISTORY_UNAVAILABLE");
    }
    await scene.workers[0]?.stop();
    expect(await codeOf(joining(program)), "one of three").to.equal("HISTORY_UNAVAILABLE");
    await scene.workers[0]?.start();
  }).timeout(20_000);

  it("should not take what it knows for an earlier look at the account", async () => {
    const program = await scene.program("probe");
    const store = createMemoryStore();
    const memory = createTipMemory({
      store,
      workerApi: createHttpWorkerApi(),
      networkPassphrase: scene.devnet.networkPassphrase,
      ownKey: workerKeyOf(3).publicKey(),
    });
    const before = await scene.account(program);
    const first = await findTip(scene.client.ledger, before);
    await append(program, "1");
    const second = await findTip(scene.client.ledger, await scene.account(program), { memory });
    expect(second.sequence).to.be.above(first.sequence);
    expect(await findTip(scene.client.ledger, { ...before }, { memory })).to.deep.equal(first);
    expect((await memory.get(program))?.sequence).to.equal(second.sequence);
  }).timeout(20_000);
});
