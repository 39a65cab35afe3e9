// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {DiscountLevel, Resources} from "../types/GridTypes.sol";

/// @title What things will cost on the grid, for who wants to know before spending
/// @notice By the figures that contracts are billed by, see Billing: in 1e-7 USD, exact until one rounding, half up. No discount
/// is in it unless it says so.
interface IGridQuotes {
    /// @notice What cores and bytes of memory are in compute units.
    /// @return numerator Over `denominator`: exact.
    function computeUnits(uint32 cru, uint64 mru) external pure returns (uint256 numerator, uint256 denominator);

    /// @notice What bytes of hard disk and SSD are in storage units.
    /// @return numerator Over `denominator`: exact.
    function storageUnits(uint64 hru, uint64 sru) external pure returns (uint256 numerator, uint256 denominator);

    /// @notice What resources and public IPs on a node cost by a policy for some seconds.
    /// @param rentedNode Whether the user rents the node: then only the IPs cost.
    /// @dev Reverts with GridRegistry_UnknownPolicy. So do the following.
    function node(
        uint256 pricingPolicyId,
        Resources calldata used,
        uint32 publicIps,
        uint40 duration,
        bool rentedNode
    ) external view returns (uint256 cost);

    /// @notice What renting a node with these resources costs for some seconds.
    function rent(
        uint256 pricingPolicyId,
        Resources calldata resources,
        uint40 duration
    ) external view returns (uint256 cost);

    /// @notice What `nru` bytes of traffic in a window of some seconds cost.
    function network(uint256 pricingPolicyId, uint64 nru, uint40 window) external view returns (uint256 cost);

    /// @notice What a name costs for some seconds.
    function name(uint256 pricingPolicyId, uint40 duration) external view returns (uint256 cost);

    /// @notice What is due of an amount for some seconds, when the balance that pays it is so much, in the same unit.
    /// @return level The discount that the balance's length gives.
    /// @return due Rounded half up. Zero for no seconds.
    function discount(
        uint128 amountDue,
        uint40 duration,
        uint128 balance
    ) external pure returns (DiscountLevel level, uint256 due);
}
