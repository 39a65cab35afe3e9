import { StrKey } from "@stellar/stellar-sdk";

import { decidePanelVerdict } from "../domain/verdict/decide-panel.ts";
import type { AnsweredProbe, Decision, Liveness } from "../domain/verdict/decide-verdict.ts";
import { encodeEvidence, type Evidence } from "../domain/verdict/evidence.ts";
import { isSprfError } from "../errors.ts";
import type { Agreement, Twin } from "../ports/chain.ts";
import type { ProgramReference } from "../ports/engine.ts";
import { fromHex, toHex } from "../utils/bytes.ts";
import { encodeCanonical } from "../wire/canonical.ts";
import type { SignedAnswer } from "../wire/execution-answer.ts";
import type { SignedRequest } from "../wire/execution-request.ts";
import type { DocketExamination } from "./docket.ts";
import { isSignerOfLie, type ExamineComponents, type Examination } from "./examine.ts";
import type { TesterExchange } from "./exchange.ts";
import { answerOf, findEvidence, probeOf, type WantedEvidence, type WorkerIdentity } from "./find-evidence.ts";
import { checkLiveness } from "./check-liveness.ts";
import type { LandedCheck } from "./rerun-landed.ts";
import type { Rerun } from "./rerun.ts";

const EVIDENCE_TIMEOUT_MS = 20_000;

/** A program as a panel looks at it. */
export interface PanelBench {
  /** Undefined when no user could use the program, or it cannot be seen from here (`failed`). */
  open(program: string, options: { readonly signal: AbortSignal }): Promise<OpenedProgram>;
}

export interface OpenedProgram {
  readonly engine: ProgramReference["kind"];
  readonly digest: string | undefined;
  answer(probe: SignedRequest, signed: SignedAnswer, signal: AbortSignal): ReturnType<Rerun["answer"]>;
  record(
    landed: NonNullable<Evidence["landed"]>,
    workers: readonly string[],
    signal: AbortSignal,
  ): Promise<LandedCheck>;
  /** Whether the probe's base fee was paid. */
  isPaid(probe: SignedRequest, signal: AbortSignal): Promise<boolean>;
  /** Whether the worker that the program names answers there with its own keys; undefined when the program does not name it. */
  isLive(worker: WorkerIdentity, signal: AbortSignal): Promise<Liveness | undefined>;
}

export interface ExaminePanelComponents extends ExamineComponents {
  readonly exchange?: TesterExchange;
  readonly bench?: PanelBench;
  /** How long evidence of the first round is looked for. @default 20 s */
  readonly evidenceTimeoutMs?: number;
}

interface FirstRound {
  readonly evidence: Evidence;
  readonly probe: SignedRequest | undefined;
}

/**
 * Looks again at the workers of an epoch whose outcomes were appealed: every signed answer in the first round's evidence is run
 * again on the state that it names, every landed transition that somebody calls wrong, too, and who is there now is asked.
 */
export async function examinePanel(
  components: ExaminePanelComponents,
  { agreement, duty, patience, signal }: DocketExamination & { readonly agreement: Agreement },
): Promise<Examination> {
  const { chain, content, logger } = components;
  const { address } = agreement;
  const { epoch } = duty;
  const [appealed, reports, boundFrom, state, twins, vetted] = await Promise.all([
    chain.appealedWorkers(address, epoch, { signal }),
    chain.reportsOf(address, epoch, { signal }),
    chain.boundFrom(address, { signal }),
    chain.agreementState(address, { signal }),
    Promise.all(agreement.workerTwinIds.map(async (id) => await chain.twin(id, { signal }))),
    Promise.all(agreement.workerIds.map(async (id) => (await chain.worker(id, { signal }))?.vettedDigests ?? [])),
  ]);
  const identities = twins.map(identityOf);
  const program = state.program === undefined ? undefined : StrKey.encodeEd25519PublicKey(Buffer.from(state.program));
  const firstRound = await readFirstRound(components, { agreement: address, epoch, program, reports, signal });
  const opened = await openProgram(components, program, signal);
  const lies = await repeatLanded(opened, firstRound, identities, signal);

  const decisions: Decision[] = [];
  const livenesses: Array<Liveness | undefined> = [];
  for (const [index, worker] of identities.entries()) {
    const twin = twins[index];
    if (!appealed.includes(index) || twin === undefined) {
      // Not asked; it counts for nothing.
      decisions.push({ verdict: "ok", reason: "live" });
      livenesses.push(undefined);
      continue;
    }
    const live = async (): Promise<Liveness> =>
      (await opened.program?.isLive(worker, signal)) ??
      (await checkLiveness(components, { twin, agreement: address }, { patience, signal }));
    const [liveness, found] = await Promise.all([
      live(),
      findingsOf(opened.program, firstRound, { index, worker, vetted: vetted[index] ?? [], signal }),
    ]);
    livenesses.push(liveness);
    decisions.push(
      decidePanelVerdict({
        ...found,
        liveness,
        signedWrongTransition: lies.some((lie) => isSignerOfLie(lie, worker.ledgerKey, vetted[index] ?? [])),
        ownFailure: found.ownFailure || opened.failed,
        bound: boundFrom !== undefined && epoch >= boundFrom,
      }),
    );
  }
  const verdicts = decisions.map(({ verdict }) => verdict);
  logger.info("appeals examined", { appealed, verdicts, reasons: decisions.map(({ reason }) => reason) });
  if (!verdicts.every((verdict) => verdict !== "undetermined")) return undefined;

  const block = encodeEvidence({
    version: 1,
    kind: "evidence",
    agreement: new Uint8Array(fromHex(address)),
    epoch,
    tester: new Uint8Array(fromHex(chain.account)),
    program,
    unprobed: "PANEL",
    ownRuns: [],
    workers: agreement.workerIds.map((workerId, i) => {
      const liveness = livenesses[i];
      return {
        workerId,
        liveness: liveness?.live === false ? liveness.code : undefined,
        verdict: verdicts[i] ?? "ok",
        reason: decisions[i]?.reason ?? "",
      };
    }),
  });
  return { verdicts, evidenceCid: await content.putRecord(block, { signal }), block };
}

