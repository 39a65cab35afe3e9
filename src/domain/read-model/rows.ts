import { z } from "zod";

/** A table of the read model: rows of one form under keys that sort as they are read. */
export interface RowTable<T> {
  readonly name: string;
  readonly schema: z.ZodType<T, unknown>;
}

/** Amounts rest as decimal digits, since JSON has no integers of their size. */
const wei = z
  .string()
  .regex(/^-?\d{1,78}$/)
  .transform(BigInt);
const count = z.int().min(0);
const account = z.string().length(42);

/** Where an entry comes from. */
const placeShape = { block: count, timeSeconds: count, transaction: z.string() };

const twinSchema = z.object({ twinId: count, account, version: count });

const workerSchema = z.object({
  workerId: count,
  operator: account,
  twinId: count,
  status: z.enum(["active", "paused", "unregistered"]),
  pricePerBlockWei: wei,
  maxLengthBlocks: count,
  slots: count,
  slotsUsed: count,
  applicationType: z.string(),
  vettedDigests: z.array(z.string()),
  stakeWei: wei,
  lockedWei: wei,
  unbondingWei: wei,
  /** First block in which `unbondingWei` can be withdrawn. */
  releaseBlock: count,
  epochsOk: count,
  epochsUnreachable: count,
  epochsWrong: count,
  agreementsCompleted: count,
  slashedWei: wei,
  /** Tester fees behind the good epochs and behind all, after the cap for each client. */
  weightOkWei: wei,
  weightTotalWei: wei,
  /** Pay of all settled epochs. */
  earnedWei: wei,
  /** Entries of its history. */
  entries: count,
});

/** One thing that happened to a worker. */
const historySchema = z.object({
  ...placeShape,
  workerId: count,
  kind: z.enum([
    "registered",
    "updated",
    "paused",
    "unpaused",
    "unregistered",
    "stake-added",
    "stake-unbonding",
    "stake-withdrawn",
    "assigned",
    "lock-extended",
    "resigned",
    "epoch",
    "appealed",
    "slashed",
    "released",
    "record",
  ]),
  agreement: account.optional(),
  epoch: count.optional(),
  outcome: z.string().optional(),
  amountWei: wei.optional(),
  /** After a record, in basis points. */
  reputation: count.optional(),
});

const seatSchema = z.object({
  workerId: count,
  operator: account,
  pricePerBlockWei: wei,
  /** First epoch that it is not paid for since it left. */
  resignedFrom: count.optional(),
  /** Epochs with a quorum in which it was paid; epochs found unreachable and wrong. */
  epochsOk: count,
  epochsUnreachable: count,
  epochsWrong: count,
});

const agreementSchema = z.object({
  number: count,
  address: account,
  client: account,
  applicationType: z.string(),
  seats: z.array(seatSchema),
  startBlock: count,
  /** First block after the work. */
  endBlock: count,
  epochLength: count,
  testerCount: count,
  testerFeePerEpochWei: wei,
  paidWei: wei,
  /** What of `paidWei` no account was credited with yet. */
  unsettledWei: wei,
  program: z.string().optional(),
  settledEpochs: count,
  terminated: z.boolean(),
  finalized: z.boolean(),
  createdBlock: count,
});

/** An epoch whose testers were drawn, or that is settled. */
const epochSchema = z.object({
  epoch: count,
  /** Accounts of those drawn. */
  testers: z.array(account),
  /** In the order of the agreement's workers; empty until it is settled. */
  outcomes: z.array(z.enum(["pending", "ok", "unreachable", "wrong", "no-quorum", "resigned"])),
  /** Reports that stand. */
  reports: count,
  settledBlock: count.optional(),
});

/** What an epoch is contested by. */
const disputeSchema = z.object({
  appeals: z.array(z.object({ workerIndex: count, appellant: account })),
  challenges: z.array(z.object({ seat: count, workerIndex: count, challenger: account })),
  /** Accounts of the panel's testers who revealed. */
  panel: z.array(account),
  /** Taken so far from those who voted for the outcome whose appeal ends next. */
  chargedWei: wei,
});

