// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev What one tester says of one worker for one epoch. ABI type: uint8.
enum Verdict {
    // The worker answered as the tester's own run did (or, without a bound program, was alive).
    Ok,
    // The worker could not be reached, or nothing that proves a fault was seen.
    Unreachable,
    // The worker signed an answer that the program does not give.
    Wrong
}

/// @dev What an epoch means for one worker, derived from the verdicts of its drawn testers.
enum Outcome {
    // The appeal window of the epoch is not over: what is shown may still change.
    Pending,
    // Paid, and counted as good.
    Ok,
    // Not paid, counted as down time.
    Unreachable,
    // Not paid, counted as a fault.
    Wrong,
    // Fewer than half of the seats revealed (or nobody opened the epoch): paid, but it says nothing about the worker.
    NoQuorum,
    // The worker had resigned before the epoch was over: not paid, and it says nothing about the worker.
    Resigned
}

/// @dev Where an agreement stands. It follows from the block number and the settling cursor and only moves forward.
enum AgreementStatus {
    // Bought, the first block of work is still to come.
    Scheduled,
    // Between `start` and `end`.
    Running,
    // Past `end`, while reveal or appeal windows are still open.
    Reporting,
    // Every window is over; anybody may settle and finalize.
    Due,
    // Reported to the dispatcher; only `withdraw` is left.
    Finalized
}

/// @dev Where a worker's entry stands.
enum WorkerStatus {
    // Never registered.
    None,
    // In the order book whenever it has a free slot.
    Active,
    // Taken out for maintenance by its operator; running agreements go on.
    Paused,
    // Gone for good; running agreements go on.
    Unregistered
}

/// @dev How far a drawn tester got in one epoch.
enum SeatStatus {
    Drawn,
    Committed,
    Revealed
}

/// @dev What a worker offers.
struct WorkerTerms {
    // Wei per block, 1 to 2^96 - 1.
    uint96 pricePerBlock;
    // Blocks, 1 to `settings().maxLength`.
    uint32 maxLength;
    // Agreements served at the same time, 1 to `MAX_SLOTS`.
    uint16 slots;
    // What kind of work; zero is the general market that `buyContract` buys from.
    bytes32 applicationType;
    // Digests (sha-256) of the images that this worker itself has found deterministic; at most `MAX_DIGESTS`.
    bytes32[] vettedDigests;
}

/// @dev Everything readable about a worker. `stake` holds `locked`; `unbonding` is no longer part of `stake`.
struct WorkerView {
    uint256 workerId;
    address operator;
    uint256 twinId;
    WorkerStatus status;
    uint96 pricePerBlock;
    uint32 maxLength;
    uint16 slots;
    uint16 slotsUsed;
    // True while a purchase can draw this worker: active, a slot free, and free stake for it.
    bool listed;
    bytes32 applicationType;
    bytes32[] vettedDigests;
    uint128 stake;
    uint128 locked;
    uint128 unbonding;
    // First block in which `unbonding` may be withdrawn.
    uint64 releaseBlock;
    // Number of the newest agreement that named the worker, 0 when none did. Each agreement's terms have the one before.
    uint32 lastAgreement;
}

/// @dev What is known of a worker's past. Epochs count only when they had a quorum of verdicts.
struct WorkerRecord {
    uint32 epochsOk;
    uint32 epochsUnreachable;
    uint32 epochsWrong;
    uint32 agreementsCompleted;
    // Wei taken from the worker's locks so far.
    uint128 slashed;
    // Tester fees (wei) behind the good epochs and behind all epochs, after the cap per client.
    uint128 weightOk;
    uint128 weightTotal;
}

/// @dev One worker's seat in an agreement, fixed at the purchase.
struct WorkerSeat {
    uint40 workerId;
    uint32 twinId;
    // Number of the worker's agreement before this one, 0 when this is its first.
    uint32 previous;
    address operator;
    uint96 pricePerBlock;
}

