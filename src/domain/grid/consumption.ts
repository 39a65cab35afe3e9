/** Time that nobody measured counts for no more than this: a node that was down bills no memory for it. */
const MAX_GAP_MS = 5 * 60_000;
/** A clock that goes back by more was set right: what it said before was wrong, and counting begins anew. */
const MAX_STEP_BACK_MS = 60_000;
const NANOSECONDS_PER_MS = 1_000_000n;
const MS_PER_SECOND = 1_000;

/** What a deployment uses at one moment. */
export interface ConsumptionSample {
  readonly atMs: number;
  readonly containers: readonly {
    readonly name: string;
    /** Changes with each start, with which the counters begin at 0 again. */
    readonly identity: string;
    readonly cpuNanoseconds: bigint;
    /** Received and sent. */
    readonly networkBytes: bigint;
    readonly memoryBytes: bigint;
  }[];
  readonly ssdBytes: bigint;
  readonly hddBytes: bigint;
}

/** What one contract used since its last report; the sums are exact, whatever was restarted or sampled twice. */
export interface ConsumptionState {
  readonly contractId: bigint;
  readonly lastSampleMs: number;
  /** Counters as they were last seen, by container. */
  readonly counters: Readonly<
    Record<string, { readonly identity: string; readonly cpu: bigint; readonly network: bigint }>
  >;
  readonly measuredMs: number;
  readonly cpuNanoseconds: bigint;
  readonly networkBytes: bigint;
  readonly memoryByteMs: bigint;
  readonly ssdByteMs: bigint;
  readonly hddByteMs: bigint;
  readonly lastTimestamp: number;
  /** Made and not known to be on the chain: sent as it is until it is. */
  readonly pending?: ConsumptionReport | undefined;
}

/** A report as the chain takes it: cores and bytes as used on average, and the traffic since the one before. */
export interface ConsumptionReport {
  readonly contractId: bigint;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly cruCores: bigint;
  readonly sruBytes: bigint;
  readonly hruBytes: bigint;
  readonly mruBytes: bigint;
  readonly nruBytes: bigint;
}

/** Why the chain skipped a report, as far as it matters here. */
export type SkippedReport =
  "not-newer" | "over" | "foreign" | "out-of-funds" | "rate-too-high" | "not-deployed" | "from-the-future";

/** The state of a deployment from when it is confirmed. */
export function openConsumption(contractId: bigint, sinceMs: number): ConsumptionState {
  return {
    contractId,
    lastSampleMs: sinceMs,
    counters: {},
    lastTimestamp: Math.floor(sinceMs / MS_PER_SECOND),
    ...NOTHING,
  };
}

/** Adds what was used since the last sample. A sample that is not later, as a crash may repeat it, adds nothing. */
export function addSample(state: ConsumptionState, sample: ConsumptionSample): ConsumptionState {
  const sinceMs = sample.atMs - state.lastSampleMs;
  if (sinceMs <= 0 && sinceMs >= -MAX_STEP_BACK_MS) return state;
  const elapsedMs = Math.max(0, Math.min(sinceMs, MAX_GAP_MS));
  const elapsed = BigInt(elapsedMs);
  let { cpuNanoseconds, networkBytes } = state;
  let memoryBytes = 0n;
  // A container that a sample misses is remembered: it must not count anew when it is there again.
  const counters = { ...state.counters };
  for (const container of sample.containers) {
    const before = counters[container.name];
    const isSame = before?.identity === container.identity;
    const from = isSame ? before : { cpu: 0n, network: 0n };
    cpuNanoseconds += atLeastZero(container.cpuNanoseconds - from.cpu);
    networkBytes += atLeastZero(container.networkBytes - from.network);
    memoryBytes += container.memoryBytes;
    counters[container.name] = {
      identity: container.identity,
      cpu: larger(container.cpuNanoseconds, from.cpu),
      network: larger(container.networkBytes, from.network),
    };
  }
  return {
    ...state,
    lastSampleMs: sample.atMs,
    counters,
    measuredMs: state.measuredMs + elapsedMs,
    cpuNanoseconds,
    networkBytes,
    memoryByteMs: state.memoryByteMs + memoryBytes * elapsed,
    ssdByteMs: state.ssdByteMs + sample.ssdBytes * elapsed,
    hddByteMs: state.hddByteMs + sample.hddBytes * elapsed,
  };
}

