import type { EventFragment, Interface, Result } from "ethers";

import type {
  AgreementEvent,
  DispatcherEvent,
  DisputeEvent,
  RecordEvent,
  TesterEvent,
  TwinsEvent,
} from "../../ports/market-events.ts";
import type { WorkerTerms } from "../../ports/chain.ts";
import { AGREEMENT_INTERFACE } from "./agreement-contract.ts";
import {
  IDisputes__factory,
  ITesterRegistry__factory,
  ITwins__factory,
  IWorkerDispatcher__factory,
  IWorkerRecords__factory,
} from "./factories.ts";
import { outcomeOf } from "./values.ts";

/** Which of the market's contracts an event is one of. */
export type EventSource = "twins" | "dispatcher" | "testers" | "records" | "disputes" | "agreement";

type AgreementCreated = Extract<DispatcherEvent, { readonly name: "AgreementCreated" }>;
type DispatcherLog = Exclude<DispatcherEvent, AgreementCreated> | Omit<AgreementCreated, "terms">;

/** An event as its log alone says it: an agreement's terms are read from the agreement. */
export type DecodedEvent = TwinsEvent | DispatcherLog | TesterEvent | AgreementEvent | RecordEvent | DisputeEvent;

type Decoders<E extends { readonly name: string }> = {
  readonly [Name in E["name"]]: (args: Result) => Omit<Extract<E, { readonly name: Name }>, "name">;
};

const int = (value: unknown): number => Number(value);
const wei = (value: unknown): bigint => value as bigint;
const text = (value: unknown): string => value as string;
const ints = (value: unknown): number[] => [...(value as Iterable<bigint>)].map(Number);

const workerOnly = (args: Result): { workerId: number } => ({ workerId: int(args["workerId"]) });
const lock = (args: Result): { workerId: number; agreement: string; lockWei: bigint } => ({
  ...workerOf(args),
  lockWei: wei(args["locked"]),
});
const workerOf = (args: Result): { workerId: number; agreement: string } => ({
  workerId: int(args["workerId"]),
  agreement: text(args["agreement"]),
});
const testerOf = (args: Result): { testerId: number; agreement: string } => ({
  testerId: int(args["testerId"]),
  agreement: text(args["agreement"]),
});
const epochOf = (args: Result): { agreement: string; epoch: number } => ({
  agreement: text(args["agreement"]),
  epoch: int(args["epoch"]),
});

const TWINS: Decoders<TwinsEvent> = {
  TwinRegistered: (args) => ({ twinId: int(args["twinId"]), account: text(args["account"]) }),
  TwinUpdated: (args) => ({
    twinId: int(args["twinId"]),
    account: text(args["account"]),
    version: int(args["version"]),
  }),
};

const DISPATCHER: Decoders<DispatcherLog> = {
  WorkerRegistered: (args) => ({
    workerId: int(args["workerId"]),
    operator: text(args["operator"]),
    twinId: int(args["twinId"]),
    terms: termsOf(args["terms"] as Result),
    stakeWei: wei(args["stake"]),
  }),
  WorkerUpdated: (args) => ({
    workerId: int(args["workerId"]),
    terms: termsOf(args["terms"] as Result),
    stakeWei: wei(args["stake"]),
  }),
  WorkerPaused: workerOnly,
  WorkerUnpaused: workerOnly,
  WorkerUnregistered: workerOnly,
  StakeAdded: (args) => ({ workerId: int(args["workerId"]), amountWei: wei(args["amount"]) }),
  StakeUnbonding: (args) => ({
    workerId: int(args["workerId"]),
    amountWei: wei(args["amount"]),
    releaseBlock: int(args["releaseBlock"]),
  }),
  StakeWithdrawn: (args) => ({
    workerId: int(args["workerId"]),
    operator: text(args["operator"]),
    amountWei: wei(args["amount"]),
  }),
  WorkerAssigned: lock,
  LockExtended: lock,
  WorkerReleased: (args) => ({ ...workerOf(args), unlockedWei: wei(args["unlocked"]) }),
  WorkerSlashed: (args) => ({
    ...workerOf(args),
    amountWei: wei(args["amount"]),
    toClientWei: wei(args["toClient"]),
  }),
  AgreementCreated: (args) => ({
    agreement: text(args["agreement"]),
    client: text(args["client"]),
    number: int(args["number"]),
    applicationType: text(args["applicationType"]),
    workerIds: ints(args["workerIds"]),
    startBlock: int(args["start"]),
    // By place: a Result has a length of its own.
    lengthBlocks: int(args[6]),
    paidWei: wei(args["paid"]),
  }),
  PurchaseRejected: (args) => ({
    client: text(args["client"]),
    requiredWei: wei(args["required"]),
    sentWei: wei(args["sent"]),
  }),
  AgreementFinalized: (args) => ({ agreement: text(args["agreement"]) }),
};