async function readFirstRound(
  components: ExaminePanelComponents,
  parts: Omit<WantedEvidence, "report"> & {
    readonly program: string | undefined;
    readonly reports: ReadonlyArray<WantedEvidence["report"]>;
    readonly signal: AbortSignal;
  },
): Promise<readonly FirstRound[]> {
  const { agreement, epoch, program, reports, signal } = parts;
  const timeoutMs = components.evidenceTimeoutMs ?? EVIDENCE_TIMEOUT_MS;
  const found = await Promise.all(
    reports.map(async (report) => {
      const wanted = { agreement, epoch, report };
      const evidence = await findEvidence(components, wanted, { timeoutMs, signal });
      if (evidence === undefined) return [];
      const probe = probeOf(evidence, wanted);
      // What a worker answered about another program says nothing here.
      return [{ evidence, probe: probe?.request.program === program ? probe : undefined }];
    }),
  );
  return found.flat();
}

async function openProgram(
  { bench, logger }: ExaminePanelComponents,
  program: string | undefined,
  signal: AbortSignal,
): Promise<{ readonly program?: OpenedProgram; readonly failed: boolean }> {
  if (program === undefined || bench === undefined) return { failed: false };
  try {
    return { program: await bench.open(program, { signal }), failed: false };
  } catch (error) {
    if (signal.aborted) throw error;
    const code = isSprfError(error) ? error.code : "INTERNAL";
    logger.info("the program of an appeal cannot be looked at", { program, code });
    // What nobody could use is the client's doing, and no failure of ours.
    return { failed: code !== "ACCOUNT_NOT_FOUND" && code !== "SMART_ACCOUNT_INVALID" };
  }
}

/** Each transition that some evidence names is run again once. */
async function repeatLanded(
  { program }: { readonly program?: OpenedProgram },
  firstRound: readonly FirstRound[],
  workers: readonly WorkerIdentity[],
  signal: AbortSignal,
): Promise<readonly LandedCheck[]> {
  if (program === undefined) return [];
  const named = new Map<string, NonNullable<Evidence["landed"]>>();
  for (const { evidence } of firstRound) {
    const { landed } = evidence;
    const blames = evidence.workers.some(({ reason }) => reason === "signed-wrong-transition");
    if (landed !== undefined && blames) named.set(landed.recordCid, landed);
  }
  const checks: LandedCheck[] = [];
  for (const landed of named.values()) {
    checks.push(
      await program.record(
        landed,
        workers.map(({ ledgerKey }) => ledgerKey),
        signal,
      ),
    );
  }
  return checks;
}

async function findingsOf(
  program: OpenedProgram | undefined,
  firstRound: readonly FirstRound[],
  parts: {
    readonly index: number;
    readonly worker: WorkerIdentity;
    readonly vetted: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<{
  readonly answers: readonly AnsweredProbe[];
  readonly askedInVain: boolean;
  readonly ownFailure: boolean;
}> {
  const { index, worker, vetted, signal } = parts;
  const answers: AnsweredProbe[] = [];
  const seen = new Set<string>();
  let askedInVain = false;
  if (program === undefined) return { answers, askedInVain, ownFailure: false };
  const { engine, digest } = program;
  for (const { evidence, probe } of firstRound) {
    if (probe === undefined) continue;
    const signed = answerOf(evidence, index, worker, probe);
    if (signed === undefined) {
      askedInVain ||= evidence.workers[index]?.silence !== undefined && (await program.isPaid(probe, signal));
      continue;
    }
    const key = toHex(encodeCanonical(Object.values(signed.answer).filter((field) => field !== undefined)));
    if (seen.has(key)) continue;
    seen.add(key);
    const { onKnownState, own } = await program.answer(probe, signed, signal);
    const isVetted = digest !== undefined && vetted.includes(digest);
    answers.push({ kind: "answered", answer: signed.answer, onKnownState, own, engine, vetted: isVetted });
  }
  return {
    answers,
    askedInVain,
    ownFailure: answers.some(({ own, onKnownState }) => onKnownState && own.kind === "failed"),
  };
}

function identityOf({ messageKey, ledgerKey }: Twin): WorkerIdentity {
  return { messageKey, ledgerKey: StrKey.encodeEd25519PublicKey(Buffer.from(ledgerKey)) };
}
