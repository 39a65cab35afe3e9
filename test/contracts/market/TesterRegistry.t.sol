// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TesterView} from "../../../contracts/types/MarketTypes.sol";
import {Actors} from "../invariant/Actors.sol";

contract TesterRegistryTest is Actors {
    /// @dev Against a count by hand: never more testers than there are for a fee, exactly as many at the end of a class,
    /// and never fewer than all cheaper classes hold.
    function testFuzzAvailableFor(uint256 seed, uint96 rawFee, uint8 rawClass) external {
        for (uint256 i = 0; i < ACTORS; i++) {
            if (!_isOneOf(seed, "absent", i, 5)) _enter(actors[i], _rollOf(seed, "fee", i));
            if (_isOneOf(seed, "change", i, 3)) _change(actors[i], _rollOf(seed, "change", i));
        }
        uint256 highest = registry.maxFeePerEpoch();
        address[] memory excluded = new address[](3);
        for (uint256 i = 0; i < 3; i++) {
            // Distinct ones, and an account that never was a tester.
            excluded[i] = i == 2 ? address(7) : actors[(_roll(seed, "excluded") + i) % ACTORS];
        }
        uint256 fee = rawFee % (highest + 1);
        _check(registry.availableFor(fee, excluded) <= _count(fee, excluded), "never too many");
        uint256 end = highest >> (rawClass % 16);
        _equal(registry.availableFor(end, excluded), _count(end, excluded), "at a class's end");
        // Classes are powers of two, so half a fee lies in a lower one, but for those too small to tell apart.
        if (fee / 2 > highest >> 15) {
            _check(registry.availableFor(fee, excluded) >= _count(fee / 2, excluded), "never too few");
        }
    }

    /// @dev The list holds who is active and not paused, whoever came, changed and went.
    function testFuzzActiveCount(uint256 seed) external {
        uint256 active;
        for (uint256 i = 0; i < ACTORS; i++) {
            _enter(actors[i], _rollOf(seed, "fee", i));
            _change(actors[i], _rollOf(seed, "change", i));
        }
        TesterView[] memory testers = registry.testers(1, ACTORS);
        for (uint256 i = 0; i < testers.length; i++) {
            if (testers[i].active && testers[i].capacity != 0) active++;
        }
        _equal(registry.activeCount(), active, "listed testers");
    }

    function _enter(address account, uint256 roll) private {
        bytes memory data = abi.encodeCall(registry.registerTester, (_fee(roll), uint16(1 + ((roll >> 200) % 3))));
        (bool ok, ) = _act("register", account, address(registry), 3 * DUTY_STAKE, data);
        _check(ok, "registered");
    }

    /// @dev Another fee, a pause, or gone; an account that is no tester fails alone.
    function _change(address account, uint256 roll) private {
        if (roll % 3 == 0)
            _act("unregister", account, address(registry), 0, abi.encodeCall(registry.unregisterTester, ()));
        uint16 capacity = uint16(roll % 3);
        _act(
            "update",
            account,
            address(registry),
            0,
            abi.encodeCall(registry.updateTester, (_fee(roll >> 8), capacity))
        );
    }

    /// @dev All sizes of fees, ends of classes among them.
    function _fee(uint256 roll) private view returns (uint96) {
        uint256 highest = registry.maxFeePerEpoch();
        uint256 most = highest >> ((roll >> 16) % 17);
        return uint96(roll % 4 == 0 ? most : (roll >> 32) % (most + 1));
    }

    function _count(uint256 fee, address[] memory excluded) private view returns (uint256 count) {
        TesterView[] memory testers = registry.testers(1, ACTORS);
        for (uint256 i = 0; i < testers.length; i++) {
            bool isExcluded;
            for (uint256 j = 0; j < excluded.length; j++) {
                if (excluded[j] == testers[i].account) isExcluded = true;
            }
            if (!isExcluded && testers[i].active && testers[i].capacity != 0 && testers[i].feePerEpoch <= fee) count++;
        }
    }
}
