// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Outcome, SeatStatus, TesterSeat, Verdict} from "../types/MarketTypes.sol";

/// @dev The reveals of an epoch, counted by worker.
struct Tally {
    uint256[] wrong;
    uint256[] unreachable;
    uint256 reveals;
}

/// @title Draws, commitments and verdicts of an epoch, packed
/// @notice A draw is one word: seven tester ids of 30 bits, then one flag a seat for each of `excused`, `revealed`,
/// `dissent` and `grouped`, 3 bits the number of seats, the flags "contested" and "opened". A seat's slot holds its
/// commitment until it is revealed, and then its verdicts, unless they are all Ok: then the slot is freed, and the flag
/// in the draw says it all. Seats that committed together share the slot GROUP.
library EpochVerdicts {
    /// @notice The slot of seats that committed together: the hash of their commitments in the order of their seats.
    uint256 internal constant GROUP = 7;

    /// @dev A billion testers: registering them would fill the chain's blocks for a century.
    uint256 private constant ID_BITS = 30;
    uint256 private constant ID_MASK = (1 << ID_BITS) - 1;
    uint256 private constant EXCUSED_SHIFT = 210;
    uint256 private constant REVEALED_SHIFT = 217;
    uint256 private constant DISSENT_SHIFT = 224;
    uint256 private constant GROUPED_SHIFT = 231;
    uint256 private constant SEATS_MASK = 0x7f;
    uint256 private constant COUNT_SHIFT = 238;
    uint256 private constant COUNT_MASK = 0x7;
    uint256 private constant CONTESTED_FLAG = 1 << 241;
    uint256 private constant OPEN_FLAG = 1 << 242;

    uint256 private constant VERDICT_BITS = 2;
    uint256 private constant VERDICT_MASK = 0x3;
    /// @dev The lower bit of each verdict of up to 32 workers.
    uint256 private constant LOW_BITS = 0x5555555555555555;

    /// @param drawn As the tester registry draws them: the id in the low 32 bits of each.
    function pack(uint256[] memory drawn, uint256 excusedSeats) internal pure returns (uint256 draw) {
        draw = OPEN_FLAG | (drawn.length << COUNT_SHIFT) | (excusedSeats << EXCUSED_SHIFT);
        // At most 7 seats.
        for (uint256 i = 0; i < drawn.length; i++) {
            draw |= uint256(uint32(drawn[i])) << (i * ID_BITS);
        }
    }

    function isOpen(uint256 draw) internal pure returns (bool) {
        return draw & OPEN_FLAG != 0;
    }

    /// @notice Whether the epoch was appealed or challenged.
    function isContested(uint256 draw) internal pure returns (bool) {
        return draw & CONTESTED_FLAG != 0;
    }

    function withContest(uint256 draw) internal pure returns (uint256) {
        return draw | CONTESTED_FLAG;
    }

    function seatCount(uint256 draw) internal pure returns (uint256) {
        return (draw >> COUNT_SHIFT) & COUNT_MASK;
    }

    function testerIdAt(uint256 draw, uint256 seat) internal pure returns (uint32) {
        return uint32((draw >> (seat * ID_BITS)) & ID_MASK);
    }

    function testerIds(uint256 draw) internal pure returns (uint32[] memory ids) {
        ids = new uint32[](seatCount(draw));
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = testerIdAt(draw, i);
        }
    }

    /// @notice One bit a seat, as the next three.
    function excused(uint256 draw) internal pure returns (uint256) {
        return (draw >> EXCUSED_SHIFT) & SEATS_MASK;
    }

    function revealed(uint256 draw) internal pure returns (uint256) {
        return (draw >> REVEALED_SHIFT) & SEATS_MASK;
    }

    function grouped(uint256 draw) internal pure returns (uint256) {
        return (draw >> GROUPED_SHIFT) & SEATS_MASK;
    }

    function withGroup(uint256 draw, uint256 seats) internal pure returns (uint256) {
        return draw | (seats << GROUPED_SHIFT);
    }

    function withBacking(uint256 draw, uint256 seat) internal pure returns (uint256) {
        return draw & ~(1 << (EXCUSED_SHIFT + seat));
    }

    function withReveal(uint256 draw, uint256 seat, bool dissents) internal pure returns (uint256) {
        draw |= 1 << (REVEALED_SHIFT + seat);
        return dissents ? draw | (1 << (DISSENT_SHIFT + seat)) : draw;
    }

    function hasRevealed(uint256 draw, uint256 seat) internal pure returns (bool) {
        return (draw >> (REVEALED_SHIFT + seat)) & 1 == 1;
    }

    function hasDissented(uint256 draw, uint256 seat) internal pure returns (bool) {
        return (draw >> (DISSENT_SHIFT + seat)) & 1 == 1;
    }

    /// @notice Whether every revealed verdict is Ok.
    function isUnanimous(uint256 draw) internal pure returns (bool) {
        return (draw >> DISSENT_SHIFT) & SEATS_MASK == 0;
    }

    function isGrouped(uint256 draw, uint256 seat) internal pure returns (bool) {
        return (grouped(draw) >> seat) & 1 == 1;
    }

    /// @notice How many seats or workers these flags name.
    function countFlags(uint256 flags) internal pure returns (uint256 count) {
        for (; flags != 0; flags &= flags - 1) {
            count++;
        }
    }

    /// @notice Whether a word holds 2 bits for each worker, none of them 3, and nothing more.
    function areVerdicts(uint256 packed, uint256 workerCount) internal pure returns (bool) {
        return packed >> (workerCount * VERDICT_BITS) == 0 && packed & (packed >> 1) & LOW_BITS == 0;
    }

    function unpackVerdicts(uint256 packed, uint256 workerCount) internal pure returns (Verdict[] memory list) {
        list = new Verdict[](workerCount);
        for (uint256 i = 0; i < workerCount; i++) {
            list[i] = verdictAt(packed, i);
        }
    }

    function verdictAt(uint256 packed, uint256 index) internal pure returns (Verdict) {
        return Verdict((packed >> (index * VERDICT_BITS)) & VERDICT_MASK);
    }

    /// @notice Counts the reveals of the seats that are not `struck`.
    function tally(
        uint256 draw,
        mapping(uint256 seat => uint256) storage seats,
        uint256 workerCount,
        uint256 struck
    ) internal view returns (Tally memory result) {
        result = emptyTally(workerCount);
        uint256 count = seatCount(draw);
        for (uint256 seat = 0; seat < count; seat++) {
            if (!hasRevealed(draw, seat) || (struck >> seat) & 1 == 1) continue;
            result.reveals++;
            if (hasDissented(draw, seat)) add(result, seats[seat]);
        }
    }

    /// @notice The same of an epoch's seats as an agreement shows them.
    function tally(
        TesterSeat[] memory seats,
        uint256 workerCount,
        uint256 struck
    ) internal pure returns (Tally memory result) {
        result = emptyTally(workerCount);
        for (uint256 seat = 0; seat < seats.length; seat++) {
            if (seats[seat].status != SeatStatus.Revealed || (struck >> seat) & 1 == 1) continue;
            result.reveals++;
            for (uint256 i = 0; i < workerCount; i++) {
                _add(result, i, seats[seat].verdicts[i]);
            }
        }
    }

    function emptyTally(uint256 workerCount) internal pure returns (Tally memory result) {
        result.wrong = new uint256[](workerCount);
        result.unreachable = new uint256[](workerCount);
    }

    /// @notice Adds one seat's verdicts to the counts of faults.
    function add(Tally memory self, uint256 packed) internal pure {
        for (uint256 i = 0; i < self.wrong.length; i++) {
            _add(self, i, verdictAt(packed, i));
        }
    }

    /// @notice Outcomes over `seats` seats, filled or not. A seat without a reveal counts for nothing.
    function outcomes(Tally memory counted, uint256 seats) internal pure returns (Outcome[] memory list) {
        list = new Outcome[](counted.wrong.length);
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = _outcome(counted.wrong[i], counted.unreachable[i], counted.reveals, seats);
        }
    }

    /// @notice Fewer than half of the seats say nothing.
    function hasQuorum(uint256 reveals, uint256 seats) internal pure returns (bool) {
        return reveals * 2 >= seats;
    }

    function _add(Tally memory self, uint256 index, Verdict verdict) private pure {
        if (verdict == Verdict.Wrong) self.wrong[index]++;
        else if (verdict == Verdict.Unreachable) self.unreachable[index]++;
    }

    function _outcome(
        uint256 wrong,
        uint256 unreachable,
        uint256 reveals,
        uint256 seats
    ) private pure returns (Outcome) {
        if (!hasQuorum(reveals, seats)) return Outcome.NoQuorum;
        if (wrong * 2 > seats) return Outcome.Wrong;
        if ((wrong + unreachable) * 2 > seats) return Outcome.Unreachable;
        return Outcome.Ok;
    }
}
