// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {Checks} from "../invariant/Checks.sol";
import {MarketHandler} from "../invariant/MarketHandler.sol";

contract DisputesTest is Checks {
    function setUp() external {
        VM.roll(1_000);
        _handler = new MarketHandler();
    }

    /// @dev Random votes, appeals, panels, challenges and answers: what bonds, overturned testers and misses put in is
    /// paid out, burnt or owed, to the wei, and each account gets what the rules give it, worked out a second time.
    function testFuzzPayouts(uint256 seed) external {
        for (uint256 i = 0; i < 3; i++) {
            _handler.buyFor(uint256(keccak256(abi.encode(seed, i))));
        }
        for (uint256 i = 0; i < 3; i++) {
            _handler.playDispute(uint256(keccak256(abi.encode(seed, "dispute", i))));
            _checkAll();
        }
        _handler.closeAll();
        _handler.cashOut();
        _checkAll();
        _equal(address(_handler.disputes()).balance, 0, "nobody leaves anything behind");
    }

    /// @dev A panel's bond is what the panel costs at most, whatever the agreement pays its testers.
    function testFuzzBond(uint256 seed) external {
        _handler.buyFor(seed);
        if (_handler.agreementCount() == 0) return;
        WorkAgreement agreement = _handler.agreements(0);
        uint256 seats = 2 * uint256(agreement.terms().testerCount) + 1;
        uint256 bond = _handler.disputes().bondOf(address(agreement));
        _equal(bond, seats * agreement.terms().testerFeePerEpoch, "bond");
        // The stake of one duty covers a panel for each of twenty workers, and a miss besides.
        uint256 dutyStake = _handler.registry().settings().dutyStake;
        _check(20 * bond + _handler.registry().missPenalty() <= dutyStake, "a duty's stake is enough");
    }
}
