// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {GridRegistry} from "../../../contracts/grid/GridRegistry.sol";
import {Twins} from "../../../contracts/identity/Twins.sol";
import {GridRevenue} from "../../../contracts/libraries/GridRevenue.sol";
import {GridState} from "../../../contracts/types/GridState.sol";
import {Prices, PricingPolicy, RevenueShares} from "../../../contracts/types/GridTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

/// @dev Down to single grains, which no deployment earns but the last traffic that a balance pays.
contract GridRevenueTest is SolidityTest {
    using GridRevenue for GridState;

    uint256 private constant POLICY = 1;
    uint256 private constant FARM = 5;
    uint256 private constant NO_FARM = 0;
    address private constant TREASURY = address(0x7EA5);

    GridRegistry private _registry;
    GridState private _state;

    function setUp() external {
        Prices memory prices;
        RevenueShares memory shares = RevenueShares({farm: 5_000, treasury: 2_500, burn: 2_500});
        _registry = new GridRegistry(new Twins(), 3_600, PricingPolicy(prices, shares, TREASURY));
    }

    function testNothingIsLostHoweverLittle() external {
        _state.share(_registry, POLICY, FARM, 1);
        _checkShares(1, 0, 0);
        _state.share(_registry, POLICY, FARM, 4);
        _checkShares(3, 1, 1);
        _state.share(_registry, POLICY, FARM, 7);
        _checkShares(8, 2, 2);
        _state.share(_registry, POLICY, FARM, 0);
        _checkShares(8, 2, 2);
    }

    function testWhatHasNoFarmIsTheTreasurys() external {
        _state.share(_registry, POLICY, NO_FARM, 1);
        _checkShares(0, 1, 0);
        _state.share(_registry, POLICY, NO_FARM, 7);
        _checkShares(0, 7, 1);
        _equal(_state.revenue[NO_FARM], 0, "no farm");
    }

    function testFuzzSharesAddUp(uint128 first, uint128 second) external {
        _state.share(_registry, POLICY, FARM, first);
        _state.share(_registry, POLICY, NO_FARM, second);
        uint256 burnt = uint256(first) / 4 + uint256(second) / 4;
        _checkShares(first - 2 * (uint256(first) / 4), uint256(first) / 4 + second - uint256(second) / 4, burnt);
    }

    function _checkShares(uint256 farm, uint256 treasury, uint256 burnt) private view {
        _equal(_state.revenue[FARM], farm, "farm");
        _equal(_state.treasuries[TREASURY], treasury, "treasury");
        _equal(_state.unburnt, burnt, "burnt");
    }
}
