// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {DiscountLevel, Prices, Resources} from "../types/GridTypes.sol";

/// @title What things cost on the grid
/// @notice Every figure is exact until its one rounding, half up, at the end. Costs are in 1e-7 USD. A *rate* is 2^-20 of
/// 1e-7 USD per hour: rounded, it is off by less than 1e-7 USD in a century.
///
/// Nothing overflows: prices have 32 bits, bytes 64, cores 32, and the factors between the units less than 54; so the price of
/// an hour has at most 160 bits before it is divided, and seconds or the bits of a rate fit beside it.
library Billing {
    using SafeCast for uint256;

    /// @notice A rate of 2^20 is 1e-7 USD per hour.
    uint256 internal constant RATE_BITS = 20;
    /// @notice 2^52 grains are a wei.
    uint256 internal constant GRAIN_BITS = 52;
    uint256 internal constant SECONDS_PER_HOUR = 3600;
    uint256 internal constant HOURS_PER_MONTH = 720;

    // In figures, see UserStreams.
    /// @notice What `computeUnits` counts in one compute unit: eighths of bytes of a GiB.
    uint256 internal constant PARTS_PER_COMPUTE_UNIT = 8 << 30;
    /// @notice What `storageUnits` counts in one storage unit: bytes of hard disk.
    uint256 internal constant PARTS_PER_STORAGE_UNIT = 1200 << 30;

    uint256 private constant GIB = 1 << 30;
    uint256 private constant GB = 1e9;
    uint256 private constant SSD_PER_HARD_DISK = 6;
    uint256 private constant STORAGE_PER_COMPUTE_PARTS = 1200 / 8;
    uint256 private constant PERCENT = 100;

    /// @notice Compute units: min(max(mru / 4, cru / 2), max(mru / 8, cru), max(mru / 2, cru / 4)) with mru in GiB.
    /// @return parts PARTS_PER_COMPUTE_UNIT of them are a unit.
    function computeUnits(uint256 cru, uint256 mru) internal pure returns (uint256 parts) {
        unchecked {
            uint256 cores = cru * GIB;
            // Math.min and Math.max cost three times as much, and every report passes here.
            parts = 2 * mru > 4 * cores ? 2 * mru : 4 * cores;
            uint256 forCores = mru > 8 * cores ? mru : 8 * cores;
            if (forCores < parts) parts = forCores;
            uint256 forMemory = 4 * mru > 2 * cores ? 4 * mru : 2 * cores;
            if (forMemory < parts) parts = forMemory;
        }
    }

    /// @notice Storage units: hru / 1200 + sru / 200, both in GiB.
    /// @return parts PARTS_PER_STORAGE_UNIT of them are a unit.
    function storageUnits(uint256 hru, uint256 sru) internal pure returns (uint256 parts) {
        unchecked {
            return hru + SSD_PER_HARD_DISK * sru;
        }
    }

    /// @notice What resources and public IPs on a node cost for some seconds. A contract on a node that its user rents pays
    /// for its public IPs only: `rentedNode`.
    function nodeCost(
        Prices memory prices,
        Resources memory used,
        uint256 publicIps,
        uint256 duration,
        bool rentedNode
    ) internal pure returns (uint256 cost) {
        uint256 hourly = _publicIpsHourly(prices, publicIps);
        if (!rentedNode) hourly += _resourcesHourly(prices, used);
        return _divide(hourly * duration, PARTS_PER_STORAGE_UNIT * SECONDS_PER_HOUR);
    }

    /// @notice What renting a whole node costs for some seconds.
    function rentCost(
        Prices memory prices,
        Resources memory nodeResources,
        uint256 duration
    ) internal pure returns (uint256 cost) {
        uint256 hourly = _resourcesHourly(prices, nodeResources) * (PERCENT - prices.dedicationDiscountPercent);
        return _divide(hourly * duration, PERCENT * PARTS_PER_STORAGE_UNIT * SECONDS_PER_HOUR);
    }

    /// @notice What `nru` bytes of traffic in a window of some seconds cost.
    function networkCost(Prices memory prices, uint256 nru, uint256 window) internal pure returns (uint256 cost) {
        return _divide(nru * prices.nu * window, GB * SECONDS_PER_HOUR);
    }

    /// @notice What a name costs for some seconds.
    function nameCost(Prices memory prices, uint256 duration) internal pure returns (uint256 cost) {
        return _divide(prices.uniqueName * duration, SECONDS_PER_HOUR);
    }

    /// @notice The rate of a contract on a node, see `nodeCost`. It never falls when a resource or the IPs grow.
    /// @dev Reverts with SafeCastOverflowedUintDowncast when it has more than 64 bits.
    function nodeRate(
        Prices memory prices,
        Resources memory used,
        uint256 publicIps,
        bool rentedNode
    ) internal pure returns (uint64 rate) {
        uint256 hourly = _publicIpsHourly(prices, publicIps);
        unchecked {
            if (!rentedNode) hourly += _resourcesHourly(prices, used);
            hourly <<= RATE_BITS;
        }
        return _divide(hourly, PARTS_PER_STORAGE_UNIT).toUint64();
    }

    /// @notice The rate of a rent contract, see `rentCost`.
    /// @dev Reverts as `nodeRate` does.
    function rentRate(Prices memory prices, Resources memory nodeResources) internal pure returns (uint64 rate) {
        uint256 hourly = _resourcesHourly(prices, nodeResources) * (PERCENT - prices.dedicationDiscountPercent);
        return _divide(hourly << RATE_BITS, PERCENT * PARTS_PER_STORAGE_UNIT).toUint64();
    }

    /// @notice The rate of a name contract.
    function nameRate(Prices memory prices) internal pure returns (uint64 rate) {
        return uint64(uint256(prices.uniqueName) << RATE_BITS);
    }

    /// @notice What `networkCost` is, in 2^-20 of 1e-7 USD: as much as a rate of this number costs in an hour.
    function networkCharge(Prices memory prices, uint256 nru, uint256 window) internal pure returns (uint256 charge) {
        return _divide((nru * prices.nu * window) << RATE_BITS, GB * SECONDS_PER_HOUR);
    }

    /// @notice What an amount that is due for some seconds makes in a month.
    function monthly(uint256 amountDue, uint256 duration) internal pure returns (uint256 due) {
        return _divide(amountDue * SECONDS_PER_HOUR * HOURS_PER_MONTH, duration);
    }

    /// @notice The discount of who has a balance for so many months, both in one unit: 1.5, 3, 6 or 18 are the least of
    /// each level. None when nothing is due.
    function discountLevel(uint256 balance, uint256 monthlyDue) internal pure returns (DiscountLevel level) {
        if (monthlyDue == 0 || 2 * balance < 3 * monthlyDue) return DiscountLevel.None;
        if (balance < 3 * monthlyDue) return DiscountLevel.Default;
        if (balance < 6 * monthlyDue) return DiscountLevel.Bronze;
        return balance < 18 * monthlyDue ? DiscountLevel.Silver : DiscountLevel.Gold;
    }

    /// @notice Percent that a level takes off.
    function discountPercent(DiscountLevel level) internal pure returns (uint256 percent) {
        if (level == DiscountLevel.None) return 0;
        if (level == DiscountLevel.Gold) return 60;
        return 10 + 10 * uint256(level);
    }

    /// @notice What is due of an amount at a level.
    function discounted(uint256 amountDue, DiscountLevel level) internal pure returns (uint256 due) {
        return _divide(amountDue * (PERCENT - discountPercent(level)), PERCENT);
    }

    /// @dev In 1e-7 USD per hour x PARTS_PER_STORAGE_UNIT.
    function _resourcesHourly(Prices memory prices, Resources memory used) private pure returns (uint256) {
        unchecked {
            uint256 compute = computeUnits(used.cru, used.mru) * STORAGE_PER_COMPUTE_PARTS * prices.cu;
            return compute + storageUnits(used.hru, used.sru) * prices.su;
        }
    }

    /// @dev In 1e-7 USD per hour x PARTS_PER_STORAGE_UNIT.
    function _publicIpsHourly(Prices memory prices, uint256 publicIps) private pure returns (uint256) {
        unchecked {
            return publicIps * prices.ipu * PARTS_PER_STORAGE_UNIT;
        }
    }

    /// @dev Half up.
    function _divide(uint256 numerator, uint256 denominator) private pure returns (uint256) {
        return (numerator + denominator / 2) / denominator;
    }
}
