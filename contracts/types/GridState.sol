// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContractKind, DeletionCause} from "./GridContractTypes.sol";
import {Resources} from "./GridTypes.sol";

/// @dev All that a user's contracts cost, as one stream: see UserStreams for what the numbers mean. Reports of a user who
/// has funds and no names touch the first two slots only. Seconds have 32 bits: until 2106.
struct UserStream {
    // Slot: rates of contracts on nodes by the number, modulo three, of the interval at whose start they lapse.
    uint56 ring0;
    uint56 ring1;
    uint56 ring2;
    // Rates of names, which do not lapse.
    uint56 steady;
    // Until when everything below is settled.
    uint32 since;
    // Slot: grains, and grains that a node rate of one has cost since the stream began.
    uint136 balance;
    uint96 index;
    // Percent off, or IN_GRACE.
    uint8 level;
    // How many grace periods ended unpaid. What was made in an earlier era is over.
    uint16 era;
    // Slot: the index of the steady rates, brought forward only while there are some; grains due for the grace period.
    uint96 steadyIndex;
    uint152 debt;
    // Slot: what was reached when the balance was used up. It means something in the grace period only.
    uint96 indexAtDepletion;
    uint96 steadyIndexAtDepletion;
    uint32 depletedAt;
    // The index at the start of each interval at which a rate lapsed.
    mapping(uint256 interval => uint256 index) lapsed;
    mapping(uint256 era => EraEnd) eras;
}

/// @dev A grace period that ended unpaid: when, and up to where contracts were paid. One slot.
struct EraEnd {
    uint32 endedAt;
    uint96 index;
    uint96 steadyIndex;
}

/// @dev What a contract costs now. One slot, the only one of a contract that a report writes.
struct Meter {
    uint56 rate;
    // Of the user's stream, up to where this contract was settled.
    uint96 index;
    // By the node's clock: of the newest report, or of the confirmation.
    uint32 reportedAt;
    // The interval at whose start the rate lapses. NEVER_LAPSES for a name.
    uint32 lapse;
}

/// @dev How far a contract got, as far as somebody had to write it down.
enum Phase {
    Created,
    Deployed,
    Closed
}

/// @dev What a contract is. One slot.
struct ContractTerms {
    uint48 userTwinId;
    uint48 nodeId;
    uint24 pricingPolicyId;
    uint32 createdAt;
    uint8 publicIps;
    ContractKind kind;
    Phase phase;
    uint16 era;
    uint64 nruPerHour;
}

/// @dev What is seldom asked of a contract. One slot.
struct ContractPlace {
    uint48 farmId;
    uint40 dataBlock;
    uint40 endedAt;
    DeletionCause cause;
}

/// @dev A contract; five slots. `hash` is the deployment's, or the one of the name.
struct GridContract {
    ContractTerms terms;
    Meter meter;
    Resources limits;
    ContractPlace place;
    bytes32 hash;
}

/// @dev Who uses a node: contracts for deployments that were not closed, and the newest rent contract. One slot.
struct NodeUse {
    uint48 rentContractId;
    uint48 contracts;
}

/// @dev All that the grid's contracts store.
struct GridState {
    uint256 contractCount;
    uint256 unburnt;
    mapping(uint256 twinId => UserStream) streams;
    mapping(uint256 contractId => GridContract) contracts;
    mapping(uint256 contractId => string) names;
    mapping(uint256 nodeId => NodeUse) nodes;
    mapping(uint256 twinId => uint256[] contractIds) contractsOf;
    // By the hash of user, node and deployment, or of a name: the contract that holds it or held it last.
    mapping(bytes32 key => uint256 contractId) holders;
    mapping(uint256 farmId => uint256 grains) revenue;
    mapping(address treasury => uint256 grains) treasuries;
}
