// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {WorkAgreement} from "../../../contracts/market/WorkAgreement.sol";
import {
    AgreementStatus,
    EpochWindows,
    Outcome,
    SeatStatus,
    TesterSeat,
    TesterView,
    WorkerSeat,
    WorkerView
} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @dev The market's invariants M1 to M8, see docs/security.md, after any sequence of the handler's actions.
contract MarketInvariants is SolidityTest {
    MarketHandler private _handler;

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

    /// @dev The handler reaches what the invariants speak of: bought, tested, paid, refused, finalized.
    function testHandlerPlaysTheWholeGame() external {
        uint256[6] memory seen;
        for (uint256 i = 0; i < 6; i++) {
            _handler.buy(i, 0, 40, 1 + 4 * i, 1);
            _handler.playEpoch(i, i);
            if (i != 0) _handler.reveal(i, 0, 4);
            _handler.playEpoch(i, 7 * i);
            _handler.reveal(i, 1, 4);
            _handler.rollFar(90);
            for (uint256 j = 0; j < _handler.ACTORS(); j++) {
                _handler.settle(i, 1);
                _handler.withdraw(i, j);
                invariantM1ToM7();
            }
            WorkAgreement agreement = _handler.agreements(i);
            for (uint256 epoch = 0; epoch < 2; epoch++) {
                Outcome[] memory outcomes = agreement.outcomesOf(epoch);
                for (uint256 j = 0; j < outcomes.length; j++) {
                    seen[uint256(outcomes[j])]++;
                }
            }
            if (_handler.paidOut(address(agreement)) != 0) seen[5]++;
            _handler.finalize(i);
            _check(agreement.status() == AgreementStatus.Finalized, "finalized");
        }
        for (uint256 i = 1; i < seen.length; i++) {
            _check(seen[i] != 0, "every outcome and a payment were seen");
        }
    }

    /// @dev M1: an agreement holds at least what it still owes; here, exactly that.
    function _m1BalanceCoversDebts() private view {
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            WorkAgreement agreement = _handler.agreements(i);
            _equal(address(agreement).balance, _owed(agreement), "M1");
        }
    }

    /// @dev M2: paid out plus still owed is what was paid in, to the wei.
    function _m2NothingIsLostOrMade() private view {
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            WorkAgreement agreement = _handler.agreements(i);
            uint256 out = _handler.paidOut(address(agreement));
            _equal(out + _owed(agreement), _handler.paidIn(address(agreement)), "M2");
        }
    }

    /// @dev M3: a worker has earned the blocks of its paid epochs and no other, a tester its revealed epochs, recomputed
    /// from the outcomes.
    function _m3NoPayAgainstAVerdict() private view {
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            WorkAgreement agreement = _handler.agreements(i);
            for (uint256 j = 0; j < _handler.ACTORS(); j++) {
                address account = _handler.actors(j);
                uint256 got = agreement.creditOf(account) + _handler.withdrawn(address(agreement), account);
                _equal(got, _due(agreement, account), "M3");
            }
        }
    }

    /// @dev M4: no account's action lowered what another could withdraw.
    function _m4CreditsNeverFall() private view {
        _check(!_handler.creditFell(), "M4");
    }

    /// @dev M5: an agreement's state only moves forward.
    function _m5StatesMoveForward() private view {
        _check(!_handler.stateWentBack(), "M5");
    }

    /// @dev M6: a worker never serves more agreements than it has slots.
    function _m6Slots() private view {
        for (uint256 id = 1; id <= _handler.dispatcher().workerCount(); id++) {
            WorkerView memory worker = _handler.dispatcher().worker(id);
            _check(worker.slotsUsed <= worker.slots, "M6");
            uint256 serving;
            for (uint256 i = 0; i < _handler.agreementCount(); i++) {
                if (_serves(_handler.agreements(i), id)) serving++;
            }
            _equal(worker.slotsUsed, serving, "M6: slots in use");
        }
    }

    /// @dev M7: locks never exceed the stake, and all stake is there.
    function _m7StakeIsThere() private view {
        uint256 total;
        for (uint256 id = 1; id <= _handler.dispatcher().workerCount(); id++) {
            WorkerView memory worker = _handler.dispatcher().worker(id);
            _check(worker.locked <= worker.stake, "M7: locks");
            _equal(worker.locked, _locksOf(id), "M7: sum of locks");
            total += uint256(worker.stake) + worker.unbonding;
        }
        _equal(address(_handler.dispatcher()).balance, total, "M7: workers' stake");
        total = 0;
        for (uint256 id = 1; id <= _handler.registry().testerCount(); id++) {
            TesterView memory tester = _handler.registry().tester(id);
            _check(tester.setAside <= tester.stake, "M7: set aside");
            _check(tester.unbonding <= tester.stake, "M7: unbonding");
            _equal(tester.setAside, uint256(tester.duties) * 0.01 ether, "M7: a stake for each duty");
            total += tester.stake;
        }
        _equal(address(_handler.registry()).balance, total, "M7: testers' stake");
    }

    /// @dev M1 to M7 in one campaign, since each invariant function plays its own.
    function invariantM1ToM7() public view {
        _m1BalanceCoversDebts();
        _m2NothingIsLostOrMade();
        _m3NoPayAgainstAVerdict();
        _m4CreditsNeverFall();
        _m5StatesMoveForward();
        _m6Slots();
        _m7StakeIsThere();
    }

    /// @dev M8: a stranger can settle and finalize every agreement, and then everybody can take out all there is. What
    /// an invariant does to the state is undone after it.
    function invariantM8EverythingEnds() external {
        VM.roll(block.number + 10_000);
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            WorkAgreement agreement = _handler.agreements(i);
            if (agreement.status() == AgreementStatus.Finalized) continue;
            uint256 count = agreement.epochCount();
            while (agreement.settledEpochs() < count) {
                _equal(agreement.settle(1), 1, "M8: a step settles an epoch");
            }
            agreement.finalize();
            for (uint256 j = 0; j < _handler.ACTORS(); j++) {
                address account = _handler.actors(j);
                if (agreement.creditOf(account) == 0) continue;
                VM.prank(account);
                agreement.withdraw();
            }
            _equal(address(agreement).balance, 0, "M8: nothing is left");
        }
        for (uint256 id = 1; id <= _handler.dispatcher().workerCount(); id++) {
            _equal(_handler.dispatcher().worker(id).locked, 0, "M8: no lock is left");
            _equal(_handler.dispatcher().worker(id).slotsUsed, 0, "M8: no slot is left");
        }
        for (uint256 id = 1; id <= _handler.registry().testerCount(); id++) {
            _equal(_handler.registry().tester(id).duties, 0, "M8: no duty is left");
        }
    }

    function _owed(WorkAgreement agreement) private view returns (uint256 owed) {
        owed = agreement.unsettled();
        for (uint256 j = 0; j < _handler.ACTORS(); j++) {
            owed += agreement.creditOf(_handler.actors(j));
        }
    }

    /// @dev What the settled epochs owe an account, counted a second time.
    function _due(WorkAgreement agreement, address account) private view returns (uint256 due) {
        WorkerSeat[] memory seats = agreement.workerSeats();
        for (uint256 epoch = 0; epoch < agreement.settledEpochs(); epoch++) {
            Outcome[] memory outcomes = agreement.outcomesOf(epoch);
            EpochWindows memory windows = agreement.windowsOf(epoch);
            uint256 refund;
            for (uint256 i = 0; i < seats.length; i++) {
                uint256 pay = (windows.to + 1 - windows.from) * seats[i].pricePerBlock;
                bool paid = outcomes[i] == Outcome.Ok || outcomes[i] == Outcome.NoQuorum;
                if (!paid) refund += pay;
                else if (seats[i].operator == account) due += pay;
            }
            uint256 reveals;
            TesterSeat[] memory panel = agreement.seatsOf(epoch);
            for (uint256 i = 0; i < panel.length; i++) {
                if (panel[i].status != SeatStatus.Revealed) continue;
                reveals++;
                if (panel[i].tester == account) due += agreement.testerFeePerEpoch();
            }
            refund += (agreement.testerCount() - reveals) * agreement.testerFeePerEpoch();
            if (agreement.client() == account) due += refund;
        }
    }

    function _serves(WorkAgreement agreement, uint256 workerId) private view returns (bool) {
        if (agreement.status() == AgreementStatus.Finalized) return false;
        uint256[] memory ids = agreement.workers();
        for (uint256 i = 0; i < ids.length; i++) {
            if (ids[i] == workerId) return true;
        }
        return false;
    }

    function _locksOf(uint256 workerId) private view returns (uint256 locks) {
        for (uint256 i = 0; i < _handler.agreementCount(); i++) {
            WorkAgreement agreement = _handler.agreements(i);
            if (!_serves(agreement, workerId)) continue;
            WorkerSeat[] memory seats = agreement.workerSeats();
            for (uint256 j = 0; j < seats.length; j++) {
                if (seats[j].workerId != workerId) continue;
                locks += _handler.dispatcher().lockFor(seats[j].pricePerBlock, agreement.end() - agreement.start());
            }
        }
    }
}
