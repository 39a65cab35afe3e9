// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkerStatus, WorkerTerms, WorkerView} from "../../../contracts/types/MarketTypes.sol";
import {Watch} from "./Watch.sol";

/// @dev What workers do with their entries and their stake.
abstract contract WorkerActions is Watch {
    bytes32 internal constant OTHER_TYPE = "other";

    /// @dev One of all these.
    function workerStep(uint256 seed) external {
        uint256 what = _roll(seed, "what") % 6;
        if (what == 0) registerWorker(seed);
        else if (what == 1) updateWorker(seed);
        else if (what == 2) addStake(seed);
        else if (what == 3) changeStatus(seed);
        else if (what == 4) unbondWorkerStake(seed);
        else withdrawWorkerStake(seed);
    }

    function registerWorker(uint256 seed) public {
        _registerWorker(_actor(_roll(seed, "actor")), seed, _isOne(seed, "type", 4) ? OTHER_TYPE : bytes32(0));
    }

    function updateWorker(uint256 seed) public {
        WorkerView memory worker = _someWorker(seed);
        WorkerTerms memory terms = _terms(seed, worker.applicationType);
        uint256 value = _isOne(seed, "add", 2) ? _roll(seed, "value") % 1 ether : 0;
        _stake("updateWorker", worker, value, abi.encodeCall(dispatcher.updateWorker, (worker.workerId, terms)));
    }

    function addStake(uint256 seed) public {
        WorkerView memory worker = _someWorker(seed);
        uint256 value = _roll(seed, "value") % 0.1 ether;
        _stake("addStake", worker, value, abi.encodeCall(dispatcher.addStake, (worker.workerId)));
    }

    /// @dev Leaves for good only once in a while, lest the market runs dry.
    function changeStatus(uint256 seed) public {
        WorkerView memory worker = _someWorker(seed);
        if (worker.status == WorkerStatus.Paused) {
            _stake("unpauseWorker", worker, 0, abi.encodeCall(dispatcher.unpauseWorker, (worker.workerId)));
        } else if (_isOne(seed, "leave", 4)) {
            _stake("unregisterWorker", worker, 0, abi.encodeCall(dispatcher.unregisterWorker, (worker.workerId)));
        } else {
            _stake("pauseWorker", worker, 0, abi.encodeCall(dispatcher.pauseWorker, (worker.workerId)));
        }
    }

    function unbondWorkerStake(uint256 seed) public {
        WorkerView memory worker = _someWorker(seed);
        // Up to all that it has, and sometimes what is locked.
        uint256 amount = _roll(seed, "amount") % (worker.stake + 1);
        if (_isOne(seed, "free", 2)) amount = worker.stake - worker.locked;
        _stake("unbondStake", worker, 0, abi.encodeCall(dispatcher.unbondStake, (worker.workerId, amount)));
    }

    function withdrawWorkerStake(uint256 seed) public {
        WorkerView memory worker = _leavingWorker(_someWorker(seed));
        bool ok = _stake("withdrawStake", worker, 0, abi.encodeCall(dispatcher.withdrawStake, (worker.workerId)));
        if (!ok) return;
        stakeOfWorker[worker.workerId] -= worker.unbonding;
        sentOut += worker.unbonding;
    }

    function _registerWorker(
        address operator,
        uint256 seed,
        bytes32 applicationType
    ) internal watched("registerWorker", operator) {
        WorkerTerms memory terms = _terms(seed, applicationType);
        uint256 value = terms.slots * _lockOf(terms.pricePerBlock, terms.maxLength) + (_roll(seed, "more") % 1 ether);
        bytes memory data = abi.encodeCall(dispatcher.registerWorker, (terms));
        (bool ok, bytes memory result) = _act("registerWorker", operator, address(dispatcher), value, data);
        if (!ok) return;
        stakeOfWorker[abi.decode(result, (uint256))] = value;
        sentIn += value;
    }

    function _stake(
        bytes32 action,
        WorkerView memory worker,
        uint256 value,
        bytes memory data
    ) private watched(action, worker.operator) returns (bool ok) {
        (ok, ) = _act(action, worker.operator, address(dispatcher), value, data);
        if (!ok) return false;
        stakeOfWorker[worker.workerId] += value;
        sentIn += value;
    }

    function _someWorker(uint256 seed) private view returns (WorkerView memory) {
        return dispatcher.worker(1 + (_roll(seed, "worker") % dispatcher.workerCount()));
    }

    /// @dev The first one after this whose stake is leaving, or this.
    function _leavingWorker(WorkerView memory worker) private view returns (WorkerView memory) {
        uint256 count = dispatcher.workerCount();
        for (uint256 i = 0; i < count; i++) {
            WorkerView memory other = dispatcher.worker(1 + ((worker.workerId + i) % count));
            if (other.unbonding != 0 && block.number >= other.releaseBlock) return other;
        }
        return worker;
    }

    function _terms(uint256 seed, bytes32 applicationType) private pure returns (WorkerTerms memory terms) {
        terms.pricePerBlock = uint96(1 + (_roll(seed, "price") % 1_000 gwei));
        terms.maxLength = uint32(100 + (_roll(seed, "length") % 501));
        terms.slots = uint16(1 + (_roll(seed, "slots") % 3));
        terms.applicationType = applicationType;
    }
}
