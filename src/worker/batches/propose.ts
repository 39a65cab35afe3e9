import { Keypair, type Transaction } from "@stellar/stellar-sdk";

import { anchor } from "../../client/anchor.ts";
import { walletOf } from "../../client/wallet.ts";
import { chooseInputs } from "../../domain/program/batch.ts";
import { creditsAfter } from "../../domain/program/credits.ts";
import { chooseRefunds } from "../../domain/program/refund.ts";
import { majorityOf, type SmartAccount } from "../../domain/program/smart-account.ts";
import { isSprfError, messageOf } from "../../errors.ts";
import type { BatchBase } from "../../execution/batch-base.ts";
import { prepareReturn } from "../../execution/prepare-return.ts";
import { prepareRefund, runBatch, type Anchorable, type BatchRun } from "../../execution/run-batch.ts";
import { within } from "../../utils/within.ts";
import { signBatchProposal, type BatchVerdict } from "../../wire/batch-proposal.ts";
import type { BatchComponents } from "./components.ts";
import { MAX_VALID_SECONDS } from "./endorse.ts";
import type { WaitingInput } from "./pending-inputs.ts";

const MS_PER_SECOND = 1_000;
/** Clocks differ, and validators refuse what is valid for longer than `MAX_VALID_SECONDS` from their now on. */
const VALID_SECONDS = MAX_VALID_SECONDS / 2;

/** An account that was not there is not asked for again for so long. */
const GONE_MS = 300_000;
const MAX_GONE = 10_000;

export interface Proposer {
  /** Resolves when it has landed, or cannot: others take their turn then. */
  batch(parts: ProposeParts & { readonly waiting: readonly WaitingInput[] }): Promise<void>;
  /** Resolves with whether it has landed. */
  refund(parts: ProposeParts): Promise<boolean>;
  /** Gives back what was paid for requests that were not run. Resolves with whether it has landed. */
  giveBack(parts: ProposeParts & { readonly overdue: readonly WaitingInput[] }): Promise<boolean>;
}

interface ProposeParts {
  readonly account: SmartAccount;
  readonly base: BatchBase;
  /** How long the others may take. */
  readonly turnMs: number;
  readonly signal: AbortSignal;
}

type Collected =
  | { readonly kind: "signed"; readonly signatures: ReadonlyMap<string, Uint8Array> }
  /** So many workers cannot run these that no majority can sign them. */
  | { readonly kind: "failed"; readonly requests: ReadonlySet<string> }
  | { readonly kind: "none" };

