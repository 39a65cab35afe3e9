// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {DisputeActions} from "./DisputeActions.sol";
import {TesterActions} from "./TesterActions.sol";

/// @dev How agreements come to their money's end, by anyone, and everybody to its own.
abstract contract SettlingActions is DisputeActions, TesterActions {
    function settle(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (found) _settle(agreement, 1 + (_roll(seed, "epochs") % 9));
    }

    function finalize(uint256 seed) external {
        (bool found, WorkAgreement agreement) = _live(seed);
        if (found) _finalize(agreement);
    }

    /// @dev One of the ways to one's own.
    function withdrawStep(uint256 seed) external {
        if (_isOne(seed, "what", 3)) withdrawBonds(seed);
        else withdraw(seed);
    }

    function withdraw(uint256 seed) public {
        if (agreements.length == 0) return;
        WorkAgreement agreement = agreements[_roll(seed, "agreement") % agreements.length];
        _withdraw(agreement, agreement.client());
        _withdraw(agreement, _actor(_roll(seed, "actor")));
    }

    function withdrawBonds(uint256 seed) public {
        _withdrawBonds(_actor(_roll(seed, "actor")));
    }

    function _settle(WorkAgreement agreement, uint256 maxEpochs) internal judging("settle") returns (uint256) {
        uint256 before = agreement.settledEpochs();
        bytes memory data = abi.encodeCall(agreement.settle, (maxEpochs));
        (bool ok, bytes memory result) = _act("settle", msg.sender, address(agreement), 0, data);
        _check(ok, "M8: anyone can settle at any time");
        uint256 settled = abi.decode(result, (uint256));
        _equal(agreement.settledEpochs() - before, settled, "M8: settle says what it did");
        if (settled != 0) done["settled"]++;
        _modelSettled(agreement, before, before + settled);
        return settled;
    }

    function _finalize(WorkAgreement agreement) internal judging("finalize") returns (bool ok) {
        uint256 before = agreement.settledEpochs();
        bytes memory data = abi.encodeCall(agreement.finalize, ());
        (ok, ) = _act("finalize", msg.sender, address(agreement), 0, data);
        if (!ok) return false;
        _modelSettled(agreement, before, agreement.settledEpochs());
        _modelFinalized(agreement);
    }

    function _withdraw(WorkAgreement agreement, address account) internal watched("withdraw", account) {
        bytes memory data = abi.encodeCall(agreement.withdraw, ());
        (bool ok, bytes memory result) = _act("withdraw", account, address(agreement), 0, data);
        if (!ok) return;
        uint256 amount = abi.decode(result, (uint256));
        withdrawn[agreement][account] += amount;
        sentOut += amount;
    }

    function _withdrawBonds(address account) internal watched("withdrawBonds", account) {
        bytes memory data = abi.encodeCall(disputes.withdraw, ());
        (bool ok, bytes memory result) = _act("withdrawBonds", account, address(disputes), 0, data);
        if (!ok) return;
        uint256 amount = abi.decode(result, (uint256));
        bonds[account] -= amount;
        sentOut += amount;
    }
}
