import { expect } from "chai";

import { createStellarRpcLedger } from "../../../src/adapters/ledger/stellar-rpc.ts";
import {
  execute,
  type ExecuteComponents,
  type ExecuteStep,
  type ExecutionResult,
} from "../../../src/client/execute.ts";
import { resume } from "../../../src/client/resume.ts";
import type { Wallet } from "../../../src/client/wallet.ts";
import { gasFeeStroops } from "../../../src/domain/program/gas.ts";
import { SprfError } from "../../../src/errors.ts";
import type { SmartAccount } from "../../../src/domain/program/smart-account.ts";
import type { Ledger } from "../../../src/ports/ledger.ts";
import { utf8 } from "../../../src/utils/bytes.ts";
import { codeOf } from "../../helpers/code-of.ts";
import { createExecutionScene, type ExecutionScene } from "../../helpers/execution-scene.ts";
import { createTcpLink, type TcpLink } from "../../helpers/tcp-link.ts";
import { until } from "../../helpers/until.ts";

const CALL_TIMEOUT_MS = 300;

describe("client: outages", () => {
  let scene: ExecutionScene;
  let wallet: Wallet;
  let program: string;
  let earlier: SmartAccount;
  /** To the ledger's service, from the client and from the workers, and to each worker's API. */
  let clientLink: TcpLink;
  let workerLink: TcpLink;
  let apiLinks: TcpLink[];
  const links = (): TcpLink[] => [clientLink, workerLink, ...apiLinks];

  before(async () => {
    scene = await createExecutionScene();
    const portOf = (url: string): number => Number(new URL(url).port);
    clientLink = await createTcpLink(portOf(scene.devnet.rpcUrl));
    workerLink = await createTcpLink(portOf(scene.devnet.rpcUrl));
    apiLinks = await Promise.all(scene.workers.map(async ({ url }) => await createTcpLink(portOf(url))));
    for (const worker of scene.workers) {
      await worker.stop();
      worker.changes.ledger = through(workerLink);
      await worker.start();
    }
    wallet = await scene.user();
    program = await scene.program("probe", {
      workers: scene.workers.map(({ ledgerKey }, i) => ({
        address: `http://127.0.0.1:${apiLinks[i]?.port}`,
        ledgerKey: ledgerKey.publicKey(),
      })),
    });
  });
  after(async () => {
    for (const link of links()) await link.cut();
    await scene.stop();
  });
  beforeEach(async () => {
    earlier = await scene.account(program);
  });
  afterEach(async () => {
    for (const link of links()) await link.mend();
  });

  const through = ({ port }: TcpLink): Ledger => {
    const { networkPassphrase } = scene.devnet;
    return createStellarRpcLedger({
      rpcUrl: `http://127.0.0.1:${port}`,
      networkPassphrase,
      callTimeoutMs: CALL_TIMEOUT_MS,
    });
  };
  const input = (text: string): { bytes: Uint8Array<ArrayBuffer> } => ({ bytes: new Uint8Array(utf8(`${text}\n`)) });
  /** The client by way of its link, which `fail` breaks right before or after the n-th transaction that it submits. */
  const failing = (nth: number, when: "before" | "after", fail: () => Promise<void>): ExecuteComponents => {
    const ledger = through(clientLink);
    let submitted = 0;
    return {
      ...scene.client,
      ledger: {
        ...ledger,
        async submit(envelopeXdr, options) {
          submitted += 1;
          const now = submitted === nth;
          if (now && when === "before") await fail();
          const result = await ledger.submit(envelopeXdr, options);
          if (now && when === "after") await fail();
          return result;
        },
      },
    };
  };
  /** Executes, and mends everything as soon as it says that it waits. */
  const survive = async (components: ExecuteComponents, text: string): Promise<ExecutionResult> => {
    const steps: ExecuteStep[] = [];
    const parts = { program, wallet, input: input(text) };
    const running = execute(components, parts, { onProgress: (step) => steps.push(step) });
    let ended = false;
    const end = (): void => void (ended = true);
    running.then(end, end);
    await until(() => ended || steps.some(({ step }) => step === "waiting"), { timeoutMs: 20_000 });
    expect(ended).to.equal(false);
    for (const link of links()) await link.mend();
    return await running;
  };
  const expectPaidOnce = async ({ answer, transition }: ExecutionResult): Promise<void> => {
    expect(transition).not.to.equal(undefined);
    const after = await scene.account(program);
    expect(after.sequence - earlier.sequence).to.equal(1n);
    const fee = gasFeeStroops(answer.gas, earlier.gasPriceStroops);
    expect(after.spendableStroops - earlier.spendableStroops).to.equal(earlier.baseFeeStroops + fee);
  };

  for (const [how, fail] of [
    ["closed", async (link: TcpLink) => await link.cut()],
    ["hanging", async (link: TcpLink) => await link.hang()],
  ] as const) {
    describe(`with ${how} sockets`, () => {
      it("should begin when the ledger comes back", async () => {
        await fail(clientLink);
        await expectPaidOnce(
          await survive({ ...scene.client, ledger: through(clientLink) }, `append ${how} at first;`),
        );
      });

      for (const [nth, what] of [
        [1, "payment"],
        [2, "transition"],
      ] as const) {
        for (const when of ["before", "after"] as const) {
          it(`should go on when the ledger was away ${when} it was sent the ${what}, and pay once`, async () => {
            const components = failing(nth, when, async () => await fail(clientLink));
            await expectPaidOnce(await survive(components, `append ${how} ${when} ${what};`));
          });
        }
      }

      it("should wait for workers whose ledger is away", async () => {
        await fail(workerLink);
        await expectPaidOnce(await survive(scene.client, `append ${how} at the workers;`));
      });

      it("should wait for a majority of the workers", async () => {
        await fail(apiLinks[0]!);
        await fail(apiLinks[2]!);
        const hurry = hurried(scene.client);
        await expectPaidOnce(await survive(hurry, `append ${how} workers;`));
      });

      it("should end clearly when the ledger stays away, and go on later without paying again", async () => {
        const parts = { program, wallet, input: input(`append ${how} for long;`) };
        await fail(clientLink);
        const components = { ...scene.client, ledger: through(clientLink) };
        const options = { patienceMs: 300 };
        expect(await codeOf(execute(components, parts, options))).to.equal("LEDGER_UNREACHABLE");
        await clientLink.mend();

        let kept: Extract<ExecuteStep, { step: "paying" }> | undefined;
        const onProgress = (step: ExecuteStep): void => void (kept = step.step === "paying" ? step : kept);
        const breaking = failing(2, "after", async () => await fail(clientLink));
        const failed = codeOf(execute(breaking, parts, { ...options, onProgress }));
        expect(await failed).to.equal("LEDGER_UNREACHABLE");
        if (kept === undefined) throw new Error("nothing was told before the payment");
        await clientLink.mend();
        await expectPaidOnce(await resume(scene.client, { ...kept, wallet }));
      });

      it("should say whom it could not reach when too few workers are there", async () => {
        await fail(apiLinks[1]!);
        await fail(apiLinks[2]!);
        const parts = { program, wallet, input: input(`append ${how} for good;`) };
        const failed = execute(hurried(scene.client), parts, { patienceMs: 500 });
        const error = await failed.then(() => undefined, String);
        expect(error).to.contain("WORKER_UNREACHABLE").and.to.contain(`127.0.0.1:${apiLinks[1]?.port}`);
        expect(await codeOf(failed)).to.equal("NO_MAJORITY");
      });
    });
  }

  /** Workers that do not answer within a second are given up, in place of two minutes. */
  function hurried(components: ExecuteComponents): ExecuteComponents {
    const { workerApi } = components;
    return {
      ...components,
      workerApi: {
        ...workerApi,
        async execute(url, signed, { signal } = {}) {
          const limit = AbortSignal.timeout(1_000);
          try {
            return await workerApi.execute(url, signed, {
              signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
            });
          } catch (error) {
            if (signal?.aborted || !limit.aborted) throw error;
            throw new SprfError("WORKER_UNREACHABLE", `${url} hangs`);
          }
        },
      },
    };
  }
});
