// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ContractKind, DeletionCause} from "./GridContractTypes.sol";
import {Resources} from "./GridTypes.sol";

/// @dev All that a user's contracts cost, as one stream: see UserStreams for what the numbers mean. Reports of a user who
/// has funds and no names touch the first two slots only, which are packed by hand: field by field the compiler writes
/// and reads each of them several times. Seconds have 32 bits: until 2106.
struct UserStream {
    // From the lowest bit: three times 56 bits for the rates on nodes by the number, modulo three, of the interval at whose
    // start they lapse; 56 bits for the rates of names, which do not lapse; 32 bits: until when all this is settled.
    uint256 rates;
    // From the lowest bit: 136 bits of balance in grains; 96 bits of index, the grains that a node rate of one has cost since
    // the stream began; 8 bits of discount in percent, or IN_GRACE; 16 bits of era, how many grace periods ended unpaid:
    // what was made in an earlier one is over.
    uint256 funds;
    // Slot: the index of the names' rates, brought forward only while there are some; grains due for the grace period.
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
    // A Meter, see Meters: the only slot of a contract that a report writes.
    uint256 meter;
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
