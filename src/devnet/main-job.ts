import type { ExecuteStep, ExecutionResult } from "../client/execute.ts";
import { walletOf } from "../client/wallet.ts";
import type { SprfClient } from "../create-client.ts";
import { formatStroops } from "../domain/program/stroops.ts";
import { devnetKeys } from "./accounts.ts";
import { fundAccount } from "./fund.ts";
import type { ProgramReference } from "../ports/engine.ts";

const BASE_FEE_STROOPS = 1_000n;
const GAS_PRICE_STROOPS = 1_000n;
const REDUNDANCY = 3;
const TESTERS = 3;

export interface MainJobParts {
  /** Buys the agreement and runs inputs. */
  readonly client: SprfClient;
  readonly friendbotUrl: string;
  /** Devnet account of a second user, who only knows the smart account. */
  readonly secondUser: number;
  readonly program: ProgramReference;
  readonly inputs: readonly Uint8Array<ArrayBuffer>[];
  readonly lengthBlocks: number;
  /** Worker ids; drawn by the market when absent. */
  readonly workers?: readonly number[];
  /** How many check them, where the market draws. @default 3 */
  readonly testerCount?: 1 | 3;
}

export interface MainJobResult {
  readonly agreement: string;
  readonly program: string;
  readonly executions: readonly ExecutionResult[];
  readonly state: { readonly cid: string; readonly bytes: Uint8Array; readonly ledger: number };
}

/** Something to tell who watches: one line, and values below it. */
export type Report = (line: string, values?: Readonly<Record<string, string>>) => void;

/**
 * The main job from the client's side: a purchase, the workers found by their keys alone, a smart account of which they are the
 * signers, executions from two users, each anchored by the majority's signatures, and the state read back.
 */
export async function runMainJob(
  {
    client,
    friendbotUrl,
    secondUser,
    program,
    inputs,
    lengthBlocks,
    workers: chosen,
    testerCount = TESTERS,
  }: MainJobParts,
  report: Report,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<MainJobResult> {
  const guest = walletOf(devnetKeys(secondUser).ledgerKeypair);
  await Promise.all([
    client.ensureTwin({ signal }),
    fundAccount(friendbotUrl, client.wallet.account, { signal }),
    fundAccount(friendbotUrl, guest.account, { signal }),
  ]);
  const request = { redundancy: REDUNDANCY, lengthBlocks, testerCount } as const;
  const quoteWei = await client.quote(request, { signal });
  const purchase =
    chosen === undefined
      ? await client.buy(request, { signal })
      : await client.buyWith(chosen, lengthBlocks, { signal });
  report(
    `the client bought an agreement: ${REDUNDANCY} workers and ${testerCount} testers for ${lengthBlocks} blocks`,
    {
      agreement: purchase.agreement,
      transaction: purchase.transactionHash,
      paid: `${purchase.paidWei} wei (quote ${quoteWei})`,
      gas: purchase.gasUsed.toString(),
    },
  );

  const workers = await client.findWorkers(purchase.agreement, { signal });
  report(
    "it found the workers over Waku by their public keys, and checked who answers",
    Object.fromEntries(workers.map(({ workerId, apiUrl }) => [`worker ${workerId}`, apiUrl])),
  );

  const created = await client.createProgram(
    {
      agreement: purchase.agreement,
      terms: {
        program,
        baseFeeStroops: BASE_FEE_STROOPS,
        gasPriceStroops: GAS_PRICE_STROOPS,
        owner: client.wallet.account,
        workers: workers.map(({ apiUrl, ledgerKey }) => ({ address: apiUrl, ledgerKey })),
      },
    },
    { signal },
  );
  report("it made a smart account that only a majority of the workers can move, and bound the agreement to it", {
    "smart account": created.program,
    program: program.kind === "wasi" ? `wasm:${program.cid}` : `${program.image}@sha256:${program.digest}`,
    transaction: created.transactionHash,
    reserve: `${formatStroops(created.reserveStroops)} XLM`,
  });

  const executions: ExecutionResult[] = [];
  for (const [index, input] of inputs.entries()) {
    // The second user runs the middle one: programs are open to whoever pays.
    const second = index % 2 === 1;
    const result = await client.execute(
      { program: created.program, input: { bytes: input }, ...(second ? { wallet: guest } : {}) },
      { signal, onProgress: (step) => reportStep(step, index, second ? "the second user" : "the client", report) },
    );
    executions.push(result);
  }
  const state = await client.readState(created.program, { signal });
  return { agreement: purchase.agreement, program: created.program, executions, state };
}

function reportStep(step: ExecuteStep, index: number, who: string, report: Report): void {
  const run = `execution ${index + 1}`;
  if (step.step === "paid") report(`${run}: ${who} paid the base fee`, { payment: step.paymentHash });
  else if (step.step === "answered") {
    report(`${run}: ${step.majority} of ${step.workers} workers signed the same state`, { state: step.newState });
  } else if (step.step === "anchored") {
    report(`${run}: anchored in ledger ${step.ledger}`, { transaction: step.transactionHash });
  } else if (step.step === "contended") {
    report(`${run}: somebody else was faster, the workers run it again on the new state`);
  }
}
