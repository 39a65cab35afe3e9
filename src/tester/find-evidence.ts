import { probeNonceOf } from "../domain/verdict/commitment.ts";
import { MAX_EVIDENCE_BYTES, decodeEvidence, type Evidence } from "../domain/verdict/evidence.ts";
import { readContent } from "../execution/read-content.ts";
import type { RevealedReport } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import { equalBytes, fromHex } from "../utils/bytes.ts";
import { within } from "../utils/within.ts";
import { isAnswerOf, verifyAnswer, type SignedAnswer } from "../wire/execution-answer.ts";
import { hashRequest, verifyRequest, type SignedRequest } from "../wire/execution-request.ts";
import type { TesterExchange } from "./exchange.ts";

export interface FindEvidenceComponents {
  readonly content: ContentStore;
  readonly exchange?: TesterExchange;
  readonly clock: Clock;
}

export interface WantedEvidence {
  readonly agreement: string;
  readonly epoch: number;
  readonly report: RevealedReport;
}

/**
 * What a tester's revealed verdicts rest on: from IPFS, or from the tester itself, whichever is faster. Undefined when neither has
 * it in time, or it is no evidence of this tester for this epoch.
 */
export async function findEvidence(
  { content, exchange, clock }: FindEvidenceComponents,
  { agreement, epoch, report }: WantedEvidence,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Evidence | undefined> {
  const { evidenceCid, tester } = report;
  if (evidenceCid === "") return undefined;
  try {
    const block = await within(
      async (inner) => {
        const done = new AbortController();
        const until = AbortSignal.any([inner, done.signal]);
        const ways = [readContent(content, evidenceCid, { maxBytes: MAX_EVIDENCE_BYTES, signal: until })];
        if (exchange !== undefined) {
          ways.push(exchange.evidence({ agreement, epoch, tester, evidenceCid }, { signal: until }));
        }
        try {
          return await Promise.any(ways);
        } finally {
          done.abort();
        }
      },
      { clock, timeoutMs, signal },
    );
    const evidence = decodeEvidence(block);
    const isItsOwn =
      evidence.epoch === epoch &&
      equalBytes(evidence.agreement, fromHex(agreement)) &&
      equalBytes(evidence.tester, fromHex(tester));
    return isItsOwn ? evidence : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** Who a worker of an agreement is, by its twin. */
export interface WorkerIdentity {
  /** 64 bytes. */
  readonly messageKey: Uint8Array;
  /** `G...` */
  readonly ledgerKey: string;
}

/** The probe in a tester's evidence, when it is the one that its revealed salt names; what its user signed is checked. */
export function probeOf(evidence: Evidence, { agreement, epoch, report }: WantedEvidence): SignedRequest | undefined {
  const { request } = evidence;
  if (request === undefined) return undefined;
  const { tester, salt } = report;
  if (!equalBytes(request.request.nonce, probeNonceOf({ agreement, epoch, tester, salt }))) return undefined;
  try {
    verifyRequest(request);
    return request;
  } catch {
    return undefined;
  }
}

/** The worker's answer in a tester's evidence, when both of the worker's keys signed it as the answer to this probe. */
export function answerOf(
  evidence: Evidence,
  workerIndex: number,
  worker: WorkerIdentity,
  probe: SignedRequest,
): SignedAnswer | undefined {
  const signed = evidence.workers[workerIndex]?.answer;
  if (signed === undefined || signed.worker !== worker.ledgerKey) return undefined;
  if (!equalBytes(signed.answer.requestHash, hashRequest(probe.request))) return undefined;
  if (!isAnswerOf(signed, worker.messageKey)) return undefined;
  try {
    verifyAnswer(signed);
    return signed;
  } catch {
    return undefined;
  }
}