/// @dev What the client asks for. Zero in an optional field means "the default" or "no limit".
struct PurchaseRequest {
    bytes32 applicationType;
    // Workers, 1 to 20.
    uint256 redundancy;
    // Blocks of work.
    uint256 length;
    // Wei per block and worker; dearer workers are passed over. Zero: no ceiling.
    uint256 maxPricePerBlock;
    // Basis points; workers whose `reputationOf` is lower are passed over.
    uint256 minReputation;
    // Blocks between the purchase and the first block of work, at most `MAX_START_DELAY`.
    uint256 startAfter;
    // 1, 3, 5 or 7. Zero: 3.
    uint256 testerCount;
    // Wei per tester and epoch; only testers who work for that much are drawn, and there must be enough of them.
    // Zero: `settings().testerFeePerEpoch`.
    uint256 testerFeePerEpoch;
}

/// @dev Terms of an agreement that never change, as packed into its clone.
struct AgreementTerms {
    address client;
    // First block of work.
    uint40 start;
    // Blocks of work that were bought first; `extend` adds to them, `terminate` cuts them.
    uint32 length;
    uint24 epochLength;
    uint24 revealLength;
    uint24 appealLength;
    uint8 testerCount;
    // Place among the dispatcher's agreements, counted from 1.
    uint32 number;
    uint96 testerFeePerEpoch;
    WorkerSeat[] workers;
}

/// @dev Blocks of one epoch's phases; each `to` is the last block in which the action is still taken.
struct EpochWindows {
    // The epoch's own blocks.
    uint256 from;
    uint256 to;
    // `openEpoch` and `commit`; empty (from > to) when the epoch is too short to be tested.
    uint256 commitFrom;
    uint256 commitTo;
    uint256 revealFrom;
    uint256 revealTo;
    // Appeals and challenges.
    uint256 appealFrom;
    uint256 appealTo;
    // First block in which `settle` takes the epoch; later for an epoch that was appealed or challenged.
    uint256 finalFrom;
}

/// @dev Blocks of an appeal panel's phases; each `to` is the last block in which the action is still taken.
struct PanelWindows {
    // Seed of the panel's draw.
    uint256 seedBlock;
    uint256 commitFrom;
    uint256 commitTo;
    uint256 revealFrom;
    uint256 revealTo;
    // First block in which the epoch is final.
    uint256 finalFrom;
}

/// @dev A tester's commitment with its EIP-712 signature, for somebody else to bring: domain {name "SPRF WorkAgreement",
/// version "1", chainId, verifyingContract the agreement}, type `Commit(uint256 epoch,bytes32 commitment)`.
struct SignedCommit {
    // Place among the epoch's testers.
    uint8 seat;
    bytes32 commitment;
    // 65 bytes: r, s, v.
    bytes signature;
}

/// @dev What a tester committed to, for anybody to bring.
struct SeatReveal {
    uint8 seat;
    // Whose commitment it is; another account's does not match.
    address tester;
    // A Verdict in 2 bits for each worker, the first one lowest.
    uint64 verdicts;
    string evidenceCid;
    bytes32 salt;
}

/// @dev A tester's probe but for its version, nonce and program, as wire/execution-request.ts has it.
struct ProbeRequest {
    // Passphrase of the Stellar network.
    string network;
    // `G...`
    string user;
    // Empty when it has a CID.
    bytes input;
    string inputCid;
    uint64 maxGas;
    uint64 validUntil;
    // Empty when it asks for no state.
    string ifState;
}

/// @dev A worker's signed answer to a tester's probe, as wire/execution-answer.ts has it.
struct AnswerProof {
    // Of the nonce: keccak256(abi.encode(agreement, epoch, tester, salt)).
    bytes32 salt;
    ProbeRequest request;
    uint64 sequence;
    string previousState;
    string status;
    string outputCid;
    string newState;
    uint64 gas;
    string recordCid;
    // By the worker's message key, 65 bytes.
    bytes signature;
}

