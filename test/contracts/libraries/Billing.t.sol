// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {Billing} from "../../../contracts/libraries/Billing.sol";
import {DiscountLevel, Prices, Resources} from "../../../contracts/types/GridTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev The costs themselves are compared with an exact model in GridQuotes.test.ts; here is what holds between figures.
contract BillingTest is SolidityTest {
    /// @dev A rate is what 2^20 hours cost, so it has the figures of the cost and its rounding.
    uint256 private constant RATE_SPAN = 3600 << 20;
    uint256 private constant MAX_DURATION = 100 * 365 days;

    /// @dev What rates have to cost, to the last of their units.
    function testFuzzRatesAreCosts(Prices memory prices, Resources memory used, uint16 publicIps) external pure {
        _tame(prices, used);
        for (uint256 i = 0; i < 2; i++) {
            bool rented = i == 1;
            uint256 cost = Billing.nodeCost(prices, used, publicIps, RATE_SPAN, rented);
            _equal(Billing.nodeRate(prices, used, publicIps, rented), cost, "node");
        }
        _equal(Billing.rentRate(prices, used), Billing.rentCost(prices, used, RATE_SPAN), "rent");
        _equal(Billing.nameRate(prices), Billing.nameCost(prices, RATE_SPAN), "name");
    }

    function testFuzzTrafficChargesAreCosts(Prices memory prices, uint64 nru, uint40 window) external pure {
        uint256 charge = Billing.networkCharge(prices, nru, window);
        _equal(charge, Billing.networkCost(prices, nru, uint256(window) << 20), "charge");
        uint256 cost = Billing.networkCost(prices, nru, window);
        _check(charge + (1 << 19) >= cost << 20 && charge <= (cost << 20) + (1 << 19), "charge rounds to the cost");
    }

    /// @dev A rate, however long it runs, is at most 1e-7 USD a century away from the exact price.
    function testFuzzRatesAreAsGoodAsCosts(
        Prices memory prices,
        Resources memory used,
        uint16 publicIps,
        uint40 rawDuration
    ) external pure {
        _tame(prices, used);
        uint256 duration = _bound(rawDuration, 1, MAX_DURATION);
        uint256 cost = Billing.nodeCost(prices, used, publicIps, duration, false);
        uint256 byRate = (uint256(Billing.nodeRate(prices, used, publicIps, false)) * duration) / RATE_SPAN;
        _check(byRate <= cost + 1 && byRate + 1 >= cost, "within one");
    }

    /// @dev So that a contract whose rate was checked at its limits can always be billed.
    function testFuzzNoRateFallsWhenMoreIsUsed(
        Prices memory prices,
        Resources memory used,
        Resources memory more,
        uint16 publicIps
    ) external pure {
        _tame(prices, used);
        Resources memory sum = Resources({
            cru: used.cru + more.cru / 2 ** 16,
            sru: used.sru + more.sru / 2 ** 14,
            hru: used.hru + more.hru / 2 ** 14,
            mru: used.mru + more.mru / 2 ** 14
        });
        uint256 less = Billing.nodeRate(prices, used, publicIps, false);
        _check(Billing.nodeRate(prices, sum, uint256(publicIps) + 1, false) >= less, "not lower");
    }

    /// @dev Each part is rounded by itself, so any cut costs at most one unit more or less.
    function testFuzzTwoPartsCostAsOne(
        Prices memory prices,
        Resources memory used,
        uint32 first,
        uint32 second
    ) external pure {
        uint256 whole = Billing.nodeCost(prices, used, 1, uint256(first) + second, false);
        uint256 parts =
            Billing.nodeCost(prices, used, 1, first, false) + Billing.nodeCost(prices, used, 1, second, false);
        _check(parts <= whole + 1 && whole <= parts + 1, "within one");
    }

    function testFuzzUnitsGrowWithWhatTheyCount(uint32 cru, uint64 mru) external pure {
        uint256 units = Billing.computeUnits(cru, mru);
        _check(units >= mru && units >= (2 * uint256(cru)) << 30, "not less than memory / 8 and cores / 4");
        _check(Billing.computeUnits(uint256(cru) + 1, mru) >= units, "cores");
        _check(Billing.computeUnits(cru, uint256(mru) + 1) >= units, "memory");
        _equal(Billing.computeUnits(uint256(cru) * 2, uint256(mru) * 2), units * 2, "twice is twice");
    }

    function testFuzzStorageIsTheSumOfBoth(uint64 hru, uint64 sru) external pure {
        _equal(Billing.storageUnits(hru, sru) * 200, (uint256(hru) + 6 * uint256(sru)) * 200, "units");
        _equal(Billing.storageUnits(1200 << 30, 0), Billing.PARTS_PER_STORAGE_UNIT, "1,200 GiB of hard disk are one");
        _equal(Billing.storageUnits(0, 200 << 30), Billing.PARTS_PER_STORAGE_UNIT, "200 GiB of SSD are one");
    }

    /// @dev The levels' first balances, and the last ones before them.
    function testFuzzLevelsBeginWhereTheyShould(uint96 rawDue) external pure {
        uint256 due = 2 * uint256(rawDue) + 2;
        _level(due, due + due / 2, DiscountLevel.None, DiscountLevel.Default);
        _level(due, 3 * due, DiscountLevel.Default, DiscountLevel.Bronze);
        _level(due, 6 * due, DiscountLevel.Bronze, DiscountLevel.Silver);
        _level(due, 18 * due, DiscountLevel.Silver, DiscountLevel.Gold);
        _check(Billing.discountLevel(rawDue, 0) == DiscountLevel.None, "nothing due");
    }

    function testLevelsTakeOffWhatTheyShould() external pure {
        uint8[5] memory percents = [0, 20, 30, 40, 60];
        for (uint8 i = 0; i < percents.length; i++) {
            _equal(Billing.discountPercent(DiscountLevel(i)), percents[i], "percent");
            _equal(Billing.discounted(1_000, DiscountLevel(i)), 1_000 - 10 * uint256(percents[i]), "due");
        }
    }

    /// @dev The rounding is to the nearest, and a half goes up.
    function testHalvesAreRoundedUp() external pure {
        Prices memory prices;
        prices.uniqueName = 1;
        _equal(Billing.nameCost(prices, 1_799), 0, "just below a half");
        _equal(Billing.nameCost(prices, 1_800), 1, "a half");
        _equal(Billing.nameCost(prices, 5_399), 1, "just below one and a half");
        _equal(Billing.monthly(1, 3 * 720 * 3600), 0, "a third");
        _equal(Billing.monthly(2, 3 * 720 * 3600), 1, "two thirds");
    }

    function testRatesBeyondTheirBitsAreRefused() external {
        Prices memory prices;
        prices.cu = 305_600;
        prices.su = 194_400;
        Resources memory used = Resources({cru: 1 << 16, sru: 1 << 54, hru: 1 << 54, mru: 1 << 54});
        this.nodeRate(prices, used);
        prices.cu = type(uint32).max;
        used.mru = type(uint64).max;
        used.sru = type(uint64).max;
        used.cru = type(uint32).max;
        try this.nodeRate(prices, used) {
            revert Check_Failed("a rate of more than 64 bits");
        } catch (bytes memory reason) {
            _check(bytes4(reason) == SafeCast.SafeCastOverflowedUintDowncast.selector, "the reason");
        }
    }

    function nodeRate(Prices memory prices, Resources memory used) external pure returns (uint256) {
        return Billing.nodeRate(prices, used, 0, false);
    }

    /// @dev So that rates have their 64 bits, also those of twice as much: prices go to 4.29 USD a unit-hour, sizes to 1 PiB.
    function _tame(Prices memory prices, Resources memory used) private pure {
        prices.cu /= 100;
        prices.su /= 100;
        prices.ipu /= 100;
        prices.dedicationDiscountPercent %= 101;
        used.cru /= 2 ** 16;
        used.sru /= 2 ** 14;
        used.hru /= 2 ** 14;
        used.mru /= 2 ** 14;
    }

    function _level(uint256 due, uint256 least, DiscountLevel before, DiscountLevel from) private pure {
        _check(Billing.discountLevel(least - 1, due) == before, "just below");
        _check(Billing.discountLevel(least, due) == from, "at the least balance");
    }
}