const TESTERS: Decoders<TesterEvent> = {
  TesterRegistered: (args) => ({
    testerId: int(args["testerId"]),
    account: text(args["account"]),
    feePerEpochWei: wei(args["feePerEpoch"]),
    capacity: int(args["capacity"]),
    stakeWei: wei(args["stake"]),
  }),
  TesterUpdated: (args) => ({
    testerId: int(args["testerId"]),
    feePerEpochWei: wei(args["feePerEpoch"]),
    capacity: int(args["capacity"]),
    stakeWei: wei(args["stake"]),
  }),
  TesterUnregistered: (args) => ({ testerId: int(args["testerId"]) }),
  TesterStakeUnbonding: (args) => ({
    testerId: int(args["testerId"]),
    amountWei: wei(args["amount"]),
    releaseBlock: int(args["releaseBlock"]),
  }),
  TesterStakeWithdrawn: (args) => ({
    testerId: int(args["testerId"]),
    account: text(args["account"]),
    amountWei: wei(args["amount"]),
  }),
  DutyMissed: (args) => ({ ...testerOf(args), penaltyWei: wei(args["penalty"]) }),
  TesterCharged: (args) => ({
    ...testerOf(args),
    amountWei: wei(args["amount"]),
    overturned: args["overturned"] as boolean,
  }),
  FeesWithdrawn: (args) => ({
    testerId: int(args["testerId"]),
    account: text(args["account"]),
    amountWei: wei(args["amount"]),
  }),
};

const RECORDS: Decoders<RecordEvent> = {
  RecordAdded: (args) => ({
    workerId: int(args["workerId"]),
    client: text(args["client"]),
    weightOkWei: wei(args["weightOk"]),
    weightWei: wei(args["weight"]),
  }),
};

const DISPUTES: Decoders<DisputeEvent> = {
  Appealed: (args) => ({
    ...epochOf(args),
    workerIndex: int(args["workerIndex"]),
    appellant: text(args["appellant"]),
  }),
  PanelRevealed: (args) => ({ ...epochOf(args), tester: text(args["tester"]) }),
  AppealResolved: (args) => ({
    ...epochOf(args),
    workerIndex: int(args["workerIndex"]),
    outcome: outcomeOf(args["outcome"] as bigint),
    overturned: args["overturned"] as boolean,
  }),
  Challenged: (args) => ({
    ...epochOf(args),
    seat: int(args["seat"]),
    workerIndex: int(args["workerIndex"]),
    challenger: text(args["challenger"]),
  }),
  ChallengeAnswered: (args) => ({
    ...epochOf(args),
    seat: int(args["seat"]),
    workerIndex: int(args["workerIndex"]),
  }),
  ReportStruck: (args) => ({
    ...epochOf(args),
    seat: int(args["seat"]),
    workers: bitsOf(wei(args["workers"])),
    rewardWei: wei(args["reward"]),
  }),
  BondWithdrawn: (args) => ({ account: text(args["account"]), amountWei: wei(args["amount"]) }),
};

