import type { Link } from "../client/history.ts";
import { anchoredState } from "../domain/program/anchored-state.ts";
import { previousOf, stateAfter, timeAfter } from "../domain/program/chain-record.ts";
import { isRunRecord } from "../domain/program/run-record.ts";
import { programReference } from "../domain/program/smart-account.ts";
import { readEnvelope } from "../domain/audit/read-envelope.ts";
import type { RunResult } from "../domain/verdict/decide-verdict.ts";
import { SprfError, isSprfError } from "../errors.ts";
import { holdContent, letGoOf } from "../execution/held-content.ts";
import { planReplays, type Replay } from "../execution/plan-replay.ts";
import { readChainRecord } from "../execution/read-record.ts";
import { repeatRecord } from "../execution/repeat-record.ts";
import type { RunComponents } from "../execution/run-program.ts";
import type { Clock } from "../ports/clock.ts";
import type { Ledger } from "../ports/ledger.ts";
import { abortError, withDeadline } from "../utils/abort.ts";
import type { RerunView, ResultView } from "./program-types.ts";

/** In whose name content of runs is kept while they last. */
const HOLDER = "dashboard-rerun/";
/** A program may take so long for one input, and a batch has fifty: what takes longer is for `sprf audit`. */
const DEADLINE_MS = 120_000;

/** Runs steps again, one at a time. */
export interface Rerun {
  /** @throws SprfError `WORKER_BUSY` while another one is run, `INVALID_INPUT` for a step that ran nothing, `ABORTED` */
  run(program: string, link: Link, options: { readonly signal: AbortSignal }): Promise<RerunView>;
}

export function createRerun(
  components: RunComponents & { readonly ledger: Pick<Ledger, "networkPassphrase">; readonly clock: Clock },
  { deadlineMs = DEADLINE_MS }: { readonly deadlineMs?: number } = {},
): Rerun {
  const { content, clock, ledger } = components;
  let isRunning = false;
  let works = 0;
  let swept: Promise<void> | undefined;

  async function rerun(program: string, link: Link, signal: AbortSignal): Promise<Omit<RerunView, "tookMs">> {
    const { recordCid } = link;
    const record = await readChainRecord(content, recordCid, { signal });
    const previous = previousOf(record);
    if (!isRunRecord(record) || previous === undefined) {
      throw new SprfError("INVALID_INPUT", `${recordCid} ran nothing that could be run again`);
    }
    const { image } = record;
    const reference = programReference(image.address, image.digest);
    if (reference === undefined) {
      throw new SprfError("PROGRAM_INVALID", `${image.address} names no program that is pinned`);
    }
    const before = await readChainRecord(content, previous.recordCid, { signal });
    const parts = { program, reference, before: { state: stateAfter(before), time: timeAfter(before) } };
    const replays = asAnchored(planReplays(record, parts), link, ledger.networkPassphrase);
    // A process that was killed may have left something.
    await (swept ??= letGoOf(content, HOLDER));
    const held = holdContent(content, `${HOLDER}${++works}`);
    try {
      const repeated = await repeatRecord({ ...components, held }, replays, { signal });
      const common = { recordCid, runs: replays.length, ran: repeated.index + 1 };
      if (repeated.kind === "failed") throw new SprfError("ENGINE_FAILED", `it ran once and then ${repeated.code}`);
      if (repeated.kind === "differ") {
        throw new SprfError("NON_DETERMINISTIC", "the program comes to another result each time it runs");
      }
      const { own, isSame, index } = repeated;
      const landed = replays[index]?.landed;
      return {
        ...common,
        outcome: isSame ? "equal" : "differs",
        ...(landed !== undefined && { landed: resultView(landed) }),
        own: resultView(own),
      };
    } finally {
      await held.letGo();
    }
  }

  return {
    async run(program, link, { signal }) {
      if (isRunning) throw new SprfError("WORKER_BUSY", "another step is being run again");
      isRunning = true;
      const startedMs = clock.now();
      const deadline = withDeadline(signal, deadlineMs);
      try {
        return { ...(await rerun(program, link, deadline)), tookMs: clock.now() - startedMs };
      } catch (error) {
        if (signal.aborted) throw abortError(signal);
        if (!isSprfError(error) || error.code === "INVALID_INPUT") throw error;
        // What was cut short may have failed in other words.
        const { code, message } = deadline.aborted ? abortError(deadline) : error;
        const tookMs = clock.now() - startedMs;
        return { recordCid: link.recordCid, outcome: "failed", ran: 0, runs: 0, tookMs, problem: { code, message } };
      } finally {
        isRunning = false;
      }
    },
  };
}

/** What was signed is what the transaction sets, whatever the record says of it: the state after its last run. */
function asAnchored(replays: readonly Replay[], { envelope }: Link, network: string): readonly Replay[] {
  const last = replays.at(-1);
  const landed = readEnvelope(envelope, network);
  const newState = landed === undefined ? undefined : anchoredState(landed);
  if (last === undefined || newState === undefined) return replays;
  return [...replays.slice(0, -1), { ...last, landed: { ...last.landed, newState } }];
}

function resultView({ status, newState, outputCid, gas }: RunResult): ResultView {
  return { status, state: newState, outputCid, gas: gas.toString() };
}
