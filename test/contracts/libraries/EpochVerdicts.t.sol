// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EpochVerdicts, Tally} from "../../../contracts/libraries/EpochVerdicts.sol";
import {Outcome, Verdict} from "../../../contracts/types/MarketTypes.sol";
import {SolidityTest} from "../base/Vm.sol";

contract EpochVerdictsTest is SolidityTest {
    uint256 private constant MAX_ID = (1 << 30) - 1;

    mapping(uint256 seat => uint256) private _seats;

    /// @dev What a draw is made of, written down plainly.
    struct Plain {
        uint256 count;
        uint256[7] ids;
        uint256 excused;
        uint256 revealed;
        uint256 dissent;
        uint256 grouped;
        bool contested;
    }

    /// @dev Whatever is done to a draw, every part of it reads as if it stood alone: no flag touches another, no id.
    function testFuzzPartsOfADrawAreApart(uint256 seed, uint8 rawCount, uint8 excused) external pure {
        Plain memory plain;
        plain.count = _bound(rawCount, 0, 7);
        plain.excused = excused & ((1 << plain.count) - 1);
        uint256[] memory drawn = new uint256[](plain.count);
        for (uint256 i = 0; i < plain.count; i++) {
            uint256 roll = uint256(keccak256(abi.encode(seed, i)));
            plain.ids[i] = roll % 8 == 0 ? MAX_ID : roll & MAX_ID;
            // The account above the id does not matter.
            drawn[i] = ((roll >> 96) << 32) | plain.ids[i];
        }
        _check(!EpochVerdicts.isOpen(0), "closed before");
        uint256 draw = EpochVerdicts.pack(drawn, plain.excused);
        _compare(draw, plain);
        for (uint256 i = 0; i < 12 && plain.count != 0; i++) {
            draw = _change(draw, plain, uint256(keccak256(abi.encode(seed, "change", i))));
            _compare(draw, plain);
        }
    }

    /// @dev Verdicts go in and come out; nothing else is taken for verdicts.
    function testFuzzVerdicts(uint256 roll, uint8 rawCount, uint64 any) external pure {
        uint256 count = _bound(rawCount, 1, 20);
        uint256 packed;
        for (uint256 i = 0; i < count; i++) {
            packed |= ((roll >> (8 * i)) % 3) << (2 * i);
        }
        _check(EpochVerdicts.areVerdicts(packed, count), "verdicts");
        Verdict[] memory list = EpochVerdicts.unpackVerdicts(packed, count);
        _equal(list.length, count, "one for each worker");
        for (uint256 i = 0; i < count; i++) {
            _equal(uint256(list[i]), (roll >> (8 * i)) % 3, "verdict");
        }

        bool valid = uint256(any) >> (2 * count) == 0;
        for (uint256 i = 0; i < 32; i++) {
            if ((any >> (2 * i)) & 3 == 3) valid = false;
        }
        _check(EpochVerdicts.areVerdicts(any, count) == valid, "what verdicts are");
        // One worker too many, or a verdict that there is not.
        _check(!EpochVerdicts.areVerdicts(packed | (1 << (2 * count)), count), "too many");
        _check(!EpochVerdicts.areVerdicts(packed | (3 << (2 * (roll % count))), count), "unknown");
    }

    /// @dev Counts and outcomes against the rule written out a second time, with reports taken away by challenges.
    function testFuzzOutcomes(uint256 roll, uint8 rawSeats, uint8 struck) external {
        uint256 size = 2 * _bound(rawSeats, 0, 3) + 1;
        uint256 draw = EpochVerdicts.pack(new uint256[](size), 0);
        uint256 reveals;
        uint256 wrong;
        uint256 bad;
        for (uint256 i = 0; i < size; i++) {
            uint256 what = (roll >> (i * 8)) % 4;
            // A commitment that was not revealed is no verdict.
            _seats[i] = what == 3 ? roll : what << 2;
            if (what == 3) continue;
            draw = EpochVerdicts.withReveal(draw, i, what != 0);
            if ((struck >> i) & 1 == 1) continue;
            reveals++;
            if (what == 2) wrong++;
            if (what != 0) bad++;
        }
        Tally memory tally = EpochVerdicts.tally(draw, _seats, 2, struck);
        _equal(tally.reveals, reveals, "reveals");
        _equal(tally.wrong[1], wrong, "wrong");
        _equal(tally.wrong[1] + tally.unreachable[1], bad, "not ok");
        Outcome expected = Outcome.Ok;
        if (2 * bad > size) expected = Outcome.Unreachable;
        if (2 * wrong > size) expected = Outcome.Wrong;
        if (2 * reveals < size) expected = Outcome.NoQuorum;
        Outcome[] memory outcomes = EpochVerdicts.outcomes(tally, size);
        _check(outcomes[1] == expected, "outcome");
        _check(outcomes[0] == (2 * reveals < size ? Outcome.NoQuorum : Outcome.Ok), "the other worker's outcome");
    }

    function _change(uint256 draw, Plain memory plain, uint256 roll) private pure returns (uint256) {
        uint256 seat = (roll >> 8) % plain.count;
        uint256 what = roll % 5;
        if (what == 0) {
            plain.contested = true;
            return EpochVerdicts.withContest(draw);
        }
        if (what == 1) {
            plain.excused &= ~(1 << seat);
            return EpochVerdicts.withBacking(draw, seat);
        }
        if (what == 2) {
            plain.grouped |= 1 << seat;
            return EpochVerdicts.withGroup(draw, 1 << seat);
        }
        plain.revealed |= 1 << seat;
        if (what == 4) plain.dissent |= 1 << seat;
        return EpochVerdicts.withReveal(draw, seat, what == 4);
    }

    function _compare(uint256 draw, Plain memory plain) private pure {
        _check(EpochVerdicts.isOpen(draw), "open");
        _check(EpochVerdicts.isContested(draw) == plain.contested, "contested");
        _equal(EpochVerdicts.seatCount(draw), plain.count, "seats");
        _equal(EpochVerdicts.excused(draw), plain.excused, "excused");
        _equal(EpochVerdicts.revealed(draw), plain.revealed, "revealed");
        _equal(EpochVerdicts.grouped(draw), plain.grouped, "grouped");
        _check(EpochVerdicts.isUnanimous(draw) == (plain.dissent == 0), "unanimous");
        uint32[] memory ids = EpochVerdicts.testerIds(draw);
        uint256 revealed;
        for (uint256 i = 0; i < 7; i++) {
            if (i < plain.count) _equal(ids[i], plain.ids[i], "tester id");
            if (EpochVerdicts.hasRevealed(draw, i)) revealed++;
            _check(EpochVerdicts.hasRevealed(draw, i) == ((plain.revealed >> i) & 1 == 1), "a seat's reveal");
            _check(EpochVerdicts.hasDissented(draw, i) == ((plain.dissent >> i) & 1 == 1), "a seat's dissent");
            _check(EpochVerdicts.isGrouped(draw, i) == ((plain.grouped >> i) & 1 == 1), "a seat's group");
        }
        _equal(EpochVerdicts.countFlags(plain.revealed), revealed, "count");
    }
}
