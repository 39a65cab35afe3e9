import { StrKey } from "@stellar/stellar-sdk";

import type { ChallengeGrounds } from "../domain/verdict/decide-dispute.ts";
import type { Agreement, Chain, RevealedReport } from "../ports/chain.ts";
import { answerOf, findEvidence, probeOf, type FindEvidenceComponents, type WorkerIdentity } from "./find-evidence.ts";

export interface DoubtReportsComponents extends FindEvidenceComponents {
  readonly chain: Chain;
}

export interface DoubtReportsParts {
  readonly agreement: Agreement;
  readonly epoch: number;
  /** Own salt of the epoch; which worker is doubted first depends on it, so nobody can have foreseen it. */
  readonly salt: Uint8Array;
  /** How long another tester's evidence is looked for before it counts as missing. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A report that has nothing to show for its `ok`s of these workers, in the order in which they are asked about. */
export interface Doubt {
  readonly seat: number;
  readonly workers: readonly number[];
  readonly grounds: ChallengeGrounds;
}

/** Looks at the evidence of every other report of an epoch: those that could be challenged with success. */
export async function doubtReports(
  components: DoubtReportsComponents,
  parts: DoubtReportsParts,
): Promise<readonly Doubt[]> {
  const { chain } = components;
  const { agreement, epoch, signal } = parts;
  const { address } = agreement;
  const [boundFrom, state] = await Promise.all([
    chain.boundFrom(address, { signal }),
    chain.agreementState(address, { signal }),
  ]);
  if (boundFrom === undefined || state.program === undefined || epoch < boundFrom) return [];
  const program = StrKey.encodeEd25519PublicKey(Buffer.from(state.program));
  const [seats, reports, workers] = await Promise.all([
    chain.seatsOf(address, epoch, { signal }),
    chain.reportsOf(address, epoch, { signal }),
    workersOf(chain, agreement, signal),
  ]);
  const found = await Promise.all(
    reports
      .filter(({ tester, verdicts }) => tester !== chain.account && verdicts.includes("ok"))
      .map(async (report) => ({
        tester: report.tester,
        ...(await doubtsOf(components, parts, { report, workers, program })),
      })),
  );
  return found.flatMap(({ tester, ...doubt }) => {
    const seat = seats.findIndex((each) => each.tester === tester);
    return doubt.workers.length === 0 || seat === -1 ? [] : [{ seat, ...doubt }];
  });
}

async function workersOf(
  chain: Chain,
  { workerTwinIds }: Agreement,
  signal: AbortSignal,
): Promise<readonly WorkerIdentity[]> {
  const twins = await Promise.all(workerTwinIds.map(async (id) => await chain.twin(id, { signal })));
  return twins.map(({ messageKey, ledgerKey }) => ({
    messageKey,
    ledgerKey: StrKey.encodeEd25519PublicKey(Buffer.from(ledgerKey)),
  }));
}

/** For which workers a report has nothing to show. */
async function doubtsOf(
  components: DoubtReportsComponents,
  { agreement: { address }, epoch, salt, timeoutMs, signal }: DoubtReportsParts,
  {
    report,
    workers,
    program,
  }: {
    readonly report: RevealedReport;
    readonly workers: readonly WorkerIdentity[];
    readonly program: string;
  },
): Promise<Omit<Doubt, "seat">> {
  const wanted = { agreement: address, epoch, report };
  const evidence = await findEvidence(components, wanted, { timeoutMs, signal });
  const found = evidence === undefined ? undefined : probeOf(evidence, wanted);
  // What a worker answered about another program backs nothing.
  const probe = found?.request.program === program ? found : undefined;
  const doubted: number[] = [];
  for (const [workerIndex, verdict] of report.verdicts.entries()) {
    const worker = workers[workerIndex];
    if (verdict !== "ok" || worker === undefined) continue;
    const isShown =
      evidence !== undefined && probe !== undefined && answerOf(evidence, workerIndex, worker, probe) !== undefined;
    if (isShown) continue;
    const gone = await components.chain.resignedFrom(address, workerIndex, { signal });
    if (gone === undefined || epoch < gone) doubted.push(workerIndex);
  }
  const start = doubted.length === 0 ? 0 : (salt[0] ?? 0) % doubted.length;
  return {
    workers: [...doubted.slice(start), ...doubted.slice(0, start)],
    grounds: evidence === undefined ? "evidence-missing" : "no-answer",
  };
}
