// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Watch} from "./Watch.sol";

/// @dev What testers do with their place in the registry, their stake and their fees.
abstract contract TesterActions is Watch {
    /// @dev One of all these.
    function testerStep(uint256 seed) external {
        uint256 what = _roll(seed, "what") % 6;
        if (what == 0) registerTester(seed);
        else if (what == 1) updateTester(seed);
        else if (what == 2) unregisterTester(seed);
        else if (what == 3) unbondTesterStake(seed);
        else if (what == 4) withdrawTesterStake(seed);
        else withdrawFees(seed);
    }

    function registerTester(uint256 seed) public {
        _registerTester(_actor(_roll(seed, "actor")), seed);
    }

    function updateTester(uint256 seed) public {
        address account = _actor(_roll(seed, "actor"));
        uint256 value = _isOne(seed, "add", 2) ? _roll(seed, "value") % (4 * DUTY_STAKE) : 0;
        uint16 capacity = uint16(_roll(seed, "capacity") % 8);
        bytes memory data = abi.encodeCall(registry.updateTester, (_fee(seed), capacity));
        _stakeTester("updateTester", account, value, data);
    }

    /// @dev Leaves, mostly in the middle of a duty, and tries to take its stake as soon as it may.
    function unregisterTester(uint256 seed) public {
        if (!_isOne(seed, "really", 2)) return;
        address account = _actor(_roll(seed, "actor"));
        for (uint256 i = 0; i < ACTORS && duties[account] == 0; i++) {
            account = _actor((_roll(seed, "actor") % ACTORS) + i);
        }
        _stakeTester("unregisterTester", account, 0, abi.encodeCall(registry.unregisterTester, ()));
        if (_isOne(seed, "stay", 2)) return;
        VM.roll(block.number + 8);
        _withdrawTesterStake(account);
    }

    function unbondTesterStake(uint256 seed) public {
        address account = _actor(_roll(seed, "actor"));
        uint256 amount = _roll(seed, "amount") % (3 * DUTY_STAKE);
        _stakeTester("unbondTester", account, 0, abi.encodeCall(registry.unbondStake, (uint128(amount))));
    }

    function withdrawTesterStake(uint256 seed) public {
        uint256 first = _roll(seed, "actor");
        // The first one whose stake is leaving, or any.
        for (uint256 i = 0; i < ACTORS; i++) {
            uint256 testerId = registry.testerOf(actors[((first % ACTORS) + i) % ACTORS]);
            if (testerId == 0 || registry.tester(testerId).unbonding == 0) continue;
            return _withdrawTesterStake(registry.accountOf(testerId));
        }
        _withdrawTesterStake(_actor(first));
    }

    function withdrawFees(uint256 seed) public {
        _withdrawFees(_actor(_roll(seed, "actor")));
    }

    function _withdrawFees(address account) internal watched("withdrawFees", account) {
        bytes memory data = abi.encodeCall(registry.withdrawFees, ());
        (bool ok, bytes memory result) = _act("withdrawFees", account, address(registry), 0, data);
        if (!ok) return;
        uint256 amount = abi.decode(result, (uint256));
        fees[account] -= amount;
        sentOut += amount;
    }

    function _registerTester(address account, uint256 seed) internal {
        uint16 capacity = uint16(1 + (_roll(seed, "capacity") % 6));
        uint256 value = capacity * DUTY_STAKE + (_roll(seed, "more") % DUTY_STAKE);
        bytes memory data = abi.encodeCall(registry.registerTester, (_fee(seed), capacity));
        _stakeTester("registerTester", account, value, data);
    }

    function _withdrawTesterStake(address account) private watched("withdrawTester", account) {
        uint256 before = account.balance;
        bytes memory data = abi.encodeCall(registry.withdrawStake, ());
        (bool ok, ) = _act("withdrawTester", account, address(registry), 0, data);
        if (!ok) return;
        uint256 amount = account.balance - before;
        stakeOfTester[account] -= amount;
        sentOut += amount;
    }

    function _stakeTester(
        bytes32 action,
        address account,
        uint256 value,
        bytes memory data
    ) private watched(action, account) {
        (bool ok, ) = _act(action, account, address(registry), value, data);
        if (!ok) return;
        stakeOfTester[account] += value;
        sentIn += value;
    }

    /// @dev Mostly for less than any agreement pays.
    function _fee(uint256 seed) private view returns (uint96) {
        uint256 most = _isOne(seed, "dear", 4) ? registry.maxFeePerEpoch() : FEE;
        return uint96(_roll(seed, "fee") % (most + 1));
    }
}
