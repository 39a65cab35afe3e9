import { Keypair } from "@stellar/stellar-sdk";

import { majorityOf, type SmartAccountWorker } from "../domain/program/smart-account.ts";
import { SprfError, isSprfError, messageOf } from "../errors.ts";
import type { PreparedProposal } from "../execution/prepare-proposal.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { equalBytes } from "../utils/bytes.ts";
import type { Proposal } from "../wire/proposal.ts";

/** What came of asking one worker for its consent. */
interface ConsentReply {
  readonly worker: SmartAccountWorker;
  readonly signature?: Uint8Array;
  readonly error?: SprfError;
}

/**
 * Asks all workers of a program at once for their signatures on what a proposal lands with, and waits for as many as are needed.
 *
 * @returns the signatures by ledger key
 * @throws SprfError `SEQUENCE_MOVED` when the account moved on meanwhile, else `NO_MAJORITY`, whose message says why each refused
 */
export async function askConsents(
  { workerApi }: { readonly workerApi: WorkerApi },
  { proposal, prepared }: { readonly proposal: Proposal; readonly prepared: PreparedProposal },
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { workers } = prepared.account;
  const needed = majorityOf(workers.length);
  const enough = new AbortController();
  const combined = signal === undefined ? enough.signal : AbortSignal.any([signal, enough.signal]);
  const { promise, resolve, reject } = Promise.withResolvers<ReadonlyMap<string, Uint8Array>>();
  const replies: ConsentReply[] = [];

  function consider(reply: ConsentReply): void {
    replies.push(reply);
    const signatures = new Map(
      replies.flatMap(({ worker, signature }) =>
        signature === undefined ? [] : [[worker.ledgerKey, signature] as const],
      ),
    );
    if (signatures.size >= needed) resolve(signatures);
    else if (signatures.size + workers.length - replies.length < needed) reject(refusalOf(replies, needed));
  }

  for (const worker of workers) {
    askConsent(workerApi, { proposal, prepared, worker }, combined).then(
      (signature) => consider({ worker, signature }),
      (thrown: unknown) => {
        if (signal?.aborted) return reject(thrown);
        const error = isSprfError(thrown) ? thrown : new SprfError("INTERNAL", messageOf(thrown), { cause: thrown });
        consider({ worker, error });
      },
    );
  }
  try {
    return await promise;
  } finally {
    enough.abort();
  }
}

async function askConsent(
  workerApi: WorkerApi,
  parts: { readonly proposal: Proposal; readonly prepared: PreparedProposal; readonly worker: SmartAccountWorker },
  signal: AbortSignal,
): Promise<Uint8Array> {
  const { worker, prepared } = parts;
  const consent = await workerApi.consent(worker.address, parts.proposal, { signal });
  const refuse = (why: string): never => {
    throw new SprfError("ANSWER_INVALID", `${worker.address}: ${why}`, { context: { worker: worker.ledgerKey } });
  };
  if (consent.worker !== worker.ledgerKey) refuse("the consent is another worker's");
  const hash = prepared.transaction.hash();
  if (!equalBytes(new Uint8Array(hash), consent.transactionHash)) {
    refuse("it consents to another transaction: it sees the account or its history otherwise");
  }
  if (!Keypair.fromPublicKey(worker.ledgerKey).verify(hash, consent.signature)) refuse("its signature is wrong");
  return consent.signature;
}

function refusalOf(replies: readonly ConsentReply[], needed: number): SprfError {
  const refused = replies.flatMap(({ worker, error }) => (error === undefined ? [] : [{ worker, error }]));
  const said = refused.map(({ worker, error }) => `${worker.address}: ${error.code} (${error.message})`).join("; ");
  const moved = refused.some(({ error }) => error.code === "SEQUENCE_MOVED");
  return new SprfError(
    moved ? "SEQUENCE_MOVED" : "NO_MAJORITY",
    `${replies.length - refused.length} of the ${needed} workers needed consent: ${said}`,
    { context: { codes: refused.map(({ error }) => error.code) } },
  );
}
