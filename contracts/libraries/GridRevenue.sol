// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IGridContracts} from "../interfaces/IGridContracts.sol";
import {IGridRegistry} from "../interfaces/IGridRegistry.sol";
import {GridState} from "../types/GridState.sol";
import {PricingPolicy} from "../types/GridTypes.sol";

/// @title Who gets what contracts earn
library GridRevenue {
    uint256 private constant ALL_SHARES = 10_000;

    /// @notice Shares what contracts under one policy earned: rounded down for treasury and fire, the rest is the farm's.
    /// Names have no farm: what would be its is the treasury's, which the policy that they are sold by always has.
    function share(
        GridState storage state,
        IGridRegistry registry,
        uint256 pricingPolicyId,
        uint256 farmId,
        uint256 grains
    ) internal {
        if (grains == 0) return;
        PricingPolicy memory policy = registry.pricingPolicy(pricingPolicyId);
        uint256 burnt = (grains * policy.shares.burn) / ALL_SHARES;
        uint256 treasured = (grains * policy.shares.treasury) / ALL_SHARES;
        uint256 farmed = grains - burnt - treasured;
        if (farmId == 0) {
            treasured += farmed;
            farmed = 0;
        }
        if (farmed != 0) state.revenue[farmId] += farmed;
        if (treasured != 0) state.treasuries[policy.treasury] += treasured;
        if (burnt != 0) state.unburnt += burnt;
        emit IGridContracts.RevenueShared(farmId, pricingPolicyId, farmed, treasured, burnt);
    }
}
