// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Outcome, SeatStatus, Verdict} from "../types/MarketTypes.sol";

/// @dev Who was drawn for an epoch, in one slot: seven tester ids of 32 bits, then 7 bits "excused", 3 bits the number
/// of seats, 1 bit "opened".
struct EpochDraw {
    uint256 packed;
}

/// @dev What one drawn tester did, in one slot. Committed: the upper 208 bits of the commitment. Revealed: the same,
/// 2 bits a worker (40) in the low bits and bit 40 set. 208 bits bind as well as one needs: finding a second report for
/// a commitment takes 2^208 tries, two reports for one commitment 2^104.
struct SeatState {
    uint256 packed;
}

/// @dev The reveals of an epoch, counted.
struct Tally {
    uint32[] testerIds;
    // One bit a seat.
    uint256 revealed;
    uint256 reveals;
    // Verdicts by worker.
    uint256[] wrong;
    uint256[] unreachable;
}

/// @title Draws, commitments and verdicts of an epoch, packed
library EpochVerdicts {
    uint256 private constant ID_BITS = 32;
    uint256 private constant EXCUSED_SHIFT = 224;
    uint256 private constant EXCUSED_MASK = 0x7f;
    uint256 private constant COUNT_SHIFT = 231;
    uint256 private constant COUNT_MASK = 0x7;
    uint256 private constant OPEN_FLAG = 1 << 234;

    uint256 private constant VERDICT_BITS = 2;
    uint256 private constant VERDICT_MASK = 0x3;
    uint256 private constant REVEALED_FLAG = 1 << 40;
    uint256 private constant COMMITMENT_MASK = ~uint256(type(uint48).max);

    function open(EpochDraw storage self, uint32[] memory ids, uint256 excusedBits) internal {
        uint256 packed = OPEN_FLAG | (ids.length << COUNT_SHIFT) | (excusedBits << EXCUSED_SHIFT);
        // At most 7 seats.
        for (uint256 i = 0; i < ids.length; i++) {
            packed |= uint256(ids[i]) << (i * ID_BITS);
        }
        self.packed = packed;
    }

    function isOpen(EpochDraw storage self) internal view returns (bool) {
        return self.packed & OPEN_FLAG != 0;
    }

    function excused(EpochDraw storage self) internal view returns (uint256) {
        return (self.packed >> EXCUSED_SHIFT) & EXCUSED_MASK;
    }

    function testerIds(EpochDraw storage self) internal view returns (uint32[] memory ids) {
        uint256 packed = self.packed;
        ids = new uint32[]((packed >> COUNT_SHIFT) & COUNT_MASK);
        for (uint256 i = 0; i < ids.length; i++) {
            ids[i] = uint32(packed >> (i * ID_BITS));
        }
    }

    /// @return kept False when nothing of the commitment would be kept.
    function commit(SeatState storage self, bytes32 commitment) internal returns (bool kept) {
        uint256 packed = uint256(commitment) & COMMITMENT_MASK;
        self.packed = packed;
        return packed != 0;
    }

    /// @return matches False when the commitment is another one.
    function reveal(
        SeatState storage self,
        bytes32 commitment,
        Verdict[] calldata list
    ) internal returns (bool matches) {
        uint256 packed = self.packed;
        matches = packed == uint256(commitment) & COMMITMENT_MASK;
        packed |= REVEALED_FLAG;
        // At most 20 workers.
        for (uint256 i = 0; i < list.length; i++) {
            packed |= uint256(list[i]) << (i * VERDICT_BITS);
        }
        self.packed = packed;
    }

    function status(SeatState storage self) internal view returns (SeatStatus) {
        uint256 packed = self.packed;
        if (packed == 0) return SeatStatus.Drawn;
        return packed & REVEALED_FLAG == 0 ? SeatStatus.Committed : SeatStatus.Revealed;
    }

    /// @notice The revealed verdicts, none before the reveal.
    function verdicts(SeatState storage self, uint256 workerCount) internal view returns (Verdict[] memory list) {
        uint256 packed = self.packed;
        if (packed & REVEALED_FLAG == 0) return list;
        list = new Verdict[](workerCount);
        for (uint256 i = 0; i < workerCount; i++) {
            list[i] = _verdictAt(packed, i);
        }
    }

    function tally(
        EpochDraw storage draw,
        mapping(uint256 seat => SeatState) storage seats,
        uint256 workerCount
    ) internal view returns (Tally memory result) {
        result.testerIds = testerIds(draw);
        result.wrong = new uint256[](workerCount);
        result.unreachable = new uint256[](workerCount);
        for (uint256 seat = 0; seat < result.testerIds.length; seat++) {
            uint256 packed = seats[seat].packed;
            if (packed & REVEALED_FLAG == 0) continue;
            result.revealed |= 1 << seat;
            result.reveals++;
            for (uint256 i = 0; i < workerCount; i++) {
                Verdict verdict = _verdictAt(packed, i);
                if (verdict == Verdict.Wrong) result.wrong[i]++;
                else if (verdict == Verdict.Unreachable) result.unreachable[i]++;
            }
        }
    }

    /// @notice Outcomes over `seatCount` seats, filled or not. A seat without a reveal counts for nothing.
    function outcomes(Tally memory counted, uint256 seatCount) internal pure returns (Outcome[] memory list) {
        list = new Outcome[](counted.wrong.length);
        for (uint256 i = 0; i < list.length; i++) {
            list[i] = _outcome(counted.wrong[i], counted.unreachable[i], counted.reveals, seatCount);
        }
    }

    function _outcome(
        uint256 wrong,
        uint256 unreachable,
        uint256 reveals,
        uint256 seatCount
    ) private pure returns (Outcome) {
        if (reveals * 2 < seatCount) return Outcome.NoQuorum;
        if (wrong * 2 > seatCount) return Outcome.Wrong;
        if ((wrong + unreachable) * 2 > seatCount) return Outcome.Unreachable;
        return Outcome.Ok;
    }

    function _verdictAt(uint256 packed, uint256 index) private pure returns (Verdict) {
        return Verdict((packed >> (index * VERDICT_BITS)) & VERDICT_MASK);
    }
}
