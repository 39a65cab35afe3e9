/** Whose fault an error is; decides the exit code, the log level and whether trying again makes sense. */
export type Fault = "user" | "peer" | "network" | "program" | "aborted" | "timeout" | "internal";

interface ErrorDescriptor {
  readonly fault: Fault;
  /** One sentence that tells the reader what to do about it. */
  readonly next: string;
}

/**
 * Every error that SPRF throws, by code. Codes are part of the public interface: tests and callers match them, never the
 * message. Sections follow the folders of `src/`.
 */
export const ERRORS = {
  // General
  INVALID_INPUT: { fault: "user", next: "Correct the named field and try again." },
  CONFIG_INVALID: { fault: "user", next: "Correct the named setting; `docs/architecture.md` lists them." },
  ABORTED: { fault: "aborted", next: "Nothing: the caller asked to stop." },
  TIMEOUT: { fault: "timeout", next: "Try again, or allow more time." },
  INTERNAL: { fault: "internal", next: "This is a bug in SPRF; please report it with the log." },

  // Dashboard
  DASHBOARD_UNAVAILABLE: { fault: "user", next: "Install the development packages too: `npm install`." },
  DASHBOARD_BUSY: { fault: "network", next: "Close other pages of the dashboard, or wait." },

  // Store
  STORE_CONFLICT: { fault: "internal", next: "Read the entry again: somebody wrote it first." },
  STORE_UNAVAILABLE: { fault: "internal", next: "Check that the data directory is writable and its disk has room." },
  STORE_IN_USE: { fault: "user", next: "Wait until the other process ends: one account's daemon runs once." },
  DATABASE_UNAVAILABLE: { fault: "network", next: "Check that PostgreSQL is up, and what `DATABASE_URL` says." },
  DATABASE_NEWER: { fault: "user", next: "Run the program's newer version, which has used this database before." },
  STORE_TOO_NEW: { fault: "user", next: "Run the release that wrote it, or a later one; `docs/upgrade.md` says more." },
  STORE_RESTORED: {
    fault: "peer",
    next: "Ask the program's other workers, or ask again once its state has moved; a new payment is answered at once.",
  },
  BACKUP_EXISTS: { fault: "user", next: "Choose another name: nothing is written over." },
  BACKUP_INVALID: { fault: "user", next: "Take another backup: this one is damaged, or none." },
  DIRECTORY_IN_USE: { fault: "user", next: "Wait until the process that is named ends, or choose another folder." },

  // Content
  CONTENT_NOT_FOUND: { fault: "network", next: "Check that a peer that holds the content is connected." },
  CONTENT_CORRUPT: { fault: "peer", next: "The bytes do not match their CID; fetch them from another peer." },
  CONTENT_TOO_LARGE: { fault: "user", next: "Use smaller content, or raise the limit on both sides." },

  KUBO_UNREACHABLE: { fault: "network", next: "Start the Kubo daemon, or correct `content.kuboUrl`." },
  KUBO_REFUSED: { fault: "network", next: "The message has Kubo's own words; its log may say more." },

  // Messages
  MESSAGE_INVALID: { fault: "peer", next: "Nothing: the message was dropped." },
  MESSAGE_TOO_LARGE: { fault: "user", next: "Send large payloads by CID." },
  MESSENGER_UNREACHABLE: { fault: "network", next: "Check that at least one Waku peer is reachable." },
  ADDRESS_NOT_FOUND: { fault: "network", next: "The worker did not answer; try again or choose another worker." },
  PEER_MISMATCH: { fault: "peer", next: "The address answers with another identity; do not use it." },
  PEER_UNREACHABLE: {
    fault: "network",
    next: "Check that the peer is up and that its address is reachable from here.",
  },

  // Engine
  ENGINE_UNAVAILABLE: { fault: "network", next: "Start the engine (for docker: dockerd) or choose another one." },
  PROGRAM_NOT_FOUND: {
    fault: "user",
    next: "Check the program's address and digest, and that its registry or IPFS peer is up.",
  },
  REGISTRY_STALLED: { fault: "network", next: "Check that the registry of the program's image works, then try again." },
  PROGRAM_INVALID: { fault: "user", next: "Build the program anew; the message says what was refused." },
  STATE_REFUSED: { fault: "program", next: "Keep the program's state within its limit, and of regular files only." },
  NON_DETERMINISTIC: {
    fault: "program",
    next: "Make the program depend on its state, input and SPRF_ variables alone: runs of the same came to different results.",
  },
  ENGINE_FAILED: { fault: "internal", next: "The run failed on this worker alone; try again." },

  // Runners
  RUN_LOST: { fault: "internal", next: "Look at the runners' logs: one after the other ended in the middle of it." },
  RESULT_REFUSED: { fault: "peer", next: "Nothing: it was not signed; the runner that sent it is set aside." },
  RUNNER_SET_ASIDE: {
    fault: "user",
    next: "Find out why its results differ from others', then start it with another name or an empty data directory.",
  },

  // Projects: programs that are written here
  PROJECT_INVALID: { fault: "user", next: "Correct sprf.json, or begin with `npx sprf program init`." },
  PROJECT_EXISTS: { fault: "user", next: "Choose a folder that does not exist yet, or that is empty." },
  TOOLCHAIN_MISSING: { fault: "user", next: "Install what the message names, or build the program elsewhere." },
  BUILD_FAILED: { fault: "user", next: "Correct what the tool complains of, and build again." },
  NOT_BUILT: { fault: "user", next: "Build it first: `npx sprf program build`." },
  PUSH_FAILED: { fault: "network", next: "Check that the registry is up, reachable, and takes images from you." },

  // Workloads
  WORKLOAD_NOT_FOUND: { fault: "user", next: "Check the contract and the container's name; `status` lists them." },
  WORKLOAD_IMAGE_NOT_FOUND: {
    fault: "user",
    next: "Check the image's address and digest, and that its registry is reachable from the node.",
  },
  WORKLOAD_PORT_TAKEN: { fault: "user", next: "Publish another port, or end what listens there." },
  WORKLOAD_INVALID: {
    fault: "user",
    next: "Correct the container's command, user, volumes or limits; the message says which.",
  },
  WORKLOAD_UNHEALTHY: { fault: "program", next: "Read the container's log: it started and did not become ready." },

  // Ledger
  LEDGER_UNREACHABLE: {
    fault: "network",
    next: "Check the Stellar RPC endpoint; an execution that was paid for can be resumed.",
  },
  LEDGER_REJECTED: { fault: "user", next: "The result code in the message says which rule refused the transaction." },
  ACCOUNT_NOT_FOUND: { fault: "user", next: "Check the account's address, or fund it first." },
  SMART_ACCOUNT_INVALID: { fault: "user", next: "The account lacks the entries or signers of a smart account." },

  FEE_TOO_LOW: { fault: "user", next: "Allow a higher maxFeeStroops." },
  NOT_ENOUGH_SIGNATURES: { fault: "network", next: "Wait for more workers to answer, or send the request again." },
  TOO_MANY_SIGNATURES: {
    fault: "user",
    next: "Pay from an account that needs fewer signatures: one transaction holds 20, the workers' majority included.",
  },

  // Changes of programs
  PROGRAM_IMMUTABLE: { fault: "user", next: "Nothing: a program without an owner stays as it is." },
  SEQUENCE_MOVED: { fault: "network", next: "Sign it anew for the account's present sequence." },
  WORKER_NOT_BOUND: { fault: "user", next: "Name workers of the agreement, or bind the agreement to the program." },
  PAYOUT_REFUSED: { fault: "user", next: "Wait until the account can spend more; the message says what it pays out." },
  BUMP_REFUSED: { fault: "user", next: "Nothing: the recovery of an account in use is closed anyway." },
  RECOVERY_CLOSED: { fault: "user", next: "Wait until nothing of the account has landed for 30 days." },

  // Batches of prepaid requests
  BATCH_REFUSED: { fault: "peer", next: "Nothing: it was not signed; the message says what was wrong with it." },
  BATCH_PENDING: { fault: "network", next: "Ask again: the request is kept and waits for its turn." },
  INPUT_FAILED: {
    fault: "internal",
    next: "Nothing: the request waits, and is tried again without harm to the others.",
  },

  // Executions
  REQUEST_SIGNATURE_INVALID: { fault: "user", next: "Sign the request with the key of its user." },
  REQUEST_EXPIRED: { fault: "user", next: "Make a new request with a later validUntil." },
  REQUEST_NOT_SERVED: { fault: "user", next: "Ask a worker that the smart account names." },
  REQUEST_STATE_MOVED: { fault: "user", next: "Read the new state and decide whether to ask again." },
  PAYMENT_NOT_FOUND: { fault: "user", next: "Wait until the payment has landed, then send the request again." },
  PAYMENT_INVALID: { fault: "user", next: "Pay the base fee as the message says, with the request's hash as memo." },
  PAYMENT_TOO_LOW: { fault: "user", next: "Pay at least execution_base_fee." },
  PAYMENT_EXPIRED: { fault: "user", next: "Pay again and make a new request." },
  PAYMENT_USED: { fault: "user", next: "Pay again: a payment buys one transition." },
  OVERTAKEN: {
    fault: "user",
    next: "Others were faster each time, which is what the payment bought: make a new request, perhaps when fewer wait.",
  },
  TOO_LATE_TO_LAND: {
    fault: "user",
    next: "Make a new request, and allow a higher maxFeeStroops when ledgers are full: this one can no longer land.",
  },
  FUNDS_TOO_LOW: { fault: "user", next: "Fund the user's account so that it covers maxGas and the fees." },
  OUT_OF_GAS: { fault: "user", next: "Ask again with a larger maxGas. The state has not changed." },
  ANSWER_INVALID: { fault: "peer", next: "Nothing: the answer was not used." },
  RECORD_INVALID: { fault: "peer", next: "Nothing: the record was not used." },
  NO_MAJORITY: { fault: "network", next: "Send the request again; the message says what each worker answered." },
  PROGRAM_REJECTED: { fault: "program", next: "The program refused the input; correct it. The state has not changed." },
  RUN_GIVEN_UP: {
    fault: "program",
    next: "Make a new request with another input: the program comes to no end, or to none that this worker could sign.",
  },
  HISTORY_UNAVAILABLE: {
    fault: "network",
    next: "Reach a peer or an RPC service that still holds the program's history.",
  },
  HISTORY_BROKEN: {
    fault: "peer",
    next: "Nothing: a majority signed a transaction without a record, and nothing can follow it. `sprf audit` names who did.",
  },
  WORKER_BUSY: { fault: "network", next: "Try again in a moment." },
  WORKER_UNREACHABLE: { fault: "network", next: "Ask the other workers; a majority is enough." },

  // Chain
  CHAIN_UNREACHABLE: { fault: "network", next: "Check the Ethereum RPC endpoint." },
  PURCHASE_REJECTED: { fault: "user", next: "Ask for a new quote and send at least that; nothing was bought." },
  NO_MATCH: {
    fault: "user",
    next: "Loosen a condition of the policy, or wait for more workers; the message says how many failed which.",
  },
  CHAIN_REVERTED: { fault: "user", next: "The contract refused the call; the message names its error." },
  CHAIN_FUNDS_TOO_LOW: { fault: "user", next: "Send ether to the account in the message, then try again." },
  CHAIN_TRANSACTION_LOST: {
    fault: "network",
    next: "See whether its effect happened (another transaction of the account may have replaced it), then try again.",
  },
  NOT_REGISTERED: { fault: "user", next: "Register the account first." },

  // Grid
  DEPLOYMENT_INVALID: {
    fault: "user",
    next: "Correct the named part of the workload; `docs/spec` says what it may hold.",
  },

  DEPLOYMENT_DATA_TOO_LARGE: {
    fault: "user",
    next: "Make the workload smaller, or keep its file yourself and put no data on the chain.",
  },
  NODE_REFUSED: { fault: "user", next: "The message says why the node refuses and what to do about it." },
  NODE_SILENT: { fault: "network", next: "Check that the node is up, and try again; nothing is done twice." },
  SECRETS_INVALID: { fault: "peer", next: "Seal the secrets of this very workload to this node's message key." },

  NO_NODE: {
    fault: "user",
    next: "Ask for less, choose another node, or wait until one is free: `npx sprf grid node list` shows them.",
  },
  CONTRACT_UNKNOWN: { fault: "user", next: "Check the contract's number: `npx sprf grid status` lists yours." },
  PRICE_STALE: {
    fault: "network",
    next: "Try again when the feed answers; what runs goes on at the last good price, and can be cancelled.",
  },
  BALANCE_TOO_LOW: { fault: "user", next: "Deposit what the message says (`npx sprf grid deposit`)." },
  WORKLOAD_FILE_INVALID: {
    fault: "user",
    next: "Correct the named lines; `docs/spec/workload-file.md` says what a workload file may hold.",
  },

  // Channels
  CHANNEL_CLOSED: { fault: "user", next: "Nothing: what members own can be claimed from the chain." },
  CHANNEL_CALL_FAILED: { fault: "program", next: "The program refused the call; the message has its reason." },
  CHANNEL_OUTCOME_UNKNOWN: {
    fault: "network",
    next: "Read the program's state: the call may have run, and is not sent again.",
  },
  CHANNEL_HEIGHT_UNKNOWN: { fault: "user", next: "Ask for a height between the last final one and the head." },
  CHANNEL_ROLLED_BACK: { fault: "network", next: "Send the call again: its record was lost with its leader." },
  CHANNEL_SESSION_REQUIRED: { fault: "user", next: "Join the channel first: `state_channel.join`." },
  CHANNEL_READ_DENIED: { fault: "user", next: "Read as a member: this node shows the channel to nobody else." },
  CHANNEL_SUBSCRIBER_SLOW: {
    fault: "user",
    next: "Read faster, and subscribe again from the last height that arrived.",
  },
  CHANNEL_INPUT_INVALID: {
    fault: "peer",
    next: "Nothing: no valid record can hold this input here; nothing was played.",
  },
  CHANNEL_UNDO_MISSING: { fault: "internal", next: "Start again from a snapshot below that height." },
  CHANNEL_SNAPSHOT_INVALID: { fault: "peer", next: "Nothing was loaded; get the snapshot from another member." },
  CHANNEL_UNKNOWN: { fault: "user", next: "Check the channel's number and the hub's address." },
  CHANNEL_FOREIGN_INPUT: { fault: "user", next: "Sign it for this channel, and for its hub and chain." },
  CHANNEL_SIGNATURE_INVALID: {
    fault: "user",
    next: "Sign it with the sender's account, or with a session key that the sender has granted and that has not expired.",
  },
  CHANNEL_NONCE_WRONG: { fault: "user", next: "Sign it again with the nonce that the message names." },
  CHANNEL_CALL_EXPIRED: { fault: "user", next: "Sign it again with a later validUntilMs." },
  CHANNEL_CALL_TOO_LARGE: { fault: "user", next: "Send less data, or ask for less gas; the message names the limit." },
  CHANNEL_STATE_FULL: {
    fault: "network",
    next: "Have the channel's program delete what is over, or use another channel: this one's state may not grow further.",
  },
  CHANNEL_BUSY: { fault: "network", next: "Try again in a moment; nothing was done." },
  CHANNEL_NO_LEADER: {
    fault: "network",
    next: "Try again in a moment: the leader is away or is being replaced. If the call had been taken, its nonce tells.",
  },
  CHANNEL_NOT_MEMBER: { fault: "user", next: "Join the channel first, with this node's signer in the consent." },
  CHANNEL_LOG_INVALID: {
    fault: "internal",
    next: "This node's log does not lead to what it says. Move it away and start again: the other members have it.",
  },
  CHANNEL_UNVERIFIED: {
    fault: "peer",
    next: "Do not use this history: the message says at which height it is wrong. Get that of another member.",
  },
  CHANNEL_SETTLEMENT_FAILED: { fault: "network", next: "Try again: not enough members have voted for it in time." },

  // Index
  EVENTS_MISSING: {
    fault: "network",
    next: "Index anew with --rebuild, from the block of the market's deployment and from a node that keeps all logs.",
  },
  INDEX_INVALID: { fault: "user", next: "Index with `npx sprf indexer`; --rebuild begins anew." },
  INDEX_MOVED: { fault: "network", next: "Read it again: blocks of the chain were replaced meanwhile." },
  REORG_TOO_DEEP: { fault: "network", next: "Index anew with --rebuild: more blocks were replaced than are kept." },

  // Tester
  OWN_TIME_UP: { fault: "internal", next: "Nothing: the tester itself was short of time, so it blames nobody." },

  // Keystore
  NO_KEYS: {
    fault: "user",
    next: "Make some with `npx sprf keys create`, and name them by SPRF_KEYSTORE and SPRF_PASSWORD_FILE.",
  },
  KEYSTORE_EXISTS: { fault: "user", next: "Choose another path, or move the old file away." },
  KEYSTORE_INVALID: { fault: "user", next: "Check the path, or restore the file from its backup." },
  KEYSTORE_WRONG_PASSWORD: { fault: "user", next: "Try another password; it cannot be recovered." },
} as const satisfies Record<string, ErrorDescriptor>;

/** A code of {@link ERRORS}; it stays the same when the wording of a message changes. */
export type ErrorCode = keyof typeof ERRORS;

export interface SprfErrorOptions {
  readonly cause?: unknown;
  /** Values for logs and `--json` output; never secrets. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/**
 * The only error that SPRF throws on purpose.
 *
 * @example
 * throw new SprfError("CONTENT_NOT_FOUND", `no connected peer has ${cid}`, { context: { cid } });
 */
export class SprfError extends Error {
  readonly code: ErrorCode;
  readonly fault: Fault;
  readonly next: string;
  readonly context: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: SprfErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "SprfError";
    this.code = code;
    this.fault = ERRORS[code].fault;
    this.next = ERRORS[code].next;
    this.context = options.context ?? {};
  }
}

/** True when `error` is an {@link SprfError}, with this code if one is given. */
export function isSprfError(error: unknown, code?: ErrorCode): error is SprfError {
  return error instanceof SprfError && (code === undefined || error.code === code);
}

/** The words of whatever was thrown, for messages and logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
