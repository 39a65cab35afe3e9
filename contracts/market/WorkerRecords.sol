// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

import {IWorkerRecords} from "../interfaces/IWorkerRecords.sol";
import {ReputationSettings, WorkerRecord, WorkerReport} from "../types/MarketTypes.sol";

/// @title What is known of the workers' past, see {IWorkerRecords}
contract WorkerRecords is IWorkerRecords {
    /// @dev One slot, but for `slashed`. Weights are gwei, so that they fit: 2^64 gwei are more ether than there is.
    struct Packed {
        uint32 epochsOk;
        uint32 epochsUnreachable;
        uint32 epochsWrong;
        uint32 agreementsCompleted;
        uint64 weightOk;
        uint64 weightTotal;
        uint128 slashed;
    }

    /// @notice Bound of the settings, in wei.
    uint256 public constant MAX_AMOUNT = 1_000_000 ether;

    uint256 private constant BASIS_POINTS = 10_000;
    /// @dev Weights of four workers by one client share a slot.
    uint256 private constant LANE_BITS = 64;
    uint256 private constant LANES = 4;
    uint256 private constant LANE_MASK = (1 << LANE_BITS) - 1;

    uint64 private immutable CAP;
    uint64 private immutable PRIOR;

    address private _dispatcher;
    mapping(uint256 workerId => Packed) private _records;
    /// @dev Weight in gwei that a client's agreements brought into a worker's reputation, up to the cap.
    mapping(address client => mapping(uint256 workerIdByLanes => uint256)) private _clientWeights;

    constructor(ReputationSettings memory settings_) {
        _checkSetting("clientWeightCap", settings_.clientWeightCap);
        _checkSetting("priorWeight", settings_.priorWeight);
        CAP = uint64(settings_.clientWeightCap / 1 gwei);
        PRIOR = uint64(settings_.priorWeight / 1 gwei);
    }

    /// @inheritdoc IWorkerRecords
    function attachDispatcher() external {
        if (_dispatcher != address(0)) revert WorkerRecords_AlreadyAttached(_dispatcher);
        _dispatcher = msg.sender;
        emit RecordDispatcherAttached(msg.sender);
    }

    /// @inheritdoc IWorkerRecords
    function add(address client, WorkerReport calldata report, uint256 slashed) external {
        if (msg.sender != _dispatcher) revert WorkerRecords_NotDispatcher(msg.sender);
        Packed storage self = _records[report.workerId];
        Packed memory record = self;
        record.epochsOk += report.epochsOk;
        record.epochsUnreachable += report.epochsUnreachable;
        record.epochsWrong += report.epochsWrong;
        if (report.completed) record.agreementsCompleted++;

        uint256 total = report.weightTotal / 1 gwei;
        uint256 used = _useWeight(client, report.workerId, total);
        // Good and bad are cut alike; rounds down, to the worker's disadvantage by at most one gwei of weight.
        uint256 ok = used == 0 ? 0 : Math.mulDiv(report.weightOk, used, report.weightTotal);
        record.weightOk += uint64(ok);
        record.weightTotal += uint64(used);
        _write(self, record);
        if (slashed != 0) self.slashed += uint128(slashed);
        emit RecordAdded(report.workerId, client, ok * 1 gwei, used * 1 gwei);
    }

    /// @inheritdoc IWorkerRecords
    function reputationOf(uint256 workerId) external view returns (uint256 basisPoints) {
        Packed storage self = _records[workerId];
        return ((uint256(self.weightOk) + PRIOR) * BASIS_POINTS) / (uint256(self.weightTotal) + 2 * uint256(PRIOR));
    }

    /// @inheritdoc IWorkerRecords
    function uptimeOf(uint256 workerId) external view returns (uint256 basisPoints) {
        Packed storage self = _records[workerId];
        uint256 ok = self.epochsOk;
        uint256 total = ok + self.epochsUnreachable;
        return total == 0 ? BASIS_POINTS : (ok * BASIS_POINTS) / total;
    }

    /// @inheritdoc IWorkerRecords
    function recordOf(uint256 workerId) external view returns (WorkerRecord memory) {
        Packed memory record = _records[workerId];
        return
            WorkerRecord({
                epochsOk: record.epochsOk,
                epochsUnreachable: record.epochsUnreachable,
                epochsWrong: record.epochsWrong,
                agreementsCompleted: record.agreementsCompleted,
                slashed: record.slashed,
                weightOk: uint128(record.weightOk) * 1 gwei,
                weightTotal: uint128(record.weightTotal) * 1 gwei
            });
    }

    /// @inheritdoc IWorkerRecords
    function settings() external view returns (ReputationSettings memory) {
        return ReputationSettings({clientWeightCap: uint128(CAP) * 1 gwei, priorWeight: uint128(PRIOR) * 1 gwei});
    }

    /// @dev Counts what the client's cap leaves of a weight in gwei.
    function _useWeight(address client, uint256 workerId, uint256 weight) private returns (uint256 used) {
        mapping(uint256 => uint256) storage lanes = _clientWeights[client];
        uint256 word = lanes[workerId / LANES];
        uint256 shift = (workerId % LANES) * LANE_BITS;
        uint256 spent = (word >> shift) & LANE_MASK;
        used = Math.min(weight, CAP - spent);
        // Never carries into the next lane: the sum is at most CAP.
        if (used != 0) lanes[workerId / LANES] = word + (used << shift);
    }

    /// @dev All but `slashed`, which has a slot of its own.
    function _write(Packed storage self, Packed memory record) private {
        self.epochsOk = record.epochsOk;
        self.epochsUnreachable = record.epochsUnreachable;
        self.epochsWrong = record.epochsWrong;
        self.agreementsCompleted = record.agreementsCompleted;
        self.weightOk = record.weightOk;
        self.weightTotal = record.weightTotal;
    }

    function _checkSetting(bytes32 name, uint256 actual) private pure {
        if (actual < 1 gwei || actual > MAX_AMOUNT) {
            revert WorkerRecords_BadSetting(name, 1 gwei, MAX_AMOUNT, actual);
        }
    }
}
