// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Outcome, SeatStatus, TesterSeat, Verdict} from "../../../contracts/types/MarketTypes.sol";

/// @title The rule of outcomes, written a second time from the specification, over what testers said in clear
library Referee {
    /// @dev A report counts when it was revealed and no challenge took it away.
    function stands(TesterSeat memory seat, uint256 index, uint256 struck) internal pure returns (bool) {
        return seat.status == SeatStatus.Revealed && struck & (1 << index) == 0;
    }

    function reports(TesterSeat[] memory seats, uint256 struck) internal pure returns (uint256 count) {
        for (uint256 i = 0; i < seats.length; i++) {
            if (stands(seats[i], i, struck)) count++;
        }
    }

    /// @param size Seats that there are, filled or not.
    function outcomeFor(
        TesterSeat[] memory seats,
        uint256 struck,
        uint256 size,
        uint256 workerIndex
    ) internal pure returns (Outcome) {
        uint256 wrong;
        uint256 bad;
        for (uint256 i = 0; i < seats.length; i++) {
            if (!stands(seats[i], i, struck)) continue;
            Verdict verdict = seats[i].verdicts[workerIndex];
            if (verdict == Verdict.Wrong) wrong++;
            if (verdict != Verdict.Ok) bad++;
        }
        if (2 * reports(seats, struck) < size) return Outcome.NoQuorum;
        if (2 * wrong > size) return Outcome.Wrong;
        return 2 * bad > size ? Outcome.Unreachable : Outcome.Ok;
    }

    /// @dev Whether a tester's verdict is the one that an outcome names.
    function agrees(TesterSeat memory seat, uint256 workerIndex, Outcome outcome) internal pure returns (bool) {
        if (seat.status != SeatStatus.Revealed) return false;
        Verdict verdict = seat.verdicts[workerIndex];
        if (verdict == Verdict.Ok) return outcome == Outcome.Ok;
        return outcome == (verdict == Verdict.Wrong ? Outcome.Wrong : Outcome.Unreachable);
    }
}