/**
 * The state with a report of all that was added, to be saved before it is sent: the chain takes no second one of its time, so it may
 * be sent as often as need be. While one is pending, it stays, and what is used meanwhile goes into the next.
 */
export function makeReport(state: ConsumptionState): ConsumptionState {
  const timestamp = Math.floor(state.lastSampleMs / MS_PER_SECOND);
  if (state.pending !== undefined || state.measuredMs === 0) return state;
  // Of a clock that was set back the chain judges: it takes no time twice.
  const secondsBack = state.lastTimestamp - timestamp;
  if (secondsBack >= 0 && secondsBack * MS_PER_SECOND <= MAX_STEP_BACK_MS) return state;
  const measured = BigInt(state.measuredMs);
  const pending: ConsumptionReport = {
    contractId: state.contractId,
    timestamp,
    cruCores: dividedUp(state.cpuNanoseconds, measured * NANOSECONDS_PER_MS),
    sruBytes: dividedUp(state.ssdByteMs, measured),
    hruBytes: dividedUp(state.hddByteMs, measured),
    mruBytes: dividedUp(state.memoryByteMs, measured),
    nruBytes: state.networkBytes,
  };
  return { ...state, ...NOTHING, lastTimestamp: timestamp, pending };
}

/** The chain's last report of the contract is of `reportedAt` (seconds): one that was pending until then has landed. */
export function confirmReport(state: ConsumptionState, reportedAt: number): ConsumptionState {
  return state.pending !== undefined && state.pending.timestamp <= reportedAt ? withoutPending(state) : state;
}

/**
 * The chain skipped the pending report: it waits if its time is still to come, unless the node's clock was set back before it, and is
 * given up otherwise.
 */
export function skipReport(state: ConsumptionState, why: SkippedReport, nowMs: number): ConsumptionState {
  if (why === "not-deployed") return state;
  if (why !== "from-the-future") return withoutPending(state);
  const aheadMs = (state.pending?.timestamp ?? 0) * MS_PER_SECOND - nowMs;
  return aheadMs > MAX_STEP_BACK_MS ? takeBackReport(state) : state;
}

/** The chain is known not to have the pending report and will not take it: its traffic goes into the next one. */
export function takeBackReport(state: ConsumptionState): ConsumptionState {
  if (state.pending === undefined) return state;
  return { ...withoutPending(state), networkBytes: state.networkBytes + state.pending.nruBytes };
}

/** What is pending, in batches of at most `size`, in the order of contracts. */
export function batchReports(
  states: Iterable<ConsumptionState>,
  size: number,
): readonly (readonly ConsumptionReport[])[] {
  const reports = [...states].flatMap(({ pending }) => (pending === undefined ? [] : [pending]));
  reports.sort((a, b) => (a.contractId < b.contractId ? -1 : 1));
  return Array.from({ length: Math.ceil(reports.length / size) }, (_, index) =>
    reports.slice(index * size, (index + 1) * size),
  );
}

const NOTHING = {
  measuredMs: 0,
  cpuNanoseconds: 0n,
  networkBytes: 0n,
  memoryByteMs: 0n,
  ssdByteMs: 0n,
  hddByteMs: 0n,
} as const;

function withoutPending({ pending: _landed, ...state }: ConsumptionState): ConsumptionState {
  return state;
}

function atLeastZero(value: bigint): bigint {
  return value > 0n ? value : 0n;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Rounded up: what is used a little is used. */
function dividedUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
