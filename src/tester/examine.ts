import { StrKey } from "@stellar/stellar-sdk";

import { probeNonceOf } from "../domain/verdict/commitment.ts";
import {
  decideVerdict,
  isBlamedFor,
  isNonDeterministic,
  type Decision,
  type Liveness,
  type WorkerProbe,
} from "../domain/verdict/decide-verdict.ts";
import { encodeEvidence, type Evidence, type WorkerEvidence } from "../domain/verdict/evidence.ts";
import type { Agreement, Chain, Twin, Verdict } from "../ports/chain.ts";
import type { Clock } from "../ports/clock.ts";
import type { ContentStore } from "../ports/content-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { WorkerApi } from "../ports/worker-api.ts";
import { fromHex } from "../utils/bytes.ts";
import type { Patience } from "./ask-worker.ts";
import { checkLiveness, type FindAddress } from "./check-liveness.ts";
import type { Duty, ProbeTrace } from "./duty-store.ts";
import { stateKey, type ProbeResult, type Prober } from "./probe.ts";
import type { LandedCheck } from "./rerun-landed.ts";

/** Runs a landed transition or batch of a program again, which the epoch's seed and the salt choose; `rerun.ts` with its parts bound. */
export type RepeatLanded = (
  parts: {
    readonly program: string;
    readonly seed: Uint8Array;
    readonly salt: Uint8Array;
    /** Ledger keys of the agreement's workers. */
    readonly workers: readonly string[];
  },
  options: { readonly signal: AbortSignal },
) => Promise<LandedCheck>;