/** What this worker does when it is its turn: build, have it signed by a majority, and pay for its place in a ledger. */
export function createProposer(components: BatchComponents): Proposer {
  const { clock, content, keys, ledger, logger, runs, setAside, timing } = components;
  const { ledgerKey } = keys;
  /** Users whose accounts were not there, and until when they are not looked for again. */
  const goneUntilMs = new Map<string, number>();

  function validUntil(): bigint {
    return BigInt(Math.floor(clock.now() / MS_PER_SECOND) + VALID_SECONDS);
  }

  async function collect(
    { recordBlock, transaction }: Anchorable<unknown>,
    { account, turnMs: timeoutMs, signal }: ProposeParts,
  ): Promise<Collected> {
    const { workers } = account;
    const needed = majorityOf(workers.length);
    const hash = transaction.hash();
    const proposal = signBatchProposal(recordBlock, ledgerKey);
    const signatures = new Map<string, Uint8Array>([[ledgerKey.publicKey(), new Uint8Array(ledgerKey.sign(hash))]]);
    const failing = new Map<string, number>();
    const others = workers.filter((worker) => worker.ledgerKey !== ledgerKey.publicKey());
    const enough = new AbortController();
    const combined = AbortSignal.any([signal, enough.signal]);
    const { promise, resolve } = Promise.withResolvers<Collected>();
    let open = others.length;

    function consider(): void {
      if (signatures.size >= needed) return resolve({ kind: "signed", signatures });
      if (open > 0) return;
      // A minority that lies cannot have a request dropped: of so many at least one is honest.
      const requests = [...failing].filter(([, times]) => times > workers.length - needed).map(([request]) => request);
      resolve(requests.length > 0 ? { kind: "failed", requests: new Set(requests) } : { kind: "none" });
    }

    function hear(worker: string, verdict: BatchVerdict): void {
      if (verdict.kind === "failed") {
        for (const request of new Set(verdict.requests)) failing.set(request, (failing.get(request) ?? 0) + 1);
      } else if (isSignature(worker, transaction, verdict.signature)) {
        signatures.set(worker, verdict.signature);
      }
    }

    for (const { address, ledgerKey: worker } of others) {
      const ask = async (limited: AbortSignal): Promise<BatchVerdict> =>
        await components.workerApi.endorse(address, proposal, { signal: limited });
      within(ask, { clock, timeoutMs, signal: combined })
        .then((verdict) => hear(worker, verdict))
        .catch((error: unknown) => {
          if (!combined.aborted) logger.info("a worker did not sign a batch", { worker, reason: messageOf(error) });
        })
        .finally(() => {
          open -= 1;
          consider();
        });
    }
    consider();
    try {
      return await promise;
    } finally {
      enough.abort();
    }
  }

  async function submit(
    { record, transaction }: Anchorable<{ readonly kind: string; readonly validUntil: bigint }>,
    account: SmartAccount,
    { signatures, signal }: { readonly signatures: ReadonlyMap<string, Uint8Array>; readonly signal: AbortSignal },
  ): Promise<boolean> {
    const wallet = walletOf(ledgerKey);
    const maxTime = Number(record.validUntil);
    const parts = { transaction, program: account, wallet, signatures, maxTime };
    const landed = await anchor({ ledger, clock }, parts, { signal });
    const about = { program: account.id, kind: record.kind, sequence: account.sequence.toString() };
    if (landed === undefined) logger.info("another transaction was faster than a batch", about);
    else logger.info("batch landed", { ...about, ledger: landed.ledger });
    return landed !== undefined;
  }

  async function land(
    anchorable: Anchorable<{ readonly kind: string; readonly validUntil: bigint }>,
    parts: ProposeParts,
  ): Promise<boolean> {
    await content.putRecord(anchorable.recordBlock);
    const collected = await collect(anchorable, parts);
    if (collected.kind !== "signed") return false;
    return await submit(anchorable, parts.account, { signatures: collected.signatures, signal: parts.signal });
  }

  /** The requests as far as they can be run here; those that cannot are set aside. */
  async function run(
    { account, base, signal }: ProposeParts,
    waiting: readonly WaitingInput[],
  ): Promise<BatchRun | undefined> {
    const goesOn = (): boolean => runs.tookMs(account.id) < timing.budgetMs;
    for (;;) {
      const inputs = chooseInputs(waiting.filter(({ requestHash }) => !setAside.has(requestHash)));
      if (inputs.length === 0) return undefined;
      try {
        return await runBatch(
          base,
          { inputs, validUntil: validUntil(), run: async (plan, options) => await runs.run(plan, options) },
          { signal, goesOn },
        );
      } catch (error) {
        if (!isSprfError(error, "INPUT_FAILED")) throw error;
        logger.warn("a prepaid request is set aside", { reason: error.message });
        setAside.fail(String(error.context["requestHash"]));
      }
    }
  }

  /** Users who can be paid now: one whose account is gone keeps its credit, and so does one for whom nothing is left. */
  async function payable(account: SmartAccount, base: BatchBase, signal: AbortSignal): Promise<ReadonlySet<string>> {
    const { failed, sequence, previousRecord } = base;
    const owed = new Map(creditsAfter(previousRecord).map(({ user, stroops }) => [user, stroops]));
    const users = new Set<string>();
    let left = account.spendableStroops;
    for (const user of chooseRefunds(previousRecord, { failed, sequence })) {
      const stroops = owed.get(user) ?? 0n;
      if (stroops > left || (goneUntilMs.get(user) ?? 0) > clock.now()) continue;
      if ((await ledger.account(user, [], { signal })) === undefined) {
        if (goneUntilMs.size >= MAX_GONE) goneUntilMs.clear();
        goneUntilMs.set(user, clock.now() + GONE_MS);
        continue;
      }
      left -= stroops;
      users.add(user);
    }
    return users;
  }

  return {
    async batch({ waiting, ...parts }) {
      const { account, signal } = parts;
      for (;;) {
        const batch = await run(parts, waiting);
        if (batch === undefined) return;
        const { program, sequence } = batch.record;
        await content.putRecord(batch.recordBlock);
        await components.ownBatches.put({ program, sequence, recordCid: batch.recordCid }, batch.details);
        const collected = await collect(batch, parts);
        if (collected.kind === "none") return;
        if (collected.kind === "signed") {
          await submit(batch, account, { signatures: collected.signatures, signal });
          return;
        }
        for (const request of collected.requests) setAside.fail(request);
      }
    },

    async refund(parts) {
      const { account, base, signal } = parts;
      const users = await payable(account, base, signal);
      const refund = users.size === 0 ? undefined : prepareRefund(base, { users, validUntil: validUntil() });
      return refund !== undefined && (await land(refund, parts));
    },

    async giveBack({ overdue, ...parts }) {
      const due = prepareReturn(parts.base, { inputs: overdue, validUntil: validUntil() });
      return due !== undefined && (await land(due, parts));
    },
  };
}

function isSignature(worker: string, transaction: Transaction, signature: Uint8Array): boolean {
  return Keypair.fromPublicKey(worker).verify(transaction.hash(), Buffer.from(signature));
}
