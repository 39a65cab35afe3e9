// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReputationSettings, WorkerRecord, WorkerReport} from "../types/MarketTypes.sol";

/// @title What is known of the workers' past
/// @notice Written by the dispatcher when an agreement is finalized; owned by nobody. Only epochs with a quorum of
/// verdicts count, weighted by the tester fees that were paid for them, and for each worker the weight of one client's
/// agreements is capped: so reputation cannot be bought by buying from oneself.
interface IWorkerRecords {
    event RecordDispatcherAttached(address indexed dispatcher);
    /// @notice An agreement's epochs entered a worker's record; `weightOk` of `weight` wei counted.
    event RecordAdded(uint256 indexed workerId, address indexed client, uint256 weightOk, uint256 weight);

    /// @notice The dispatcher is attached once, by itself, in its constructor.
    error WorkerRecords_AlreadyAttached(address dispatcher);
    /// @notice Only the dispatcher writes records.
    error WorkerRecords_NotDispatcher(address caller);
    /// @notice A constructor number is out of bounds.
    error WorkerRecords_BadSetting(bytes32 name, uint256 min, uint256 max, uint256 actual);

    /// @notice Ties these records to the dispatcher that calls it, for good.
    /// @dev Reverts with _AlreadyAttached.
    function attachDispatcher() external;

    /// @notice Adds what an agreement of this client says of a worker.
    /// @param slashed Wei taken from the worker's lock.
    /// @dev Only the dispatcher (_NotDispatcher).
    function add(address client, WorkerReport calldata report, uint256 slashed) external;

    /// @notice The worker's rate of good epochs in basis points, weighted by tester fees, Laplace-smoothed: 5000 when
    /// nothing is known.
    function reputationOf(uint256 workerId) external view returns (uint256 basisPoints);

    /// @notice ok / (ok + unreachable) epochs in basis points; 10000 when there was neither.
    function uptimeOf(uint256 workerId) external view returns (uint256 basisPoints);

    /// @notice The counts behind `reputationOf` and `uptimeOf`.
    function recordOf(uint256 workerId) external view returns (WorkerRecord memory);

    /// @notice The numbers fixed at deployment.
    function settings() external view returns (ReputationSettings memory);
}
