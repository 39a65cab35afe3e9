import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import { Keypair } from "@stellar/stellar-sdk";

import { systemClock as clock } from "../../src/adapters/clock/system.ts";
import { createMemoryContentStore } from "../../src/adapters/content-store/memory.ts";
import { createStellarRpcLedger } from "../../src/adapters/ledger/stellar-rpc.ts";
import { createMemoryLogger } from "../../src/adapters/logger/memory.ts";
import { systemRandom as random } from "../../src/adapters/random/system.ts";
import { createHttpWorkerApi } from "../../src/adapters/worker-api/http.ts";
import { execute, type ExecuteComponents, type ExecuteStep } from "../../src/client/execute.ts";
import { resume } from "../../src/client/resume.ts";
import { walletOf } from "../../src/client/wallet.ts";
import { utf8 } from "../../src/utils/bytes.ts";
import { requestFromJson, requestToJson, signedRequestJsonSchema } from "../../src/wire/execution-json.ts";

/** What a user's process wrote down before it paid. */
export interface WrittenDown {
  readonly signed: unknown;
  readonly payment: string;
}

/** What a client in a process of its own is started with. */
export interface ClientProcessInit {
  readonly rpcUrl: string;
  readonly networkPassphrase: string;
  readonly secret: string;
  readonly program: string;
  /** Executes this, or goes on with what an earlier process wrote down. */
  readonly work: { readonly input: string } | WrittenDown;
  /** It is killed, with `kill -9`, as soon as it has submitted the transaction that follows this step. */
  readonly killAfter?: ExecuteStep["step"];
}

export interface ClientProcessEnd {
  readonly writtenDown?: WrittenDown;
  /** Absent when it was killed before. */
  readonly result?: { readonly transactionHash: string | undefined; readonly newState: string; readonly gas: string };
}

type Told =
  | { readonly writtenDown: WrittenDown }
  | { readonly submitted: true }
  | { readonly result: NonNullable<ClientProcessEnd["result"]> };

/** Runs a client in a process of its own, to its end or until it is killed. */
export async function runClientProcess(init: ClientProcessInit): Promise<ClientProcessEnd> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(init)]);
  let writtenDown: WrittenDown | undefined;
  let result: ClientProcessEnd["result"];
  child.on("message", (told: Told) => {
    if ("writtenDown" in told) ({ writtenDown } = told);
    if ("result" in told) ({ result } = told);
    if ("submitted" in told) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.once("exit", resolve));
  return { ...(writtenDown === undefined ? {} : { writtenDown }), ...(result === undefined ? {} : { result }) };
}

async function main({ work, program, secret, killAfter, ...network }: ClientProcessInit): Promise<void> {
  const ledger = createStellarRpcLedger(network);
  let dying = false;
  const components: ExecuteComponents = {
    ledger: {
      ...ledger,
      async submit(envelopeXdr, options) {
        const submitted = await ledger.submit(envelopeXdr, options);
        if (!dying) return submitted;
        await tell({ submitted: true });
        // Until it is killed: a timer keeps the process alive.
        return await new Promise(() => void setInterval(() => {}, 1_000));
      },
    },
    workerApi: createHttpWorkerApi(),
    clock,
    random,
    // The direct form reads nothing from it.
    content: createMemoryContentStore({ clock, logger: createMemoryLogger() }),
  };
  const wallet = walletOf(Keypair.fromSecret(secret));
  const onProgress = (step: ExecuteStep): void => {
    if (step.step === "paying") {
      void tell({ writtenDown: { signed: requestToJson(step.signed), payment: step.payment } });
    }
    if (step.step === killAfter) dying = true;
  };
  const { answer, transition } =
    "input" in work
      ? await execute(
          components,
          { program, wallet, input: { bytes: new Uint8Array(utf8(work.input)) } },
          { onProgress },
        )
      : await resume(
          components,
          { signed: requestFromJson(signedRequestJsonSchema.parse(work.signed)), payment: work.payment, wallet },
          { onProgress },
        );
  const { newState, gas } = answer;
  await tell({ result: { transactionHash: transition?.transactionHash, newState, gas: gas.toString() } });
  process.disconnect();
}

async function tell(told: Told): Promise<void> {
  await new Promise<void>((resolve) => process.send?.(told, undefined, undefined, () => resolve()));
}

if (import.meta.main) await main(JSON.parse(process.argv[2] ?? "") as ClientProcessInit);