/// @dev One drawn tester of one epoch. `verdicts` is empty until the tester revealed.
struct TesterSeat {
    address tester;
    uint256 testerId;
    SeatStatus status;
    // True when the tester was already full when the epoch was opened: it owes nothing unless it commits.
    bool excused;
    // True when it committed together with others.
    bool grouped;
    Verdict[] verdicts;
}

/// @dev How an appealed or challenged epoch ended.
struct Resolution {
    // One for each worker.
    Outcome[] outcomes;
    // One bit a seat: reports that an unanswered challenge took away.
    uint256 struck;
}

/// @dev One worker's line in an agreement's final report.
struct WorkerReport {
    uint40 workerId;
    uint96 pricePerBlock;
    uint32 epochsOk;
    uint32 epochsUnreachable;
    uint32 epochsWrong;
    // False when it resigned.
    bool completed;
    // Tester fees (wei) paid for the epochs with a quorum: for the good ones, and for all.
    uint128 weightOk;
    uint128 weightTotal;
    // Wei that a slash gives the client, at most: what it paid for this worker and for finding it wrong.
    uint256 clientLoss;
}

/// @dev The market's numbers, fixed at deployment. All are checked against the named bounds of `WorkerDispatcher`.
struct MarketSettings {
    // Blocks.
    uint24 epochLength;
    uint24 revealLength;
    uint24 appealLength;
    // Blocks that stake waits between `unbondStake` and `withdrawStake`.
    uint24 unbondingLength;
    // Blocks; at most MAX_EPOCHS epochs.
    uint32 maxLength;
    // A purchase locks max(minSlotStake, stakeFactor x pricePerBlock x length) of each worker's stake.
    uint8 stakeFactor;
    uint128 minSlotStake;
    // Basis points of a lock that each epoch found Wrong takes.
    uint16 slashShare;
    // Wei per tester and epoch when the client names none.
    uint96 testerFeePerEpoch;
}

/// @dev The numbers of reputation, fixed at deployment.
struct ReputationSettings {
    // Wei of tester fees that one client's agreements can weigh in one worker's reputation.
    uint128 clientWeightCap;
    // Wei of tester fees assumed good, and the same assumed bad, for every worker (Laplace smoothing).
    uint128 priorWeight;
}

/// @dev Everything readable about a tester.
struct TesterView {
    uint256 testerId;
    address account;
    uint256 twinId;
    bool active;
    // Least wei per epoch that the tester works for.
    uint96 feePerEpoch;
    // Duties at once, and how many it has now.
    uint16 capacity;
    uint16 duties;
    // Wei: all that lies in the registry for this tester, of which `setAside` backs its duties and `unbonding` is leaving.
    uint128 stake;
    uint128 setAside;
    uint128 unbonding;
    uint64 releaseBlock;
    // Wei of fees earned and not yet withdrawn.
    uint128 credit;
    // Epochs reported and missed, and verdicts overturned on appeal.
    uint32 revealed;
    uint32 missed;
    uint32 overturned;
}

/// @dev What an agreement, or an appeal, asks the tester registry to draw.
struct DrawRequest {
    address agreement;
    // Its number, by which the registry knows that it is the dispatcher's.
    uint32 number;
    uint256 epoch;
    // 0 for the epoch's testers, 1 for the panel of its appeals.
    uint8 round;
    // The block whose hash seeds the draw; stakes count as of the block before it.
    uint256 seedBlock;
    uint256 testerCount;
    uint256 feePerEpoch;
    // Accounts that must not be drawn: the client and the workers' operators; for a panel, the epoch's testers too.
    address[] excluded;
}

/// @dev The testers' numbers, fixed at deployment.
struct TesterSettings {
    // Wei set aside for each duty while it lasts; a tester stakes at least capacity x dutyStake.
    uint128 dutyStake;
    // Blocks that stake waits between `unbondStake` and `withdrawStake`.
    uint24 unbondingLength;
}
