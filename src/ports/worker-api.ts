import type { AnswerWithOutput } from "../wire/execution-json.ts";
import type { Consent, Proposal } from "../wire/proposal.ts";
import type { ServedTip } from "../wire/tip-json.ts";
import type { SignedRequest } from "../wire/execution-request.ts";

export interface WorkerApiOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What a worker says of itself. */
export interface RemoteWorker {
  /** 64 bytes, secp256k1. */
  readonly messageKey: Uint8Array;
  readonly ledgerKey: string;
  readonly multiaddrs: readonly string[];
}

/**
 * A worker's API as its users see it. Errors that the worker answers keep their code; `WORKER_UNREACHABLE` when nothing, or
 * nonsense, comes back. What an answer says is not checked here.
 */
export interface WorkerApi {
  execute(apiUrl: string, signed: SignedRequest, options?: WorkerApiOptions): Promise<AnswerWithOutput>;
  describe(apiUrl: string, options?: WorkerApiOptions): Promise<RemoteWorker>;
  /** Asks for the worker's signature on what a proposal lands with. */
  consent(apiUrl: string, proposal: Proposal, options?: WorkerApiOptions): Promise<Consent>;
  /** What the worker has seen a program's history end with; `HISTORY_UNAVAILABLE` when it has not. */
  tip(apiUrl: string, program: string, options?: WorkerApiOptions): Promise<ServedTip>;
  /** Resolves when the worker is well. */
  health(apiUrl: string, options?: WorkerApiOptions): Promise<void>;
}