export interface ExamineComponents {
  readonly chain: Chain;
  readonly content: ContentStore;
  readonly workerApi: WorkerApi;
  readonly findAddress: FindAddress;
  readonly prober: Prober;
  /** Without it no landed transition is run again. */
  readonly repeatLanded?: RepeatLanded;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface ExamineParts {
  readonly agreement: Agreement;
  readonly duty: Duty;
  readonly keep: (trace: ProbeTrace) => Promise<void>;
  readonly patience: Patience;
  readonly signal: AbortSignal;
}

/** One verdict for each worker and the stored evidence for them; undefined when the tester has nothing to vouch for. */
export type Examination =
  | {
      readonly verdicts: readonly Verdict[];
      readonly evidenceCid: string;
      /** The evidence itself. */
      readonly block: Uint8Array;
    }
  | undefined;

/**
 * Looks at all workers of an agreement for one epoch: liveness and probe side by side, then a landed transition run again, then the
 * verdicts.
 */
export async function examine(components: ExamineComponents, parts: ExamineParts): Promise<Examination> {
  const { chain, content, logger } = components;
  const { agreement, duty, signal } = parts;
  const [state, boundFrom, twins, vetted] = await Promise.all([
    chain.agreementState(agreement.address, { signal }),
    chain.boundFrom(agreement.address, { signal }),
    Promise.all(agreement.workerTwinIds.map(async (id) => await chain.twin(id, { signal }))),
    Promise.all(agreement.workerIds.map(async (id) => (await chain.worker(id, { signal }))?.vettedDigests ?? [])),
  ]);
  const program = state.program === undefined ? undefined : StrKey.encodeEd25519PublicKey(Buffer.from(state.program));

  const ledgerKeys = twins.map(({ ledgerKey }) => StrKey.encodeEd25519PublicKey(Buffer.from(ledgerKey)));

  const lookups = twins.map(async (twin) => await look(components, twin, parts));
  const [livenesses, probed] = await Promise.all([
    Promise.all(lookups),
    components.prober({
      program,
      nonce: probeNonceOf({ ...duty, tester: chain.account }),
      workers: twins.map(({ messageKey }, i) => ({ ledgerKey: ledgerKeys[i] ?? "", messageKey })),
      trace: duty.probe,
      keep: parts.keep,
      patience: parts.patience,
      connected: firstLive(lookups),
      signal,
    }),
  ]);

  // After the probe: it is more likely to be the lie, and both want the same processor.
  const landed = await checkLanded(components, parts, { program, probed, ledgerKeys });
  if (landed.kind === "failed") logger.info("no landed transition was run again", { program, code: landed.code });

  const probes = agreement.workerIds.map((_, i) => probeOf(probed, i, vetted[i] ?? []));
  const answerNeeded = boundFrom !== undefined && duty.epoch >= boundFrom;
  const decisions = probes.map((probe, i) =>
    decideVerdict(livenesses[i] ?? { live: true }, probe, {
      answerNeeded,
      signedWrongTransition: isSignerOfLie(landed, ledgerKeys[i], vetted[i] ?? []),
    }),
  );
  if (probes.some(isNonDeterministic)) logger.warn("the program is not deterministic", { program });
  for (const [i, decision] of decisions.entries()) {
    const level = decision.verdict === "ok" ? "debug" : "warn";
    logger[level]("worker examined", { workerId: agreement.workerIds[i], ...decision });
  }
  const verdicts = decisions.map(({ verdict }) => verdict);
  logger.info("examined", { program, probe: probed.kind === "asked" ? "asked" : unprobedOf(probed), verdicts });
  if (!verdicts.every((verdict) => verdict !== "undetermined")) return undefined;

  const evidence = evidenceOf(parts, { tester: chain.account, program, probed, livenesses, probes, decisions, landed });
  const block = encodeEvidence(evidence);
  return { verdicts, evidenceCid: await content.putRecord(block, { signal }), block };
}

async function checkLanded(
  { chain, repeatLanded }: ExamineComponents,
  { agreement, duty, patience, signal }: ExamineParts,
  found: {
    readonly program: string | undefined;
    readonly probed: ProbeResult;
    readonly ledgerKeys: readonly string[];
  },
): Promise<LandedCheck> {
  const { program, probed, ledgerKeys } = found;
  if (program === undefined || repeatLanded === undefined || probed.kind !== "asked") {
    return { kind: "none", reason: "NOT_PROBED" };
  }
  const seed = await chain.epochSeed(agreement.address, duty.epoch, { signal });
  if (seed === undefined) return { kind: "failed", code: "HISTORY_UNAVAILABLE" };
  const inTime = AbortSignal.any([signal, patience.lastCall]);
  try {
    return await repeatLanded({ program, seed, salt: duty.salt, workers: ledgerKeys }, { signal: inTime });
  } catch (error) {
    if (signal.aborted || !patience.lastCall.aborted) throw error;
    return { kind: "failed", code: "OWN_TIME_UP" };
  }
}

/** Whether the worker signed what landed although the program gives something else, under the rule of all mismatches. */
export function isSignerOfLie(landed: LandedCheck, ledgerKey: string | undefined, vetted: readonly string[]): boolean {
  if (landed.kind !== "repeated" || landed.same || ledgerKey === undefined) return false;
  const { engine, digest } = landed;
  return (
    landed.signers.includes(ledgerKey) &&
    isBlamedFor({ engine, vetted: digest !== undefined && vetted.includes(digest) })
  );
}

async function look(components: ExamineComponents, twin: Twin, parts: ExamineParts): Promise<Liveness> {
  const { patience, signal } = parts;
  return await checkLiveness(components, { twin, agreement: parts.agreement.address }, { patience, signal });
}

/** Resolves once one worker was found alive, or none is. */
async function firstLive(lookups: readonly Promise<Liveness>[]): Promise<void> {
  const found = lookups.map(async (lookup) => {
    const { live } = await lookup;
    return await (live ? Promise.resolve() : Promise.reject(new Error("not live")));
  });
  await Promise.any(found).catch(() => undefined);
}

function probeOf(probed: ProbeResult, index: number, vetted: readonly string[]): WorkerProbe {
  if (probed.kind !== "asked") return probed;
  const said = probed.said[index];
  if (said === undefined || said.kind === "not-named") return { kind: "none", reason: "NOT_NAMED" };
  if (said.kind === "silent") return said;
  const own = said.account === undefined ? undefined : probed.own.get(stateKey(said.account));
  return {
    kind: "answered",
    answer: said.signed.answer,
    onKnownState: said.account !== undefined,
    own: own ?? { kind: "failed", code: "INTERNAL" },
    engine: probed.engine,
    vetted: probed.digest !== undefined && vetted.includes(probed.digest),
  };
}

function evidenceOf(
  { agreement, duty }: ExamineParts,
  found: {
    readonly tester: string;
    readonly program: string | undefined;
    readonly probed: ProbeResult;
    readonly livenesses: readonly Liveness[];
    readonly probes: readonly WorkerProbe[];
    readonly decisions: readonly Decision[];
    readonly landed: LandedCheck;
  },
): Evidence {
  const { probed, livenesses, probes, decisions, landed } = found;
  const own = probed.kind === "asked" ? [...probed.own.values()] : [];
  return {
    version: 1,
    kind: "evidence",
    agreement: new Uint8Array(fromHex(agreement.address)),
    epoch: duty.epoch,
    tester: new Uint8Array(fromHex(found.tester)),
    program: found.program,
    ...(probed.kind === "asked" ? { request: probed.signed } : { unprobed: unprobedOf(probed) }),
    ownRuns: own.map((runs) => {
      if (runs.kind === "failed") return { code: runs.code };
      return { answers: runs.kind === "agreed" ? [runs.answer, runs.answer] : [...runs.answers] };
    }),
    ...landedEvidenceOf(landed),
    workers: agreement.workerIds.map((workerId, i) => {
      const decision = decisions[i];
      const liveness = livenesses[i];
      const said = probed.kind === "asked" ? probed.said[i] : undefined;
      return {
        workerId,
        liveness: liveness?.live === false ? liveness.code : undefined,
        silence: silenceOf(probes[i]),
        answer: said?.kind === "answer" ? said.signed : undefined,
        verdict: decision?.verdict as Verdict,
        reason: decision?.reason ?? "",
      } satisfies WorkerEvidence;
    }),
  };
}

function landedEvidenceOf(landed: LandedCheck): Pick<Evidence, "landed" | "unrepeated"> {
  if (landed.kind === "none") return { unrepeated: landed.reason };
  if (landed.chosen === undefined) return { unrepeated: landed.kind === "failed" ? landed.code : "NONE" };
  const { tipCid, count, index, recordCid, envelope } = landed.chosen;
  return {
    landed: {
      tipCid,
      count,
      index,
      recordCid,
      envelope: new Uint8Array(envelope),
      ...(landed.kind === "repeated" && landed.input !== undefined ? { input: landed.input } : {}),
      own: landed.kind === "repeated" ? { results: [...landed.own] } : { code: landed.code },
    },
  };
}

function unprobedOf(probed: Exclude<ProbeResult, { kind: "asked" }>): string {
  return probed.kind === "none" ? probed.reason : probed.code;
}

function silenceOf(probe: WorkerProbe | undefined): string | undefined {
  if (probe?.kind === "silent" || probe?.kind === "failed") return probe.code;
  return probe?.kind === "none" ? probe.reason : undefined;
}
