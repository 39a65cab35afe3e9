// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IGridQuotes} from "../interfaces/IGridQuotes.sol";
import {IGridRegistry} from "../interfaces/IGridRegistry.sol";
import {Billing} from "../libraries/Billing.sol";
import {DiscountLevel, Resources} from "../types/GridTypes.sol";

/// @title What things will cost on the grid, see {IGridQuotes}
contract GridQuotes is IGridQuotes {
    IGridRegistry private immutable REGISTRY;

    constructor(IGridRegistry registry) {
        REGISTRY = registry;
    }

    /// @inheritdoc IGridQuotes
    function node(
        uint256 pricingPolicyId,
        Resources calldata used,
        uint32 publicIps,
        uint40 duration,
        bool rentedNode
    ) external view returns (uint256 cost) {
        return Billing.nodeCost(REGISTRY.pricesOf(pricingPolicyId), used, publicIps, duration, rentedNode);
    }

    /// @inheritdoc IGridQuotes
    function rent(
        uint256 pricingPolicyId,
        Resources calldata resources,
        uint40 duration
    ) external view returns (uint256 cost) {
        return Billing.rentCost(REGISTRY.pricesOf(pricingPolicyId), resources, duration);
    }

    /// @inheritdoc IGridQuotes
    function network(uint256 pricingPolicyId, uint64 nru, uint40 window) external view returns (uint256 cost) {
        return Billing.networkCost(REGISTRY.pricesOf(pricingPolicyId), nru, window);
    }

    /// @inheritdoc IGridQuotes
    function name(uint256 pricingPolicyId, uint40 duration) external view returns (uint256 cost) {
        return Billing.nameCost(REGISTRY.pricesOf(pricingPolicyId), duration);
    }

    /// @inheritdoc IGridQuotes
    function computeUnits(uint32 cru, uint64 mru) external pure returns (uint256 numerator, uint256 denominator) {
        return (Billing.computeUnits(cru, mru), Billing.PARTS_PER_COMPUTE_UNIT);
    }

    /// @inheritdoc IGridQuotes
    function storageUnits(uint64 hru, uint64 sru) external pure returns (uint256 numerator, uint256 denominator) {
        return (Billing.storageUnits(hru, sru), Billing.PARTS_PER_STORAGE_UNIT);
    }

    /// @inheritdoc IGridQuotes
    function discount(
        uint128 amountDue,
        uint40 duration,
        uint128 balance
    ) external pure returns (DiscountLevel level, uint256 due) {
        if (duration == 0) return (DiscountLevel.None, 0);
        level = Billing.discountLevel(balance, Billing.monthly(amountDue, duration));
        due = Billing.discounted(amountDue, level);
    }
}
