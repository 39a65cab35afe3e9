// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Outcome, TesterView, WorkerView} from "../../../contracts/types/MarketTypes.sol";
import {Checks} from "./Checks.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @dev The market's invariants M1 to M8, see docs/security.md, after any sequence of the handler's actions. One function
/// for M1 to M7, because the runner plays the same sequences again for each invariant function; M8 ends each sequence.
contract MarketInvariants is Checks {
    /// @dev As the runner wants it.
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    /// @dev Of each scripted game.
    uint256 private constant ROUNDS = 16;

    function setUp() external {
        // No chain has a market in its first blocks.
        VM.roll(1_000);
        _handler = new MarketHandler();
    }

    /// @dev Only the handler acts.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev The steps of the play. Those that stand for several others are here in their place.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[20] memory steps = [
            _handler.workerStep.selector,
            _handler.testerStep.selector,
            _handler.purchase.selector,
            _handler.agreementStep.selector,
            _handler.openEpoch.selector,
            _handler.commitEpoch.selector,
            _handler.revealEpoch.selector,
            _handler.appeal.selector,
            _handler.challenge.selector,
            _handler.answer.selector,
            _handler.holdPanel.selector,
            _handler.settle.selector,
            _handler.finalize.selector,
            _handler.withdrawStep.selector,
            _handler.roll.selector,
            _handler.rollFar.selector,
            _handler.playEpoch.selector,
            _handler.playChallenge.selector,
            _handler.playDispute.selector,
            _handler.playEnd.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(_handler);
        targets[0].selectors = new bytes4[](steps.length);
        for (uint256 i = 0; i < steps.length; i++) {
            targets[0].selectors[i] = steps[i];
        }
    }

    function invariantM1ToM7() public view {
        _checkAll();
    }

    /// @dev M8, once a sequence is over: strangers settle and finalize everything, everybody takes what is its own, and
    /// nothing is left but stakes.
    function afterInvariant() public {
        _handler.closeAll();
        invariantM1ToM7();
        _handler.cashOut();
        invariantM1ToM7();
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            _equal(address(_handler.agreements(i)).balance, 0, "M8: nothing is left in an agreement");
        }
        _equal(address(_handler.disputes()).balance, 0, "M8: no bond is left");
        WorkerView[] memory workers = _handler.dispatcher().workers(1, 100);
        for (uint256 i = 0; i < workers.length; i++) {
            _equal(workers[i].locked, 0, "M8: no lock is left");
            _equal(workers[i].slotsUsed, 0, "M8: no slot is left");
        }
        uint256 stakes;
        TesterView[] memory testers = _handler.registry().testers(1, 100);
        for (uint256 i = 0; i < testers.length; i++) {
            _equal(testers[i].duties, 0, "M8: no duty is left");
            stakes += testers[i].stake;
        }
        _equal(address(_handler.registry()).balance, stakes, "M8: no fee is left");
    }

    /// @dev An invariant over nothing proves nothing: each action of the handler goes through within a few rounds. In
    /// three parts, because the runner plays a failed test again step by step, which takes long for a long one.
    function testPlayReachesStakes() external {
        bytes32[13] memory actions = [
            bytes32("registerWorker"),
            "updateWorker",
            "addStake",
            "pauseWorker",
            "unpauseWorker",
            "unregisterWorker",
            "unbondStake",
            "withdrawStake",
            "registerTester",
            "updateTester",
            "unregisterTester",
            "unbondTester",
            "withdrawTester"
        ];
        for (uint256 i = 0; i < ROUNDS; i++) {
            _playStakes(uint256(keccak256(abi.encode("stakes", i))));
        }
        _checkAll();
        for (uint256 i = 0; i < actions.length; i++) {
            _checkDone(actions[i]);
        }
    }

    function testPlayReachesAgreements() external {
        bytes32[18] memory actions = [
            bytes32("buyContract"),
            "buyContractFor",
            "buyContractWith",
            "rejected",
            "bindProgram",
            "extend",
            "terminate",
            "resign",
            "openEpoch",
            "commit",
            "commitMany",
            "reveal",
            "revealMany",
            "miss",
            "settled",
            "finalize",
            "withdraw",
            "withdrawFees"
        ];
        for (uint256 i = 0; i < ROUNDS; i++) {
            _playAgreements(uint256(keccak256(abi.encode("agreements", i))), i);
        }
        afterInvariant();
        for (uint256 i = 0; i < actions.length; i++) {
            _checkDone(actions[i]);
        }
        for (uint256 i = uint256(Outcome.Ok); i <= uint256(Outcome.Resigned); i++) {
            _check(_handler.seen(Outcome(i)) != 0, "every outcome is seen");
        }
    }

    function testPlayReachesDisputes() external {
        bytes32[13] memory actions = [
            bytes32("appeal"),
            "challenge",
            "answerChallenge",
            "openPanel",
            "panelCommit",
            "panelReveal",
            "overturned",
            "upheld",
            "undecided",
            "strike",
            "strikeForMany",
            "slash",
            "withdrawBonds"
        ];
        for (uint256 i = 0; i < ROUNDS; i++) {
            _playDisputes(uint256(keccak256(abi.encode("disputes", i))), i);
        }
        afterInvariant();
        for (uint256 i = 0; i < actions.length; i++) {
            _checkDone(actions[i]);
        }
    }

    function _playStakes(uint256 seed) private {
        _handler.registerWorker(seed);
        _handler.updateWorker(seed);
        _handler.addStake(seed);
        _handler.changeStatus(seed);
        _handler.unbondWorkerStake(seed);
        _handler.updateTester(seed);
        _handler.unbondTesterStake(seed);
        _handler.unregisterTester(seed);
        _handler.registerTester(seed);
        _handler.rollFar(seed);
        _handler.withdrawWorkerStake(seed);
        _handler.withdrawTesterStake(seed);
    }

    function _playAgreements(uint256 seed, uint256 round) private {
        _handler.buyFor(seed);
        _handler.buyWith(seed >> 1);
        _handler.buy(seed >> 2);
        _handler.bindProgram(seed);
        _handler.openEpoch(seed);
        _handler.extend(seed);
        _handler.playEpoch(seed);
        _handler.terminate(seed);
        _handler.resign(seed);
        _handler.playEpoch(seed >> 3);
        _handler.withdrawFees(seed);
        if (round % 2 == 1) _handler.playEnd(seed);
    }

    function _playDisputes(uint256 seed, uint256 round) private {
        _handler.playDispute(seed);
        _handler.playChallenge(seed >> 1);
        _handler.withdrawBonds(seed);
        if (round % 4 == 3) _handler.playEnd(seed);
    }

    function _checkDone(bytes32 action) private view {
        _check(_handler.done(action) != 0, string.concat("never done: ", string(abi.encodePacked(action))));
    }
}