const AGREEMENT: Decoders<AgreementEvent> = {
  ProgramBound: (args) => ({ ledgerAccount: text(args["ledgerAccount"]) }),
  EpochOpened: (args) => ({ epoch: int(args["epoch"]), testers: [...(args["testers"] as Iterable<string>)] }),
  EpochSettled: (args) => ({
    epoch: int(args["epoch"]),
    outcomes: [...(args["outcomes"] as Iterable<bigint>)].map(outcomeOf),
    reported: bitsOf(wei(args["reported"])),
  }),
  // By place: a Result has a length of its own.
  Extended: (args) => ({ lengthBlocks: int(args[0]), paidWei: wei(args["paid"]), surplusWei: wei(args["surplus"]) }),
  Terminated: (args) => ({ endBlock: int(args["end"]), refundWei: wei(args["refund"]) }),
  WorkerResigned: (args) => ({ workerIndex: int(args["workerIndex"]), epoch: int(args["epoch"]) }),
  Withdrawn: (args) => ({ account: text(args["account"]), amountWei: wei(args["amount"]) }),
  Finalized: () => ({}),
};

interface Decoder {
  readonly source: EventSource;
  readonly topic: string;
  decode(topics: readonly string[], data: string): DecodedEvent;
}

const DECODERS: ReadonlyMap<string, Decoder> = new Map(
  [
    ...decodersOf("twins", ITwins__factory.createInterface(), TWINS),
    ...decodersOf("dispatcher", IWorkerDispatcher__factory.createInterface(), DISPATCHER),
    ...decodersOf("testers", ITesterRegistry__factory.createInterface(), TESTERS),
    ...decodersOf("records", IWorkerRecords__factory.createInterface(), RECORDS),
    ...decodersOf("disputes", IDisputes__factory.createInterface(), DISPUTES),
    ...decodersOf("agreement", AGREEMENT_INTERFACE, AGREEMENT),
  ].map((decoder) => [`${decoder.source}/${decoder.topic}`, decoder]),
);

/** First topics of all events that the read model is made of. */
export const EVENT_TOPICS: readonly string[] = [...new Set([...DECODERS.values()].map(({ topic }) => topic))];

/**
 * The event of a log; undefined when its source has no such event. What looks like an agreement may be a contract that imitates
 * one: then it is undefined, too, when its values are not of the event's form.
 */
export function decodeEvent(source: EventSource, topics: readonly string[], data: string): DecodedEvent | undefined {
  const decoder = DECODERS.get(`${source}/${topics[0] ?? ""}`);
  if (source !== "agreement") return decoder?.decode(topics, data);
  try {
    return decoder?.decode(topics, data);
  } catch {
    return undefined;
  }
}

function decodersOf(
  source: EventSource,
  abi: Interface,
  decoders: Readonly<Record<string, (args: Result) => object>>,
): Decoder[] {
  return Object.entries(decoders).map(([name, valuesOf]) => {
    const fragment = abi.getEvent(name) as EventFragment;
    return {
      source,
      topic: fragment.topicHash,
      decode: (topics, data) =>
        ({ name, ...valuesOf(abi.decodeEventLog(fragment, data, topics)) }) as unknown as DecodedEvent,
    };
  });
}

/** One bit a seat, or one a worker. */
const MASK_BITS = 32;

/** Places of the bits that are set. */
function bitsOf(mask: bigint): number[] {
  return Array.from({ length: MASK_BITS }, (_, place) => place).filter(
    (place) => ((mask >> BigInt(place)) & 1n) === 1n,
  );
}

function termsOf(terms: Result): WorkerTerms {
  return {
    pricePerBlockWei: wei(terms["pricePerBlock"]),
    maxLengthBlocks: int(terms["maxLength"]),
    slots: int(terms["slots"]),
    applicationType: text(terms["applicationType"]),
    vettedDigests: (terms["vettedDigests"] as readonly string[]).map((digest) => digest.slice(2)),
  };
}
