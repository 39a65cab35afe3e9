// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {PublicIp, Resources} from "./GridTypes.sol";

/// @dev What a contract buys.
enum ContractKind {
    // A deployment on a node: pays for what it uses, within its limits.
    Node,
    // A whole node for one user.
    Rent,
    // A name that nobody else may hold.
    Name
}

/// @dev Where a contract stands. It follows from the time, whoever settled what.
enum ContractState {
    // The node has not confirmed it yet; its public IPs are reserved and billed.
    Created,
    // It runs.
    Deployed,
    // Its user ran out of funds: the node keeps the data and serves nothing.
    GracePeriod,
    // It is over, see DeletionCause.
    Deleted
}

/// @dev Why a contract is over.
enum DeletionCause {
    None,
    // The user cancelled it.
    ByUser,
    // The node cancelled it.
    ByNode,
    // The grace period ended before the user paid.
    OutOfFunds,
    // The node did not confirm it in time.
    Expired,
    // The node was deleted.
    NodeRetired
}

/// @dev How a report of one contract ended.
enum ReportOutcome {
    // It counts.
    Accepted,
    // The contract's user is out of funds: it says no more than that the data is kept.
    Kept,
    // No contract has this id, or it is not one of the reporting node.
    Foreign,
    // The contract is over.
    Over,
    // The node has not confirmed the deployment.
    NotDeployed,
    // Its time is not after the last report's, or the confirmation's.
    NotNewer,
    // Its time is still to come.
    FromTheFuture,
    // The contract's user is out of funds, and the contract was not reported for two whole intervals since.
    OutOfFunds,
    // The user's rates would add up to more than a stream holds (MAX_TOTAL_RATE).
    RateTooHigh
}

/// @dev The most that a contract may be billed for. `nruPerHour` in bytes.
struct Limits {
    Resources resources;
    uint64 nruPerHour;
}

/// @dev What a node says that a contract uses: cores and bytes now, and `nru` bytes of traffic since the last report.
/// `timestamp` in seconds since 1970, by the node's clock. As wide as the wire has it: absurd values are clipped.
struct Consumption {
    uint256 contractId;
    uint64 timestamp;
    uint64 cru;
    uint64 sru;
    uint64 hru;
    uint64 mru;
    uint64 nru;
}

/// @dev A contract as it stands now.
struct ContractView {
    uint256 contractId;
    ContractKind kind;
    ContractState state;
    DeletionCause cause;
    uint256 userTwinId;
    // 0 for a name.
    uint256 nodeId;
    uint256 farmId;
    uint256 pricingPolicyId;
    bytes32 deploymentHash;
    // Empty unless it is a name contract's.
    string name;
    Limits limits;
    // How many, and which of them are reserved now.
    uint256 publicIpCount;
    PublicIp[] publicIps;
    // The rent contract under which it pays for IPs and traffic alone; 0 when there is none.
    uint256 rentContractId;
    // Seconds since 1970. `endsAt` is the end that is known by now, of a contract that is over or will be; 0 when none is.
    uint256 createdAt;
    uint256 endsAt;
    uint256 reportedAt;
    // When its bill stops unless the node reports before; 0 when no bill runs.
    uint256 billedUntil;
    // Of the last report, in 2^-20 of 1e-7 USD per hour.
    uint256 rate;
    // Grains that it cost and that nobody settled yet.
    uint256 unsettledGrains;
    // The block whose `DeploymentData` event holds the user's data.
    uint256 dataBlock;
    // Whether `close` or a cancellation freed what it held.
    bool isClosed;
}

/// @dev A user's money as it stands now. Amounts in wei, rounded down.
struct AccountView {
    uint256 balance;
    uint256 balanceGrains;
    // In 2^-20 of 1e-7 USD per hour before discounts: of what runs on nodes, and of names.
    uint256 nodeRate;
    uint256 nameRate;
    // Percent off the node rate until the end of this interval.
    uint256 discountPercent;
    // What the present second costs; a second of the grace period when that is where the user is.
    uint256 grainsPerSecond;
    // When the balance was used up, or will be if all goes on as it does now; NEVER (2^40 - 1) if it never will.
    uint256 fundedUntil;
    // Whether the user is out of funds, until when the contracts are kept, and what it takes to come back.
    bool isInGrace;
    uint256 graceUntil;
    uint256 recoveryCost;
}
