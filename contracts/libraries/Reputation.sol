// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {WorkerRecord, WorkerReport} from "../types/MarketTypes.sol";

/// @title What a worker's past is worth
library Reputation {
    using SafeCast for uint256;

    uint256 internal constant BASIS_POINTS = 10_000;

    /// @notice Adds an agreement's report. `spent` is the weight that the same client's agreements brought before;
    /// what would go beyond `cap` does not count, good and bad cut alike.
    /// @return used The weight that was counted.
    function add(
        WorkerRecord storage self,
        WorkerReport calldata report,
        uint256 spent,
        uint256 cap
    ) internal returns (uint256 used) {
        self.epochsOk += report.epochsOk;
        self.epochsUnreachable += report.epochsUnreachable;
        self.epochsWrong += report.epochsWrong;
        self.agreementsCompleted++;

        used = Math.min(report.weightTotal, cap - spent);
        if (used == 0) return 0;
        // Rounds down: to the worker's disadvantage by at most one wei of weight.
        self.weightOk += Math.mulDiv(report.weightOk, used, report.weightTotal).toUint128();
        self.weightTotal += used.toUint128();
    }

    /// @notice (ok + prior) / (total + 2 x prior) in basis points.
    function rate(WorkerRecord storage self, uint256 prior) internal view returns (uint256) {
        return ((uint256(self.weightOk) + prior) * BASIS_POINTS) / (uint256(self.weightTotal) + 2 * prior);
    }

    /// @notice ok / (ok + unreachable) in basis points, 10000 without either.
    function uptime(WorkerRecord storage self) internal view returns (uint256) {
        uint256 ok = self.epochsOk;
        uint256 total = ok + self.epochsUnreachable;
        return total == 0 ? BASIS_POINTS : (ok * BASIS_POINTS) / total;
    }
}