const testerSchema = z.object({
  testerId: count,
  account,
  active: z.boolean(),
  feePerEpochWei: wei,
  capacity: count,
  /** All that lies in the registry for it; `unbondingWei` of it is leaving. */
  stakeWei: wei,
  unbondingWei: wei,
  releaseBlock: count,
  /** Fees credited and not withdrawn. */
  creditWei: wei,
  earnedWei: wei,
  penalizedWei: wei,
  reported: count,
  missed: count,
  overturned: count,
});

/** What an account can withdraw from one agreement. */
const creditSchema = z.object({ account, agreement: account, number: count, amountWei: wei });

/** Bonds and rewards that an account can withdraw. */
const bondSchema = z.object({ account, amountWei: wei });
const lockSchema = z.object({ lockWei: wei });

/** Where an account's statement stands. */
const accountSchema = z.object({ account, lines: count, balanceWei: wei, heldWei: wei });

const lineSchema = z.object({
  ...placeShape,
  kind: z.enum([
    "purchase",
    "extension",
    "refund",
    "pay",
    "withdrawal",
    "stake",
    "stake-withdrawal",
    "tester-fee",
    "fee-withdrawal",
    "slash",
    "compensation",
    "penalty",
    "bond",
    "bond-loss",
    "bond-withdrawal",
    "reward",
  ]),
  agreement: account.optional(),
  epoch: count.optional(),
  workerId: count.optional(),
  testerId: count.optional(),
  inWei: wei,
  outWei: wei,
  walletWei: wei,
  balanceWei: wei,
  heldWei: wei,
});

const referenceSchema = z.object({ number: count });
const idSchema = z.object({ id: count });

export type WorkerRow = z.output<typeof workerSchema>;
export type HistoryRow = z.output<typeof historySchema>;
export type SeatRow = z.output<typeof seatSchema>;
export type AgreementRow = z.output<typeof agreementSchema>;
export type EpochRow = z.output<typeof epochSchema>;
export type DisputeRow = z.output<typeof disputeSchema>;
export type TesterRow = z.output<typeof testerSchema>;
export type CreditRow = z.output<typeof creditSchema>;
export type AccountRow = z.output<typeof accountSchema>;
export type LineRow = z.output<typeof lineSchema>;

const table = <T>(name: string, schema: z.ZodType<T, unknown>): RowTable<T> => ({ name, schema });

/** Every table of the read model; keys are made by {@link keys}. */
export const TABLES = {
  twins: table("model-twins", twinSchema),
  twinOf: table("model-twin-of", idSchema),
  workers: table("model-workers", workerSchema),
  workersOf: table("model-workers-of", referenceSchema),
  history: table("model-history", historySchema),
  agreements: table("model-agreements", agreementSchema),
  agreementAt: table("model-agreement-at", referenceSchema),
  agreementsOfWorker: table("model-agreements-of-worker", referenceSchema),
  agreementsOfClient: table("model-agreements-of-client", referenceSchema),
  epochs: table("model-epochs", epochSchema),
  testers: table("model-testers", testerSchema),
  testerOf: table("model-tester-of", idSchema),
  credits: table("model-credits", creditSchema),
  bondCredits: table("model-bond-credits", bondSchema),
  locks: table("model-locks", lockSchema),
  disputes: table("model-disputes", disputeSchema),
  accounts: table("model-accounts", accountSchema),
  lines: table("model-lines", lineSchema),
} as const;

const DIGITS = 12;
const padded = (number: number): string => String(number).padStart(DIGITS, "0");

/** Keys: numbers are padded so that they sort, accounts are in lower case so that there is one of each. */
export const keys = {
  number: padded,
  account: (address: string): string => address.toLowerCase(),
  ofNumber: (owner: number, index: number): string => `${padded(owner)}/${padded(index)}`,
  ofAccount: (owner: string, index: number): string => `${owner.toLowerCase()}/${padded(index)}`,
  pair: (owner: number, address: string): string => `${padded(owner)}/${address.toLowerCase()}`,
} as const;

/** A row as it rests. */
export function encodeRow(row: unknown): Uint8Array {
  const text = JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value));
  return new TextEncoder().encode(text);
}
