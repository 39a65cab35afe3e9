import { join } from "node:path";

import { expect } from "chai";

import { createMemoryStore } from "../../../../src/adapters/store/memory.ts";
import { createSqliteStore } from "../../../../src/adapters/store/sqlite.ts";
import { execute } from "../../../../src/client/execute.ts";
import type { Wallet } from "../../../../src/client/wallet.ts";
import type { Engine } from "../../../../src/ports/engine.ts";
import type { LandedTransaction } from "../../../../src/ports/ledger.ts";
import { toHex, utf8 } from "../../../../src/utils/bytes.ts";
import type { AnswerWithOutput } from "../../../../src/wire/execution-json.ts";
import { anchorAnswers } from "../../../helpers/anchor-answers.ts";
import { ask, askAll, refusalOf } from "../../../helpers/ask-all.ts";
import { codeOf } from "../../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../../helpers/execution-scene.ts";
import { drain } from "../../../helpers/ledger-moves.ts";
import type { SceneWorker } from "../../../helpers/scene-worker.ts";
import { until } from "../../../helpers/until.ts";

type Paid = Awaited<ReturnType<ExecutionScene["paid"]>>;

describe("a request that comes again", () => {
  let scene: ExecutionScene;
  let worker: SceneWorker;
  let wallet: Wallet;
  let program: string;

  before(async () => {
    scene = await createExecutionScene();
    [worker] = scene.workers as [SceneWorker];
    wallet = await scene.user();
  });
  after(() => scene.stop());
  beforeEach(async () => {
    program = await scene.program("probe");
  });

  const restart = async (target: SceneWorker, change: () => void | Promise<void> = () => {}): Promise<void> => {
    await target.stop();
    await change();
    await target.start();
  };
  const anchorIt = async (
    paid: Paid,
    answers: readonly AnswerWithOutput[],
    from = wallet,
  ): Promise<LandedTransaction | undefined> => await anchorAnswers(scene.client, paid, answers, from);
  /** Moves the program on by another execution. */
  const moveOn = async (text: string): Promise<void> => {
    const other = await scene.user();
    await execute(scene.client, { program, wallet: other, input: { bytes: new Uint8Array(utf8(`append ${text}\n`)) } });
  };

  it("should be run once when it comes ten times at the same instant, and get the same answer later", async () => {
    const { signed } = await scene.paid(wallet, program, "append once\n");
    const before = worker.runs;
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(worker, signed)));
    for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    expect(await ask(worker, signed)).to.deep.equal(answers[0]);
    expect(worker.runs - before).to.equal(1);
  });

  it("should be shown with its answers on request", async () => {
    const { signed, requestHash } = await scene.paid(wallet, program, "append shown\n");
    const url = `${worker.url}/v1/executions/${toHex(requestHash)}`;
    expect(await (await fetch(url)).json()).to.deep.equal([]);
    await ask(worker, signed);
    const shown = (await (await fetch(url)).json()) as { answer: { requestHash: string } }[];
    expect(shown.map(({ answer }) => answer.requestHash)).to.deep.equal([toHex(requestHash)]);
  });

  it("should get the same answer from a worker that was started anew on its store", async () => {
    const path = join(scene.scratchDirectory, "worker.sqlite");
    let store = createSqliteStore(path);
    await restart(worker, () => void (worker.changes.store = store));
    const { signed } = await scene.paid(wallet, program, "append kept\n");
    const first = await ask(worker, signed);
    const before = worker.runs;
    await restart(worker, async () => {
      await store.close();
      store = createSqliteStore(path);
      worker.changes.store = store;
    });
    expect(await ask(worker, signed)).to.deep.equal(first);
    expect(worker.runs).to.equal(before);
    await restart(worker, async () => {
      await store.close();
      worker.changes.store = createMemoryStore();
    });
  });

  it("should get an equal answer from a worker that lost its store before anything landed", async () => {
    const { signed } = await scene.paid(wallet, program, "append lost\n");
    const first = await ask(worker, signed);
    await restart(worker, () => void (worker.changes.store = createMemoryStore()));
    expect(await ask(worker, signed)).to.deep.equal(first);
  });

  it("should be run again without a second fee when somebody else landed first", async () => {
    const rival = await scene.user();
    const mine = await scene.paid(wallet, program, "append mine;\n");
    const theirs = await scene.paid(rival, program, "append theirs;\n");
    const [myAnswers, theirAnswers] = [
      await askAll(scene.workers, mine.signed),
      await askAll(scene.workers, theirs.signed),
    ];
    expect(myAnswers[0]?.signed.answer.sequence).to.equal(theirAnswers[0]?.signed.answer.sequence);
    expect(await anchorIt(theirs, theirAnswers, rival)).to.include({ successful: true });
    expect(await anchorIt(mine, myAnswers)).to.equal(undefined);

    const again = await askAll(scene.workers, mine.signed);
    expect(again[0]?.signed.answer.previousState).to.equal(theirAnswers[0]?.signed.answer.newState);
    expect(await anchorIt(mine, again)).to.include({ successful: true });
    expect((await scene.account(program)).state).to.equal(again[0]?.signed.answer.newState);
  });

  it("should settle races between users by itself, each landing once for one fee", async () => {
    const users = [await scene.user(), await scene.user()];
    const results = await Promise.all(
      users.map((user, i) =>
        execute(scene.client, { program, wallet: user, input: { bytes: new Uint8Array(utf8(`append ${i};\n`)) } }),
      ),
    );
    const { state, sequence } = await scene.account(program);
    expect(results.map(({ answer }) => answer.newState)).to.contain(state);
    expect(new Set(results.map(({ transition }) => transition?.ledger)).size).to.equal(2);
    expect(sequence).to.equal(
      results.reduce((max, { answer }) => (answer.sequence > max ? answer.sequence : max), 0n) + 1n,
    );
  });

  it("should get the answer that landed, whatever the state is now", async () => {
    const paid = await scene.paid(wallet, program, "append landed\n");
    const answers = await askAll(scene.workers, paid.signed);
    await anchorIt(paid, answers);
    await moveOn("later");
    expect(await askAll(scene.workers, paid.signed)).to.deep.equal(answers);
  });

  it("should get the answer that landed from a worker whose service lags behind with transactions", async () => {
    const paid = await scene.paid(wallet, program, "append lagging\n");
    const answers = await askAll(scene.workers, paid.signed);
    await anchorIt(paid, answers);
    const before = worker.runs;
    const { ledger } = scene.client;
    await restart(worker, () => {
      worker.changes.ledger = {
        ...ledger,
        // It knows the payment, but not yet what landed since.
        transaction: async (hash, options) =>
          hash === toHex(paid.signed.paymentHash) ? await ledger.transaction(hash, options) : undefined,
      };
    });
    try {
      expect(await ask(worker, paid.signed)).to.deep.equal(answers[0]);
      expect(worker.runs).to.equal(before);
    } finally {
      await restart(worker, () => {
        delete worker.changes.ledger;
      });
    }
  });

  it("should get nothing more once its transition landed and failed", async () => {
    const poor = await scene.user();
    const paid = await scene.paid(poor, program, "append never\n");
    const answers = await askAll(scene.workers, paid.signed);
    await drain(scene, poor, wallet.account, 3_150n);
    expect(await codeOf(anchorIt(paid, answers, poor))).to.equal("LEDGER_REJECTED");
    await drain(scene, await scene.user(), poor.account);
    for (const each of scene.workers) expect(await refusalOf(each, paid.signed)).to.equal("PAYMENT_USED");
  });

  it("should be run three times at most", async () => {
    const { signed } = await scene.paid(wallet, program, "append unlucky\n");
    const seen = new Set<bigint>();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      seen.add((await ask(worker, signed)).signed.answer.sequence);
      await moveOn(`${attempt}`);
    }
    expect(seen.size).to.equal(3);
    expect(await refusalOf(worker, signed)).to.equal("PAYMENT_USED");
  });

  it("should be refused by a worker with an empty store when its payment bought a transition", async () => {
    const paid = await scene.paid(wallet, program, "append bought\n");
    await anchorIt(paid, await askAll(scene.workers, paid.signed));
    for (let i = 0; i < 3; i += 1) await moveOn(`${i}`);
    await restart(worker, () => void (worker.changes.store = createMemoryStore()));
    const before = worker.runs;
    expect(await refusalOf(worker, paid.signed)).to.equal("PAYMENT_USED");
    expect(worker.runs).to.equal(before);
    await moveOn("still alive");
  });

  it("should be refused by a worker that was slow, when the others' transition landed while it waited", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    let holding = false;
    let admitted = false;
    await restart(worker, () => {
      worker.changes.concurrency = 1;
      worker.changes.wrapEngine = (engine: Engine): Engine => ({
        ...engine,
        run: async (run, options) => {
          if (!holding) {
            holding = true;
            await held;
          }
          return await engine.run(run, options);
        },
      });
      // The user's funds are the last thing that is looked at before a request waits for its turn.
      worker.changes.ledger = {
        ...scene.client.ledger,
        account: async (id, names, options) => {
          const found = await scene.client.ledger.account(id, names, options);
          admitted ||= id === wallet.account;
          return found;
        },
      };
    });
    const other = await scene.program("probe");
    const blocking = ask(worker, (await scene.paid(await scene.user(), other, "noop\n")).signed);
    await until(() => holding);
    const paid = await scene.paid(wallet, program, "append fast\n");
    const slow = refusalOf(worker, paid.signed);
    const answers = await askAll(scene.workers.slice(1), paid.signed);
    await until(() => admitted);
    expect(await anchorIt(paid, answers)).to.include({ successful: true });
    release();
    expect(await slow).to.equal("PAYMENT_USED");
    await blocking;
    await restart(worker, () => {
      delete worker.changes.wrapEngine;
      delete worker.changes.concurrency;
      delete worker.changes.ledger;
    });
  });
});
