import type { FeeBumpTransaction, Keypair } from "@stellar/stellar-sdk";

import { submitAndWait } from "../../src/client/submit.ts";
import type { Wallet } from "../../src/client/wallet.ts";
import { feeBump } from "./fee-bump.ts";
import { buildTransition } from "../../src/domain/program/transition-transaction.ts";
import { majorityOf } from "../../src/domain/program/smart-account.ts";
import { conclude } from "../../src/execution/conclude.ts";
import { planRun, type ExecutionPlan } from "../../src/execution/plan-run.ts";
import { runProgram } from "../../src/execution/run-program.ts";
import type { RunOutcome } from "../../src/ports/runs.ts";
import type { Engine } from "../../src/ports/engine.ts";
import type { LandedTransaction } from "../../src/ports/ledger.ts";
import { recordCidOf } from "../../src/wire/canonical.ts";
import { hashRequest, type SignedRequest } from "../../src/wire/execution-request.ts";
import { decodeRecord, encodeRecord, type TransitionRecord } from "../../src/wire/record.ts";
import type { ExecutionScene } from "./execution-scene.ts";

const FEE_BUMP_SECONDS = 60;

/** What a colluding majority makes of what an honest worker would sign; each part is kept unless it is changed. */
export interface Forgery {
  /** The request and payment that the record names. */
  readonly signed?: SignedRequest;
  plan?(plan: ExecutionPlan): ExecutionPlan;
  outcome?(outcome: RunOutcome): RunOutcome;
  record?(record: TransitionRecord): TransitionRecord;
  /** How many workers sign. @default the majority */
  readonly signers?: number;
}

/** Lands transitions by workers' keys at hand, without their HTTP APIs: fast, and as dishonest as one likes. */
export interface HistoryMaker {
  /** Pays, runs, signs and lands one transition; resolves with the CID of its record. */
  land(wallet: Wallet, input: string, forgery?: Forgery): Promise<string>;
}

export function createHistoryMaker(scene: ExecutionScene, engine: Engine, program: string): HistoryMaker {
  const { client, devnet, workers, scratchDirectory } = scene;
  const running = { content: client.content, engines: new Map([[engine.kind, engine]]), scratchDirectory };
  const keys = workers.map(({ ledgerKey }) => ledgerKey);

  return {
    async land(wallet, input, forgery = {}) {
      const paid = await scene.paid(wallet, program, input);
      const signed = forgery.signed ?? paid.signed;
      const account = await scene.account(program);
      const payment = await paymentOf(scene, signed, paid.payment);
      const { request } = signed;
      const honest = await planRun(client, { account, request, requestHash: hashRequest(request), payment });
      const plan = forgery.plan?.(honest) ?? honest;
      const run = await runProgram(running, plan.run);
      const outcome = forgery.outcome?.(run) ?? run;
      const { transition } = conclude(plan, outcome, signed, devnet.networkPassphrase);
      if (transition === undefined) throw new Error(`the run changed nothing: ${outcome.detail}`);
      const record = decodeRecord(transition.recordBlock);
      if (record.kind !== "transition") throw new Error("expected a transition");
      const forged = forgery.record?.(record) ?? record;
      const recordCid = await client.content.putRecord(encodeRecord(forged));
      const envelope = transactionOf(scene, program, forged, {
        wallet,
        keys: keys.slice(0, forgery.signers ?? majorityOf(keys.length)),
      });
      await submitAndWait(client, envelope, Math.floor(scene.clock.now() / 1_000) + FEE_BUMP_SECONDS);
      return recordCid;
    },
  };
}

/** The transaction that a record gives, signed by these keys and the user. */
function transactionOf(
  scene: ExecutionScene,
  program: string,
  record: TransitionRecord,
  { wallet, keys }: { readonly wallet: Wallet; readonly keys: readonly Keypair[] },
): FeeBumpTransaction {
  const network = scene.devnet.networkPassphrase;
  const transaction = buildTransition({
    network,
    program,
    user: wallet.account,
    sequence: record.environment.sequence,
    newState: record.newState,
    recordCid: recordCidOf(encodeRecord(record)),
    gasFeeStroops: record.gasFeeStroops,
    validUntil: record.signedRequest.request.validUntil,
    paymentCloseTime: record.payment.closeTime,
  });
  transaction.sign(...keys, wallet.signers[0]);
  return feeBump(transaction, wallet.signers[0], network);
}

async function paymentOf(
  scene: ExecutionScene,
  signed: SignedRequest,
  otherwise: LandedTransaction,
): Promise<LandedTransaction> {
  const hash = Buffer.from(signed.paymentHash).toString("hex");
  return (await scene.client.ledger.transaction(hash)) ?? otherwise;
}
