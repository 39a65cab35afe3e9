// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {AgreementTerms, TesterView, WorkerView} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @dev The invariants M1 to M7, as checks of a market that a handler plays.
abstract contract Checks is SolidityTest {
    address private constant BURN_ADDRESS = 0x000000000000000000000000000000000000dEaD;
    uint256 private constant DUTY_STAKE = 0.01 ether + 5;

    MarketHandler internal _handler;

    function _checkAll() internal view {
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            WorkAgreement agreement = _handler.agreements(i);
            _m1BalanceIsWhatIsOwed(agreement);
            _m2NothingIsLostOrMade(agreement);
            _m3CreditsAreEarned(agreement);
        }
        _m2NothingIsLostOrMadeAnywhere();
        _m3FeesAndBondsAreEarned();
        _m4NobodyRobsAnother();
        _m5StatesMoveForward();
        _m6SlotsAndM7Stakes();
        _m7Duties();
        _check(_handler.panicked() == 0, string(abi.encode("a panic in", _handler.panicked())));
    }

    /// @dev M1: an agreement holds what it still owes; at least that is promised, and here nobody forces ether into it.
    function _m1BalanceIsWhatIsOwed(WorkAgreement agreement) private view {
        uint256 owed = agreement.unsettled();
        for (uint256 i = 0; i < _handler.ACTORS(); i++) {
            owed += agreement.creditOf(_handler.actors(i));
        }
        _equal(address(agreement).balance, owed, "M1: balance");
    }

    /// @dev M2: what came in was earned by somebody, left as fees, or is not settled yet.
    function _m2NothingIsLostOrMade(WorkAgreement agreement) private view {
        uint256 total = _handler.feesPaid(agreement) + agreement.unsettled();
        for (uint256 i = 0; i < _handler.ACTORS(); i++) {
            total += _handler.earned(agreement, _handler.actors(i));
        }
        _equal(total, _handler.received(agreement), "M2: an agreement's money");
    }

    /// @dev M2 over all contracts: what accounts sent in, they took out, or it is burnt, or it is there.
    function _m2NothingIsLostOrMadeAnywhere() private view {
        uint256 held =
            address(_handler.dispatcher()).balance +
                address(_handler.registry()).balance +
                address(_handler.disputes()).balance;
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            held += address(_handler.agreements(i)).balance;
        }
        _equal(BURN_ADDRESS.balance, _handler.burnt(), "M2: what is burnt");
        _equal(held + BURN_ADDRESS.balance + _handler.sentOut(), _handler.sentIn(), "M2: all the money");
    }

    /// @dev M3: everybody was credited with what the verdicts give, worked out a second time: nothing for an epoch with
    /// a verdict against them.
    function _m3CreditsAreEarned(WorkAgreement agreement) private view {
        AgreementTerms memory terms = agreement.terms();
        _m3Credit(agreement, terms.client);
        for (uint256 i = 0; i < terms.workers.length; i++) {
            _m3Credit(agreement, terms.workers[i].operator);
        }
    }

    function _m3Credit(WorkAgreement agreement, address account) private view {
        uint256 credited = agreement.creditOf(account) + _handler.withdrawn(agreement, account);
        _equal(credited, _handler.earned(agreement, account), "M3: credit");
    }

    function _m3FeesAndBondsAreEarned() private view {
        uint256 owed = _handler.openBonds();
        for (uint256 i = 0; i < _handler.ACTORS(); i++) {
            address account = _handler.actors(i);
            uint256 credit = _handler.disputes().creditOf(account);
            _equal(credit, _handler.bonds(account), "M3: bonds and rewards");
            owed += credit;
        }
        _equal(address(_handler.disputes()).balance, owed, "M1: balance of the disputes");
        _check(!_handler.outcomesDiffer(), "M3: outcomes");
    }

    /// @dev M4: no account's action lowered what another has, except through a verdict.
    function _m4NobodyRobsAnother() private view {
        _check(_handler.robbedBy() == 0, string(abi.encodePacked("M4: robbed by ", _handler.robbedBy())));
    }

    /// @dev M5: an agreement's state only moves forward.
    function _m5StatesMoveForward() private view {
        _check(_handler.wentBackBy() == 0, string(abi.encodePacked("M5: went back by ", _handler.wentBackBy())));
    }

    /// @dev M6: a worker serves no more agreements than it has slots. M7: its locks are those of its agreements, never
    /// more than its stake, and all of its stake is there.
    function _m6SlotsAndM7Stakes() private view {
        WorkerView[] memory workers = _handler.dispatcher().workers(1, 100);
        uint256 stakes;
        for (uint256 i = 0; i < workers.length; i++) {
            uint256 id = workers[i].workerId;
            _check(workers[i].slotsUsed <= workers[i].slots, "M6: slots");
            _equal(workers[i].slotsUsed, _handler.serving(id), "M6: slots in use");
            _check(workers[i].locked <= workers[i].stake, "M7: locks");
            _equal(workers[i].locked, _handler.locks(id), "M7: sum of locks");
            _equal(workers[i].stake + workers[i].unbonding, _handler.stakeOfWorker(id), "M7: stake");
            stakes += workers[i].stake + workers[i].unbonding;
        }
        _equal(address(_handler.dispatcher()).balance, stakes, "M1: balance of the dispatcher");
    }

    /// @dev M7 for testers: each duty is backed, nothing is taken from a stake but by a verdict; M3 for their fees.
    function _m7Duties() private view {
        TesterView[] memory testers = _handler.registry().testers(1, 100);
        uint256 owed;
        for (uint256 i = 0; i < testers.length; i++) {
            address account = testers[i].account;
            _check(testers[i].duties * DUTY_STAKE <= testers[i].stake, "M7: a stake for each duty");
            _check(testers[i].unbonding <= testers[i].stake, "M7: unbonding");
            _equal(testers[i].duties, _handler.duties(account), "M7: duties");
            _equal(testers[i].stake, _handler.stakeOfTester(account), "M7: tester's stake");
            _equal(testers[i].credit, _handler.fees(account), "M3: fees");
            owed += uint256(testers[i].stake) + testers[i].credit;
        }
        _equal(address(_handler.registry()).balance, owed, "M1: balance of the registry");
    }
}
