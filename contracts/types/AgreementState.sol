// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

/// @dev How far an agreement is. One slot.
struct Progress {
    uint16 settledEpochs;
    // Settled epochs with a quorum, and the reports of those.
    uint16 quorumEpochs;
    uint16 reports;
    // Epochs that `terminate` left, 0 when it was not called.
    uint16 terminatedAt;
    // First epoch in which an Ok needs the worker's signed answer. Only for a bound program.
    uint16 boundFrom;
    // Blocks that `extend` added.
    uint32 extension;
    bool finalized;
    uint128 clientCredit;
}

/// @dev What sets one worker apart from the others; zero for a worker that was always good. One slot.
struct WorkerAccount {
    // First epoch without this worker, counted from 1; 0 while it has not resigned. The epoch before, in which it did,
    // is not paid either.
    uint16 leftAt;
    uint16 epochsUnreachable;
    uint16 epochsWrong;
    // Epochs with a quorum in which it was not Ok, and the reports of those.
    uint16 epochsOut;
    uint24 reportsOut;
    // Reports of the epochs after it resigned, and of those in which it was Wrong.
    uint24 reportsWithout;
    uint24 reportsWrong;
    uint32 blocksLost;
}

/// @dev All that an agreement stores. Draws and seats are packed as EpochVerdicts says.
struct AgreementState {
    Progress progress;
    bytes32 program;
    mapping(uint256 epoch => uint256) draws;
    mapping(uint256 epoch => mapping(uint256 seat => uint256)) seats;
    mapping(uint256 workerIndex => WorkerAccount) accounts;
    // Blocks that each worker was paid for, eight workers to a slot.
    uint32[20] withdrawnBlocks;
}
