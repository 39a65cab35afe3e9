import type { DefendedAccusation } from "../../domain/appeal/defence.ts";
import type { Finding } from "../../domain/appeal/decide-appeal.ts";
import { probeNonceOf } from "../../domain/verdict/commitment.ts";
import { decodeEvidence, type Evidence } from "../../domain/verdict/evidence.ts";
import { SprfError, messageOf } from "../../errors.ts";
import { readContent } from "../../execution/read-content.ts";
import type { RevealedReport, Verdict } from "../../ports/chain.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Logger } from "../../ports/logger.ts";
import { equalBytes, fromHex } from "../../utils/bytes.ts";
import { within } from "../../utils/within.ts";
import { isAnswerOf, type SignedAnswer } from "../../wire/execution-answer.ts";
import { hashRequest, type SignedRequest } from "../../wire/execution-request.ts";
import { rerunAnswer, type RerunComponents } from "./rerun-answer.ts";

const MAX_EVIDENCE_BYTES = 1024 * 1024;
const EVIDENCE_TIMEOUT_MS = 15_000;
const RERUN_TIMEOUT_MS = 120_000;
const MAX_ANSWERS = 16;

export interface AccusationComponents extends RerunComponents {
  readonly clock: Clock;
  readonly logger: Logger;
  /** 64 bytes: this worker's message key. */
  readonly messageKey: Uint8Array;
  /** Answers that this worker has given to a request. */
  answersTo(requestHash: Uint8Array): Promise<readonly SignedAnswer[]>;
}

export interface Accusation {
  readonly agreement: string;
  readonly epoch: number;
  readonly workerId: number;
  readonly report: RevealedReport;
  readonly verdict: Exclude<Verdict, "ok">;
}

/** Looks into what a tester says against this worker: its evidence, this worker's own answers, and a run of its own. */
export async function examineAccusation(
  components: AccusationComponents,
  accusation: Accusation,
  { signal }: { readonly signal: AbortSignal },
): Promise<DefendedAccusation> {
  const { report, verdict } = accusation;
  const found = await look(components, accusation, signal);
  return {
    tester: new Uint8Array(fromHex(report.tester)),
    verdict,
    evidenceCid: report.evidenceCid,
    ...found,
  };
}

async function look(
  components: AccusationComponents,
  accusation: Accusation,
  signal: AbortSignal,
): Promise<Pick<DefendedAccusation, "finding" | "request" | "answers">> {
  const evidence = await readEvidence(components, accusation, signal);
  const request = evidence === undefined ? undefined : requestOf(evidence, accusation);
  if (evidence === undefined || request === undefined) {
    // A worker that could not be found leaves no request behind, and no trace that would show otherwise.
    const mayBe = accusation.verdict === "unreachable" && evidence !== undefined;
    return { finding: mayBe ? "stands" : "unsupported", answers: [] };
  }
  const requestHash = hashRequest(request.request);
  const given = await components.answersTo(requestHash);
  const shown = evidence.workers.find(({ workerId }) => workerId === accusation.workerId)?.answer;
  const isMine =
    shown !== undefined &&
    equalBytes(shown.answer.requestHash, requestHash) &&
    isAnswerOf(shown, components.messageKey);
  const answers = (isMine ? [shown] : given).slice(0, MAX_ANSWERS);
  if (accusation.verdict === "wrong" && !isMine) return { finding: "unsupported", request, answers };
  if (answers.length === 0) return { finding: "stands", request, answers };
  return { finding: await rerun(components, request, answers, signal), request, answers };
}

/** Undefined when there is none, or none of this report: then the verdict follows from nothing. */
async function readEvidence(
  { content, clock, logger }: AccusationComponents,
  { agreement, epoch, report }: Accusation,
  signal: AbortSignal,
): Promise<Evidence | undefined> {
  const { evidenceCid, tester } = report;
  if (evidenceCid === "") return undefined;
  try {
    const options = { maxBytes: MAX_EVIDENCE_BYTES };
    const block = await within(
      async (inner) => await readContent(content, evidenceCid, { ...options, signal: inner }),
      {
        clock,
        timeoutMs: EVIDENCE_TIMEOUT_MS,
        signal,
      },
    );
    const evidence = decodeEvidence(block);
    const isOfReport =
      evidence.epoch === epoch &&
      equalBytes(evidence.agreement, fromHex(agreement)) &&
      equalBytes(evidence.tester, fromHex(tester));
    return isOfReport ? evidence : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    logger.info("a tester's evidence cannot be read", { tester, evidenceCid, reason: messageOf(error) });
    return undefined;
  }
}

/** The tester's probe: its nonce follows from the salt that the tester revealed. */
function requestOf(evidence: Evidence, { agreement, epoch, report }: Accusation): SignedRequest | undefined {
  const { tester, salt } = report;
  const { request } = evidence;
  if (request === undefined) return undefined;
  return equalBytes(request.request.nonce, probeNonceOf({ agreement, epoch, tester, salt })) ? request : undefined;
}

/** One answer of several that the program does not give is enough to be at fault. */
async function rerun(
  components: AccusationComponents,
  signed: SignedRequest,
  answers: readonly SignedAnswer[],
  signal: AbortSignal,
): Promise<Finding> {
  const { clock, logger } = components;
  try {
    for (const { answer } of answers) {
      const same = await within(async (inner) => await rerunAnswer(components, { signed, answer }, { signal: inner }), {
        clock,
        timeoutMs: RERUN_TIMEOUT_MS,
        signal,
      });
      if (!same) return "stands";
    }
    return "refuted";
  } catch (error) {
    if (signal.aborted) throw error;
    const code = error instanceof SprfError ? error.code : "INTERNAL";
    logger.warn("an answer of its own cannot be run again", { code, reason: messageOf(error) });
    return "stands";
  }
}
